#!/usr/bin/env python3
"""make bench: what the switch forwards, with and without policies, between two vhost-user pods.

Writes a list of {name, unit, value, samples, params, machine}: value is the median of the samples.
Cases take turns (A B C A B C ...), so that a slow spell of the machine hits all of them; each
sample carries the machine's CPU pressure of its time. The packet generator and both its pods run
on one core: it may be the bottleneck, so the ratio beside "no policy" says more than the rate.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
sys.dont_write_bytecode = True
import changes  # noqa: E402
import curves  # noqa: E402
import idle_ports  # noqa: E402
import peer_cases  # noqa: E402
import table  # noqa: E402
from harness import Lab, cores, free_huge_pages  # noqa: E402
from harness.manifests import make_pod, pod_object, policy as network_policy  # noqa: E402

CASES = [  # policies, flows, bytes
    (0, 1, 64), (0, 1000, 64), (100, 1, 64), (100, 1000, 64), (1000, 1000, 64), (0, 1, 1500),
]


def policies(count):
    """`count` policies that isolate b; the last one admits a, the rest somebody else."""
    def admits(number, peer):
        spec = {"podSelector": {"matchLabels": {"name": "b"}},
                "ingress": [{"from": [{"podSelector": {"matchLabels": peer}}],
                             "ports": [{"protocol": "UDP", "port": 1 + number, "endPort": 65535}]}]}
        return network_policy(f"p{number}", spec)
    others = [admits(n, {"name": f"other{n}"}) for n in range(count - 1)]
    return others + [admits(0, {"name": "a"})] if count else []


class Bench:
    def __init__(self, lab):
        self.lab = lab
        self.installed = []

    def start(self):
        self.lab.start_switch(idle_sleep_us=0)
        self.a, self.b = make_pod("a", 1), make_pod("b", 2)
        self.lab.apply(*(pod_object(pod, name=pod.name[-1]) for pod in (self.a, self.b)))
        for pod in (self.a, self.b):
            self.lab.add_port(pod)
        self.pktgen = self.lab.start_pktgen([self.a, self.b])

    def install(self, count):
        if self.installed:
            self.lab.ctl.delete(self.lab.write_manifest("old.json", *self.installed))
        self.installed = policies(count)
        if self.installed:
            self.lab.apply(*self.installed)

    def sample(self, case, seconds):
        count, flows, size = case
        self.install(count)
        answer = self.pktgen.call("blast", wait=seconds + 30, pod=self.a.name, port=9, size=size,
                                  to=self.b.addresses[0], flows=flows, seconds=seconds,
                                  rate_pps=0)
        if not answer["received"]:
            raise RuntimeError(f"nothing arrived: {answer}")
        return {"value": answer["received"] / seconds / 1e6, "sent": answer["sent"],
                "received": answer["received"], "cpu_pressure": cpu_pressure()}


def cpu_pressure():
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as file:
            return file.readline().split()[1]
    except OSError:
        return "unknown"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                     "unknown")
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "worker_core": cores()[1], "pod_core": cores()[2],
            "free_huge_pages": free_huge_pages()}


def result(case, samples, facts):
    count, flows, size = case
    return {"name": f"vhost_to_vhost/policies:{count}/flows:{flows}/bytes:{size}", "unit": "Mpps",
            "value": statistics.median(s["value"] for s in samples), "samples": samples,
            "params": {"policies": count, "flows": flows, "bytes": size}, "machine": facts}


def run(program, facts):
    """The figures of a program that prints a line of JSON for each."""
    lines = subprocess.run([program], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    results = [dict(json.loads(line), machine=facts) for line in lines if line.startswith("{")]
    for r in results:
        print(f"{r['name']:52} {r['value']:9.4g} {min(r['samples']):9.4g} "
              f"{max(r['samples']):9.4g}  {r['unit']}")
    return results


def micro(build, facts):
    """What a change costs established traffic: see perf/micro/change_bench.cc."""
    return run(os.path.join(build, "perf/micro/change_bench"), facts)


def inspect(build, facts):
    """What rules that look into connections cost, and the event log: see
    perf/micro/{inspect,log}_bench.cc."""
    return run(os.path.join(build, "perf/micro/inspect_bench"), facts) + run(
        os.path.join(build, "perf/micro/log_bench"), facts)


def policy(build, facts):
    """What policies cost to load, to prove, to change: see perf/policy/policy_bench.cc."""
    return run(os.path.join(build, "perf/policy/policy_bench"), facts)


def show(results):
    base = {(r["params"]["flows"], r["params"]["bytes"]): r["value"] for r in results
            if r["params"]["policies"] == 0}
    print(f"{'case':52} {'Mpps':>6} {'min':>6} {'max':>6}  beside no policy")
    for r in results:
        values = [s["value"] for s in r["samples"]]
        ratio = r["value"] / base[r["params"]["flows"], r["params"]["bytes"]]
        rates = f"{r['value']:6.2f} {min(values):6.2f} {max(values):6.2f}"
        print(f"{r['name']:52} {rates}  {ratio:.2f}")


def write(results, path):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--output", default="perf/results/latest.json")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--section", choices=["all", "curves", "inspect", "peers", "policy"],
                        default="all")
    parser.add_argument("--only", default="", help="cases of peers that begin so")
    arguments = parser.parse_args()
    facts = machine()
    sections = {"curves": curves.measure, "inspect": inspect, "policy": policy,
                "peers": lambda build, facts: peer_cases.measure(build, facts, arguments.only)}
    if arguments.section in sections:
        write(sections[arguments.section](arguments.build, facts), arguments.output)
        return 0
    samples = {case: [] for case in CASES}
    with Lab(arguments.build) as lab:
        bench = Bench(lab)
        bench.start()
        facts["huge_pages"] = lab.ctl.status()["huge_pages"]
        for _ in range(arguments.rounds):
            for case in CASES:
                samples[case].append(bench.sample(case, arguments.seconds))
    results = [result(case, samples[case], facts) for case in CASES]
    show(results)
    of_idle_ports = idle_ports.measure(arguments.build, facts, 3, arguments.seconds)
    idle_ports.show(of_idle_ports)
    results += of_idle_ports
    of_changes = changes.measure(arguments.build, facts, 3, 5 * arguments.seconds)
    changes.show(of_changes)
    results += of_changes
    results += micro(arguments.build, facts) + inspect(arguments.build, facts)
    of_the_table = table.measure(arguments.build, facts)
    table.show(of_the_table)
    results += of_the_table
    write(results + policy(arguments.build, facts), arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
