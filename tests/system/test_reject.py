"""Policies with sluice.io/deny-action: reject: the kernel's TCP and UDP learn at once that they may
not."""
import copy
import json
import os
import sys
import unittest

from harness.stacks import HERE, HTTP, SERVE, StackTest

KNOCK = os.path.join(HERE, "knock.py")
REJECT = copy.deepcopy(SERVE)
REJECT["metadata"]["annotations"] = {"sluice.io/deny-action": "reject"}
_PATIENCE, _AT_ONCE = 5, 1  # seconds
PROHIBITED = {4: "EHOSTUNREACH", 6: "EACCES"}  # as Linux reads the two ICMP errors


class Reject(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply(REJECT)
        cls.serve_http("veth-server", cls.lab.directory)

    def knock(self, pod, to, protocol="tcp", family=4, port=HTTP):
        answer = self.pods[pod].run(sys.executable, KNOCK, protocol, self.address(to, family),
                                    str(port), str(_PATIENCE))
        return json.loads(answer.stdout)

    def assertTold(self, error, sender, receiver, protocol, family, reason="policy_ingress"):
        self.new_drops()
        before = self.pods[receiver].kernel_counters()
        answered = self.ctl.ports()[self.pods[sender].port]["answered"]
        answer = self.knock(sender, receiver, protocol, family)
        self.assertEqual(answer["error"], error, answer)
        self.assertLess(answer["seconds"], _AT_ONCE)
        after = self.pods[receiver].kernel_counters()
        for counter in ("Tcp.InSegs", "Udp.InDatagrams", "Udp6.InDatagrams", "Udp.NoPorts"):
            self.assertEqual(after[counter], before[counter], counter)
        self.assertGreater(self.new_drops().get((sender, reason), 0), 0)
        self.assertGreater(self.ctl.ports()[self.pods[sender].port]["answered"], answered)

    def test_a_stranger_is_refused_at_once(self):
        for server in ("tap-server", "veth-server"):
            for family in (4, 6):
                with self.subTest(server=server, family=family):
                    self.assertTold("ECONNREFUSED", "stranger", server, "tcp", family)
                    self.assertTold(PROHIBITED[family], "stranger", server, "udp", family)

    def test_a_server_that_may_not_send_is_refused_at_once(self):
        for family in (4, 6):
            with self.subTest(family=family):
                self.assertTold("ECONNREFUSED", "tap-server", "veth-client", "tcp", family,
                                "policy_egress")
                self.assertTold(PROHIBITED[family], "veth-server", "tap-client", "udp", family,
                                "policy_egress")

    def test_who_is_admitted_still_gets_through(self):
        for client in ("tap-client", "veth-client"):
            self.assertIsNone(self.knock(client, "veth-server")["error"])

    def test_the_rows_say_that_they_are_rejected(self):
        self.knock("stranger", "veth-server")
        rows = [drop for drop in self.ctl.json("drops")["drops"] if drop["rejected"]]
        self.assertIn("policy_ingress", {row["reason"] for row in rows})
        self.assertIn("sender told", self.ctl.run("drops"))

    def test_explain_says_that_the_sender_is_told(self):
        stranger, server = "default/stranger", "default/veth-server"
        told = self.ctl.json("explain", stranger, server, "tcp/80")
        self.assertEqual((told["verdict"], told["ingress"]["reject"]), ("deny", True), told)
        self.assertRegex(self.ctl.run("explain", stranger, server, "tcp/80"), r"ingress +reject")

    def test_in_mode_observe_nobody_is_refused(self):
        self.ctl.run("mode", "observe")
        try:
            self.assertIsNone(self.knock("stranger", "veth-server")["error"])
        finally:
            self.ctl.run("mode", "enforce")


if __name__ == "__main__":
    unittest.main()
