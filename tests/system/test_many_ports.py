"""As many pods as a node may have: the plugin adds and deletes their ports, the pods connect, and two
others forward."""
import os
import resource
import statistics
import threading
import time
import unittest

from harness.case import needs_root
from harness.cni import Runtime
from harness.cni_case import pod_of
from harness.lab import Lab
from harness.manifests import DENY_INGRESS, make_pod, pod_object, policy
from harness.vhost_peer import VhostPeer, listen

PODS = 250
RATE = 2000  # packets a second that the two others exchange
ADMIT_A = policy("admit-a", {"podSelector": {"matchLabels": {"name": "b"}},
                             "ingress": [{"from": [{"podSelector": {"matchLabels": {"name": "a"}}}]}]})


class Background(threading.Thread):
    """Blasts from a to b, one second after the other, until it is told to stop."""

    def __init__(self, pktgen, a, b):
        super().__init__(daemon=True)
        self.pktgen, self.a, self.b = pktgen, a, b
        self.sent = self.received = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            answer = self.pktgen.call("blast", pod=self.a.name, to=self.b.addresses[0], port=9,
                                      size=64, seconds=1, rate_pps=RATE, flows=4)
            self.sent += answer["sent"]
            self.received += answer["received"]

    def stop(self):
        self.stopping.set()
        self.join(30)


@needs_root
class Node(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.enterContext(self.lab)
        # So many open files are what a service gets by default, and too few for so many ports.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, files[1]))
        try:
            self.lab.start_switch()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, files)
        self.cni = Runtime(self.lab, self.lab.program("control/cni/sluice-cni"))
        self.a, self.b = make_pod("a", 1), make_pod("b", 2)
        self.lab.apply(pod_object(self.a, name="a"), pod_object(self.b, name="b"), DENY_INGRESS,
                       ADMIT_A, *(pod_of(f"pod{n}") for n in range(PODS)))
        for pod in (self.a, self.b):
            self.lab.add_port(pod)
        self.pktgen = self.lab.start_pktgen([self.a, self.b])

    def connect(self, answers):
        """The pods behind the sockets that ADD told of, with rings that stay empty."""
        paths = [interface["socketPath"] for out in answers for interface in out["interfaces"]
                 if "socketPath" in interface]
        listeners = [listen(path) for path in paths]
        for listener in listeners:
            self.addCleanup(listener.close)
            listener.settimeout(30)
            peer = VhostPeer(listener.accept()[0])
            self.addCleanup(peer.close)
            peer.set_up()
        self.lab.wait_until(
            lambda: all(port["link_up"] for port in self.lab.ctl.ports().values()),
            "all pods are connected", timeout=30)

    def call(self, command, number):
        """Seconds that it took, and the answer."""
        config = self.cni.config(ipam=False,
                                 runtimeConfig={"ips": [f"10.44.0.{1 + number}/24"]})
        start = time.monotonic()
        answer = self.cni.call(command, f"pod{number}", config)
        took = time.monotonic() - start
        self.assertEqual(answer.code, 0, answer.out)
        return took, answer.out

    def test_ports_for_all_pods_come_and_go_while_two_forward(self):
        background = Background(self.pktgen, self.a, self.b)
        background.start()
        answers = [self.call("ADD", n) for n in range(PODS)]
        added = sorted(took for took, _ in answers)
        ports = self.lab.ctl.ports()
        self.assertEqual(len(ports), PODS + 2)
        self.assertEqual({port["subject"] for port in ports.values()}, {"known"})
        self.connect([out for _, out in answers])
        files = len(os.listdir(f"/proc/{self.lab.switch.pid}/fd"))
        deleted = sorted(self.call("DEL", n)[0] for n in range(PODS))
        background.stop()
        self.assertEqual(set(self.lab.ctl.ports()), {self.a.port, self.b.port})
        self.assertEqual(self.cni.files(), [])
        self.assertGreater(background.sent, RATE, "it ran beside them")
        # A starved machine loses a burst or two.
        self.assertGreaterEqual(background.received, background.sent * 0.97)
        print(f"figure: {PODS + 2} connected ports take {files} open files")
        for name, times in (("ADD", added), ("DEL", deleted)):
            print(f"figure: {name} of {PODS} pods: p50 {1000 * statistics.median(times):.0f} ms, "
                  f"p99 {1000 * times[int(PODS * 0.99)]:.0f} ms; {background.received} of "
                  f"{background.sent} packets of the two others arrived")


if __name__ == "__main__":
    unittest.main()
