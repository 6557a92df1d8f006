"""The demo's own scaffolding: it says no when it should, and cleans up however it ends."""
import os
import signal
import subprocess
import sys
import time
import unittest

from harness.case import needs_root
from scenario.report import Report, decided_by

HERE = os.path.dirname(os.path.abspath(__file__))


def side(verdict, policies=(), rule=""):
    return {"verdict": verdict, "tier": "NetworkPolicy", "policies": list(policies), "rule": rule}


class Words(unittest.TestCase):
    def test_the_policy_that_decided_is_named(self):
        deny = side("deny", ["NetworkPolicy default/deny"])
        allow = side("allow", ["NetworkPolicy default/open"], "ingress[0]")
        cases = [
            ({"verdict": "allow", "egress": side("allow"), "ingress": allow},
             "ingress: default/open ingress[0]"),
            ({"verdict": "deny", "egress": deny, "ingress": allow}, "egress: default/deny"),
            ({"verdict": "allow", "egress": side("allow")}, "no policy"),
        ]
        for explanation, text in cases:
            with self.subTest(text=text):
                self.assertEqual(decided_by(explanation), text)

    def test_one_broken_expectation_fails_the_demo(self):
        report = Report()
        report.step("1: x")
        report.expect("good", [])
        self.assertEqual(report.finish(), 0)
        report.expect("bad", ["why"])
        self.assertEqual(report.finish(), 1)

    def test_a_demo_without_expectations_has_failed(self):
        self.assertEqual(Report().finish(), 1)


@needs_root
class Interrupted(unittest.TestCase):
    def test_an_interrupted_demo_leaves_nothing_behind(self):
        build = os.environ.get("SLUICE_BUILD", "build")
        before = set(os.listdir("/sys/class/net"))
        demo = subprocess.Popen([sys.executable, os.path.join(HERE, "demo.py"), "--build", build],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in demo.stdout:
            if line.startswith("2:"):  # everything runs
                time.sleep(0.5)
                demo.send_signal(signal.SIGINT)
                break
        output = demo.communicate(timeout=60)[0]
        self.assertNotEqual(demo.returncode, 0)
        self.assertIn("ok: everything that the demo started is gone", output)
        self.assertEqual(set(os.listdir("/sys/class/net")), before)


if __name__ == "__main__":
    unittest.main()
