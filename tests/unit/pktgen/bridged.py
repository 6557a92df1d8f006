"""sluice-pktgen beside a plain bridge of vhost ports (vhost_bridge.cc), without huge pages.

Uses the processes and namespaces of the system tests' harness; needs neither sluiced nor root.
"""
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "system"))

from harness.pktgen import Pktgen, Pod  # noqa: E402
from harness.process import Process  # noqa: E402

_NUMBERS = itertools.count(1)
_SECONDS = 30


def program(name):
    return os.path.join(os.path.abspath(os.environ.get("SLUICE_BUILD", "build")), name)


def end(process):
    """By the end of its input, as a script ends it; SIGTERM if that does not help."""
    with contextlib.suppress(Exception):
        process.stdin.close()
        process.wait(10)
    return process.stop()


class BridgedTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-pktgen-")
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def prefix(self):
        return f"pktgen-test{os.getpid()}-{next(_NUMBERS)}"

    def make_pod(self, name, number, kind="vhost-server"):
        return Pod(name=f"default/{name}", mac=f"02:00:00:00:00:{number:02x}",
                   addresses=[f"10.10.0.{number}", f"fd00::{number:x}"], kind=kind,
                   socket=self.path(f"{name}.sock"))

    def start_bridge(self, *ports):
        """`ports` as vhost_bridge takes them, or Pods."""
        words = [f"{port.kind.replace('-server', '')}:{port.socket}"
                 if isinstance(port, Pod) else port for port in ports]
        bridge = Process([program("tests/unit/pktgen/vhost_bridge"), self.prefix(), *words],
                         self.path("bridge.log"), pipes=True)
        self.addCleanup(end, bridge)
        bridge.wait_for_log("ready", _SECONDS)
        return bridge

    def pktgen_command(self, pods, *flags):
        file = self.path("pods.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump([pod.as_json() for pod in pods], out)
        return [program("perf/pktgen/sluice-pktgen"), "--pods", file, "--huge", "off",
                "--file-prefix", self.prefix(), *flags]

    def start_pktgen(self, pods, wait=True):
        pktgen = Pktgen(self.pktgen_command(pods), self.path("pktgen.log"))
        self.addCleanup(end, pktgen.process)
        if wait:
            pktgen.wait_ready()
        return pktgen
