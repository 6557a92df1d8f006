"""How long packets take through a running switch, at half of its rate: when nothing changes, while a
set of 10,000 rules is put in the place of another every second, and while 1,000 pods a second get
other labels.

The rate is half of what the quiet switch delivered. Rounds take turns. The generator measures
packets that did not wait for itself (perf/pktgen/README.md, blast).
"""
import json
import os
import statistics
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from harness import Lab  # noqa: E402
from harness.manifests import make_pod, pod_object, policy  # noqa: E402
from harness.pktgen import Pod  # noqa: E402

RULES = 10_000
EVENTS = 1_000  # pods that change, a second
FLOWS = 1_000
CASES = ("quiet", "swap", "pods")
QUANTILES = ("p50", "p99", "p999", "max")


def rules(first):
    """A policy of b that admits a by one rule of 10,000 and half the crowd by another; the rest
    admit addresses elsewhere."""
    others = [{"from": [{"ipBlock": {"cidr": f"172.{16 + n // 65536}.{n // 256 % 256}.{n % 256}/32"}}],
               "ports": [{"protocol": "UDP", "port": first + n % 2}]} for n in range(RULES - 2)]
    admits = [{"from": [{"podSelector": {"matchLabels": labels}}]}
              for labels in ({"name": "a"}, {"generation": "1"})]
    return policy("rules", {"podSelector": {"matchLabels": {"name": "b"}},
                            "ingress": [*admits, *others]})


def crowd(generation):
    return [pod_object(Pod(f"default/crowd{n}", "", [f"10.22.{n >> 8}.{n & 255}"]),
                       generation=str((generation + n) % 2)) for n in range(EVENTS)]


class Changes:
    def __init__(self, lab):
        self.lab = lab
        lab.start_switch(idle_sleep_us=0)
        self.a, self.b = make_pod("a", 1), make_pod("b", 2)
        lab.apply(*(pod_object(pod, name=pod.name[-1]) for pod in (self.a, self.b)))
        for pod in (self.a, self.b):
            lab.add_port(pod)
        self.pktgen = lab.start_pktgen([self.a, self.b])
        self.files = {"swap": [lab.write_manifest(f"rules{n}.json", rules(1000 + n))
                               for n in range(2)],
                      "pods": [lab.write_manifest(f"pods{n}.json", *crowd(n)) for n in range(2)]}
        lab.ctl.apply(self.files["swap"][0])
        lab.ctl.apply(self.files["pods"][0])

    def blast(self, seconds, rate_pps, latency=True):
        return self.pktgen.call("blast", wait=seconds + 30, pod=self.a.name, port=9, size=64,
                                to=self.b.addresses[0], flows=FLOWS, seconds=seconds,
                                rate_pps=rate_pps, latency=latency)

    def sample(self, case, seconds, rate_pps):
        """What the generator says; while it runs, `case` happens once a second."""
        ended, changes = threading.Event(), []

        def change():
            while not ended.is_set():
                began = time.monotonic()
                self.lab.ctl.apply(self.files[case][(len(changes) + 1) % 2])
                changes.append(time.monotonic() - began)
                ended.wait(max(0, 1 - changes[-1]))
        thread = threading.Thread(target=change)
        if case != "quiet":
            thread.start()
        answer = self.blast(seconds, rate_pps)
        ended.set()
        if case != "quiet":
            thread.join()
        answer["changes"] = changes
        return answer


def measure(build, facts, rounds, seconds):
    with Lab(build) as lab:
        changes = Changes(lab)
        rate = int(changes.blast(seconds, 0, latency=False)["mpps"] * 1e6 / 2)
        samples = {case: [] for case in CASES}
        for _ in range(rounds):
            for case in CASES:
                samples[case].append(changes.sample(case, seconds, rate))
    return [result(case, samples, rate, facts) for case in CASES]


def result(case, samples, rate, facts):
    def median(what, of=case):
        return statistics.median(what(sample) for sample in samples[of])
    quantiles = {q: median(lambda s, q=q: s["latency_us"].get(q, float("nan"))) for q in QUANTILES}
    def delivered(sample):
        return sample["received"] / sample["seconds"]
    return {"name": f"latency.p99.{case}", "unit": "us", "value": quantiles["p99"],
            "samples": samples[case], "machine": facts,
            "params": {**quantiles, "rate_pps": rate, "rules": RULES,
                       "rate_beside_quiet": median(delivered) / median(delivered, "quiet"),
                       "lost": sum(s["lost"] for s in samples[case]),
                       "sent": sum(s["sent"] for s in samples[case]),
                       "changes": sum(len(s["changes"]) for s in samples[case])}}


def show(results):
    print(f"{'case':30} {'p50':>7} {'p99':>7} {'p999':>7} {'max':>8} us  rate beside quiet"
          f"  changes   lost of")
    for r in results:
        p = r["params"]
        print(f"{r['name']:30} {p['p50']:7.1f} {p['p99']:7.1f} {p['p999']:7.1f} {p['max']:8.1f}"
              f"     {p['rate_beside_quiet']:16.2f}  {p['changes']:7}  {p['lost']:6} {p['sent']}")


if __name__ == "__main__":  # for a quick look
    answer = measure(sys.argv[1] if len(sys.argv) > 1 else "build", {}, 2, 4)
    show(answer)
    print(json.dumps([s["latency_us"] for r in answer for s in r["samples"]]))
