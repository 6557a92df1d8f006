"""A test case of the CNI plugin against one switch, and the pods it is for."""
import unittest

from harness.case import needs_root
from harness.cni import Runtime
from harness.lab import Lab


def pod_of(container):
    """The pod as the API has it while its sandbox is made: without addresses."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "default", "name": container, "uid": f"uid-{container}",
                         "labels": {"app": container}},
            "status": {"phase": "Pending"}}


@needs_root
class CniTest(unittest.TestCase):
    """One switch for all tests of a class. Each test leaves nothing behind, or fails."""

    flags = ()  # of the switch

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.enterClassContext(cls.lab)
        cls.plugin = cls.lab.program("control/cni/sluice-cni")
        cls.lab.start_switch(*cls.flags)
        cls.lab.apply(pod_of("web"), pod_of("db"))

    def setUp(self):
        self.cni = Runtime(self.lab, self.plugin)
        self.addCleanup(self.clear)

    def tearDown(self):
        self.assertEqual(self.lab.ctl.ports(), {})
        self.assertEqual(self.cni.files(), [])

    def clear(self):
        """What a failed test left behind fails no other."""
        for name in self.lab.ctl.ports():
            self.lab.ctl.delete_port(name)
        self.cni.clear()

    def call(self, *arguments, **variables):
        return self.cni.call(*arguments, **variables)

    def assertOk(self, answer):
        self.assertEqual(answer.code, 0, answer.out)
        return answer.out

    def assertFails(self, answer, code, *fragments):
        self.assertEqual(answer.error, code, answer.out)
        self.assertLessEqual({"cniVersion", "code", "msg"}, set(answer.out))
        for fragment in fragments:
            self.assertIn(fragment, answer.out["msg"])

    def port(self):
        (port,) = self.lab.ctl.ports().values()
        return port
