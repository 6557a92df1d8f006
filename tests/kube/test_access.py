"""What the API server will not show, does not know yet, or knows and Sluice cannot take."""
import json
import unittest

from rig import objects
from rig.case import WatcherTest
from rig.etcd import DEBIAN
from rig.limits import needs_kubernetes
from rig.sets import wait_for_fresh_list

DENY_ALL = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}},
            "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}


class Forbidden(WatcherTest):
    etcd_program = DEBIAN  # so that the API server has no streaming lists: those need no `list`

    def setUp(self):
        super().setUp()
        self.role = self.api.get("clusterroles", None, "sluice-watcher")
        self.addCleanup(self.allow, self.role["rules"])

    def allow(self, rules):
        self.api.patch("clusterroles", None, "sluice-watcher", {"rules": rules})

    def forbid(self, resource, verb):
        """RBAC's informers take the change up in their own time: waits until it holds."""
        rules = json.loads(json.dumps(self.role["rules"]))
        for rule in rules:
            if resource in rule.get("resources", ()):
                # In a rule of its own, so that its neighbours keep the verb.
                rule["resources"].remove(resource)
                rules.append({**rule, "resources": [resource],
                              "verbs": [other for other in rule["verbs"] if other != verb]})
                break
        self.allow([rule for rule in rules if rule.get("resources", True)])
        self.wait(lambda: not self.may(verb, resource), f"{verb} {resource} is forbidden")

    def may(self, verb, resource):
        answer = self.kubectl.run(
            "create", "-f", "-", "-o", "json", stdin=json.dumps({
                "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": {"user": "system:serviceaccount:kube-system:sluice-watcher",
                         "resourceAttributes": {"verb": verb, "resource": resource,
                                                "group": "networking.k8s.io"}}}))
        return json.loads(answer)["status"].get("allowed", False)

    def test_one_missing_verb_holds_everything_back_and_is_named(self):
        self.api.create(objects.namespace(self.namespace))
        self.node.join()
        self.node.add(self.pod("server"), app="server")
        for verb in ("list", "watch"):
            with self.subTest(missing=verb):
                self.forbid("networkpolicies", verb)
                self.watcher.start()
                self.wait(lambda verb=verb: self.says_forbidden(verb), f"status names {verb}")
                self.assertFalse(self.watcher.ready())
                self.assertNothingPublished()
                self.allow(self.role["rules"])
                self.watcher.wait_ready()
                wait_for_fresh_list(self.lab, self.api)
                self.assertTrue(self.node.known())
                self.watcher.stop()
                self.forget_everything()

    def says_forbidden(self, verb):
        kind = self.watcher.kind("networkpolicies")
        return kind["state"] == "forbidden" and f"may not {verb} networkpolicies" in kind["problem"]

    def assertNothingPublished(self):
        """Of all the other kinds, which the watcher has long seen."""
        self.wait(lambda: self.watcher.kind("pods")["objects"] > 0, "pods are listed")
        self.assertEqual(self.endpoints(), {})
        self.assertEqual(self.ctl.status()["synced_versions"], {})
        self.assertFalse(self.node.known())

    def forget_everything(self):
        self.lab.switch.stop()
        self.lab.start_switch()
        self.node.restore_ports()


class Absent(WatcherTest):
    crds = False
    watcher_flags = ("--absent-probe", "2")

    def test_a_kind_that_is_defined_later_is_taken_up(self):
        self.start_pods(server={"app": "server"}, client={"role": "client"})
        self.assertEqual(self.watcher.kind("clusternetworkpolicies")["state"], "absent")
        self.assertReaches("client", "server")
        self.cluster.install_crds("clusternetworkpolicies")
        self.api.create(objects.cluster_policy("deny-all", DENY_ALL))
        self.wait(lambda: "deny-all" in self.policies(), "the policy is in force", 60)
        self.assertDoesNotReach("client", "server")
        self.assertEqual(self.watcher.kind("clusternetworkpolicies")["state"], "synced")
        self.api.delete("clusternetworkpolicies", None, "deny-all")
        self.wait(lambda: "deny-all" not in self.policies(), "the policy is gone")
        self.assertReaches("client", "server")


class Objects(WatcherTest):
    BAD = {"sluice.io/audit": "perhaps"}  # no server knows that this is not a value of it

    def bad_policy(self):
        return objects.policy(self.namespace, "bad",
                              {"podSelector": {"matchLabels": {"app": "server"}},
                               "ingress": [{}]}, self.BAD)

    def events_on(self, name):
        return [event for event in self.api.list("events")
                if event["involvedObject"].get("name") == name
                and event["involvedObject"].get("namespace") == self.namespace]

    @needs_kubernetes(32, "streaming lists")
    def test_a_streaming_list_goes_on_as_the_watch(self):
        """Newer servers compress it, in a way that not every client can read to its end."""
        self.start_pods(server={"app": "server"})
        for number in range(3):
            self.api.create(objects.deny_ingress(self.namespace, f"deny-{number}"))
            self.wait_policy(f"deny-{number}")
        counters = self.watcher.kind("networkpolicies")["counters"]
        self.assertEqual({name: counters[name] for name in ("watches", "lists", "failures")},
                         {"watches": 1, "lists": 0, "failures": 0})

    def test_all_kinds_are_watched_on_one_connection(self):
        """HTTP/2's streams."""
        self.start_pods(server={"app": "server"})
        watched = [kind for kind in self.watcher.status()["kinds"] if kind["state"] == "synced"]
        self.assertEqual(len(watched), 10)
        self.assertEqual(self.watcher.connections_to(self.cluster.server.port), 1)

    def test_a_refused_policy_gets_an_event_isolates_its_pods_and_holds_up_nobody(self):
        self.start_pods(server={"app": "server"}, other={"app": "other"}, client={"role": "client"})
        self.api.create(self.bad_policy())
        self.wait(lambda: self.events_on("bad"), "an Event on the policy")
        (event, *more) = self.events_on("bad")
        self.assertEqual(more, [])
        self.assertEqual((event["type"], event["involvedObject"]["kind"]),
                         ("Warning", "NetworkPolicy"))
        self.assertIn("sluice.io/audit", event["message"])
        self.assertDoesNotReach("client", "server")
        self.assertReaches("client", "other")
        self.api.create(objects.deny_ingress(self.namespace, app="other"))
        self.wait_policy("deny-ingress")
        self.assertDoesNotReach("client", "other")
        self.assertTrue(self.watcher.ready())
        self.assertEqual(self.watcher.refused(), {f"NetworkPolicy {self.namespace}/bad"})
        self.mend()

    def mend(self):
        """Without the annotation it is taken, and admits everybody."""
        self.api.patch("networkpolicies", self.namespace, "bad",
                       {"metadata": {"annotations": {"sluice.io/audit": None}}})
        self.wait(lambda: self.reaches("client", "server"), "the mended policy is in force")
        self.assertEqual(self.watcher.refused(), set())
        wait_for_fresh_list(self.lab, self.api)

    def test_a_policy_that_turns_bad_keeps_its_last_good_version(self):
        self.start_pods(server={"app": "server"}, client={"role": "client"},
                        stranger={"role": "stranger"})
        self.api.create(objects.allow_from(self.namespace, "good", {"app": "server"},
                                           {"role": "client"}))
        self.wait_policy("good")
        self.api.patch("networkpolicies", self.namespace, "good",
                       {"metadata": {"annotations": self.BAD}, "spec": {"ingress": [{}]}})
        self.wait(lambda: self.events_on("good"), "an Event on the policy")
        self.assertReaches("client", "server")
        self.assertDoesNotReach("stranger", "server")


if __name__ == "__main__":
    unittest.main()
