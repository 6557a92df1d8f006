"""sluice-watcher between an API server that misbehaves and a real switch: whatever happens, the set
in force is in the end what the server has, and nothing is in force before everything is known."""
import json
import re
import signal
import unittest
import urllib.request

from harness.api_server import ALL, BUILT_IN, Answer, ApiServer, refusal
from harness.case import LabTest
from harness.manifests import DENY_INGRESS, make_pod, namespace, pod_object, policy
from harness.watcher import Watcher

_SECONDS = 20  # for what takes well under one on a quiet machine


CLUSTER_POLICY = {"apiVersion": "policy.networking.k8s.io/v1alpha2",
                  "kind": "ClusterNetworkPolicy", "metadata": {"name": "cnp"},
                  "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}}


def pod(name, number, **labels):
    return pod_object(make_pod(name, number), **labels)


class WatcherTest(LabTest):
    streaming_lists = True
    flags = ("--absent-probe", "1", "--forbidden-probe", "1")

    def setUp(self):
        super().setUp()
        self.api = ApiServer(self.streaming_lists).start()
        self.addCleanup(self.stop_api)
        self.api.put("namespaces", namespace("default"))
        self.watcher = None

    def tearDown(self):
        if self.watcher and self._failed():
            print(self.watcher.log()[-5000:])
        super().tearDown()

    def stop_api(self):
        self.api.stop()

    def start(self, wait=True):
        self.lab.start_switch()
        self.start_watcher(wait)

    def start_watcher(self, wait=True):
        kubeconfig = self.api.write_kubeconfig(self.lab.path("kubeconfig"))
        self.watcher = Watcher(self.lab, kubeconfig, *self.flags)
        if wait:
            self.wait(self.watcher.ready, "the watcher is ready")

    def wait(self, condition, what, timeout=_SECONDS):
        self.lab.wait_until(condition, what, timeout)

    def in_force(self):
        """Names of pods and policies in force; a stand-in's with a question mark."""
        names = set()
        for what in ("endpoints", "policies"):
            for listed in self.ctl.json("get", what).get("objects", []):
                item = listed["object"]
                body = (item.get("endpoint") or item.get("network_policy") or
                        item.get("cluster_policy") or item.get("sluice_policy") or
                        item["multi_network_policy"]["policy"])
                names.add(body["name"] + ("?" if listed.get("stand_in") else ""))
        return names

    def wait_in_force(self, *names):
        """Until these and no others are in force."""
        self.wait(lambda: self.in_force() == set(names), f"in force: {sorted(names)}")

    def assertWarnings(self, count, about):
        """Each failure is in the log once, however often it is met; info is not counted."""
        lines = [line for line in self.watcher.log().splitlines() if f"[warning] {about}" in line]
        self.assertEqual(len(lines), count, "\n".join(lines))

    def endpoint(self, name):
        objects = self.ctl.json("get", "endpoints").get("objects", [])
        return next((o["object"]["endpoint"] for o in objects
                     if o["object"]["endpoint"]["name"] == name), None)


class Following(WatcherTest):
    def test_objects_are_in_force_as_they_come_change_and_go(self):
        self.api.put("pods", pod("a", 1, app="x"))
        self.start()
        self.assertEqual(self.in_force(), {"a"})
        self.api.put("networkpolicies", DENY_INGRESS)
        self.api.put("pods", pod("b", 2))
        self.wait_in_force("a", "b", "deny-ingress")
        self.api.put("pods", pod("a", 1, app="y"))
        self.wait(lambda: self.endpoint("a")["labels"] == {"app": "y"}, "a's new label")
        self.api.delete("networkpolicies", DENY_INGRESS)
        self.api.delete("pods", pod("b", 2))
        self.wait_in_force("a")
        for resource in ALL:
            self.assertEqual((self.api.count(resource, "list"), self.api.count(resource, "watch")),
                             (0, 1), resource)
        self.assertGreater(self.watcher.metric("sluice_watcher_in_force_seconds_count"), 0)
        self.assertEqual(self.watcher.metric("sluice_watcher_kind_objects", kind="pods"), 1)

    def test_a_pod_that_is_another_under_an_old_name_inherits_nothing(self):
        old, new = pod("sts-0", 1, app="old"), pod("sts-0", 2, app="new")
        old["metadata"]["uid"], new["metadata"]["uid"] = "old", "new"
        self.api.put("pods", old)
        self.start()
        self.api.delete("pods", old)
        self.api.put("pods", new)
        self.wait(lambda: (self.endpoint("sts-0") or {}).get("uid") == "new", "the new pod")
        self.assertEqual(self.endpoint("sts-0")["labels"], {"app": "new"})

    def test_nothing_is_in_force_before_every_kind_is_known(self):
        self.api.put("pods", pod("a", 1))
        self.api.answer("networkpolicies", "watch",
                        *[refusal(403, "networkpolicies is forbidden: cannot watch")] * 2)
        self.start(wait=False)
        self.wait(lambda: self.watcher.kind("networkpolicies")["state"] == "forbidden",
                  "networkpolicies are forbidden")
        self.wait(lambda: self.watcher.kind("pods")["known"], "pods are known")
        code, why = self.watcher.get("/readyz")
        self.assertEqual(code, 503)
        self.assertIn("networkpolicies: forbidden: may not watch networkpolicies", why)
        self.assertEqual(self.in_force(), set())
        self.assertEqual(self.ctl.status().get("synced_versions", {}), {})
        self.wait(self.watcher.ready, "ready after the second refusal", timeout=40)
        self.assertEqual(self.in_force(), {"a"})

    def test_a_kind_that_appears_later_is_taken_up_and_given_up(self):
        self.api.served = set(BUILT_IN)
        self.start()
        self.assertEqual(self.watcher.kind("clusternetworkpolicies")["state"], "absent")
        self.api.served.add("clusternetworkpolicies")
        self.api.put("clusternetworkpolicies", CLUSTER_POLICY)
        self.wait_in_force("cnp")
        self.api.served.remove("clusternetworkpolicies")
        self.api.send("clusternetworkpolicies", b"", close=True)
        self.wait_in_force()
        self.assertEqual(self.watcher.kind("clusternetworkpolicies")["state"], "absent")

    def test_a_404_of_a_proxy_takes_nothing_out_of_force(self):
        self.api.put("clusternetworkpolicies", CLUSTER_POLICY)
        self.start()
        page = Answer(404, b"<html>no such page</html>")
        # Of everything, discovery too; and then only of the kind, which discovery lists.
        self.api.answer("clusternetworkpolicies", "watch", *[page] * 4)
        self.api.answer("discovery", "get", page)
        self.api.send("clusternetworkpolicies", b"", close=True)
        problems = set()

        def away():
            kind = self.watcher.kind("clusternetworkpolicies")
            self.assertNotEqual(kind["state"], "absent")
            self.assertEqual(self.in_force(), {"cnp"})
            problems.add(kind["problem"].partition(": ")[2])
            return self.api.count("discovery", "get") == 3
        self.wait(away, "discovery is asked: /apis, and then /apis and the version in it")
        self.wait(lambda: self.watcher.kind("clusternetworkpolicies")["state"] == "synced",
                  "watched again")
        self.assertIn("HTTP 404: <html>no such page</html>", problems)
        self.assertEqual(self.in_force(), {"cnp"})


class Status(WatcherTest):
    """What sluicectl says of the watcher."""

    def source(self):
        sources = {s["source"]: s for s in self.ctl.status().get("sources", [])}
        return sources.get("watcher")

    def report(self):
        source = self.source()
        return source["report"] if source else {}

    def test_what_is_missing_is_named_and_then_what_is_in_force(self):
        self.api.served = set(BUILT_IN)
        self.api.put("pods", pod("a", 1))
        self.api.answer("networkpolicies", "watch",
                        *[refusal(403, "networkpolicies is forbidden: cannot watch")] * 2)
        self.start(wait=False)
        why = "networkpolicies: forbidden: may not watch networkpolicies"
        self.wait(lambda: any(r.startswith(why) for r in self.report().get("not_ready", [])), why)
        text = self.ctl.run("status")
        self.assertIn("source watcher: NOT READY\n  nothing of it was acknowledged\n", text)
        self.assertIn(why, text)
        self.wait(lambda: not self.report()["not_ready"], "ready", timeout=40)
        states = {k["name"]: k["state"] for k in self.report()["kinds"]}
        self.assertEqual(states, {name: "synced" if name in BUILT_IN else "absent" for name in ALL})
        self.assertIn("source watcher: ready\n", self.ctl.run("status"))
        self.assertEqual(self.report()["version"], self.ctl.status()["synced_versions"]["watcher"])

    def test_refused_objects_and_what_the_newest_change_took_are_there(self):
        self.start()
        self.api.put("networkpolicies", policy("wrong", {"podSelector": {}, "ingress": "all"}))
        self.wait(lambda: self.report().get("refused_objects") == "1", "a refused object")
        (refused,) = self.report()["refused"]
        self.assertEqual((refused["object"]["name"], refused["field"]), ("wrong", "spec.ingress"))
        self.assertIn("refused: NetworkPolicy default/wrong: spec.ingress", self.ctl.run("status"))
        self.assertGreater(self.report()["in_force_seconds"], 0)
        self.assertLess(self.report()["in_force_seconds"], _SECONDS)

    def kind(self, name):
        return next(k for k in self.report()["kinds"] if k["name"] == name)

    def test_a_kind_that_is_away_shows_by_the_age_of_its_news(self):
        self.start()
        self.api.answer("pods", "watch", *[refusal(503, "not yet")] * 100)
        self.api.send("pods", b"", close=True)
        self.wait(lambda: self.kind("pods")["state"] == "away", "away")
        self.wait(lambda: self.kind("pods")["heard_seconds"] > 2, "nothing was heard for 2 s")
        self.assertIn("not yet", self.kind("pods")["problem"])
        # Every half second there is a bookmark.
        self.wait(lambda: self.kind("nodes")["heard_seconds"] < 2, "nodes are heard of")
        self.assertEqual(self.kind("nodes")["state"], "synced")

    def test_prometheus_has_it_too(self):
        self.lab.start_switch("--metrics", "127.0.0.1:0")
        port = re.search(r"metrics port (\d+)", self.lab.switch.log()).group(1)
        self.start_watcher()
        url = f"http://127.0.0.1:{port}/metrics"

        def says(line):
            with urllib.request.urlopen(url, timeout=5) as answer:
                return re.search(line, answer.read().decode(), re.M)
        self.wait(lambda: says(r'^sluice_source_ready{source="watcher"} 1$'), "ready")
        self.assertTrue(says(r'^sluice_source_refused_objects{source="watcher"} 0$'))
        self.wait(lambda: says(r'^sluice_source_report_age_seconds{source="watcher"} 0\.[0-4]'),
                  "a report of just now")
        self.assertTrue(says(r'^sluice_source_heard_age_seconds{source="watcher"} '))

    def test_a_dead_watcher_shows_by_the_age_of_its_report(self):
        self.start()
        self.watcher.process.send_signal(signal.SIGKILL)
        self.watcher.process.wait(10)
        self.wait(lambda: self.source()["age_seconds"] > 5, "the report is old")
        self.assertIn("source watcher: SILENT FOR ", self.ctl.run("status"))
        self.watcher.start()
        self.wait(lambda: self.source()["age_seconds"] < 2, "a new report")


class Pages(WatcherTest):
    streaming_lists = False

    def test_a_list_comes_in_pages_and_then_as_a_watch(self):
        for number in range(1, 8):
            self.api.put("pods", pod(f"p{number}", number))
        self.api.page_size = 3
        self.start()
        self.assertEqual(self.in_force(), {f"p{number}" for number in range(1, 8)})
        self.assertEqual(self.api.count("pods", "list"), 3)
        self.api.delete("pods", pod("p4", 4))
        self.wait(lambda: "p4" not in self.in_force(), "p4 is gone")

    def test_a_list_of_any_length_that_lies_about_it_is_asked_for_again(self):
        self.api.put("pods", pod("a", 1))
        page = json.dumps({"metadata": {"resourceVersion": "101"},
                           "items": [pod("a", 1)]}).encode()
        # The rest of one that is cut short must not be there for whoever uses the connection next.
        alone = {"Connection": "close"}
        self.api.answer("pods", "list", Answer(200, page, length=len(page) + 100),
                        Answer(200, page, alone, length=len(page) - 20),
                        Answer(200, b"{\"items\":[3]}"), Answer(200, b"<html>"))
        self.start()
        self.assertEqual(self.in_force(), {"a"})
        self.assertEqual(self.watcher.kind("pods")["counters"]["failures"], 4)
        self.assertWarnings(4, "pods: ")

    def test_throttling_is_waited_for(self):
        self.api.put("pods", pod("a", 1))
        self.api.answer("pods", "list", *[refusal(429, "too many requests",
                                                  {"Retry-After": "1"})] * 3)
        self.start()
        self.assertEqual(self.in_force(), {"a"})
        self.assertEqual(self.watcher.kind("pods")["counters"]["throttled"], 3)
        self.assertWarnings(1, "pods: HTTP 429: too many requests")
        self.assertEqual(self.api.count("pods", "list"), 4)


class Faults(WatcherTest):
    flags = (*WatcherTest.flags, "--watch-idle", "2", "--max-age", "1")

    def setUp(self):
        super().setUp()
        self.api.put("pods", pod("a", 1))

    def counters(self):
        return self.watcher.kind("pods")["counters"]

    def test_an_expired_version_inside_the_stream_is_read_again_and_swept(self):
        self.start()
        self.api.put("pods", pod("b", 2))
        self.wait_in_force("a", "b")
        gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
        self.api.send("pods", json.dumps(gone).encode())
        self.wait(lambda: self.counters()["expired"] == 1 and self.counters()["fullLists"] == 2,
                  "everything is read again")
        self.assertEqual(self.in_force(), {"a", "b"})
        self.assertEqual(self.watcher.log().count("pods: the version has expired"), 1)

    def test_an_expired_version_in_the_answer_is_read_again_and_swept(self):
        self.start()
        self.api.answer("pods", "watch", refusal(503, "not yet"))
        self.api.send("pods", b"", close=True)
        self.wait(lambda: self.watcher.kind("pods")["state"] == "away", "the watch is lost")
        self.api.delete("pods", pod("a", 1))
        self.api.put("pods", pod("b", 2))
        self.api.forget_history()
        self.wait_in_force("b")
        self.assertEqual(self.counters()["expired"], 1)

    def test_half_an_object_is_asked_for_again(self):
        self.start()
        self.api.send("pods", b'{"type":"ADDED","object":{"metadata":{"name":"b', close=True)
        self.api.put("pods", pod("c", 3))
        self.wait_in_force("a", "c")
        self.assertEqual(self.counters()["failures"], 1)
        self.assertEqual(self.counters()["fullLists"], 1)
        self.assertWarnings(1, "pods: ")

    def test_what_is_no_event_is_read_again_and_counted(self):
        self.start()
        for number, bad in enumerate((b"nonsense", b'{"type":3,"object":{}}',
                                      b'{"type":"ADDED","object":[]}'), start=1):
            self.wait(lambda: self.api.watching("pods") == 1, "one watch")
            self.api.send("pods", bad)
            self.wait(lambda n=number: self.counters()["malformed"] == n, f"{bad} is counted")
            self.wait(lambda n=number: self.counters()["fullLists"] == 1 + n, "read again")
            self.assertWarnings(number, "pods: ")
        self.assertEqual(self.in_force(), {"a"})

    def test_a_stalled_stream_is_found_and_another_one_opened(self):
        self.start()
        self.api.send("pods", b"", stall=True)
        self.api.put("pods", pod("b", 2))
        self.wait_in_force("a", "b")
        self.assertGreaterEqual(self.counters()["stalls"], 1)
        self.assertEqual(self.counters()["fullLists"], 1)
        self.assertWarnings(self.counters()["stalls"], "pods: ")

    def test_a_large_object_and_a_wrong_one_hold_up_no_other(self):
        self.start()
        large = policy("large", {"podSelector": {"matchLabels": {"app": "none"}},
                                 "note": "x" * (5 << 20)})
        wrong = policy("wrong", {"podSelector": {"matchLabels": {"app": "none"}},
                                 "policyTypes": ["Ingress"], "ingress": "all"})
        for item in (large, wrong, DENY_INGRESS):
            self.api.put("networkpolicies", item)
        self.wait_in_force("a", "large?", "wrong?", "deny-ingress")
        refused = {r["name"]: r for r in self.watcher.status()["refused"]}
        self.assertIn("larger than", refused["large"]["reason"])
        self.assertEqual(refused["wrong"]["field"], "spec.ingress")
        for name in ("large", "wrong"):
            self.assertWarnings(1, f"refused: NetworkPolicy default/{name}: ")
        self.wait(lambda: len(self.api.events) >= 2, "events on both")
        events = {e["involvedObject"]["name"]: e for e in self.api.events}
        self.assertEqual(events["wrong"]["involvedObject"]["uid"],
                         "uid-networkpolicies-default-wrong")
        self.assertIn("spec.ingress", events["wrong"]["message"])
        self.api.put("networkpolicies", policy("wrong", {"podSelector": {}}))
        self.wait_in_force("a", "large?", "wrong", "deny-ingress")
        self.assertEqual([r["name"] for r in self.watcher.status()["refused"]], ["large"])

    def test_without_the_server_all_stays_in_force_and_readiness_ends_with_its_age(self):
        self.start()
        self.api.stop()
        self.wait(lambda: not self.watcher.ready(), "no longer ready")
        self.assertIn("not heard of for", self.watcher.get("/readyz")[1])
        self.assertEqual(self.in_force(), {"a"})
        self.api.put("pods", pod("b", 2))
        self.api.start(self.api.port)
        self.wait_in_force("a", "b")
        self.wait(self.watcher.ready, "ready again")


class Conditions(WatcherTest):
    """Whether a cluster-wide policy is accepted is in its status."""

    name = "clusternetworkpolicies"

    def policy(self, priority, **annotations):
        """Refused with audit="perhaps"; another priority is another generation."""
        item = json.loads(json.dumps(CLUSTER_POLICY))
        item["metadata"]["annotations"] = {f"sluice.io/{k}": v for k, v in annotations.items()}
        item["spec"]["priority"] = priority
        return item

    def condition(self):
        conditions = self.api.get(self.name, CLUSTER_POLICY).get("status", {}).get("conditions")
        return conditions[0] if conditions else {}

    def wait_condition(self, status, generation):
        self.wait(lambda: (self.condition().get("status"), self.condition().get(
            "observedGeneration")) == (status, generation), f"{status} of {generation}")

    def test_it_is_false_with_the_refusal_and_true_when_that_is_over_and_written_each_once(self):
        self.api.put(self.name, self.policy(1))
        self.start()
        self.assertEqual(self.api.patches, [])
        self.api.put(self.name, self.policy(2, audit="perhaps"))
        self.wait_condition("False", 2)
        self.assertIn("node test-node (watcher): metadata.annotations", self.condition()["message"])
        self.api.put(self.name, self.policy(3))
        self.wait_condition("True", 3)
        self.api.put(self.name, self.policy(4))
        self.api.put(self.name, self.policy(4, audit="perhaps"))  # the same generation
        self.wait_condition("False", 4)
        self.assertEqual(len(self.api.patches), 3)

    def test_a_conflict_is_decided_again_on_the_newer_object(self):
        self.start()
        self.api.answer(self.name, "patch", refusal(409, "the object has been modified"))
        self.api.put(self.name, self.policy(1, audit="perhaps"))
        self.wait(lambda: self.api.count(self.name, "patch") == 1, "a conflict")
        self.api.put(self.name, self.policy(2, audit="perhaps"))
        self.wait_condition("False", 2)
        self.assertEqual(self.api.count(self.name, "patch"), 2)

    def test_what_another_node_said_is_left_alone(self):
        theirs = {"type": "sluice.io/Accepted", "status": "False", "observedGeneration": 1,
                  "reason": "RefusedBySluice", "message": "node other: spec: is not for me",
                  "lastTransitionTime": "2026-01-01T00:00:00Z"}
        item = self.policy(1)
        item["status"] = {"conditions": [theirs]}
        self.api.put(self.name, item)
        self.start()
        later = self.policy(1, audit="perhaps")  # in the order of names, in which they are written
        later["metadata"]["name"] = "later"
        self.api.put(self.name, later)
        self.wait(lambda: self.api.patches, "the bad one's condition is written")
        self.assertEqual([(p[0], p[1]) for p in self.api.patches], [(self.name, "later")])
        self.assertEqual(self.condition(), theirs)

    def test_without_the_right_to_write_it_the_rest_goes_on_and_it_is_tried_again(self):
        self.start()
        self.api.answer(self.name, "patch", refusal(403, "may not patch"))
        self.api.put(self.name, self.policy(1, audit="perhaps"))
        self.wait(lambda: self.api.count(self.name, "patch") == 1, "a refused patch")
        self.api.put("pods", pod("a", 1))
        self.wait_in_force("a", "cnp?")
        self.wait_condition("False", 1)  # 5 s later
        self.assertEqual(self.watcher.log().count("cannot be written: HTTP 403"), 1)


class SluicePolicies(WatcherTest):
    served = ALL

    def policy(self, pattern):
        return {"apiVersion": "sluice.io/v1alpha1", "kind": "SluicePolicy",
                "metadata": {"name": "slp", "namespace": "default"},
                "spec": {"podSelector": {"matchLabels": {"app": "x"}},
                         "egress": [{"content": [{"pattern": pattern}]}]}}

    def condition(self):
        status = self.api.get("sluicepolicies", self.policy("")).get("status", {})
        return status.get("conditions", [{}])[0]

    def test_a_pattern_that_does_not_compile_is_in_the_condition_and_the_policy_isolates(self):
        self.start()
        self.api.put("sluicepolicies", self.policy("a("))
        self.wait(lambda: self.condition().get("status") == "False", "the condition")
        self.assertIn("spec.egress[0].content[0].pattern: Missing close parenthesis for group "
                      "started at index 1.", self.condition()["message"])
        self.assertEqual(self.in_force(), {"slp?"})
        (stand_in,) = self.ctl.json("get", "policies")["objects"]
        self.assertEqual(stand_in["object"]["sluice_policy"]["pod_selector"]["match_labels"],
                         {"app": "x"})
        self.api.put("sluicepolicies", self.policy("a"))
        self.wait_in_force("slp")
        self.wait(lambda: self.condition().get("status") == "True", "the condition is over")


class Restarts(WatcherTest):
    def test_a_restarted_switch_has_the_whole_set_again(self):
        self.api.put("pods", pod("a", 1))
        self.api.put("networkpolicies", DENY_INGRESS)
        self.start()
        version = self.ctl.status()["synced_versions"]["watcher"]
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.lab.switch.send_signal(number)
            self.lab.switch.wait(10)
            self.api.put("pods", pod("b", 2))
            self.lab.start_switch()
            self.wait_in_force("a", "b", "deny-ingress")
            self.assertNotEqual(self.ctl.status()["synced_versions"]["watcher"], version)
            self.api.delete("pods", pod("b", 2))
            self.wait_in_force("a", "deny-ingress")

    def test_what_was_deleted_while_the_watcher_was_dead_is_gone_after_it(self):
        self.api.put("pods", pod("a", 1))
        self.api.put("pods", pod("b", 2))
        self.start()
        self.watcher.process.send_signal(signal.SIGKILL)
        self.watcher.process.wait(10)
        self.api.delete("pods", pod("a", 1))
        self.api.put("pods", pod("c", 3))
        self.assertEqual(self.in_force(), {"a", "b"})
        self.watcher.start()
        self.wait_in_force("b", "c")

    def test_a_refused_policy_does_not_get_the_rules_of_a_deleted_one_of_its_name(self):
        wrong = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": "all"}
        for name in ("again", "other"):
            self.api.put("networkpolicies", policy(name, {"podSelector": {}, "ingress": [{}]}))
        self.start()
        self.wait_in_force("again", "other")
        self.watcher.process.send_signal(signal.SIGKILL)
        self.watcher.process.wait(10)
        self.api.put("networkpolicies", policy("again", wrong))
        self.api.delete("networkpolicies", policy("other", wrong))
        other = policy("other", wrong)
        other["metadata"]["uid"] = "another"
        self.api.put("networkpolicies", other)
        self.watcher.start()
        self.wait_in_force("again", "other?")

    def test_the_watcher_may_be_first_and_stops_cleanly(self):
        self.api.put("pods", pod("a", 1))
        self.start_watcher(wait=False)
        self.wait(lambda: self.watcher.status()["sluiced"]["failures"] > 0, "no sluiced yet")
        self.assertFalse(self.watcher.ready())
        self.lab.start_switch()
        self.wait_in_force("a")
        self.assertEqual(self.watcher.stop(), 0)
        self.assertEqual(self.in_force(), {"a"})

    def test_objects_of_another_source_are_left_alone(self):
        self.lab.start_switch()
        self.lab.apply(DENY_INGRESS)
        self.api.put("networkpolicies", DENY_INGRESS)
        self.api.put("networkpolicies", policy("own", {"podSelector": {}}))
        self.start_watcher()
        self.wait_in_force("deny-ingress", "own")
        self.assertIn("sluicectl", self.watcher.status()["refused"][0]["reason"])
        self.api.delete("networkpolicies", DENY_INGRESS)
        self.api.delete("networkpolicies", policy("own", {}))
        self.wait_in_force("deny-ingress")
        self.assertEqual(self.watcher.status()["sluiced"]["failures"], 0)


class TwoWatchers(WatcherTest):
    """Of two clusters, over one switch."""

    def setUp(self):
        super().setUp()
        self.other_api = ApiServer().start()
        self.addCleanup(self.other_api.stop)
        self.api.put("pods", pod("a", 1))
        self.other_api.put("pods", pod("b", 2))
        for api in (self.api, self.other_api):
            api.put("networkpolicies", DENY_INGRESS)
        self.start()
        kubeconfig = self.other_api.write_kubeconfig(self.lab.path("other-kubeconfig"))
        self.other = Watcher(self.lab, kubeconfig, *self.flags, "--source", "other",
                             log="other-watcher.log")
        self.wait(self.other.ready, "the other watcher is ready")

    def owner(self):
        """Whose the policy of the name that both have is."""
        (listed,) = self.ctl.json("get", "policies")["objects"]
        return listed["source"]

    @staticmethod
    def refused_policies(watcher):
        return [one["name"] for one in watcher.status()["refused"]
                if one["kind"] == "NetworkPolicy"]

    def test_each_has_its_objects_and_a_name_belongs_to_who_had_it_first(self):
        self.wait_in_force("a", "b", "deny-ingress")
        self.assertEqual(self.owner(), "watcher")
        self.assertEqual(self.refused_policies(self.watcher), [])
        self.assertEqual(self.refused_policies(self.other), ["deny-ingress"])
        self.api.delete("networkpolicies", DENY_INGRESS)
        self.wait(lambda: "deny-ingress" not in self.in_force() or self.owner() == "other",
                  "it is the first's no more")
        self.wait(lambda: "deny-ingress" in self.in_force(), "the other's comes in its place")
        self.api.put("networkpolicies", DENY_INGRESS)
        self.wait(lambda: self.refused_policies(self.watcher) == ["deny-ingress"], "it is taken")
        self.assertEqual(self.owner(), "other")
        self.assertEqual(self.refused_policies(self.other), [])
        self.assertEqual(self.in_force(), {"a", "b", "deny-ingress"})
        for watcher in (self.watcher, self.other):
            self.assertEqual(watcher.status()["sluiced"]["failures"], 0)


class CommandLine(LabTest):
    def refused(self, code, fragment, *flags):
        with self.assertRaises(RuntimeError) as caught:
            Watcher(self.lab, *flags)
        self.assertIn(f"exit code {code}", str(caught.exception))
        self.assertIn(fragment, str(caught.exception))

    def test_what_cannot_work_is_refused_with_the_reason(self):
        config = {"current-context": "c", "contexts": [{"name": "c", "context": {
            "cluster": "k", "user": "u"}}], "clusters": [{"name": "k", "cluster": {
                "server": "http://127.0.0.1:1"}}],
                  "users": [{"name": "u", "user": {"exec": {"command": "x"}}}]}
        path = self.lab.path("exec.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.refused(1, "exec: is not supported", path)
        self.refused(1, "nowhere.yaml", self.lab.path("nowhere.yaml"))
        self.refused(2, "--max-age", path, "--max-age", "0")
        self.refused(2, "--sluiced", path, "--sluiced", "tcp:1")


if __name__ == "__main__":
    unittest.main()
