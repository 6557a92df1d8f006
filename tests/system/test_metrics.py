"""sluiced's page for Prometheus says what sluicectl says, and what was sent."""
import json
import os
import re
import subprocess
import time
import unittest
import urllib.request

from harness.case import LabTest
from harness.manifests import DENY_INGRESS, make_pod, pod_object
from harness.process import Process

_ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
_LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
_HEAD = re.compile(r"^# TYPE (\w+) ")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Metrics(LabTest):
    def setUp(self):
        super().setUp()
        self.lab.start_switch("--metrics", "127.0.0.1:0", "--event-log",
                              self.lab.path("events.json"))
        self.port = int(re.search(r"metrics port (\d+)", self.lab.switch.log()).group(1))
        self.a, self.b = make_pod("a", 1), make_pod("b", 2)
        self.add_pods(self.a, self.b)
        self.pktgen = self.lab.start_pktgen([self.a, self.b])
        self.pktgen.listen("default/b", 7)

    def lines(self):
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            return answer.read().decode().splitlines()

    def page(self):
        """[(name, labels, value)], each value of the page."""
        found = [_LINE.match(line) for line in self.lines() if not line.startswith("#")]
        return [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3])) for m in found]

    def value(self, name, **labels):
        values = [value for found, has, value in self.page()
                  if found == name and labels.items() <= has.items()]
        self.assertEqual(len(values), 1, f"{name} {labels}: {values}")
        return values[0]

    def test_the_dashboard_asks_for_what_is_served_by_labels_that_it_has(self):
        self.assertConnects()
        self.lab.apply(DENY_INGRESS)
        self.assertDoesNotConnect()  # a line of drops
        self.start_watcher()
        served = {}
        for name, labels, _ in self.page():
            served.setdefault(name, {"instance"}).update(labels)  # Prometheus adds that one
        path = os.path.join(_ROOT, "docs/grafana/sluice.json")
        with open(path, encoding="utf-8") as file:
            dashboard = json.load(file)
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        variables = [v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
        self.assertGreater(len(queries), 10)
        for query in queries + variables:
            names = set(re.findall(r"\bsluice_\w+", query))
            self.assertTrue(names, query)
            for name in names:
                self.assertIn(name, served, query)
            labels = set(re.findall(r"(\w+)=~?\"", query))
            for group in re.findall(r"\bby \(([^)]*)\)", query):
                labels.update(re.split(r",\s*", group))
            for label in labels:
                self.assertTrue(any(label in served[name] for name in names), (label, query))

    def start_watcher(self):
        """One that has no API server still reports."""
        config = self.lab.path("kubeconfig")
        with open(config, "w", encoding="ascii") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                       "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                       "users": [{"name": "u", "user": {"token": "t"}}],
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}, file)
        self.lab.own(Process(
            [self.lab.program("control/watcher/sluice-watcher"), "--kubeconfig", config,
             "--sluiced", self.lab.server.replace("unix://", "unix:"), "--status-address", ""],
            self.lab.path("watcher.log")))
        self.lab.wait_until(lambda: any(name == "sluice_source_ready" for name, _, _ in self.page()),
                            "the watcher reports")

    def test_what_ports_count_is_what_sluicectl_says(self):
        self.assertConnects()
        listed = {p["spec"]["name"]: p for p in self.ctl.json("port", "list")["ports"]}
        self.assertEqual(len(listed), 2)
        for name, port in listed.items():
            pod = {"port": name, "namespace": "default", "pod": port["spec"]["pod_name"],
                   "network": "default"}
            # Both are still: nothing is sent but by this test.
            for metric, field in (("receive_packets", "rx_packets"), ("receive_bytes", "rx_bytes"),
                                  ("transmit_packets", "tx_packets"),
                                  ("transmit_bytes", "tx_bytes")):
                value = self.value(f"sluice_port_{metric}_total", **pod)
                self.assertEqual(value, int(port[field]), (name, metric))
                self.assertGreater(value, 0)
            self.assertEqual(self.value("sluice_port_link_up", port=name), 1)
            self.assertEqual(self.value("sluice_port_open", port=name), 1)
        self.assertGreaterEqual(self.value("sluice_connections_created_total", worker="0"), 1)
        self.assertGreater(self.value("sluice_worker_packets_total", worker="0"), 0)

    def test_drops_are_counted_by_reason_and_policies_by_number(self):
        self.assertEqual(self.value("sluice_policies"), 0)
        self.lab.apply(DENY_INGRESS)
        self.assertEqual(self.value("sluice_policies"), 1)
        self.assertDoesNotConnect()
        drops = [(labels["port"], labels["reason"], value) for name, labels, value in self.page()
                 if name == "sluice_port_drops_total"]
        denied = [value for _, reason, value in drops if reason == "policy_ingress"]
        self.assertEqual(len(denied), 1, drops)
        told = sum(int(d["packets"]) for d in self.ctl.json("drops")["drops"]
                   if d["reason"] == "policy_ingress")
        self.assertEqual(denied[0], told)

    def test_state_is_that_of_status(self):
        self.ctl.run("mode", "observe")
        status = self.ctl.status()
        for name, field in (("sluice_epoch", "epoch"), ("sluice_ports", "ports"),
                            ("sluice_endpoints", "endpoints"),
                            ("sluice_packet_buffers", "packet_buffers")):
            self.assertEqual(self.value(name), int(status[field]), name)
        self.assertEqual(self.value("sluice_enforcing"), 0)
        self.assertEqual(self.value("sluice_build_info", version=status["version"]), 1)
        self.assertEqual(self.value("sluice_build_failing"), 0)

    def test_pools_are_those_of_status(self):
        buffers = int(self.ctl.status()["packet_buffers"])
        self.assertEqual(self.value("sluice_pool_buffers", pool="packets"), buffers)
        self.assertLess(self.value("sluice_pool_buffers_in_use", pool="packets"), buffers)
        pools = {labels["pool"] for name, labels, _ in self.page() if name == "sluice_pool_buffers"}
        self.assertEqual(pools, {"packets", "pieces"})  # no other was needed

    def test_a_change_makes_policy_young(self):
        before = time.monotonic()
        self.lab.apply(DENY_INGRESS)
        self.assertLessEqual(self.value("sluice_policy_age_seconds"), time.monotonic() - before)
        young = self.value("sluice_policy_age_seconds")
        self.lab.wait_until(lambda: self.value("sluice_policy_age_seconds") > young, "it ages")

    def test_a_capture_is_seen_while_it_runs(self):
        self.assertEqual(self.value("sluice_capture_running"), 0)
        with subprocess.Popen(
                [self.lab.program("control/ctl/sluicectl"), "--server", self.lab.server, "capture",
                 "-w", self.lab.path("capture.pcapng")], stderr=subprocess.DEVNULL) as capture:
            self.lab.wait_until(lambda: self.value("sluice_capture_running") == 1, "it is seen")
            self.assertEqual(self.value("sluice_worker_capture_bytes_waiting", worker="0"), 0)
            capture.terminate()
        self.lab.wait_until(lambda: self.value("sluice_capture_running") == 0, "it is over")

    def test_several_queues_have_lines_that_add_up(self):
        queues = "sluice_port_queue_receive_packets_total"
        self.assertEqual([labels for name, labels, _ in self.page() if name == queues], [])
        c = make_pod("c", 3)
        self.lab.apply(pod_object(c))
        self.lab.add_port(c, more=("--queues", "2"))
        pktgen = self.lab.start_pktgen([c])
        self.assertTrue(pktgen.connect(c.name, self.b.addresses[0], 7)["ok"])
        self.assertEqual(set(self.by_queue(c)), {"0", "1"})
        self.assertGreater(sum(self.by_queue(c).values()), 0)
        # The last packets of the connection may still be on their way.
        self.lab.wait_until(lambda: sum(self.by_queue(c).values()) == self.value(
            "sluice_port_receive_packets_total", port=c.port), "they add up")

    def by_queue(self, pod):
        return {labels["queue"]: value for name, labels, value in self.page()
                if name == "sluice_port_queue_receive_packets_total"
                and labels["port"] == pod.port}

    def test_every_metric_is_in_the_documentation(self):
        with open(os.path.join(_ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
            told = set(re.findall(r"`(sluice_\w+)`", file.read()))
        heads = [_HEAD.match(line) for line in self.lines()]
        self.assertEqual({head[1] for head in heads if head}, told)

    def test_a_port_that_goes_takes_its_metrics_along(self):
        name = self.ctl.json("port", "list")["ports"][0]["spec"]["name"]
        self.ctl.run("port", "del", name)
        self.assertEqual([l for n, l, _ in self.page() if l.get("port") == name], [])


class BadAddress(LabTest):
    def test_an_address_that_cannot_be_had_is_an_error_that_names_it(self):
        for address, why in (("nowhere", "must be HOST:PORT"), ("203.0.113.1:1", "cannot listen")):
            with self.assertRaises(Exception):
                self.lab.start_switch("--metrics", address)
            self.assertIn(f"metrics address {address}: {why}", self.lab.switch.log())


if __name__ == "__main__":
    unittest.main()
