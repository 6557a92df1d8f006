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


def with_rule(**rule):
    return {"podSelector": {}, "ingress": [rule]}


def port(protocol):
    return [{"port": 443, "protocol": protocol}]


TLS = {"serverNames": ["example.org"]}
SLUICE_CASES = [  # what, spec, is it taken?
    ("no rules", {"podSelector": {}}, True),
    ("no selector", {"policyTypes": ["Ingress"]}, False),
    ("another type", {"podSelector": {}, "policyTypes": ["Both"]}, False),
    ("all of a rule", with_rule(
        name="n", action="allow", order=0, ports=port("TCP"), tls=TLS,
        http=[{"method": "GET", "host": "a.b", "path": "/a/*"}],
        content=[{"pattern": "x", "action": "alert"}], log=True,
        **{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}), True),
    ("egress", {"podSelector": {}, "egress": [{"to": [{"podSelector": {}}], "tls": TLS}]}, True),
    ("another action", with_rule(action="pass"), False),
    ("order 10000", with_rule(order=10000), True),
    ("order 10001", with_rule(order=10001), False),
    ("order -1", with_rule(order=-1), False),
    ("a name of 101 characters", with_rule(name="n" * 101), False),
    ("tls without names", with_rule(tls={"serverNames": []}), False),
    ("10,000 names", with_rule(tls={"serverNames": [f"a{n}.b" for n in range(10000)]}), True),
    ("10,001 names", with_rule(tls={"serverNames": [f"a{n}.b" for n in range(10001)]}), False),
    ("upper case and a dot", with_rule(tls={"serverNames": ["*.Example.ORG."]}), True),
    ("an underscore in front", with_rule(tls={"serverNames": ["_a.b"]}), True),
    ("a wildcard alone", with_rule(tls={"serverNames": ["*"]}), False),
    ("a wildcard inside", with_rule(tls={"serverNames": ["a.*.b"]}), False),
    ("a label of 64", with_rule(tls={"serverNames": ["a" * 64]}), False),
    ("a method of two words", with_rule(http=[{"method": "GET X"}]), False),
    ("a method in lower case", with_rule(http=[{"method": "get"}]), False),
    ("every path", with_rule(http=[{"path": "/*"}]), True),
    ("a path without a slash", with_rule(http=[{"path": "a"}]), False),
    ("a star inside a path", with_rule(http=[{"path": "/a*/b"}]), False),
    ("a star behind a letter", with_rule(http=[{"path": "/a*"}]), False),
    ("a query", with_rule(http=[{"path": "/a?b"}]), False),
    ("1,001 requests", with_rule(http=[{"method": "GET"}] * 1001), False),
    ("an empty pattern", with_rule(content=[{"pattern": ""}]), False),
    ("a pattern of 1,025", with_rule(content=[{"pattern": "a" * 1025}]), False),
    ("1,001 patterns", with_rule(content=[{"pattern": "a"}] * 1001), False),
    ("a pattern that allows", with_rule(content=[{"pattern": "a", "action": "allow"}]), False),
    ("deny with patterns", with_rule(action="deny", content=[{"pattern": "a"}]), False),
    ("deny with a name", with_rule(action="deny", tls=TLS), True),
    ("names in UDP", with_rule(tls=TLS, ports=port("UDP")), False),
    ("requests in SCTP", with_rule(http=[{"method": "GET"}], ports=port("SCTP")), False),
    ("patterns in UDP", with_rule(content=[{"pattern": "a"}], ports=port("UDP")), True),
    ("questions in UDP", with_rule(dns={"names": ["*.Example.ORG."]}, ports=port("UDP")), True),
    ("questions on every port", with_rule(dns={"names": ["a.b"]}), True),
    ("no questions", with_rule(dns={"names": []}), False),
    ("questions in TCP", with_rule(dns={"names": ["a.b"]}, ports=port("TCP")), False),
    ("questions in what is TCP by default", with_rule(dns={"names": ["a.b"]},
                                                      ports=[{"port": 53}]), False),
    ("questions and names", with_rule(dns={"names": ["a.b"]}, tls=TLS), False),
    ("questions and requests", with_rule(dns={"names": ["a.b"]}, http=[{"method": "GET"}]), False),
    ("names in TCP and UDP", with_rule(tls=TLS, ports=port("TCP") + port("UDP")), False),
]
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

    @needs_cel
    def test_sluice_policy(self):
        for what, spec, taken in SLUICE_CASES:
            with self.subTest(what):
                self.assertEqual(self.is_taken(objects.sluice_policy("default", "s", spec)), taken)

    def test_end_port_is_kept_by_the_version_that_has_it(self):
        self.api.create(multi("v1beta2", [{"port": 80, "endPort": 90, "protocol": "TCP"}]))
        (kept,) = self.api.list("multi-networkpolicies")
        self.assertEqual(kept["spec"]["ingress"][0]["ports"][0]["endPort"], 90)
        self.assertFalse(self.is_taken(multi("v1beta2", [{"port": 80, "protocol": "ICMP"}])))


if __name__ == "__main__":
    unittest.main()
