"""Many pods: what the watcher asks for, and what it keeps."""
import collections
import random
import time
import unittest
import urllib.parse

from rig.case import WatcherTest
from rig.etcd import DEBIAN
from rig.limits import needs_kubernetes
from rig.population import Population

NAMESPACES, POLICIES = 200, 200
PAGE = 500  # objects, client-go's
MEMORY_MB = 100
KINDS = ("namespaces", "nodes", "networkpolicies", "clusternetworkpolicies", "adminnetworkpolicies",
         "baselineadminnetworkpolicies", "multi-networkpolicies", "network-attachment-definitions",
         "sluicepolicies")


class Requests:
    """What the watcher has asked the API server for since `events` began, by resource."""

    def __init__(self, events):
        self.lists, self.watches, self.streaming = (collections.Counter() for _ in range(3))
        self.old_lists = []  # "whatever a cache has": never for policy
        for event in events:
            self._count(event)

    def _count(self, event):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(event["requestURI"]).query)
        resource = event.get("objectRef", {}).get("resource", "")
        if query.get("resourceVersion") == ["0"]:
            self.old_lists.append(event["requestURI"])
        if event["stage"] != "ResponseStarted" and event["verb"] == "watch":
            return  # its end, or a refusal: counted at its start
        if event["verb"] == "list":
            self.lists[resource] += event["stage"] == "ResponseComplete"
        elif "true" in query.get("sendInitialEvents", []):
            self.streaming[resource] += 1
        elif event["verb"] == "watch":
            self.watches[resource] += 1


class Scale(WatcherTest):
    pods = 10_000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        population = Population(cls.cluster, "scale", NAMESPACES, random.Random(2))
        start = time.monotonic()
        population.create_namespaces()
        population.add_pods(cls.pods)
        population.add_policies(POLICIES)
        print(f"{cls.pods} pods made in {time.monotonic() - start:.0f} s", flush=True)

    def start_and_count(self):
        before = len(self.cluster.server.audited())
        start = time.monotonic()
        self.watcher.start_ready(120)
        ready = time.monotonic() - start
        self.assertGreaterEqual(len(self.endpoints()), self.pods)
        memory = self.watcher.peak_memory()
        print(f"figure: {self.pods} pods: ready after {ready:.1f} s; at most "
              f"{memory / 1e6:.0f} MB resident", flush=True)
        self.assertLess(memory, MEMORY_MB * 1e6)
        return Requests(self.cluster.server.audited()[before:])

    @needs_kubernetes(32, "streaming lists")
    def test_one_streaming_list_and_no_other_request_a_kind(self):
        requests = self.start_and_count()
        for kind in ("pods", *KINDS):
            with self.subTest(kind=kind):
                self.assertEqual((requests.streaming[kind], requests.lists[kind],
                                  requests.watches[kind]), (1, 0, 0))
        self.assertEqual(requests.old_lists, [])


class PagedScale(Scale):
    etcd_program = DEBIAN  # no streaming lists
    pods = 2000

    @needs_kubernetes(32, "a watch in the audit log before its first event")
    def test_one_streaming_list_and_no_other_request_a_kind(self):
        """In pages: one list and one watch, after one question whether it can be streamed."""
        requests = self.start_and_count()
        for kind in ("pods", *KINDS):
            with self.subTest(kind=kind):
                pages = self.pods // PAGE + 1 if kind == "pods" else 1
                self.assertTrue(1 <= requests.lists[kind] <= pages, requests.lists)
                self.assertEqual(requests.watches[kind], 1)
                self.assertLessEqual(requests.streaming[kind], 1)
        self.assertEqual(requests.old_lists, [])


if __name__ == "__main__":
    unittest.main()
