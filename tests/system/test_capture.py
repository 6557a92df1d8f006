"""sluicectl capture: tshark reads what it writes, and the comments say what became of packets."""
import collections
import json
import os
import signal
import struct
import subprocess
import unittest

from harness.case import LabTest
from harness.ctl import CtlError
from harness.manifests import DENY_INGRESS

_FIELDS = ("frame.comment", "frame.interface_name", "frame.packet_flags_direction", "frame.len",
           "frame.cap_len", "frame.time_epoch", "udp.port")
_IN, _OUT = "0x00000001", "0x00000002"  # tshark's names of the directions
_STATISTICS = 5

Packet = collections.namedtuple("Packet", "comment interface direction length captured time ports")


class Capture:
    """One that runs; `packets` ends it, and reads its file by tshark."""

    def __init__(self, lab, path, *arguments):
        self.path = path
        self.process = subprocess.Popen(
            [lab.program("control/ctl/sluicectl"), "--server", lab.server, "capture", "-w", path,
             *arguments], stderr=subprocess.PIPE, text=True)
        # The file begins when the workers have begun.
        lab.wait_until(lambda: self.process.poll() is not None or
                       (os.path.exists(path) and os.path.getsize(path) > 0), "a capture")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        _, said = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            raise AssertionError(f"sluicectl capture: {self.process.returncode}: {said}")
        return said

    def packets(self):
        fields = [word for field in _FIELDS for word in ("-e", field)]
        output = subprocess.run(["tshark", "-r", self.path, "-T", "fields", "-E", "separator=|",
                                 *fields], capture_output=True, text=True, timeout=60, check=True)
        return [Packet(*line.split("|")) for line in output.stdout.splitlines()]

    def dropped(self):
        """{interface: isb_ifdrop}: what tshark does not show."""
        with open(self.path, "rb") as file:
            content = file.read()
        at, dropped = 0, {}
        while at < len(content):
            kind, length = struct.unpack_from("<II", content, at)
            if kind == _STATISTICS:
                interface, = struct.unpack_from("<I", content, at + 8)
                dropped[interface], = struct.unpack_from("<Q", content, at + 36)
            at += length
        return dropped


class Captures(LabTest):
    def capture(self, *arguments):
        capture = Capture(self.lab, self.lab.path("capture.pcapng"), *arguments)
        self.addCleanup(lambda: capture.process.poll() is None and capture.process.kill())
        return capture

    def ask(self, count, answered=True):
        answer = self.pktgen.request(self.a.name, self.b.addresses[0], 7, count=count,
                                     timeout_ms=1000 if answered else 100)
        self.assertEqual(answer["received_packets"], count if answered else 0, answer)
        return answer

    def echoes(self):
        """The connections of `ask`."""
        return f"udp {self.a.addresses[0]}:0 > {self.b.name}:7"

    def test_an_allowed_flow_is_there_packet_by_packet(self):
        self.start()
        capture = self.capture("--connection", self.echoes())
        self.ask(5)
        self.assertEqual(capture.stop().splitlines(), ["10 packets captured"])
        packets = capture.packets()
        self.assertEqual(len(packets), 10)
        self.assertEqual({(p.interface, p.direction) for p in packets},
                         {(self.a.port, _IN), (self.b.port, _IN)})
        for packet in packets:
            asks = packet.interface == self.a.port
            to = self.b if asks else self.a
            self.assertIn(f"forwarded to {to.port} ({to.name}); connection ", packet.comment)
            self.assertIn(f"sent by its {'initiator' if asks else 'responder'}", packet.comment)
            self.assertEqual(packet.length, packet.captured)
        self.assertIn("connection replied", packets[-1].comment)
        self.assertEqual(sorted(packets, key=lambda p: float(p.time)), packets)
        self.assertEqual(set(capture.dropped().values()), {0})

    def test_a_denied_flow_names_its_policy(self):
        self.start()
        self.lab.apply(DENY_INGRESS)
        capture = self.capture("--dropped", "policy_ingress", "--port", self.b.port)
        self.ask(4, answered=False)
        capture.stop()
        packets = capture.packets()
        self.assertEqual(len(packets), 4)
        for packet in packets:
            self.assertEqual((packet.interface, packet.direction), (self.a.port, _IN))
            self.assertIn("dropped: policy_ingress", packet.comment)
            self.assertIn("NetworkPolicy default/deny-ingress (nothing allows it)", packet.comment)

    def test_a_drop_reason_takes_no_other(self):
        self.start()
        self.lab.apply(DENY_INGRESS)
        capture = self.capture("--dropped", "no_route")
        self.ask(3, answered=False)
        capture.stop()
        self.assertEqual(capture.packets(), [])

    def test_a_port_and_direction(self):
        self.start()
        capture = self.capture("--port", self.b.port, "--direction", "out", "--connection",
                               self.echoes())
        self.ask(6)
        capture.stop()
        packets = capture.packets()
        self.assertEqual(len(packets), 6)
        for packet in packets:
            self.assertEqual((packet.interface, packet.direction), (self.b.port, _OUT))
            self.assertIn(f"from {self.a.port} ({self.a.name}), forwarded to", packet.comment)

    def test_a_connection_takes_no_other(self):
        self.start()
        capture = self.capture("--connection", self.echoes().replace("udp", "tcp"))
        self.ask(3)
        self.assertConnects()
        capture.stop()
        packets = capture.packets()
        self.assertGreater(len(packets), 3)
        self.assertEqual({packet.ports for packet in packets}, {""}, "of UDP")

    def test_snaplen_cuts_the_copy(self):
        self.start()
        capture = self.capture("--snaplen", "50", "--count", "4", "--connection", self.echoes())
        self.pktgen.request(self.a.name, self.b.addresses[0], 7, send="x" * 500, count=2)
        capture.wait()  # there are as many as it wanted
        packets = capture.packets()
        self.assertEqual([(p.captured, p.length) for p in packets], [("50", "542")] * 4)

    def test_what_the_buffer_has_no_room_for_is_counted(self):
        self.start()
        before = self.ctl.ports()[self.a.port]["rx_packets"]
        capture = self.capture("--buffer", "64", "--port", self.a.port, "--direction", "in",
                               "--count", "1000000")
        answer = self.pktgen.call("blast", pod=self.a.name, to=self.b.addresses[0], port=9,
                                  size=1000, seconds=1, rate_pps=50000, flows=4)
        self.assertGreater(answer["sent"], 10000, answer)
        entered = self.ctl.ports()[self.a.port]["rx_packets"] - before
        said = capture.stop()
        packets = len(capture.packets())
        lost = sum(capture.dropped().values())
        self.assertGreater(packets, 0)
        self.assertGreater(lost, 0)
        self.assertEqual(packets + lost, entered)
        self.assertIn(f"{lost} packets more matched and were not captured", said)

    def test_a_pipe_has_each_packet_at_once(self):
        self.start()
        command = (f"{self.lab.program('control/ctl/sluicectl')} --server {self.lab.server} "
                   f"capture --count 2 --connection '{self.echoes()}' -w - | "
                   "tshark -l -r - -T json -e frame.interface_name -e frame.comment")
        piped = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        # It watches from some moment on: packets go until there are enough.
        while piped.poll() is None:
            self.ask(1)
        said, errors = piped.communicate(timeout=60)
        self.assertEqual(piped.returncode, 0, errors)
        packets = [packet["_source"]["layers"] for packet in json.loads(said)]
        self.assertEqual(len(packets), 2)
        self.assertIn("forwarded to", packets[0]["frame.comment"][0])
        self.assertIn("2 packets captured", errors)

    def test_bad_input_says_why_and_writes_no_file(self):
        self.start()
        for arguments, why in ((("--port", "nobody"), "port nobody: does not exist"),
                               (("--dropped", "policy"), "is no drop reason"),
                               (("--count", "0"), "--count"),
                               (("--connection", "tcp a > b"), "no :PORT")):
            path = self.lab.path("refused.pcapng")
            with open(path, "w", encoding="ascii") as file:
                file.write("precious")
            with self.assertRaises(CtlError) as refused:
                self.ctl.run("capture", "-w", path, *arguments)
            self.assertIn(why, refused.exception.message)
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), "precious")
        with self.assertRaises(CtlError) as refused:
            self.ctl.run("capture", "-w", "/nowhere/at/all", "--duration", "1")
        self.assertIn("/nowhere/at/all: No such file or directory", refused.exception.message)

    def test_a_capture_nobody_ends_ends_by_itself(self):
        self.start()
        capture = self.capture("--duration", "0.5", "--connection", self.echoes())
        self.assertEqual(capture.wait().splitlines(), ["0 packets captured"])


if __name__ == "__main__":
    unittest.main()
