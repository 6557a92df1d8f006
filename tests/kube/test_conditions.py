"""Whether a cluster-wide policy or a SluicePolicy is accepted is in its status, written by the
watchers of all nodes."""
import unittest

from harness import Lab

from rig import objects
from rig.case import WatcherTest
from rig.watcher import Watcher

BAD = {"sluice.io/audit": "perhaps"}  # no server knows that this is not a value of it
SPEC = {"priority": 7, "subject": {"namespaces": {}},
        "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}
# resource: the kind's version, and what its spec has beside SPEC, or lacks
KINDS = {
    "clusternetworkpolicies": ("ClusterNetworkPolicy", "v1alpha2", {"tier": "Admin"}, ()),
    "adminnetworkpolicies": ("AdminNetworkPolicy", "v1alpha1", {}, ()),
    "baselineadminnetworkpolicies": ("BaselineAdminNetworkPolicy", "v1alpha1", {}, ("priority",)),
}


def policy(resource, name, annotations=None):
    kind, version, more, less = KINDS[resource]
    spec = {key: value for key, value in {**SPEC, **more}.items() if key not in less}
    return {"apiVersion": f"policy.networking.k8s.io/{version}", "kind": kind,
            "metadata": {"name": name, "annotations": annotations or {}}, "spec": spec}


class Conditions(WatcherTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self._remove_policies)

    def _remove_policies(self):
        for resource in KINDS:
            for item in self.api.list(resource):
                self.api.delete(resource, None, item["metadata"]["name"])

    def condition(self, resource, name, namespace=None):
        """The object's `sluice.io/Accepted`; None if it has none."""
        conditions = self.api.get(resource, namespace, name).get("status", {}).get("conditions", [])
        found = [one for one in conditions if one["type"] == "sluice.io/Accepted"]
        return found[0] if found else None

    def wait_condition(self, resource, name, status, namespace=None):
        self.wait(lambda: (self.condition(resource, name, namespace) or {}).get("status") == status,
                  f"{resource} {name}: {status}")
        return self.condition(resource, name, namespace)

    def writes(self, name):
        """How often a watcher asked to write the object's status, with the codes."""
        return [event["responseStatus"]["code"] for event in self.cluster.server.audited()
                if event["verb"] == "patch" and event["objectRef"].get("name") == name
                and event["objectRef"].get("subresource") == "status"]

    def annotate(self, resource, name, annotations):
        self.api.patch(resource, None, name, {"metadata": {"annotations": annotations}})

    def test_a_refused_policy_of_each_kind_says_so_and_a_mended_one_too(self):
        self.watcher.start_ready()
        for resource in KINDS:
            with self.subTest(resource):
                self.api.create(policy(resource, "default", BAD))
                condition = self.wait_condition(resource, "default", "False")
                self.assertEqual(condition["reason"], "RefusedBySluice")
                self.assertEqual(condition["observedGeneration"], 1)
                self.assertIn("node node-1 (watcher): ", condition["message"])
                self.assertIn("sluice.io/audit", condition["message"])
                self.annotate(resource, "default", {"sluice.io/audit": None})
                condition = self.wait_condition(resource, "default", "True")
                self.assertEqual(condition["reason"], "AcceptedBySluice")

    def test_a_pattern_that_does_not_compile_is_said_of_its_policy(self):
        self.watcher.start_ready()
        self.api.create(objects.namespace(self.namespace))
        rule = {"content": [{"pattern": "a("}]}
        self.api.create(objects.sluice_policy(self.namespace, "slp",
                                              {"podSelector": {}, "egress": [rule]}))
        condition = self.wait_condition("sluicepolicies", "slp", "False", self.namespace)
        self.assertEqual(
            condition["message"],
            "node node-1 (watcher): spec.egress[0].content[0].pattern: "
            "Missing close parenthesis for group started at index 1.")
        self.api.patch("sluicepolicies", self.namespace, "slp", {"spec": {"egress": [{}]}})
        condition = self.wait_condition("sluicepolicies", "slp", "True", self.namespace)
        self.assertEqual(condition["observedGeneration"], 2)

    def test_a_policy_that_was_never_refused_is_never_written(self):
        self.watcher.start_ready()
        name = "clusternetworkpolicies"
        self.api.create(policy(name, "good"))
        self.wait(lambda: "good" in self.policies(), "good is in force")
        self.api.create(policy(name, "later", BAD))  # "good" would be written before it
        self.wait_condition(name, "later", "False")
        self.assertIsNone(self.condition(name, "good"))
        self.assertEqual(self.writes("good"), [])
        self.assertEqual(self.writes("later"), [200])

    def test_conditions_of_others_stay(self):
        name = "clusternetworkpolicies"
        self.watcher.start_ready()
        self.api.create(policy(name, "shared"))
        other = {"type": "example.org/Other", "status": "True", "reason": "Because",
                 "message": "ours", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        self.api.patch(name, None, "shared", {"status": {"conditions": [other]}}, "status")
        self.annotate(name, "shared", BAD)
        self.wait_condition(name, "shared", "False")
        self.assertIn(other, self.api.get(name, None, "shared")["status"]["conditions"])

    def test_two_nodes_say_it_once_and_come_to_rest(self):
        name = "clusternetworkpolicies"
        second = self.enterContext(Lab())
        second.start_switch()
        other = Watcher(second, self.cluster, node="node-2")
        self.watcher.start_ready()
        other.start_ready()
        self.api.create(policy(name, "both", BAD))
        self.wait_condition(name, "both", "False")
        self.annotate(name, "both", {"sluice.io/audit": None})
        self.wait_condition(name, "both", "True")
        self.api.create(policy(name, "after", BAD))
        self.wait_condition(name, "after", "False")
        self.wait_condition(name, "both", "True")
        # Twice, or four times if one that was late to accept it had to take its word back.
        self.assertIn(self.writes("both").count(200), (2, 4))
        for watcher in (self.watcher, other):
            self.wait(lambda w=watcher: w.refused() == {"ClusterNetworkPolicy /after"}, "one refused")


if __name__ == "__main__":
    unittest.main()
