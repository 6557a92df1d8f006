"""Mirror ports: their peers get copies of what passes other ports, and nobody else feels it."""
import subprocess
import unittest

from harness.case import LabTest
from harness.ctl import CtlError
from harness.manifests import DENY_INGRESS, make_pod


class Mirrors(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.file = self.lab.path("mirror.pcap")

    def add_mirror(self, *arguments):
        self.ctl.add_port("look", "pcap", more=("--role", "mirror", "--pcap-out", self.file,
                                                *arguments))

    def ask(self, count, answered=True):
        answer = self.pktgen.request(self.a.name, self.b.addresses[0], 7, count=count,
                                     timeout_ms=1000 if answered else 100)
        self.assertEqual(answer["received_packets"], count if answered else 0, answer)

    def mirrored(self):
        """(source, destination) of the datagrams of `ask` that the mirror got; ends it."""
        self.ctl.delete_port("look")  # a file is whole when it is closed
        output = subprocess.run(
            ["tshark", "-r", self.file, "-Y", "udp.port == 7", "-T", "fields", "-e", "ip.src", "-e",
             "ip.dst"], capture_output=True, text=True, timeout=60, check=True)
        return [tuple(line.split("\t")) for line in output.stdout.splitlines()]

    def test_both_directions_of_a_port_each_packet_once(self):
        self.add_mirror("--mirror-of", self.b.port)
        self.ask(5)
        a, b = self.a.addresses[0], self.b.addresses[0]
        self.assertEqual(sorted(self.mirrored()), sorted([(a, b), (b, a)] * 5))

    def test_all_ports_each_packet_once(self):
        self.add_mirror("--mirror-of", "*")
        self.ask(4)
        self.assertEqual(len(self.mirrored()), 8)

    def test_one_direction(self):
        self.add_mirror("--mirror-of", self.b.port, "--mirror-direction", "out")
        self.ask(3)
        self.assertEqual(self.mirrored(), [(self.a.addresses[0], self.b.addresses[0])] * 3)

    def test_what_policy_denies_only_if_asked_for(self):
        self.lab.apply(DENY_INGRESS)
        self.add_mirror("--mirror-of", "*")
        self.ask(2, answered=False)
        self.assertEqual(self.mirrored(), [])
        self.add_mirror("--mirror-of", self.a.port, "--mirror-dropped")
        self.ask(2, answered=False)
        self.assertEqual(len(self.mirrored()), 2)

    def test_a_port_that_comes_later_is_mirrored_and_the_spec_is_shown(self):
        c = make_pod("c", 3)
        self.add_mirror("--mirror-of", c.port)
        spec = self.ctl.ports()["look"]["spec"]
        self.assertEqual((spec["role"], spec["mirrors"]), ("mirror", [c.port]))
        self.add_pods(c)
        pktgen = self.lab.start_pktgen([c])
        answer = pktgen.request(c.name, self.b.addresses[0], 7, count=3)
        self.assertEqual(answer["received_packets"], 3, answer)
        self.ask(2)  # not c's
        self.assertEqual(len(self.mirrored()), 6)

    def test_a_mirror_that_nobody_reads_loses_copies_alone(self):
        self.ctl.add_port("deaf", "vhost-server", path=self.lab.path("deaf.sock"),
                          more=("--role", "mirror", "--mirror-of", "*"))
        before = self.ctl.drops()
        self.ask(20)
        lost = self.ctl.drops()
        self.assertGreaterEqual(lost.get(("deaf", "mirror_full"), 0), 40)
        for port in (self.a.port, self.b.port):
            self.assertEqual(lost.get((port, "tx_full"), 0), before.get((port, "tx_full"), 0))

    def test_bad_input_says_why(self):
        self.add_mirror("--mirror-of", "*")
        for arguments, why in (
                (("--role", "mirror"), "mirrors: a mirror needs the names of ports, or *"),
                (("--role", "mirror", "--mirror-of", "look"),
                 "mirrors: port look is a mirror, too, and no mirror is mirrored"),
                (("--role", "mirror", "--mirror-of", "*", "x"), "* is all ports"),
                (("--role", "uplink", "--mirror-of", "x"), "mirrors: are for mirrors only")):
            with self.assertRaises(CtlError) as refused:
                self.ctl.add_port("other", "ring", more=arguments)
            self.assertIn(why, refused.exception.message)


if __name__ == "__main__":
    unittest.main()
