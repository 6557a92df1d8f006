"""sluice-pktgen against a real TCP stack: a network namespace behind a tap port of the bridge."""
import os
import unittest

from bridged import BridgedTest  # puts the harness on the path
from harness.netns import NetworkPod

_PORT = 8000
# One echo request from a raw socket. The kernel fills in ICMPv6's checksum and checks the answer's.
_PING = """
import socket, sys
v6 = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                  socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
s.settimeout(10)
s.sendto(bytes.fromhex("8000000000000000" if v6 else "0800f7ff00000000"), (sys.argv[1], 0))
while True:
    message = s.recv(2048)
    if (message if v6 else message[20:])[0] == (129 if v6 else 0):
        print("answered")
        break
"""


def _why_not():
    if os.geteuid() != 0:
        return "not root: no network namespace and no tap interface"
    if not os.path.exists("/dev/net/tun"):
        return "kernel without /dev/net/tun"
    return None


@unittest.skipIf(_why_not(), _why_not())
class LinuxStack(BridgedTest):
    def setUp(self):
        super().setUp()
        self.linux = NetworkPod("default/linux", "tap", "02:00:00:00:00:02",
                                ["10.10.0.2/24", "fd00::2/64"], f"pg{os.getpid()}"[-11:])
        self.addCleanup(self.linux.remove)
        self.linux.make()
        pod = self.make_pod("a", 1)
        self.start_bridge(pod, f"tap:{self.linux.interface}")
        self.linux.adopt()
        self.pod = pod
        self.pktgen = self.start_pktgen([pod])

    def serve(self, text):
        """python3's web server in the namespace, on both families, with one page."""
        folder = self.path("pages")
        os.mkdir(folder)
        with open(os.path.join(folder, "page"), "w", encoding="utf-8") as page:
            page.write(text)
        server = self.linux.start(
            self.path("server.log"), "python3", "-u", "-m", "http.server", str(_PORT), "--bind",
            "::", "--directory", folder)
        self.addCleanup(server.stop)
        server.wait_for_log("Serving HTTP", 20)

    def fetch(self, address):
        request = f"GET /page HTTP/1.0\r\nHost: {address}\r\n\r\n"
        return self.pktgen.connect(self.pod.name, address, _PORT, request, timeout_ms=10_000)

    def test_APageIsFetchedOverBothFamilies(self):
        self.serve("a page for a pod\n")
        for address in self.linux.addresses:
            answer = self.fetch(address)
            self.assertTrue(answer["ok"], answer)
            self.assertEqual(answer["stage"], "closed")
            self.assertTrue(answer["received"].startswith("HTTP/1.0 200 OK"), answer)
            self.assertTrue(answer["received"].endswith("a page for a pod\n"), answer)
        # The kernel took every segment of ours: none had a wrong checksum.
        self.assertEqual(self.linux.tcp_counters()["InErrs"], 0)
        self.assertEqual(self.linux.tcp_counters()["InCsumErrors"], 0)

    def test_ALongPageArrivesWhole(self):
        self.serve("x" * 1_000_000)
        answer = self.pktgen.call(
            "connect", pod=self.pod.name, to=self.linux.addresses[0], port=_PORT,
            send="GET /page HTTP/1.0\r\n\r\n", expect_bytes=1_000_000, timeout_ms=20_000)
        self.assertTrue(answer["ok"], answer)
        self.assertGreater(answer["received_bytes"], 1_000_000)

    def test_APortWithoutAServerRefuses(self):
        answer = self.fetch(self.linux.addresses[0])
        self.assertEqual((answer["ok"], answer["reset"], answer["stage"]),
                         (False, True, "syn_sent"), answer)

    def test_PingsAreAnsweredBothWays(self):
        for address in self.linux.addresses:
            answer = self.pktgen.ping(self.pod.name, address, count=10, timeout_ms=5000)
            self.assertTrue(answer["ok"], answer)
        for address in self.pod.addresses:
            self.assertEqual(self.linux.run("python3", "-c", _PING, address).stdout, "answered\n")

    def test_TheKernelConnectsToThePodsEchoServer(self):
        self.pktgen.listen(self.pod.name, 7)
        text = "0123456789" * 5_000
        program = ("import socket, sys\n"
                   "s = socket.create_connection((sys.argv[1], 7), 10)\n"
                   f"s.sendall(b'0123456789' * {len(text) // 10})\n"
                   "s.shutdown(socket.SHUT_WR)\n"
                   "print(sum(len(b) for b in iter(lambda: s.recv(65536), b'')))\n")
        for address in self.pod.addresses:
            output = self.linux.run("python3", "-c", program, address).stdout
            self.assertEqual(int(output), len(text))


if __name__ == "__main__":
    unittest.main()
