"""af-xdp ports: pods with kernel stacks behind veth pairs, under a policy."""
import json
import socket
import subprocess
import unittest

from harness.case import LabTest, needs_root
from harness.ctl import CtlError
from harness.manifests import pod_object, policy
from harness.process import run
from harness.stacks import STREAM_CLIENT, STREAM_ECHO

SERVED, CLOSED = 7, 8
AF_XDP = 44
TEXT = "0123456789abcde\n" * 65536 + "."  # 1 MiB, and its end
ADMITS_A = policy("b-admits-a", {
    "podSelector": {"matchLabels": {"role": "b"}}, "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "a"}}}],
                 "ports": [{"port": SERVED}, {"protocol": "UDP", "port": SERVED}]}]})


def why_no_af_xdp():
    """What the kernel says, asked without DPDK; "" if it has such sockets."""
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as error:
        return f"kernel without AF_XDP: {error.strerror}"
    return ""


@needs_root
@unittest.skipIf(why_no_af_xdp(), why_no_af_xdp())
class Xdp(LabTest):
    def start_lab(self):
        self.lab.start_switch()
        self.a, self.b = self.add_pod("a", "af-xdp", 1), self.add_pod("b", "af-xdp", 2)

    def add_pod(self, name, kind, number):
        pod = self.lab.make_network_pod(f"default/{name}", kind, f"02:00:00:00:06:0{number}",
                                        [f"10.20.6.{number}/24", f"fd00:26::{number}/64"])
        self.lab.apply(pod_object(pod, role=name))
        self.lab.add_port(pod)
        return pod

    def serve(self, address, port):
        """b sends everything back."""
        server = self.b.start(self.lab.path(f"echo-{address}-{port}.log"), "python3", STREAM_ECHO,
                              address, str(port))
        self.lab.own(server)
        server.wait_for_log("listening", 10)

    def call(self, source, address, port, seconds="5"):
        """What came back of TEXT; None if there was no connection."""
        done = subprocess.run(source.command("python3", STREAM_CLIENT, address, str(port), seconds),
                              input=json.dumps({"send": TEXT, "until": "."}) + "\n", text=True,
                              capture_output=True, timeout=60, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return answers[1]["received"] if answers[0]["connected"] else None

    def assertEchoes(self, source, address, port):
        self.assertTrue(self.call(source, address, port) == TEXT, f"{address} did not echo")

    def test_ping_and_tcp_pass_and_a_denied_port_does_not(self):
        self.start_lab()
        self.lab.apply(ADMITS_A)
        for address in self.b.addresses:
            for port in (SERVED, CLOSED):
                self.serve(address, port)
            with self.subTest(address=address):
                self.assertEchoes(self.a, address, SERVED)
                before = self.ctl.drops().get((self.a.port, "policy_ingress"), 0)
                self.assertIsNone(self.call(self.a, address, CLOSED, seconds="1"))
                self.assertGreater(self.ctl.drops()[(self.a.port, "policy_ingress")], before)
                self.b.run("ping", "-c", "3", "-i", "0.2", "-W", "3",
                           self.a.addresses[self.b.addresses.index(address)])

    def test_what_was_cut_from_large_frames_arrives_whole(self):
        """A tap pod leaves the cutting to the switch, whose pieces are chains of buffers; AF_XDP
        sends what is in one."""
        self.start_lab()
        sender = self.add_pod("sender", "tap", 3)
        for address in self.b.addresses:
            self.serve(address, SERVED)
            with self.subTest(address=address):
                self.assertEchoes(sender, address, SERVED)

    def added_again(self):
        """The kernel takes its time to let a queue go; who comes too early is told."""
        try:
            self.lab.add_port(self.a)
        except CtlError as error:
            self.assertIn("receive queue: ", error.message)
            return False
        return True

    def test_a_deleted_port_gives_the_interface_back(self):
        self.start_lab()
        for _ in range(20):  # more often than buffers last that do not come back
            self.ctl.delete_port(self.a.port)
            self.assertNotIn("xdp", run("ip", "link", "show", self.a.interface).stdout)
            self.lab.wait_until(self.added_again, "the kernel gives the queue back", 10)
            self.assertIn("xdp", run("ip", "link", "show", self.a.interface).stdout)
        self.a.run("ping", "-c", "2", "-i", "0.2", "-W", "3", self.b.addresses[0])

    def test_an_interface_with_several_receive_queues_is_refused(self):
        self.lab.start_switch()
        name = f"slq{self.lab.directory[-6:]}"
        run("ip", "link", "add", name, "numrxqueues", "2", "numtxqueues", "2", "type", "veth", "peer",
            "name", name + "p")
        try:
            with self.assertRaises(CtlError) as caught:
                self.ctl.add_port("wide", "af-xdp", name, more=["--role", "uplink"])
        finally:
            run("ip", "link", "del", name)
        self.assertIn(f"interface {name} has 2 receive queues", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
