"""Sluice beside the switches it is compared with: the same generator, in turn, on the same ports.

A case names who takes part and what is sent. Its rounds go over all of them (A B A B ...). A sample
that was disturbed (noise.py) is taken again. Of each pair there is a ratio of rates, which counts
only if the switch was what bounded the rate: its own polls found packets nearly always, and the
generator had time to spare. Otherwise the ratio of busy cycles a packet stands: `by` says which.
"""
import dataclasses
import statistics
import time

import noise
import traffic

SWITCH_EMPTY_MOST = 0.01  # of sluiced's cycles in turns without a packet
PEER_EMPTY_MOST = 0.10  # of a peer's, which count less of a turn as busy
GENERATOR_SPARE_LEAST = 0.10
PATH_LEAST = 0.95  # of the packets took the path that the case names
TRIES = 8


class BenchError(Exception):
    pass


@dataclasses.dataclass
class Side:
    """One switch with its generator."""
    switch: object
    generator: traffic.Traffic
    samples: list = dataclasses.field(default_factory=list)

    def median(self, what):
        return statistics.median(sample[what] for sample in self.samples)


def open_side(lab, core, switch, **how):
    """`how`: of traffic.Traffic."""
    switch.resume()
    side = Side(switch, traffic.Traffic(lab, core, switch.sockets, **how))
    lab.wait_until(lambda: _greet(side.generator), f"{switch.name} forwards", 60)
    switch.pause()
    return side


def _greet(generator):
    """Both ends are heard once, so that switches learn where they are."""
    answer = generator.call("run", packets=1, reply=True, first_port=2000)
    return answer["received"] == 1 and answer["replies_received"] == 1


def sample(side, fields, seconds, path=None, warm=None):
    """One undisturbed sample; the least disturbed of TRIES, if none is. `fields` are of the
    generator's command; `warm` those of one before it; `path(delta)` the share of the packets that
    took the path of the case."""
    taken = []
    while len(taken) < TRIES:
        side.switch.resume()
        try:
            if warm:
                side.generator.call(**warm)
            taken.append(_one(side, fields, seconds, path))
        finally:
            side.switch.pause()
        if taken[-1]["noise"]["run_delay"] < noise.MOST_DELAY:
            break
        time.sleep(seconds)  # others get the cores now, so they need not take them in a sample
    best = min(taken, key=lambda one: one["noise"]["run_delay"])
    best["disturbed"] = len(taken) - 1
    side.samples.append(best)
    return best


def _one(side, fields, seconds, path):
    before = side.switch.counters()
    disturbance = noise.Noise([side.switch.thread, side.generator.thread])
    answer = side.generator.call(**fields, seconds=seconds)
    heard = disturbance.read()
    after = side.switch.counters()
    delta = {key: value - before.get(key, 0) for key, value in after.items()}
    _check(side, answer)
    if not delta["packets"]:
        raise BenchError(f"{side.switch.name} counted no packet: {answer}")
    one = {"mpps": answer.get("mpps", 0), "seconds": answer["seconds"],
           "cycles": delta["busy_cycles"] / delta["packets"], "spare": answer["spare"], "noise": heard, "answer": answer}
    # Counters are read before and after: the empty turns around the load are not counted here.
    one["empty"] = max(0, 1 - delta["busy_cycles"] / (answer["seconds"] * tsc_hz()))
    if path and side.switch.name == "sluiced":
        one["path"] = path(delta)
        if one["path"] < PATH_LEAST:
            raise BenchError(f"{fields}: only {one['path']:.3f} of the packets took the path: {delta}")
    return one


def tsc_hz():
    """Of the time-stamp counter, as the kernel tells it."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        mhz = next(line for line in file if line.startswith("bogomips")).split(":")[1]
    return float(mhz) * 1e6 / 2


def _check(side, answer):
    """What arrived is what was sent, flow by flow, but for the packets that were lost."""
    if answer.get("unexpected") or answer.get("flows_over"):
        raise BenchError(f"{side.switch.name}: packets arrived that nobody sent: {answer}")
    if answer.get("denied_received"):
        raise BenchError(f"{side.switch.name}: denied packets arrived: {answer}")


def paired(ours, peer, what):
    """Median over the rounds: the machine's speed may change between two of them."""
    return statistics.median(a[what] / b[what] for a, b in zip(ours.samples, peer.samples))


def ratio(ours, peer):
    """(value, "rate" or "cycles")"""
    bound = (ours.median("empty") < SWITCH_EMPTY_MOST and
             peer.median("empty") < PEER_EMPTY_MOST and
             min(ours.median("spare"), peer.median("spare")) > GENERATOR_SPARE_LEAST)
    if bound:
        return paired(ours, peer, "mpps"), "rate"
    return 1 / paired(ours, peer, "cycles"), "cycles"


def result(name, ours, peer, facts, params):
    value, by = ratio(ours, peer)
    def told(side):
        return {"mpps": side.median("mpps"), "cycles": side.median("cycles"),
                "spare": side.median("spare"), "empty": side.median("empty"),
                **({"path": side.median("path")} if "path" in side.samples[0] else {})}
    return {"name": name, "unit": "ratio", "value": value, "machine": facts,
            "samples": [{"ours": a, peer.switch.name: b}
                        for a, b in zip(ours.samples, peer.samples)],
            "params": {**params, "by": by, "peer": peer.switch.name, "ours": told(ours),
                       "theirs": told(peer),
                       "rate_ratio": paired(ours, peer, "mpps"),
                       "cycles_ratio": 1 / paired(ours, peer, "cycles")}}


def show(r):
    ours, theirs = r["params"]["ours"], r["params"]["theirs"]
    rates = [s["ours"]["mpps"] for s in r["samples"]]
    peers = [next(v for k, v in s.items() if k != "ours")["mpps"] for s in r["samples"]]
    print(f"{r['name']:28} {r['value']:5.2f} by {r['params']['by']:6}  "
          f"sluiced {ours['mpps']:6.2f} Mpps [{min(rates):.2f} {max(rates):.2f}] "
          f"{ours['cycles']:5.0f} cycles, empty {ours['empty']:5.1%}, spare "
          f"{ours['spare']:4.0%}; {r['params']['peer']} {theirs['mpps']:6.2f} "
          f"[{min(peers):.2f} {max(peers):.2f}] {theirs['cycles']:5.0f} cycles, empty "
          f"{theirs['empty']:5.1%}, spare {theirs['spare']:4.0%}  (rates {r['params']['rate_ratio']:.2f}, cycles "
          f"{r['params']['cycles_ratio']:.2f})", flush=True)
