"""The demo's story (tests/system/demo.py), told by `kubectl apply` and judged by packets."""
import sys
import unittest

from demo import Demo
from scenario.report import Report

from rig import objects
from rig.case import WatcherTest
from rig.documents import read_documents

NODE = "node-1"


class KubeDemo(Demo):
    """The same steps; every object comes by way of the API server and the watcher."""

    def __init__(self, test):
        super().__init__(test.lab, Report())
        self.test = test

    def enter(self):
        test = self.test
        text = test.kubectl.run("create", "--dry-run=client", "--validate=false", "-o", "json",
                                "-f", self.manifest("pods.yaml"))
        items = read_documents(text)
        for item in items:
            self.create(item)
        self.cast.enter()
        pods = [item["metadata"] for item in items if item["kind"] == "Pod"]
        self.check_that_ports_are_shut(pods)
        for meta in pods:
            addresses = self.cast.pods[f"{meta['namespace']}/{meta['name']}"].addresses
            test.api.patch("pods", meta["namespace"], meta["name"],
                           {"status": objects.pod_status(addresses)}, "status")
        test.watcher.start_ready()
        test.wait(self.all_known, "the switch knows all pods")

    def create(self, item):
        """As a scheduler leaves it: on a node, without addresses."""
        meta = item["metadata"]
        if item["kind"] == "Namespace":
            if meta["name"] != "default":
                self.test.api.create(objects.namespace(meta["name"], **meta.get("labels", {})))
        else:
            self.test.api.create(objects.pod(meta["namespace"], meta["name"], NODE,
                                             meta.get("labels")))

    def check_that_ports_are_shut(self, pods):
        ports = self.ctl.ports()
        names = [f"{meta['namespace']}.{meta['name']}" for meta in pods]
        known = [name for name in names if ports[name]["subject"] == "known"]
        self.report.expect("before the watcher speaks, all ports are shut", known)

    def all_known(self):
        return all(port["subject"] == "known" for port in self.ctl.ports().values())

    def apply(self, name):
        self.test.kubectl.apply(self.manifest(name))
        self.settle()

    def remove(self, *names):
        self.test.kubectl.delete(*map(self.manifest, names))
        self.settle()

    def settle(self):
        """Until the policies in force are those that the API has."""
        wanted = {f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                  for item in self.test.api.list("networkpolicies")}
        self.test.wait(lambda: self.test.policies() == wanted, f"in force: {sorted(wanted)}")


class Story(WatcherTest):
    starts_switch = False  # the demo does

    def test_every_expectation_of_the_demo_holds_by_way_of_the_api_server(self):
        demo = KubeDemo(self)
        demo.run()
        sys.stdout.flush()
        self.assertEqual(demo.report.failed, [])
        self.assertGreater(demo.report.passed, 60)


if __name__ == "__main__":
    unittest.main()
