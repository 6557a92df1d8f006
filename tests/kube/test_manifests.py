"""What docker/ and docs/ ship is what a real API server takes, and its schemas refuse what they
should."""
import glob
import json
import os
import unittest

from rig import objects
from rig.api import ApiError
from rig.case import ClusterTest
from rig.cluster import CRDS, RBAC, ROOT
from rig.documents import read_documents
from rig.limits import needs_kubernetes

SUBJECT = {"namespaces": {}}
ACCEPT = {"action": "Accept", "from": [{"namespaces": {}}]}


def cluster_spec(**change):
    return {"tier": "Admin", "priority": 1, "subject": SUBJECT, "ingress": [ACCEPT], **change}


def with_protocol(protocol):
    return cluster_spec(ingress=[{**ACCEPT, "protocols": [protocol]}])


def to(peer, **more):
    return cluster_spec(egress=[{"action": "Accept", "to": [peer], **more}])


CLUSTER_CASES = [  # what, spec, is it taken?
    ("all that it must have", cluster_spec(), True),
    ("another tier", cluster_spec(tier="Top"), False),
    ("priority 1000", cluster_spec(priority=1000), True),
    ("priority 1001", cluster_spec(priority=1001), False),
    ("no subject", {"tier": "Admin", "priority": 1}, False),
    ("two subjects", cluster_spec(subject={"namespaces": {}, "pods": {"podSelector": {}}}), False),
    ("v1alpha1's action", cluster_spec(ingress=[{**ACCEPT, "action": "Allow"}]), False),
    ("no peers", cluster_spec(ingress=[{**ACCEPT, "from": []}]), False),
    ("26 rules", cluster_spec(ingress=[ACCEPT] * 26), False),
    ("25 rules", cluster_spec(ingress=[ACCEPT] * 25), True),
    ("a port", with_protocol({"tcp": {"destinationPort": {"number": 80}}}), True),
    ("port 0", with_protocol({"tcp": {"destinationPort": {"number": 0}}}), False),
    ("a range",
     with_protocol({"udp": {"destinationPort": {"range": {"start": 1, "end": 2}}}}), True),
    ("an empty range",
     with_protocol({"sctp": {"destinationPort": {"range": {"start": 2, "end": 2}}}}), False),
    ("a named port", with_protocol({"destinationNamedPort": "web"}), True),
    ("a CIDR", to({"networks": ["fd00::/8"]}), True),
    ("no CIDR", to({"networks": ["10.0.0.0/33"]}), False),
    ("a domain name", to({"domainNames": ["*.example.org"]}), True),
    ("no domain name", to({"domainNames": ["*"]}), False),
    ("a named port of a network",
     to({"networks": ["10.0.0.0/8"]}, protocols=[{"destinationNamedPort": "web"}]), False),
]


def v1alpha1(kind, name, **change):
    rule = {"action": "Allow", "from": [{"namespaces": {}}]}
    spec = {"subject": SUBJECT, "ingress": [rule], **change}
    return {"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec}


V1ALPHA1_CASES = [
    ("admin", v1alpha1("AdminNetworkPolicy", "a", priority=1), True),
    ("admin without priority", v1alpha1("AdminNetworkPolicy", "a"), False),
    ("baseline", v1alpha1("BaselineAdminNetworkPolicy", "default"), True),
    ("baseline of another name", v1alpha1("BaselineAdminNetworkPolicy", "other"), False),
    ("baseline that passes", v1alpha1(
        "BaselineAdminNetworkPolicy", "default",
        ingress=[{"action": "Pass", "from": [{"namespaces": {}}]}]), False),
]


def multi(version, ports):
    return {"apiVersion": f"k8s.cni.cncf.io/{version}", "kind": "MultiNetworkPolicy",
            "metadata": {"name": "m", "namespace": "default"},
            "spec": {"podSelector": {}, "ingress": [{"ports": ports}]}}


needs_cel = needs_kubernetes(25, "rules (CEL) in the schemas of CRDs")


class Manifests(ClusterTest):
    @needs_cel
    def test_all_that_is_shipped_passes_a_dry_run(self):
        files = sorted(glob.glob(os.path.join(CRDS, "*.yaml"))) + [RBAC]
        answer = self.kubectl.apply(*files, dry_run=True)
        self.assertEqual(answer.count("(server dry run)"), len(files) - 1 + 3)

    @needs_kubernetes(22, "endPort")
    def test_the_recipes_policies_pass_a_dry_run(self):
        recipes = sorted(glob.glob(os.path.join(ROOT, "docs/recipes/*.yaml")))
        self.assertGreater(len(recipes), 5)
        for recipe in recipes:
            with self.subTest(recipe=os.path.basename(recipe)):
                self.dry_run_policies(recipe)

    def dry_run_policies(self, recipe):
        """Of the pods, recipes have what policy looks at: no API server takes them."""
        text = self.kubectl.run("create", "--dry-run=client", "--validate=false", "-o", "json",
                                "-f", recipe)
        items = [item for item in read_documents(text) if item["kind"].endswith("Policy")
                 and not item["apiVersion"].startswith("extensions/")]
        for name in {item["metadata"].get("namespace", "default") for item in items}:
            self.ensure_namespace(name)
        for item in items:
            self.kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(item))

    def ensure_namespace(self, name):
        try:
            self.api.create(objects.namespace(name))
        except ApiError as error:
            if error.code != 409:
                raise

    def is_taken(self, item):
        try:
            self.kubectl.run("create", "--dry-run=server", "-f", "-", stdin=json.dumps(item))
            return True
        except Exception as error:
            self.assertIn("nvalid", str(error))
            return False

    @needs_cel
    def test_cluster_network_policy(self):
        for what, spec, taken in CLUSTER_CASES:
            with self.subTest(what):
                self.assertEqual(self.is_taken(objects.cluster_policy("p", spec)), taken)

    @needs_cel
    def test_admin_and_baseline_policy(self):
        for what, item, taken in V1ALPHA1_CASES:
            with self.subTest(what):
                self.assertEqual(self.is_taken(item), taken)

    def test_end_port_is_kept_by_the_version_that_has_it(self):
        self.api.create(multi("v1beta2", [{"port": 80, "endPort": 90, "protocol": "TCP"}]))
        (kept,) = self.api.list("multi-networkpolicies")
        self.assertEqual(kept["spec"]["ingress"][0]["ports"][0]["endPort"], 90)
        self.assertFalse(self.is_taken(multi("v1beta2", [{"port": 80, "protocol": "ICMP"}])))


if __name__ == "__main__":
    unittest.main()
