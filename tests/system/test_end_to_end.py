"""vhost-user to virtio-user through the whole switch: programs, gRPC, ports, policy, counters."""
import unittest

from harness import free_huge_pages
from harness.case import LabTest
from harness.manifests import DENY_INGRESS


class EndToEnd:
    def setUp(self):
        super().setUp()
        self.start()

    def test_tcp_udp_and_icmp_pass_without_a_policy(self):
        for family, to in zip((4, 6), self.b.addresses):
            with self.subTest(family=family):
                answer = self.pktgen.connect(self.a.name, to, 7, send="x" * 4000,
                                             expect_bytes=4000)
                self.assertTrue(answer["ok"], answer)
                self.assertEqual(answer["received"], "x" * 4000)
                answer = self.pktgen.request(self.a.name, to, 7, count=10)
                self.assertEqual((answer["ok"], answer["lost_packets"]), (True, 0), answer)
                self.assertTrue(self.pktgen.ping(self.a.name, to, count=3)["ok"])
        denied = {key: n for key, n in self.ctl.drops().items() if key[1].startswith("policy")}
        self.assertEqual(denied, {})

    def test_a_policy_is_in_force_when_apply_returns(self):
        for round_ in range(3):
            with self.subTest(round=round_):
                self.assertConnects()
                self.lab.apply(DENY_INGRESS)
                self.assertDoesNotConnect()
                self.assertDoesNotConnect(family=6)
                self.ctl.delete(self.lab.write_manifest("deny.json", DENY_INGRESS))
        self.assertConnects(family=6)
        self.assertGreaterEqual(self.ctl.drops()[self.a.port, "policy_ingress"], 6)

    def test_a_denied_packet_never_arrives_and_an_open_connection_is_cut(self):
        opened = self.pktgen.connect(self.a.name, self.b.addresses[0], 7, keep=True)
        self.assertTrue(opened["ok"], opened)
        self.lab.apply(DENY_INGRESS)
        before = self.pktgen.counters(self.b.name)["received"]
        self.assertFalse(self.pktgen.send(opened["connection"], "again", timeout_ms=600)["ok"])
        self.assertFalse(self.pktgen.request(self.a.name, self.b.addresses[0], 7,
                                             timeout_ms=300)["ok"])
        self.assertFalse(self.pktgen.ping(self.a.name, self.b.addresses[0], timeout_ms=300)["ok"])
        after = self.pktgen.counters(self.b.name)["received"]
        for kind in ("tcp_syn", "tcp_other", "udp", "icmp"):
            self.assertEqual(after[kind], before[kind], kind)
        self.assertGreaterEqual(self.ctl.drops()[self.a.port, "policy_ingress"], 3)

    def test_the_ports_count_what_the_pods_sent(self):
        before = self.ctl.ports()
        answer = self.pktgen.request(self.a.name, self.b.addresses[0], 7, count=50)
        self.assertTrue(answer["ok"], answer)
        after = self.ctl.ports()
        for port, counter in [(self.a.port, "rx_packets"), (self.b.port, "tx_packets"),
                              (self.b.port, "rx_packets"), (self.a.port, "tx_packets")]:
            self.assertGreaterEqual(after[port][counter] - before[port][counter], 50)


class WithoutHugePages(EndToEnd, LabTest):
    huge = "off"

    def test_the_status_says_so(self):
        self.assertFalse(self.ctl.status()["huge_pages"])


class WithHugePages(EndToEnd, LabTest):
    huge = "on"

    def setUp(self):
        if free_huge_pages() < 512:
            self.skipTest(f"memory: {free_huge_pages()} free huge pages of 2 MiB; 512 are needed")
        super().setUp()

    def test_the_status_says_so(self):
        self.assertTrue(self.ctl.status()["huge_pages"])


if __name__ == "__main__":
    unittest.main()
