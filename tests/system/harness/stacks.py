"""Pods with the kernel's own TCP/IP on every kind of port that has one, under policy.

Two servers and two clients, one of each on a tap and one on an af-packet port, and a stranger. The
policies: a server admits clients on the ports it serves and may send nothing by itself; so whatever
passes is allowed in one direction and a reply in the other. One switch for all tests of a class.
"""
import itertools
import json
import os
import re
import subprocess
import sys
import unittest

from harness.case import needs_root
from harness.lab import Lab
from harness.manifests import pod_object, policy

HTTP, IPERF = 80, 5201
HERE = os.path.dirname(__file__)
STREAM_CLIENT = os.path.join(HERE, "stream_client.py")
STREAM_ECHO = os.path.join(HERE, "stream_echo.py")
CAST = [  # name, kind of port, role
    ("tap-server", "tap", "server"), ("veth-server", "af-packet", "server"),
    ("tap-client", "tap", "client"), ("veth-client", "af-packet", "client"),
    ("stranger", "af-packet", "stranger"),
]
PAIRS = [(client, server) for client in ("tap-client", "veth-client")
         for server in ("tap-server", "veth-server")]
WAYS = list(itertools.product(PAIRS, (4, 6)))
SERVERS = {"matchLabels": {"role": "server"}}
CLIENTS = [{"podSelector": {"matchLabels": {"role": "client"}}}]
SERVE = policy("servers-admit-clients", {
    "podSelector": SERVERS, "policyTypes": ["Ingress", "Egress"],
    "ingress": [{"from": CLIENTS, "ports": [{"port": HTTP}, {"port": IPERF},
                                            {"port": IPERF, "protocol": "UDP"},
                                            {"port": HTTP, "protocol": "SCTP"}]}]})
_SECONDS_DENIED = 0.8  # how long an attempt that must fail is given


@needs_root
class StackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.enterClassContext(cls.lab)
        cls.ctl = cls.lab.ctl
        cls.lab.start_switch()
        cls.pods = {}
        for number, (name, kind, role) in enumerate(CAST, start=1):
            cls.add_pod(name, kind, number, role=role)
        cls.lab.apply(SERVE)

    @classmethod
    def add_pod(cls, name, kind, number, **labels):
        pod = cls.lab.make_network_pod(
            f"default/{name}", kind, f"02:00:00:00:03:{number:02x}",
            [f"10.30.0.{number}/24", f"fd00:30::{number}/64"])
        cls.lab.apply(pod_object(pod, **labels))
        cls.lab.add_port(pod)
        cls.pods[name] = pod
        return pod

    @classmethod
    def serve_http(cls, pod, directory):
        log = cls.lab.path(f"{pod}-http.log")
        server = cls.pods[pod].start(log, sys.executable, "-u", "-m", "http.server", str(HTTP),
                                     "--bind", "::", "--directory", directory)
        cls.lab.own(server)
        server.wait_for_log("Serving HTTP", 20)

    def setUp(self):
        self.drops_before = self.ctl.drops()

    # --- what pods do --------------------------------------------------------------------------

    def address(self, pod, family=4):
        return self.pods[pod].addresses[0 if family == 4 else 1]

    def url(self, pod, family, path=""):
        address = self.address(pod, family)
        return f"http://{f'[{address}]' if family == 6 else address}:{HTTP}/{path}"

    def curl(self, pod, *words, seconds=60):
        return self.pods[pod].run("curl", "-sS", "-g", "--noproxy", "*", "--max-time",
                                  str(seconds), *words, check=False, timeout=seconds + 20)

    def connects(self, pod, to, family=4, port=HTTP):
        """Whether the kernel completes a TCP handshake, given what a denied one is given."""
        command = [sys.executable, STREAM_CLIENT, self.address(to, family), str(port),
                   str(_SECONDS_DENIED)]
        answer = subprocess.run(self.pods[pod].command(*command), text=True, capture_output=True,
                                stdin=subprocess.DEVNULL, timeout=30, check=False)
        return json.loads(answer.stdout)["connected"]

    # --- what must (not) have happened ---------------------------------------------------------

    def new_drops(self):
        """{(pod, reason): packets} since the test, or the last call, began."""
        now = self.ctl.drops()
        new = {(port.removeprefix("default."), reason): count - self.drops_before.get(
            (port, reason), 0) for (port, reason), count in now.items()}
        self.drops_before = now
        return {key: count for key, count in new.items() if count}

    def assertNoPolicyDrop(self):
        denied = {key: n for key, n in self.new_drops().items() if key[1].startswith("policy")}
        self.assertEqual(denied, {})

    def assertDenied(self, sender, receiver, attempt, counters, reason="policy_ingress"):
        """`attempt()` must fail, none of the receiver's kernel `counters` (see kernel_counters)
        may move, and the switch must say why."""
        self.new_drops()
        before = self.pods[receiver].kernel_counters()
        self.assertFalse(attempt(), f"{sender} reached {receiver}")
        after = self.pods[receiver].kernel_counters()
        for name in counters:
            self.assertEqual(after[name], before[name], f"{name} of {receiver} has moved")
        self.assertGreater(self.new_drops().get((sender, reason), 0), 0)


def iperf_json(result):
    """iperf3's -J output; its own error message as an AssertionError."""
    answer = json.loads(result.stdout)
    if "error" in answer:
        raise AssertionError(f"iperf3: {answer['error']}")
    return answer["end"]


def ping_received(result):
    """How many answers ping counted."""
    return int(re.search(r"(\d+) received", result.stdout).group(1))
