"""Kernels at both ends of the switch: what they leave undone goes through as it is, jumbo frames
too, and they are more than DPDK has ethdevs."""
import unittest

from harness.case import needs_root
from harness.lab import Lab
from harness.manifests import pod_object
from harness.stacks import IPERF, iperf_json, ping_received

MTU = 9000
BYTES = 100_000_000
IPV4_AND_ICMP = 28
RTE_MAX_ETHPORTS = 32  # of Debian's DPDK


@needs_root
class Taps(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab())
        self.lab.start_switch()

    def add_pod(self, number, *flags):
        pod = self.lab.make_network_pod(f"default/p{number}", "tap", f"02:00:00:00:05:{number:02x}",
                                        [f"10.31.0.{number}/24", f"fd00:31::{number}/64"])
        self.lab.apply(pod_object(pod))
        self.lab.add_port(pod, more=flags)
        return pod

    def test_large_tcp_frames_pass_whole(self):
        a, b = self.add_pod(1), self.add_pod(2)
        server = b.start(self.lab.path("iperf.log"), "iperf3", "--server", "--forceflush", "--port",
                         str(IPERF))
        self.lab.own(server)
        server.wait_for_log("listening", 20)
        for address in b.addresses:
            with self.subTest(address=address):
                before = self.lab.ctl.ports()
                iperf_json(a.run("iperf3", "--json", "--client", address, "--port", str(IPERF),
                                 "--bytes", str(BYTES), check=False, timeout=60))
                after = self.lab.ctl.ports()

                def added(pod, counter):
                    return after[pod.port][counter] - before[pod.port][counter]
                for pod, way in ((a, "rx"), (b, "tx")):
                    sizes = added(pod, f"{way}_bytes") / added(pod, f"{way}_packets")
                    self.assertGreater(sizes, 3 * 1514, f"bytes a packet, {pod.name} {way}")

    def test_jumbo_packets_pass_whole(self):
        a, b = self.add_pod(1, "--mtu", str(MTU)), self.add_pod(2, "--mtu", str(MTU))
        ping = a.run("ping", "-M", "do", "-s", str(MTU - IPV4_AND_ICMP), "-c", "5", "-i", "0.1",
                     "-W", "5", b.addresses[0])
        self.assertEqual(ping_received(ping), 5)

    def test_more_taps_than_ethdevs_reach_each_other(self):
        pods = [self.add_pod(number) for number in range(1, RTE_MAX_ETHPORTS + 9)]
        for pod, peer in zip(pods, pods[1:] + pods[:1]):
            ping = pod.run("ping", "-c", "1", "-W", "10", peer.addresses[0])
            self.assertEqual(ping_received(ping), 1, f"{pod.name} to {peer.name}")


if __name__ == "__main__":
    unittest.main()
