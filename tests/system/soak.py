#!/usr/bin/env python3
"""make soak: traffic that must pass and traffic that must not, under churning policies and ports.

Every round changes the policy for one pod, adds and deletes a port, and then holds that a reaches
b, that c does exactly what the policy of the moment says, and that the switch's memory does not
grow.
Counts each round as a case; the last line is `N passed, N failed`.
"""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
from harness import Lab, LabError  # noqa: E402
from harness.manifests import make_pod, pod_object, policy  # noqa: E402
from scenario.report import Report  # noqa: E402

# Memory may settle for this many rounds; from then on it may grow by this much.
SETTLING_ROUNDS = 20
GROWTH_KB = 16 * 1024


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def admit(*names):
    """b takes connections from pods labelled with one of `names`, and from nobody else."""
    peers = [{"podSelector": {"matchLabels": {"name": name}}} for name in names]
    return policy("b-admits", {"podSelector": {"matchLabels": {"name": "b"}},
                               "ingress": [{"from": peers}]})


class Soak:
    def __init__(self, lab, report):
        self.lab, self.ctl, self.report = lab, lab.ctl, report
        self.a, self.b, self.c = make_pod("a", 1), make_pod("b", 2), make_pod("c", 3)
        self.settled_kb = None

    def start(self):
        self.lab.start_switch()
        pods = [self.a, self.b, self.c]
        self.lab.apply(*(pod_object(pod, name=pod.name.split("/")[1]) for pod in pods))
        for pod in pods:
            self.lab.add_port(pod)
        self.pktgen = self.lab.start_pktgen(pods)
        self.pktgen.listen(self.b.name, 7)
        opened = self.pktgen.connect(self.a.name, self.b.addresses[0], 7, keep=True)
        self.kept = opened["connection"]

    def round(self, number):
        c_admitted = number % 2 == 0
        self.lab.apply(admit("a", "c") if c_admitted else admit("a"))
        spare = make_pod("spare", 10 + number % 100)
        self.lab.apply(pod_object(spare))
        self.lab.add_port(spare)
        problems = self.check(number, c_admitted)
        self.ctl.delete_port(spare.port)
        if os.path.exists(spare.socket):
            problems.append(f"{spare.socket} is still there")
        self.report.expect(f"round {number}", problems)

    def check(self, number, c_admitted):
        family = number // 2 % 2
        to = self.b.addresses[family]
        problems = []
        if not self.pktgen.connect(self.a.name, to, 7)["ok"]:
            problems.append("a does not reach b")
        if not self.pktgen.send(self.kept, "still here")["ok"]:
            problems.append("the connection that a kept open was cut")
        wait_ms = 1000 if c_admitted else 300
        if self.pktgen.connect(self.c.name, to, 7, timeout_ms=wait_ms)["ok"] != c_admitted:
            problems.append(f"c {'does not reach' if c_admitted else 'reaches'} b")
        return problems + self.check_memory(number)

    def finish(self):
        """Nobody sends any more: every packet buffer has to be back."""
        def all_back():
            return self.ctl.status()["buffers_in_use"] == 0
        problems = []
        try:
            self.lab.wait_until(all_back, "packet buffers are back", timeout=20)
        except LabError:
            problems.append(f"{self.ctl.status()['buffers_in_use']} packet buffers are not back")
        self.report.expect("all packet buffers are back", problems)

    def check_memory(self, number):
        used = resident_kb(self.lab.switch.pid)
        if number <= SETTLING_ROUNDS:
            self.settled_kb = used
            return []
        grown = used - self.settled_kb
        return [f"sluiced grew by {grown} kB"] if grown > GROWTH_KB else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    report = Report()
    report.step(f"soak: {arguments.seconds:.0f} seconds")
    with Lab(arguments.build) as lab:
        soak = Soak(lab, report)
        soak.start()
        end, number = time.monotonic() + arguments.seconds, 0
        while time.monotonic() < end:
            number += 1
            soak.round(number)
        soak.finish()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
