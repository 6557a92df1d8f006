"""The connection table beside rte_hash: runs perf/micro/connection_bench and makes results of it.

A result's value is the median of the repetitions in TSC cycles a key; params hold the peer's and
the ratio (below 1: ours is faster). Repetitions of all cases are interleaved.
"""
import json
import os
import statistics
import subprocess

REPETITIONS = 5


def measure(build, facts):
    program = os.path.join(build, "perf", "micro", "connection_bench")
    done = subprocess.run(
        [program, "--benchmark_format=json", "--benchmark_min_time=0.05",
         f"--benchmark_repetitions={REPETITIONS}",
         "--benchmark_enable_random_interleaving=true"],
        check=True, stdout=subprocess.PIPE)
    samples = {}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        if run.get("error_occurred"):
            raise RuntimeError(f"{run['name']}: {run['error_message']}")
        what, whose, *case = run["run_name"].split("/")
        samples.setdefault((what, *case), {}).setdefault(whose, []).append(run["cycles"])
    return [result(case, by_table, facts) for case, by_table in samples.items()]


def result(case, samples, facts):
    ours = statistics.median(samples["ours"])
    peer = statistics.median(samples["rte_hash"])
    what, entries, burst = case
    return {"name": "connection_table/" + "/".join(case), "unit": "cycles", "value": ours,
            "samples": [{"value": value} for value in samples["ours"]],
            "params": {"what": what, "entries": int(entries.split(":")[1]),
                       "burst": int(burst.split(":")[1]), "rte_hash": peer,
                       "ratio": ours / peer}, "machine": facts}


def show(results):
    print(f"{'case':52} {'ours':>6} {'min':>6} {'max':>6}  rte_hash  ratio")
    for r in results:
        values = [s["value"] for s in r["samples"]]
        print(f"{r['name']:52} {r['value']:6.0f} {min(values):6.0f} {max(values):6.0f}"
              f"  {r['params']['rte_hash']:8.0f}  {r['params']['ratio']:5.2f}")
