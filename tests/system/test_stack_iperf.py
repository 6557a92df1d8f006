"""iperf3 between kernel pods under policy: streams of TCP and UDP, both families, both directions.

What the receiver counted is what is asserted; rates are not. UDP is paced far below what the switch
does, and yet a machine that is short of cores may lose a burst."""
import unittest

from harness.stacks import IPERF, WAYS, StackTest, iperf_json

TCP_BYTES = 30_000_000
# iperf3's receiver stops counting when the sender ends: what is in its socket then is not counted,
# 10 million bytes on a machine whose other core is busy.
TCP_LEAST = TCP_BYTES // 2
UDP_BYTES, UDP_SIZE = 2_500_000, 1200  # 1 second at UDP_RATE
UDP_RATE = "20M"
UDP_MAY_LOSE = 0.1


class Iperf(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for pod in ("tap-server", "veth-server"):
            server = cls.pods[pod].start(cls.lab.path(f"{pod}-iperf.log"), "iperf3", "--server",
                                         "--forceflush", "--port", str(IPERF))
            cls.lab.own(server)
            server.wait_for_log("listening", 20)

    def iperf(self, client, server, family, *words):
        return iperf_json(self.pods[client].run(
            "iperf3", "--json", "--client", self.address(server, family), "--port", str(IPERF),
            "--connect-timeout", "5000", *words, check=False, timeout=60))

    def test_tcp_streams_arrive_whole_both_ways(self):
        for (client, server), family in WAYS:
            for reverse in ([], ["--reverse"]):
                with self.subTest(client=client, server=server, family=family, more=reverse):
                    end = self.iperf(client, server, family, "--bytes", str(TCP_BYTES), *reverse)
                    self.assertGreaterEqual(end["sum_sent"]["bytes"], TCP_BYTES)
                    self.assertGreaterEqual(end["sum_received"]["bytes"], TCP_LEAST)
        self.assertNoPolicyDrop()

    def test_parallel_tcp_streams_share_a_port(self):
        for (client, server), family in WAYS[2:6:3]:
            with self.subTest(client=client, server=server, family=family):
                end = self.iperf(client, server, family, "--bytes", str(TCP_BYTES), "--parallel",
                                 "8")
                self.assertEqual(len(end["streams"]), 8)
                # How much of it the receiver has read when the sender ends depends on eight sockets'
                # buffers and on the machine: that all was sent, and that no stream was starved.
                self.assertGreaterEqual(end["sum_sent"]["bytes"], TCP_BYTES)
                for stream in end["streams"]:
                    self.assertGreater(stream["receiver"]["bytes"], 0)
        self.assertNoPolicyDrop()

    def test_udp_datagrams_arrive_both_ways(self):
        for (client, server), family in WAYS:
            for reverse in ([], ["--reverse"]):
                with self.subTest(client=client, server=server, family=family, more=reverse):
                    end = self.iperf(client, server, family, "--udp", "--bitrate", UDP_RATE,
                                     "--length", str(UDP_SIZE), "--bytes", str(UDP_BYTES), *reverse)
                    self.assertGreater(end["sum"]["packets"], UDP_BYTES / UDP_SIZE * 0.9)
                    self.assertLess(end["sum"]["lost_packets"],
                                    end["sum"]["packets"] * UDP_MAY_LOSE)
        self.assertNoPolicyDrop()

    def test_the_switch_counts_what_iperf_counts(self):
        client, server = "tap-client", "veth-server"
        ports = self.ctl.ports()
        before = self.pods[server].kernel_counters()
        end = self.iperf(client, server, 4, "--udp", "--bitrate", UDP_RATE, "--length",
                         str(UDP_SIZE), "--bytes", str(UDP_BYTES))
        sent = end["sum"]["packets"]
        after = self.pods[server].kernel_counters()
        received = after["Udp.InDatagrams"] - before["Udp.InDatagrams"]
        self.assertGreaterEqual(received, sent * (1 - UDP_MAY_LOSE))
        for port, counter, count in [(client, "rx_packets", sent), (server, "tx_packets", received)]:
            port = f"default.{port}"
            self.assertGreaterEqual(self.ctl.ports()[port][counter] - ports[port][counter], count)

    def test_a_stranger_cannot_even_begin(self):
        for server in ("tap-server", "veth-server"):
            with self.subTest(server=server):
                self.assertDenied("stranger", server,
                                  lambda s=server: self.connects("stranger", s, 4, IPERF),
                                  ["Tcp.InSegs"])


if __name__ == "__main__":
    unittest.main()
