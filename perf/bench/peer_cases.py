"""The cases of `make bench SECTION=peers`: who, what is sent, what it is called in the results."""
import dataclasses

import ovs
import own_cases
import peers
import rules
import traffic
from harness import Lab
from harness.lab import cores
from switches import Sluice, Testpmd

ROUNDS = 5
SECONDS = 0.5
_LARGE = 1_000_000  # flows beyond which sluiced's table is made larger


def established(delta):
    """Share of the packets that belonged to a connection: all but those asked of the tries."""
    return 1 - delta["classified"] / delta["packets"]


def opened(delta):
    """Share of the packets that opened a connection."""
    return delta["connections_created"] / delta["packets"]


def flows(count, **more):
    return {"cmd": "run", "flows": count, "first_port": rules.FIRST_PORT, "ports": rules.PORTS,
            **more}


@dataclasses.dataclass
class Beside:
    """Traffic through sluiced, with `count` rules in force, and through a peer."""
    peer: object = Testpmd  # (lab, core) -> the switch
    count: int = 1000
    flows: int = 10_000
    virtio: str = traffic.SPLIT
    size: int = 64
    segment: int = 0  # frames are for the peer to cut
    new: bool = False  # every packet is a new connection
    ports: int = rules.PORTS  # of the receiver, that flows go to
    note: str = ""

    def __call__(self, build, facts, name, rounds=ROUNDS):
        _, worker, pods = cores()
        more = ["--connections", str(2 * self.flows)] if self.flows >= _LARGE else []
        how = {"virtio": self.virtio, "frame_most": max(1514, self.size - 4)}
        if self.segment:
            how["more"] = ["--tso"]
        with Lab(build, huge="on") as lab:
            switch = Sluice(lab, worker, self.count, more, mtu=9000 if self.size > 1518 else 1500)
            sides = [peers.open_side(lab, pods, switch, **how),
                     peers.open_side(lab, pods, self.peer(lab, worker), **how)]
            for _ in range(rounds):
                for side in sides:
                    self._sample(side)
        params = {"rules": self.count, "flows": self.flows, "bytes": self.size, "note": self.note,
                  "rings": "packed" if self.virtio == traffic.PACKED else "split"}
        return peers.result(name, *sides, facts, params)

    def _sample(self, side):
        if self.new:
            load = flows(1, size=self.size, new_every=1)
            peers.sample(side, load, SECONDS, opened)
            return
        load = flows(self.flows, size=self.size, ports=self.ports)
        warm = {**load, "packets": self.flows}
        if self.segment:
            load.update(protocol="tcp", segment=self.segment)
            warm = {**load, "cmd": "open", "seconds": 1}
        peers.sample(side, load, SECONDS, established, warm=warm)


def ovs_ct(lab, core):
    return ovs.Ovs(lab, core, 1000)


_NO_SETTING = "a new connection a packet: sluiced has no setting that asks the tries for all packets"
CASES = {
    "ratio.io.split.10k": Beside(),
    "ratio.io.packed.10k": Beside(virtio=traffic.PACKED),
    "ratio.io.split.1m": Beside(flows=1_000_000),
    # So many flows need more ports, and for those there are more rules.
    "ratio.io.split.10m": Beside(flows=10_000_000, count=2000, ports=2 * rules.PORTS),
    "ratio.io.split.1518b": Beside(size=1518),
    "ratio.io.split.9000b": Beside(size=9014, flows=1000, segment=1448),
    "ratio.io.stateless.1k": Beside(new=True, note=_NO_SETTING),
    "ratio.io.stateless.10k": Beside(new=True, count=10_000, note=_NO_SETTING),
    "ratio.ovs_l2": Beside(peer=ovs.Ovs, count=0),
    "ratio.ovs_ct": Beside(peer=ovs_ct, flows=100_000),
    **own_cases.CASES,
}


def measure(build, facts, only=""):
    """All cases whose name begins with `only`."""
    results = []
    for name, case in CASES.items():
        if not name.startswith(only):
            continue
        if "ovs" in name and not ovs.installed():
            print(f"{name:28} skipped: openvswitch-switch-dpdk is not installed")
            continue
        results.append(case(build, facts, name))
        (peers.show if "peer" in results[-1]["params"] else own_cases.show)(results[-1])
    return results
