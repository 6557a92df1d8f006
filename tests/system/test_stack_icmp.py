"""ping and traceroute between kernel pods, under policy."""
import unittest

from harness.manifests import pod_object, policy
from harness.stacks import SERVERS, WAYS, StackTest, ping_received

PINGS = 3
# ICMP is a protocol of its own: only a rule without ports admits it.
PING = policy("servers-admit-pings", {
    "podSelector": SERVERS,
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"ping": "yes"}}}]}]})


class Icmp(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply(PING, *(pod_object(cls.pods[name], role="client", ping="yes")
                              for name in ("tap-client", "veth-client")))

    def ping(self, pod, to, family, *words, count=PINGS):
        result = self.pods[pod].run("ping", "-n", "-c", str(count), "-i", "0.02", "-W", "1", *words,
                                    self.address(to, family), check=False)
        return ping_received(result)

    def test_clients_ping_servers_that_may_not_send(self):
        for (client, server), family in WAYS:
            with self.subTest(client=client, server=server, family=family):
                self.assertEqual(self.ping(client, server, family), PINGS)
        self.assertNoPolicyDrop()

    def test_a_stranger_and_a_server_ping_nobody(self):
        attempts = [("stranger", "tap-server", "policy_ingress"),
                    ("stranger", "veth-server", "policy_ingress"),
                    ("tap-server", "veth-client", "policy_egress"),
                    ("veth-server", "tap-client", "policy_egress")]
        for sender, receiver, reason in attempts:
            for family, counter in ((4, "Icmp.InEchos"), (6, "Icmp6.InEchos")):
                with self.subTest(sender=sender, receiver=receiver, family=family):
                    self.assertDenied(sender, receiver,
                                      lambda s=sender, r=receiver, f=family:
                                      self.ping(s, r, f, count=1), [counter], reason)


if __name__ == "__main__":
    unittest.main()
