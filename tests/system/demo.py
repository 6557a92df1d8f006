#!/usr/bin/env python3
"""make demo: six pods, and NetworkPolicies that cut some of their flows and not others.

Every attempt is judged by four witnesses: who tried, who should (not) have received it, the
switch's drop counters, and what `sluicectl explain` says. Exit code 0 only if all of them agree
with what is expected. Everything it starts is gone afterwards, also after a failure or Ctrl-C.
"""
import argparse
import dataclasses
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
from harness import Lab  # noqa: E402
from scenario.cast import MANIFESTS, Cast, http_request  # noqa: E402
from scenario.report import Report, decided_by  # noqa: E402

WEB, CLIENT = "default/web", "default/client"
FRONTEND, DB = "default/frontend", "default/db"
WORKER, STRANGER = "myproject/worker", "other/stranger"


@dataclasses.dataclass
class Attempt:
    source: str
    target: str
    protocol: str
    port: int
    allowed: bool
    family: int = 4


def to_web(allowed):
    """Everybody to the web server; `allowed` names who gets there."""
    rows = [(CLIENT, 4), (CLIENT, 6), (FRONTEND, 4), (DB, 4), (WORKER, 6), (STRANGER, 4)]
    return [Attempt(source, WEB, "tcp", 80, source in allowed, family) for source, family in rows]


def to_db(allowed, other_ports):
    rows = [(FRONTEND, 4), (FRONTEND, 6), (WORKER, 4), (STRANGER, 4), (CLIENT, 4), (WEB, 4)]
    by_source = [Attempt(source, DB, "tcp", 6379, source in allowed, family)
                 for source, family in rows]
    return by_source + [
        Attempt(FRONTEND, DB, "tcp", 6380, other_ports),
        Attempt(FRONTEND, DB, "udp", 6379, other_ports),
        Attempt(FRONTEND, DB, "icmp", 0, other_ports)]


def from_web(allowed):
    return [Attempt(WEB, STRANGER, "tcp", 8080, allowed)]


EVERYBODY = {WEB, CLIENT, FRONTEND, DB, WORKER, STRANGER}
ALL_REACH = to_web(EVERYBODY) + to_db(EVERYBODY, True) + from_web(True)


class Demo:
    def __init__(self, lab, report):
        self.lab = lab
        self.ctl = lab.ctl
        self.cast = Cast(lab)
        self.report = report
        self._tags = 0

    def run(self):
        self.report.step("1: six pods, two of them network namespaces with real TCP stacks")
        self.start()
        self.report.step("2: no policy: all reach")
        self.attempt_all(ALL_REACH)
        connections = self.open_connections()
        self.report.step("3: default-deny.yaml: nobody reaches web, and web reaches nobody")
        self.apply("default-deny.yaml")
        self.check_cut(connections)
        self.attempt_all(to_web(set()) + from_web(False))
        self.report.step("4: access.yaml: access=true reaches web, which answers but may not send")
        self.apply("access.yaml")
        self.attempt_all(to_web({CLIENT}) + from_web(False))
        self.check_reply_under_denied_egress()
        self.report.step("5: db.yaml: role=frontend and project=myprojects reach db on TCP 6379")
        self.apply("db.yaml")
        self.attempt_all(to_db({FRONTEND, WORKER}, False) + to_web({CLIENT}))
        self.report.step("6: all policies removed: all reach")
        self.remove("db.yaml", "access.yaml", "default-deny.yaml")
        self.attempt_all(ALL_REACH)
        self.show_counters()

    def manifest(self, name):
        return os.path.join(MANIFESTS, name)

    def apply(self, name):
        self.ctl.apply(self.manifest(name))

    def remove(self, *names):
        self.ctl.delete(*map(self.manifest, names))

    def enter(self):
        """The objects of the pods, and the pods."""
        self.apply("pods.yaml")
        self.cast.enter()

    def start(self):
        self.lab.start_switch()
        self.enter()
        ports = self.ctl.ports()
        for name, pod in self.cast.pods.items():
            port = ports[pod.port]
            # DPDK sees no link of a tap that moved into another namespace.
            good = port["subject"] == "known" and (port["link_up"] or pod.kind == "tap")
            self.report.expect(f"{name:16} on port {pod.port} ({pod.kind}), known to the switch",
                               [] if good else [str(port)])

    # --- attempts ------------------------------------------------------------------------------

    def attempt_all(self, attempts):
        for attempt in attempts:
            self.attempt(attempt)

    def attempt(self, a):
        tag = self.new_tag()
        drops, arrived = self.ctl.drops(), self.arrivals(a)
        reached = self.cast.reach(a.source, a.target, a.protocol, a.port, a.family, tag)
        drops, arrived = self.new_drops(drops), self.arrivals(a) - arrived
        what = a.protocol if a.protocol == "icmp" else f"{a.protocol}/{a.port}"
        explanation = self.ctl.explain(a.source, a.target, what, a.family)
        problems = self.check_attempt(a, reached, explanation, drops, arrived)
        if a.target == WEB:
            problems += self.check_served(a, tag)
        word = {True: "reach", False: "drop"}
        cells = [a.source, a.target, what, f"v{a.family}", word[a.allowed], word[reached]]
        self.report.attempt(cells, decided_by(explanation), problems)

    def check_attempt(self, a, reached, explanation, drops, arrived):
        """What the sender, the switch and the receiver say that does not fit the expectation."""
        problems = []
        if reached != a.allowed:
            problems.append("it got an answer" if reached else "it got no answer")
        if explanation["verdict"] != ("allow" if a.allowed else "deny"):
            problems.append(f"sluicectl explain says {explanation}")
        port = self.cast.pods[a.source].port
        if a.allowed:
            if arrived < 1:
                problems.append("the receiver saw nothing")
            denied = {k: v for k, v in drops.items() if k[1].startswith("policy_")}
            if denied:
                problems.append(f"the switch dropped {denied}")
        else:
            if arrived:
                problems.append(f"the receiver saw {arrived} packets")
            if not drops.get((port, self.expected_reason(explanation))):
                problems.append(f"no {self.expected_reason(explanation)} drop at {port}: {drops}")
        return problems

    def expected_reason(self, explanation):
        egress = explanation.get("egress")
        return "policy_egress" if egress and egress["verdict"] == "deny" else "policy_ingress"

    def check_served(self, a, tag):
        served = self.cast.served(tag)
        expected = [self.cast.address(a.source, a.family)] if a.allowed else []
        return [] if served == expected else [f"the web server's log has {served}, not {expected}"]

    def arrivals(self, a):
        return self.cast.arrivals(a.source, a.target, a.protocol, a.family)

    def new_drops(self, before):
        """What was dropped since `before`: {(port, reason): packets}."""
        return {key: count - before.get(key, 0) for key, count in self.ctl.drops().items()
                if count != before.get(key, 0)}

    def new_tag(self):
        self._tags += 1
        return f"attempt{self._tags}"

    # --- connections that live through a change ------------------------------------------------

    def open_connections(self):
        """One of sluice-pktgen's and one of a kernel's, both to the web server, both in use."""
        real = self.cast.open_real_connection(CLIENT, WEB, 80)
        answer = real.get_page(self.new_tag())
        size = len(answer or "")  # of the whole answer: nothing of it may be left for the next
        played = self.cast.pktgen.connect(FRONTEND, self.cast.address(WEB), 80, keep=True,
                                          send=http_request(self.new_tag()), expect_bytes=size)

        def get_page(tag):
            return self.cast.pktgen.send(played["connection"], http_request(tag),
                                         expect_bytes=size)["ok"]
        problems = [] if answer and played["ok"] else [f"{answer}, {played}"]
        for name, use in ((FRONTEND, get_page), (CLIENT, real.get_page)):
            if not use(self.new_tag()):
                problems.append(f"no answer to {name}'s second request")
            if not self.tracked(name):
                problems.append(f"sluicectl get connections lacks {name}'s")
        self.report.expect("connections of frontend and client to web stay open, and are tracked",
                           problems)
        return {FRONTEND: get_page, CLIENT: real.get_page}

    def tracked(self, source):
        """Connections of `source` to the web server that the switch knows."""
        return [c for c in self.ctl.json("get", "connections")["connections"]
                if c["initiator"] == self.cast.address(source)
                and c["responder"] == self.cast.address(WEB) and c["state"] == "established"]

    def check_cut(self, connections):
        for source, use in connections.items():
            self.check_cut_one(source, use)

    def check_cut_one(self, source, use):
        tag = self.new_tag()
        drops = self.ctl.drops()
        arrived = self.cast.arrivals(source, WEB, "tcp", 4)
        problems = ["it got an answer"] if use(tag) else []
        dropped = self.new_drops(drops).get((self.cast.pods[source].port, "policy_ingress"), 0)
        arrived = self.cast.arrivals(source, WEB, "tcp", 4) - arrived
        if not dropped:
            problems.append("the switch counted no policy_ingress drop")
        if arrived or self.cast.served(tag):
            problems.append(f"{arrived} segments reached the web server: {self.cast.served(tag)}")
        if self.tracked(source):
            problems.append(f"still tracked: {self.tracked(source)}")
        self.report.expect(f"the connection that {source} had open is cut (policy_ingress drops:"
                           f" {dropped}, arrived at web: {arrived})", problems)

    def check_reply_under_denied_egress(self):
        """The web server may send nothing, and yet its side of an allowed connection passes."""
        ports, drops, tag = self.ctl.ports(), self.ctl.drops(), self.new_tag()
        ok = self.cast.reach(CLIENT, WEB, "tcp", 80, 4, tag)
        after = self.ctl.ports()
        web, client = self.cast.pods[WEB].port, self.cast.pods[CLIENT].port
        sent = after[web]["rx_packets"] - ports[web]["rx_packets"]
        received = after[client]["tx_packets"] - ports[client]["tx_packets"]
        denied = self.new_drops(drops).get((web, "policy_egress"), 0)
        verdict = self.ctl.explain(WEB, CLIENT, "tcp/80")["egress"]
        problems = [] if ok and self.cast.served(tag) else ["curl got no page"]
        if verdict["verdict"] != "deny":
            problems.append(f"web's egress is not denied: {verdict}")
        if denied or not sent or received < sent:
            problems.append(f"web sent {sent} packets, {denied} denied; client received {received}")
        deniers = ", ".join(verdict["policies"])
        self.report.expect(f"web's egress is denied by {deniers}, and its {sent} reply packets"
                           f" reached client (no policy_egress drop)", problems)

    def show_counters(self):
        print("\nthe switch's own count of what it dropped (sluicectl drops):")
        for line in self.ctl.run("drops").splitlines():
            self.report.note(line)
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("make demo needs root: it makes network namespaces", file=sys.stderr)
        return 1
    start = time.monotonic()
    report = Report()
    lab = Lab(arguments.build)
    try:
        with lab:
            Demo(lab, report).run()
    except KeyboardInterrupt as interrupt:
        report.step("interrupted")
        report.expect("the demo runs to its end", [f"it was interrupted: {interrupt}"])
    except Exception:  # whatever it was: say it, clean up, and count it
        report.step("broken off")
        report.expect("the demo runs to its end", [traceback.format_exc()])
    report.step("afterwards")
    report.expect("everything that the demo started is gone", lab.remains())
    print(f"{time.monotonic() - start:.0f} seconds")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
