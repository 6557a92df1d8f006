"""The cases of `make bench SECTION=peers`: who, what is sent, what it is called in the results."""
import ovs
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


def flows(count):
    return {"cmd": "run", "flows": count, "first_port": rules.FIRST_PORT, "ports": rules.PORTS}


def beside(build, facts, name, make_peer, count=1000, of=10_000, virtio=traffic.SPLIT, rounds=ROUNDS,
           no_policy=False):
    """Established traffic of `of` flows under `count` rules, beside a peer."""
    _, worker, pods = cores()
    more = ["--connections", str(2 * of)] if of >= _LARGE else []
    if of > 4 * _LARGE:
        more += ["--memory", "6144"]
    with Lab(build, huge="on") as lab:
        ours = peers.open_side(lab, pods, Sluice(lab, worker, 0 if no_policy else count, more),
                               virtio=virtio)
        theirs = peers.open_side(lab, pods, make_peer(lab, worker), virtio=virtio)
        for _ in range(rounds):
            for side in (ours, theirs):
                load = flows(of)
                peers.sample(side, load, SECONDS, established, warm={**load, "packets": of})
    params = {"rules": 0 if no_policy else count, "flows": of, "bytes": 64,
              "rings": "packed" if virtio == traffic.PACKED else "split"}
    return peers.result(name, ours, theirs, facts, params)


CASES = {
    "ratio.io.split.10k": lambda build, facts, name: beside(build, facts, name, Testpmd),
    "ratio.io.packed.10k": lambda build, facts, name: beside(
        build, facts, name, Testpmd, virtio=traffic.PACKED),
    "ratio.ovs_l2": lambda build, facts, name: beside(
        build, facts, name, ovs.Ovs, no_policy=True),
    "ratio.ovs_ct": lambda build, facts, name: beside(
        build, facts, name, lambda lab, core: ovs.Ovs(lab, core, 1000), of=100_000),
    "ratio.io.split.1m": lambda build, facts, name: beside(
        build, facts, name, Testpmd, of=1_000_000),
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
        peers.show(results[-1])
    return results
