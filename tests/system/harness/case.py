"""A test case with a Lab of its own, two pods in it that talk, and more if wanted."""
import os
import unittest

from harness.lab import Lab
from harness.manifests import make_pod, pod_object


needs_root = unittest.skipUnless(os.geteuid() == 0, "not root: no network interfaces")


class LabTest(unittest.TestCase):
    huge = None  # None: as SLUICE_HUGE says

    def setUp(self):
        self.lab = Lab(huge=self.huge)
        self.enterContext(self.lab)
        self.ctl = self.lab.ctl

    def tearDown(self):
        # Runs before the lab is unwound: a failed test shows what the switch had to say.
        if self.lab.switch and self._failed():
            print(self.lab.switch.log()[-5000:])

    def _failed(self):
        result = self._outcome.result
        return any(test.id().startswith(self.id()) for test, _ in result.failures + result.errors)

    def start(self, kind="vhost-server", *flags):
        """A switch with pods a and b on ports of `kind`; b echoes TCP and UDP on port 7."""
        self.lab.start_switch(*flags)
        self.a, self.b = make_pod("a", 1, kind), make_pod("b", 2, kind)
        self.add_pods(self.a, self.b)
        self.pktgen = self.lab.start_pktgen([self.a, self.b])
        self.pktgen.listen(self.b.name, 7)
        self.pktgen.listen(self.b.name, 7, "udp")

    def add_pods(self, *pods):
        self.lab.apply(*(pod_object(pod) for pod in pods))
        for pod in pods:
            self.lab.add_port(pod)

    def connects(self, family=4, timeout_ms=1000):
        address = self.b.addresses[0 if family == 4 else 1]
        return self.pktgen.connect(self.a.name, address, 7, timeout_ms=timeout_ms)["ok"]

    def assertConnects(self, family=4):
        self.assertTrue(self.connects(family), "a does not reach b")

    def assertDoesNotConnect(self, family=4):
        self.assertFalse(self.connects(family, timeout_ms=600), "a reaches b")

    def assertNothingRemains(self):
        self.assertEqual(self.lab.remains(), [])
