"""Cases that need no peer: new connections, a SYN flood, many rules against few, memory."""
import dataclasses
import statistics

import peers
import rules
from harness import Lab
from harness.lab import cores
from switches import Sluice

ROUNDS = 5
SECONDS = 0.5


def _load(cmd, count, **more):
    return {"cmd": cmd, "flows": count, "first_port": rules.FIRST_PORT, "ports": rules.PORTS,
            **more}


def _side(lab, build, count=1000, flags=()):
    del build
    _, worker, pods = cores()
    return peers.open_side(lab, pods, Sluice(lab, worker, count, flags))


def _result(name, unit, values, facts, samples, **params):
    return {"name": name, "unit": unit, "value": statistics.median(values), "samples": samples,
            "params": params, "machine": facts}


def show(result):
    values = [s["value"] for s in result["samples"]]
    more = {key: round(value, 3) if isinstance(value, float) else value
            for key, value in result["params"].items()}
    print(f"{result['name']:28} {result['value']:.4g} {result['unit']} [{min(values):.4g} "
          f"{max(values):.4g}]  {more}", flush=True)


def new_udp(build, facts, name):
    """Every packet opens a connection."""
    def opened(delta):
        return delta["connections_created"] / delta["packets"]
    with Lab(build, huge="on") as lab:
        side = _side(lab, build)
        for _ in range(ROUNDS):
            one = peers.sample(side, _load("run", 1, new_every=1), SECONDS, opened)
            one["value"] = one["mpps"] * 1e6
    return _result(name, "connections/s", [s["value"] for s in side.samples], facts, side.samples,
                   rules=1000, cycles=side.median("cycles"), spare=side.median("spare"),
                   path=side.median("path"))


def new_tcp(build, facts, name):
    """Open, send, close: six packets a connection."""
    def opened(delta):
        return 6 * delta["connections_created"] / delta["packets"]
    with Lab(build, huge="on") as lab:
        side = _side(lab, build)
        for _ in range(ROUNDS):
            one = peers.sample(side, _load("exchange", 1, protocol="tcp"), SECONDS, opened)
            one["value"] = one["answer"]["connections_per_second"]
    return _result(name, "connections/s", [s["value"] for s in side.samples], facts, side.samples,
                   rules=1000, cycles=side.median("cycles"), spare=side.median("spare"),
                   path=side.median("path"),
                   lost=sum(s["answer"]["lost"] for s in side.samples))


@dataclasses.dataclass
class SynFlood:
    """31 of 32 packets are SYNs that policy denies; the rest are of 1,000 established flows."""
    of_established: bool  # what is reported: their loss, or the rate of what is denied

    def __call__(self, build, facts, name):
        def denied(delta):
            return delta["drops/policy_ingress"] / (delta["packets"] * 31 / 32)
        load = _load("run", 1000)
        flood = {**load, "denied_of_32": 31, "denied_port": rules.DENIED_PORT}
        with Lab(build, huge="on") as lab:
            side = _side(lab, build)
            for _ in range(ROUNDS):
                one = peers.sample(side, flood, SECONDS, denied, warm={**load, "packets": 1000})
                one["loss"] = one["answer"]["lost"] / max(1, one["answer"]["sent"])
                one["value"] = one["loss"] if self.of_established else one["answer"]["denied_mpps"]
        return _result(name, "share" if self.of_established else "Mpps",
                       [s["value"] for s in side.samples], facts, side.samples, rules=1000,
                       cycles=side.median("cycles"), spare=side.median("spare"),
                       loss=side.median("loss"), path=side.median("path"))


def slowdown(build, facts, name, few=10, many=100_000):
    """Cycles a packet of established traffic with many rules, beside few: 0.02 is 2 % more."""
    load = _load("run", 10_000)
    with Lab(build, huge="on") as one_lab, Lab(build, huge="on") as other_lab:
        sides = [_side(one_lab, build, few), _side(other_lab, build, many)]
        for _ in range(ROUNDS):
            for side in sides:
                peers.sample(side, load, SECONDS, lambda d: 1 - d["classified"] / d["packets"],
                             warm={**load, "packets": 10_000})
    samples = [{"value": b["cycles"] / a["cycles"] - 1, str(few): a, str(many): b}
               for a, b in zip(*(side.samples for side in sides))]
    return _result(name, "share", [s["value"] for s in samples], facts, samples,
                   cycles_few=sides[0].median("cycles"), cycles_many=sides[1].median("cycles"),
                   rate_slowdown=1 - peers.paired(sides[1], sides[0], "mpps"))


def bytes_per_connection(build, facts, name):
    """What the address space grows by for every connection more that the table can hold."""
    def address_space(connections):
        with Lab(build, huge="on") as lab:
            process = lab.start_switch("--connections", str(connections))
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                line = next(line for line in status if line.startswith("VmSize"))
            return int(line.split()[1]) * 1024
    few, many = 1 << 20, 1 << 22
    value = (address_space(many) - address_space(few)) / (many - few)
    return _result(name, "bytes", [value], facts, [{"value": value}], connections=[few, many])


CASES = {
    "slowdown.rules": slowdown,
    "cps.udp": new_udp,
    "cps.tcp": new_tcp,
    "synflood.denied_pps": SynFlood(of_established=False),
    "synflood.established_loss": SynFlood(of_established=True),
    "bytes.connection": bytes_per_connection,
}
