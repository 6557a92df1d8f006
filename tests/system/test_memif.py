"""memif ports, either end of the socket: packets under a policy, peers that end and come back."""
import os
import signal
import unittest

from harness.case import LabTest
from harness.ctl import CtlError
from harness.manifests import make_pod, pod_object, policy

SERVED, CLOSED = 7, 8
KILLS = 25
ADMITS_A = policy("b-admits-a", {
    "podSelector": {"matchLabels": {"role": "b"}}, "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "a"}}}],
                 "ports": [{"port": SERVED}]}]})


class Memif(LabTest):
    """Pod a behind a memif port; b, which admits a to one port, behind a vhost-user port."""

    def start_lab(self, kind):
        self.lab.start_switch()
        self.a, self.b = make_pod("a", 1, kind), make_pod("b", 2)
        self.lab.apply(ADMITS_A, pod_object(self.a, role="a"), pod_object(self.b, role="b"))
        self.lab.add_port(self.b)
        self.serving = self.lab.start_pktgen([self.b])
        for port in (SERVED, CLOSED):
            self.serving.listen(self.b.name, port)

    def start_a(self):
        self.pktgen = self.lab.start_pktgen([self.a], wait=False)

    def wait_for_link(self, up):
        self.lab.wait_until(lambda: self.ctl.ports()[self.a.port]["link_up"] == up,
                            f"the link of a is {'up' if up else 'down'}")

    def end_a(self, number):
        self.pktgen.process.send_signal(number)
        self.pktgen.process.wait(15)
        self.wait_for_link(up=False)

    def add_a_to_its_socket(self):
        self.lab.wait_until(lambda: os.path.exists(self.a.socket), "a has made its socket")
        self.lab.add_port(self.a)
        self.pktgen.wait_ready()

    def assertPolicyHolds(self):
        for address in self.b.addresses:
            denied = self.ctl.drops().get((self.a.port, "policy_ingress"), 0)
            allowed = self.pktgen.connect(self.a.name, address, SERVED, send="x" * 1200,
                                          expect_bytes=1200, timeout_ms=3000)
            self.assertTrue(allowed["ok"], allowed)
            refused = self.pktgen.connect(self.a.name, address, CLOSED, timeout_ms=600)
            self.assertEqual((refused["ok"], refused["stage"]), (False, "syn_sent"), refused)
            self.assertGreater(self.ctl.drops()[(self.a.port, "policy_ingress")], denied)
        counters = self.ctl.ports()[self.a.port]
        self.assertGreater(counters["rx_packets"], 0)
        self.assertGreater(counters["tx_packets"], 0)

    def test_a_server_port_serves_one_peer_after_the_other_under_its_policy(self):
        self.start_lab("memif-server")
        self.lab.add_port(self.a)
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(then=number.name):
                self.start_a()
                self.pktgen.wait_ready()
                self.wait_for_link(up=True)
                self.assertPolicyHolds()
                self.end_a(number)
                self.assertTrue(self.lab.switch.running())
        self.ctl.delete_port(self.a.port)
        self.assertFalse(os.path.exists(self.a.socket))

    def test_a_peer_that_is_killed_under_load_harms_nobody(self):
        """Without the guard (dataplane/memif_guard.h) the switch dies within 1 to 20 rounds."""
        self.lab.start_switch(idle_sleep_us=0)
        pods = [make_pod(name, number, "memif-server") for number, name in enumerate("ab", start=1)]
        self.add_pods(*pods)
        for number in range(KILLS):
            pktgen = self.lab.start_pktgen(pods)
            received = self.received(pods[0])
            pktgen.start("blast", pod=pods[0].name, to=pods[1].addresses[0], port=9, size=64,
                         seconds=20, rate_pps=0, flows=4)
            self.lab.wait_until(lambda: self.received(pods[0]) > received + 10000, "there is load")
            pktgen.process.send_signal(signal.SIGKILL)
            pktgen.process.wait(15)
            self.lab.wait_until(
                lambda: not any(port["link_up"] for port in self.ctl.ports().values()),
                f"round {number}: the switch is there, and its links are down")
        self.assertTrue(self.lab.switch.running())

    def received(self, pod):
        return self.ctl.ports()[pod.port]["rx_packets"]

    def test_a_client_port_is_added_again_when_its_peer_is_back(self):
        self.start_lab("memif-client")
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(then=number.name):
                self.start_a()
                self.add_a_to_its_socket()
                self.assertPolicyHolds()
                self.end_a(number)
                self.ctl.delete_port(self.a.port)
                if os.path.exists(self.a.socket):
                    os.unlink(self.a.socket)  # of a peer that was killed
        self.assertTrue(self.lab.switch.running())

    def test_a_client_port_without_a_listener_is_refused_with_the_reason(self):
        self.start_lab("memif-client")
        with self.assertRaises(CtlError) as caught:
            self.lab.add_port(self.a)
        self.assertIn(f"nobody listens on {self.a.socket}", caught.exception.message)
        self.start_a()
        self.add_a_to_its_socket()
        self.assertPolicyHolds()


class MemifWithoutHugePages(Memif):
    huge = "off"


if __name__ == "__main__":
    unittest.main()
