"""What the operator sees: trace, drops and diffs by policy, monitor, top, mode observe."""
import json
import subprocess
import threading
import unittest

from harness.case import LabTest
from harness.ctl import CtlError
from harness.manifests import DENY_INGRESS, policy

_POLICY = "NetworkPolicy default/deny-ingress"


class Seeing(LabTest):
    def trace(self, what):
        return self.ctl.json("trace", self.a.port, what)

    def syn(self):
        return f"tcp {self.a.addresses[0]}:4000 > {self.b.addresses[0]}:7 syn"

    def test_a_trace_says_what_then_happens_and_names_the_policy(self):
        self.start()
        allowed = self.trace(self.syn())
        self.assertEqual(allowed["verdict"], "deliver", allowed)
        self.assertEqual(allowed["delivered_to"], [self.b.port])
        self.assertConnects()

        self.lab.apply(DENY_INGRESS)
        denied = self.trace(self.syn())
        self.assertEqual(denied["verdict"], "drop", denied)
        self.assertEqual(denied["reason"], "policy_ingress")
        self.assertEqual(denied["ingress"]["policies"], [_POLICY])
        self.assertDoesNotConnect()
        rows = [drop for drop in self.ctl.json("drops")["drops"]
                if drop["reason"] == "policy_ingress"]
        self.assertEqual([row["policies"] for row in rows], [[_POLICY]])
        self.assertIn(_POLICY, self.ctl.run("drops"))

    def test_a_diff_says_before_what_apply_then_does(self):
        self.start()
        path = self.lab.path("deny.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(DENY_INGRESS, file)
        diff = self.ctl.json("policy", "diff", "-f", path)
        flips = [flip for flip in diff["flips"] if self.b.name in str(flip["to"]["examples"])]
        self.assertEqual({(flip["before"]["verdict"], flip["after"]["verdict"])
                          for flip in flips}, {("allow", "deny")}, diff)
        self.assertEqual(flips[0]["after"]["ingress"]["policies"], [_POLICY])
        with self.assertRaises(CtlError) as differs:
            self.ctl.run("policy", "diff", "-f", path, "--exit-code")
        self.assertEqual(differs.exception.code, 1)
        self.assertConnects()  # nothing was changed
        self.lab.apply(DENY_INGRESS)
        self.assertDoesNotConnect()
        self.assertEqual(self.ctl.json("policy", "diff", "-f", path)["count"], "0")
        removed = self.ctl.run("policy", "diff", "--delete", _POLICY)
        self.assertIn(f"deny, ingress by {_POLICY} (tier NetworkPolicy)", removed)

    def test_a_default_deny_names_the_nearest_rule(self):
        self.start()
        self.lab.apply(policy("only-8", {"podSelector": {}, "ingress": [{"ports": [{"port": 8}]}]}))
        nearest = "NetworkPolicy default/only-8 ingress[0] admits TCP 8 (asked: 7)"
        verdict = self.ctl.explain(self.a.name, self.b.name, "tcp/7")
        self.assertEqual(verdict["ingress"]["nearest"]["text"], nearest)
        self.assertEqual(verdict["ingress"]["nearest"]["differs"], ["port"])
        self.assertIn(nearest, self.ctl.run("explain", self.a.name, self.b.name, "tcp/7"))

    def cost(self):
        return self.ctl.json("policy", "cost")["networks"][0]

    def test_the_cost_of_policies_names_the_costliest(self):
        self.start()
        self.lab.apply(DENY_INGRESS, policy("only-8", {"podSelector": {}, "ingress": [
            {"ports": [{"port": 8}]}]}))
        self.assertIn("NetworkPolicy default/only-8", self.ctl.run("policy", "cost"))
        self.lab.wait_until(lambda: "overlay" not in self.cost(), "the edit is built anew")
        cost = self.cost()
        self.assertEqual((cost["network"], cost["policies"], cost["rules"]), ("default", 2, 1))
        self.assertEqual([share["policy"] for share in cost["most"]],
                         ["NetworkPolicy default/only-8"])
        self.assertGreater(int(cost["in_force"]["tries"][1]["bytes"]), 0)
        self.assertTrue(cost["in_force"]["proof_exhaustive"])

    def test_a_bad_packet_is_bad_input_that_says_why(self):
        self.start()
        result = subprocess.run(
            [self.lab.program("control/ctl/sluicectl"), "--server", self.lab.server, "trace",
             self.a.port, "tcp nowhere"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 2, result)
        self.assertIn('"nowhere": no :PORT', result.stderr)

    def test_the_monitor_tells_new_and_denied_connections(self):
        self.start()
        lines = []
        watching = subprocess.Popen(
            [self.lab.program("control/ctl/sluicectl"), "--server", self.lab.server, "-o", "json",
             "monitor", "--new", "--denied", "--limit", "2"], stdout=subprocess.PIPE, text=True)
        reader = threading.Thread(target=lambda: lines.extend(watching.stdout))
        reader.start()
        # It watches from some moment on: connections are opened until one has been told.
        while not lines and watching.poll() is None:
            self.assertConnects()
        self.lab.apply(DENY_INGRESS)
        while watching.poll() is None:
            self.assertDoesNotConnect()
        reader.join(30)
        events = [json.loads(line) for line in lines]
        self.assertEqual(events[0]["kind"], "new")
        self.assertEqual(events[0]["initiator"]["pod"], self.a.name)
        self.assertEqual(events[0]["responder"]["pod"], self.b.name)
        self.assertIn(events[1]["kind"], ("new", "denied"))
        self.assertEqual(watching.returncode, 0)

    def test_top_shows_every_worker_and_where_the_cycles_go(self):
        self.start()
        blast = self.pktgen.start("blast", pod=self.a.name, to=self.b.addresses[0], port=9, size=64,
                                  seconds=3, rate_pps=2000, flows=4)
        output = self.ctl.run("-o", "json", "top", "--interval", "1", "--count", "2")
        samples = [json.loads(line) for line in output.splitlines()]
        blast.get(timeout=30)
        self.assertEqual(len(samples), 2)
        worker = samples[-1]["workers"][0]
        self.assertGreater(worker["packets_per_second"], 100, worker)
        self.assertEqual([stage["stage"] for stage in worker["stages"]][:2], ["parse", "guard"])
        self.assertIn("CYCLES/PACKET", self.ctl.run("top", "--interval", "0.1", "--count", "1"))

    def test_mode_observe_lets_through_what_it_counts_and_enforce_cuts_it(self):
        self.start()
        self.lab.apply(DENY_INGRESS)
        self.assertDoesNotConnect()
        self.ctl.run("mode", "observe")
        self.assertConnects()
        self.assertIn("MODE OBSERVE", self.ctl.run("status"))
        rows = [drop for drop in self.ctl.json("drops")["drops"] if drop["observed"]]
        self.assertEqual({row["reason"] for row in rows}, {"policy_ingress"})
        self.ctl.run("mode", "enforce")
        self.assertDoesNotConnect()
        self.assertNotIn("MODE OBSERVE", self.ctl.run("status"))


if __name__ == "__main__":
    unittest.main()
