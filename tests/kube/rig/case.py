"""A test case with an API server that all its tests share, and a switch and a watcher a test."""
import itertools
import os
import unittest

from harness import Lab

from rig import objects
from rig.cluster import Cluster
from rig.node import Node
from rig.watcher import Watcher

_NAMESPACES = itertools.count(1)

needs_root = unittest.skipUnless(os.geteuid() == 0, "not root: no network interfaces")


@needs_root
class ClusterTest(unittest.TestCase):
    crds = True
    etcd_program = None

    @classmethod
    def setUpClass(cls):
        cls.cluster_lab = Lab()
        cls.enterClassContext(cls.cluster_lab)
        cls.cluster = Cluster(cls.cluster_lab, cls.etcd_program)
        cls.cluster.start(cls.crds)
        cls.api, cls.kubectl = cls.cluster.api, cls.cluster.kubectl


class WatcherTest(ClusterTest):
    """`namespace` is the test's own. After a failed test, the watcher's log is printed."""

    starts_switch = True
    watcher_flags = ()

    def setUp(self):
        self.lab = Lab()
        self.enterContext(self.lab)
        self.ctl = self.lab.ctl
        self.namespace = f"test-{next(_NAMESPACES)}"
        if self.starts_switch:
            self.lab.start_switch()
        self.watcher = Watcher(self.lab, self.cluster, flags=self.watcher_flags)
        self.node = Node(self.lab, self.cluster)
        self.addCleanup(self._remove_objects)

    def tearDown(self):
        result = self._outcome.result
        failed = any(test.id().startswith(self.id()) for test, _ in result.failures + result.errors)
        if failed and self.watcher.process:
            print(self.watcher.process.log()[-6000:])

    def _remove_objects(self):
        """The next test gives the addresses to others; and no controller empties a namespace."""
        for resource in ("networkpolicies", "pods"):
            for item in self.api.list(resource):
                if item["metadata"]["namespace"] == self.namespace:
                    self.api.delete(resource, self.namespace, item["metadata"]["name"])
        for item in self.api.list("nodes"):
            self.api.delete("nodes", None, item["metadata"]["name"])

    def pod(self, name):
        return f"{self.namespace}/{name}"

    def start_pods(self, **pods):
        """A namespace with played pods, name=labels, and the watcher ready over them."""
        self.api.create(objects.namespace(self.namespace))
        self.node.join()
        for name, labels in pods.items():
            self.node.add(self.pod(name), **labels)
        self.watcher.start_ready()
        self.node.play()
        self.wait(self.node.known, "the switch knows all pods")

    def wait(self, condition, what, timeout=30):
        self.lab.wait_until(condition, what, timeout)

    def new_watcher(self, *flags):
        """In place of the one that was stopped."""
        return Watcher(self.lab, self.cluster, flags=flags)

    def endpoints(self):
        """{"namespace/name": endpoint} that the switch knows."""
        listed = self.ctl.json("get", "endpoints")["objects"]
        found = [entry["object"]["endpoint"] for entry in listed]
        return {f"{endpoint['namespace']}/{endpoint['name']}": endpoint for endpoint in found}

    def policies(self):
        """Names of the policies in force, "namespace/name" or "name"."""
        names = set()
        for entry in self.ctl.json("get", "policies")["objects"]:
            (found,) = entry["object"].values()
            found = found.get("policy", found)
            names.add("/".join(filter(None, (found.get("namespace"), found["name"]))))
        return names

    def wait_policy(self, *names):
        """Until all of these are in force."""
        wanted = {self.pod(name) for name in names}
        self.wait(lambda: wanted <= self.policies(), f"in force: {sorted(wanted)}")

    def wait_no_policy(self, *names):
        gone = {self.pod(name) for name in names}
        self.wait(lambda: not gone & self.policies(), f"no longer in force: {sorted(gone)}")

    def reaches(self, source, target, **more):
        return self.node.reaches(self.pod(source), self.pod(target), **more)

    def assertReaches(self, source, target, **more):
        self.assertTrue(self.reaches(source, target, **more), f"{source} does not reach {target}")

    def assertDoesNotReach(self, source, target, **more):
        self.assertFalse(self.reaches(source, target, timeout_ms=500, **more),
                         f"{source} reaches {target}")
