"""`make bench SECTION=curves`: sluiced alone over a range: rate by flows and by rules, latency by
load. plots.py draws what is in here, and what policies cost to compile (section policy)."""
import dataclasses
import statistics

import peers
from harness import Lab
from harness.lab import cores
from peer_cases import established, flows
from switches import Sluice

ROUNDS = 3
SECONDS = 0.5
FLOWS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
RULES = (0, 10, 100, 1_000, 10_000, 100_000)
LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)  # of the highest rate


def _side(lab, count=1000, flags=()):
    _, worker, pods = cores()
    return peers.open_side(lab, pods, Sluice(lab, worker, count, flags))


def _result(name, unit, side, key, facts, **params):
    values = [sample[key] for sample in side.samples]
    return {"name": name, "unit": unit, "value": statistics.median(values),
            "samples": list(side.samples), "machine": facts,
            "params": {**params, "cycles": side.median("cycles"), "spare": side.median("spare")}}


def _sample(side, count):
    """Of established flows."""
    side.samples.clear()
    for _ in range(ROUNDS):
        peers.sample(side, flows(count), SECONDS, established, warm=flows(count, packets=count))


def by_flows(facts, build):
    with Lab(build, huge="on") as lab:
        side = _side(lab, flags=["--connections", str(2 * FLOWS[-1])])
        for count in FLOWS:
            _sample(side, count)
            yield _result(f"curve.flows.{count}", "Mpps", side, "mpps", facts, flows=count,
                          rules=1000)


def by_rules(facts, build, count=10_000):
    for rule_count in RULES:
        with Lab(build, huge="on") as lab:
            side = _side(lab, rule_count)
            _sample(side, count)
            yield _result(f"curve.rules.{rule_count}", "Mpps", side, "mpps", facts, flows=count,
                          rules=rule_count)


@dataclasses.dataclass
class Latency:
    """One way, by stamps in the packets, at shares of the highest rate."""
    flows: int = 1_000

    def __call__(self, facts, build):
        with Lab(build, huge="on") as lab:
            side = _side(lab)
            _sample(side, self.flows)
            most = side.median("mpps") * 1e6
            for load in LOADS:
                side.samples.clear()
                rate = int(load * most)
                for _ in range(ROUNDS):
                    one = peers.sample(side, flows(self.flows, rate_pps=rate, latency=True,
                                                   size=66), SECONDS)
                    for part in ("p50", "p99", "p999"):
                        one[part] = one["answer"]["latency_us"][part]
                yield _result(f"curve.latency.{round(100 * load)}", "us", side, "p99", facts,
                              load=load, pps=rate, p50=side.median("p50"), p999=side.median("p999"))


def measure(build, facts):
    results = []
    for curve in (by_flows, by_rules, Latency()):
        for one in curve(facts, build):
            print(f"{one['name']:28} {one['value']:.4g} {one['unit']}  "
                  f"{ {k: round(v, 3) for k, v in one['params'].items()} }", flush=True)
            results.append(one)
    return results
