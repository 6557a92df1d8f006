"""Datagrams that the kernel cuts into fragments: whole at the receiver if policy admits them, and not
a single fragment of them if not.

DPDK's af_packet driver has the kernel put IPv4 fragments together before the switch sees them, and
the whole does not fit its frames (README, Limits): IPv4 is for tap ports.
"""
import os
import sys
import unittest

from harness.manifests import pod_object, policy
from harness.stacks import HERE, IPERF, SERVERS, WAYS, StackTest, ping_received

ECHO = os.path.join(HERE, "datagram_echo.py")
PINGS = 3
PING = policy("servers-admit-pings", {
    "podSelector": SERVERS,
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"ping": "yes"}}}]}]})
CLIENTS = ("tap-client", "veth-client")
CUT_WAYS = [(pair, family) for pair, family in WAYS
            if family == 6 or all(pod.startswith("tap") for pod in pair)]


class Fragments(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply(PING, *(pod_object(cls.pods[name], role="client", ping="yes")
                              for name in CLIENTS))
        cls.add_pod("tap-stranger", "tap", 6, role="stranger")
        for server in ("tap-server", "veth-server"):
            echo = cls.pods[server].start(cls.lab.path(f"{server}-echo.log"), sys.executable, "-u",
                                          ECHO, str(IPERF))
            cls.lab.own(echo)
            echo.wait_for_log("Serving", 20)

    def ping(self, pod, to, family, size, count=PINGS):
        result = self.pods[pod].run("ping", "-n", "-c", str(count), "-i", "0.02", "-W", "1",
                                    "-s", str(size), self.address(to, family), check=False)
        return ping_received(result)

    def send(self, pod, to, family, size, seconds=3.0):
        result = self.pods[pod].run(sys.executable, ECHO, self.address(to, family), str(IPERF),
                                    str(size), str(seconds), check=False)
        return result.returncode == 0

    def test_large_pings_and_datagrams_come_back(self):
        for (client, server), family in CUT_WAYS:
            with self.subTest(client=client, server=server, family=family):
                self.assertEqual(self.ping(client, server, family, 4000), PINGS)
                self.assertTrue(self.send(client, server, family, 20_000))
                self.assertTrue(self.send(client, server, family, 65_000))
        self.assertEqual({key: n for key, n in self.new_drops().items()
                          if key[1].startswith(("policy", "fragment"))}, {})

    def test_no_fragment_of_a_stranger_arrives(self):
        for server in ("tap-server", "veth-server"):
            for family, counters in ((4, ["Ip.ReasmReqds", "Icmp.InEchos", "Udp.InDatagrams"]),
                                     (6, ["Ip6.ReasmReqds", "Icmp6.InEchos", "Udp6.InDatagrams"])):
                with self.subTest(server=server, family=family):
                    self.assertDenied("tap-stranger", server,
                                      lambda s=server, f=family:
                                      self.ping("tap-stranger", s, f, 4000, count=1), counters)
                    self.assertDenied("tap-stranger", server,
                                      lambda s=server, f=family:
                                      self.send("tap-stranger", s, f, 20_000, seconds=0.8),
                                      counters)

    def test_what_the_kernel_put_together_for_an_af_packet_port_dies(self):
        self.assertEqual(self.ping("veth-client", "tap-server", 4, 4000, count=1), 0)
        self.assertGreater(self.new_drops().get(("veth-client", "ip_total_length"), 0), 0)


if __name__ == "__main__":
    unittest.main()
