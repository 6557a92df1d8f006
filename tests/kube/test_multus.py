"""Multus gives pods a second network, which is Sluice's, beside a primary one, which is not."""
import json
import os
import unittest

from harness.cni import Runtime
from harness.lab import Lab
from harness.pktgen import Pod
from harness.stacks import ping_received

from rig import downward, objects
from rig.case import WatcherTest
from rig.limits import needs_program
from rig.multus import Multus, Sandbox
from rig.watcher import Watcher

NETWORKS = "k8s.v1.cni.cncf.io/networks"
STATUS = "k8s.v1.cni.cncf.io/network-status"
DEVICE_INFORMATION = "/var/run/k8s.cni.cncf.io/devinfo/cni"  # where Multus looks; it has no other
PINGS = 3


@needs_program("multus")
class MultusTest(WatcherTest):
    """`network` is Sluice's, and the NetworkAttachmentDefinition's, of the test's namespace."""

    config = {}  # keys of the definition's configuration

    def setUp(self):
        super().setUp()
        program = self.lab.program("control/cni/sluice-cni")
        self.cni = Runtime(self.lab, program)
        self.multus = Multus(self.lab, self.cluster, program)
        self.sandboxes = {}
        self.network = f"{self.namespace}/fast"
        self.ctl.run("network", "add", self.network)
        self.api.create(objects.namespace(self.namespace))
        self.node.join()
        ipam = {"type": "host-local", "subnet": "10.60.0.0/24", "dataDir": self.cni.leases}
        self.api.create(objects.attachment_definition(self.namespace, "fast", self.cni.config(
            ipam=ipam, name="fast", network=self.network, **self.config)))
        self.watcher.start_ready()

    def create(self, name, networks, **labels):
        """The pod's object, and its sandbox."""
        pod = self.api.create(objects.pod(self.namespace, name, self.node.name, labels,
                                          {NETWORKS: networks}))
        self.sandboxes[name] = Sandbox(
            self.namespace, name, pod["metadata"]["uid"],
            self.lab.make_network_pod(self.pod(name), "tap", "", []))

    def add(self, name):
        """The kubelet's ADD, and after it the addresses in the pod's status. The result."""
        answer = self.multus.call("ADD", self.sandboxes[name])
        self.assertEqual(answer.code, 0, answer.out)
        addresses = [ip["address"].split("/")[0] for ip in answer.out["ips"]]
        self.api.patch("pods", self.namespace, name, {"status": objects.pod_status(addresses)},
                       "status")
        return answer.out

    def delete(self, *names):
        for name in names:
            answer = self.multus.call("DEL", self.sandboxes[name])
            self.assertEqual(answer.code, 0, answer.out)

    def status(self, name):
        """What Multus wrote to the pod: {interface: entry}."""
        pod = self.api.get("pods", self.namespace, name)
        entries = json.loads(pod["metadata"]["annotations"].get(STATUS, "[]"))
        return {entry["interface"]: entry for entry in entries}

    def attachments(self, name, ctl=None):
        """Addresses on other networks that the switch was told of: {network: addresses}."""
        listed = (ctl or self.ctl).json("get", "endpoints")["objects"]
        (endpoint,) = (entry["object"]["endpoint"] for entry in listed
                       if entry["object"]["endpoint"]["name"] == name)
        return {one["network"]: one["addresses"] for one in endpoint.get("attachments", ())}

    def port(self, name):
        (port,) = (port for port in self.ctl.ports().values()
                   if port["spec"]["pod_name"] == name)
        return port

    def admit_friends(self):
        """kubectl applies a policy for `network`: web takes what pods of role "friend" send."""
        policy = objects.multi_policy(self.namespace, "friends-only", "fast", {
            "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "friend"}}}]}]})
        self.kubectl.run("apply", "-f", "-", stdin=json.dumps(policy))
        self.wait_policy("friends-only")

    def assertNothingLeft(self):
        self.assertEqual((self.ctl.ports(), self.cni.files(), self.multus.files()), ({}, [], []))
        for sandbox in self.sandboxes.values():
            links = json.loads(sandbox.netns.run("ip", "-j", "link").stdout)
            self.assertEqual([link["ifname"] for link in links], ["lo"])


class TwoNetworks(MultusTest):
    config = {"port": "tap", "socketDirectory": None}

    def setUp(self):
        super().setUp()
        for name, labels in (("web", {"app": "web"}), ("friend", {"role": "friend"}),
                             ("stranger", {"role": "stranger"})):
            self.create(name, "fast", **labels)
            self.add(name)

    def pings(self, source, target, interface):
        (address,) = self.status(target)[interface]["ips"]
        done = self.sandboxes[source].netns.run(
            "ping", "-n", "-c", str(PINGS), "-i", "0.2", "-W", "2", "-I", interface, address,
            check=False)
        return ping_received(done)

    def reached_by(self, interface):
        """Who gets answers of web by that interface."""
        return {name for name in ("friend", "stranger")
                if self.pings(name, "web", interface) == PINGS}

    def test_policy_judges_the_second_and_leaves_the_first_alone(self):
        everybody = {"friend", "stranger"}
        self.assertEqual(self.reached_by("eth0"), everybody)
        self.assertEqual(self.reached_by("net1"), everybody)
        self.admit_friends()
        before = self.ctl.drops()
        self.assertEqual(self.reached_by("net1"), {"friend"})
        key = (self.port("stranger")["spec"]["name"], "policy_ingress")
        self.assertGreaterEqual(self.ctl.drops()[key] - before.get(key, 0), PINGS)
        self.assertEqual(self.reached_by("eth0"), everybody)
        self.api.create(objects.deny_ingress(self.namespace))  # of the primary network
        self.wait_policy("deny-ingress")
        self.assertEqual(self.reached_by("net1"), {"friend"})
        self.kubectl.run("delete", "multi-networkpolicies", "friends-only", "-n", self.namespace)
        self.wait_no_policy("friends-only")
        self.assertEqual(self.reached_by("net1"), everybody)
        self.api.delete("pods", self.namespace, "web")  # faster than its sandbox ends
        self.delete("web", "friend", "stranger")
        self.assertNothingLeft()

    def test_network_status_is_the_result(self):
        status = self.status("web")
        self.assertEqual(set(status), {"eth0", "net1"})
        self.assertEqual((status["eth0"]["name"], status["eth0"]["default"]),
                         (self.multus.primary, True))
        second, port = status["net1"], self.port("web")
        self.assertEqual((second["name"], second["mac"], second["ips"], second["mtu"]),
                         (self.network, port["spec"]["mac"], port["spec"]["addresses"], 1500))
        self.assertNotIn("default", second)
        self.assertEqual(port["spec"]["pod_uid"], self.sandboxes["web"].uid)
        self.wait(lambda: self.attachments("web") == {self.network: second["ips"]},
                  "the watcher has read network-status")
        self.delete("web", "friend", "stranger")
        self.assertNothingLeft()

    def test_another_node_knows_the_pods_by_network_status(self):
        """There they have no port: what a policy's peers are is what the API says."""
        with Lab() as lab:
            lab.start_switch()
            lab.ctl.run("network", "add", self.network)
            other = Watcher(lab, self.cluster, node="node-2")
            self.api.create(objects.pod(self.namespace, "far", "node-2", {"app": "web"}))
            other.start_ready()
            lab.ctl.add_port("far", "vhost-server", lab.path("far.sock"), self.pod("far"),
                             "02:00:00:00:06:01", ["10.60.0.200"], ["--network", self.network])
            self.admit_friends()
            self.wait(lambda: self.verdict(lab, "friend") == "allow", "friend is known by address")
            self.assertEqual(self.verdict(lab, "stranger"), "deny")
            self.assertEqual(self.attachments("friend", lab.ctl),
                             {self.network: self.status("friend")["net1"]["ips"]})

    def verdict(self, lab, source):
        (address,) = self.status(source)["net1"]["ips"]
        return lab.ctl.json("explain", address, self.pod("far"), "tcp/80", "--network",
                            self.network)["verdict"]


class Sockets(MultusTest):
    config = {"capabilities": {"CNIDeviceInfoFile": True}, "podSocketDirectory": "/sockets"}

    def add_played(self, name, **labels):
        """A pod with a socket, as sluice-pktgen plays it. A device plugin would name the device,
        which is what has Multus ask for device information."""
        self.create(name, json.dumps([{"name": "fast", "deviceID": f"socket-{name}"}]), **labels)
        self.add(name)
        spec = self.port(name)["spec"]
        return Pod(self.pod(name), spec["mac"], spec["addresses"], spec["kind"], spec["path"])

    def information(self, name):
        """Where Multus has it."""
        return os.path.join(DEVICE_INFORMATION, f"{self.namespace}-fast-"
                                                f"{self.sandboxes[name].container}_net1")

    def test_device_information_says_where_the_socket_is_and_policy_judges_it(self):
        pods = [self.add_played("web", app="web"), self.add_played("friend", role="friend"),
                self.add_played("stranger", role="stranger")]
        for pod in pods:
            name = pod.name.split("/")[1]
            wanted = {"type": "vhost-user", "version": "1.1.0",
                      "vhost-user": {"mode": "server", "path": "/sockets/net1.sock"}}
            self.assertEqual(self.status(name)["net1"]["device-info"], wanted)
            with open(self.information(name), encoding="utf-8") as file:
                self.assertEqual(json.load(file), wanted)
        self.admit_friends()
        pktgen = self.lab.start_pktgen(pods)
        pktgen.listen(self.pod("web"), 80)
        for name, answers in (("friend", True), ("stranger", False)):
            made = pktgen.connect(self.pod(name), pods[0].addresses[0], 80, timeout_ms=1000)
            self.assertEqual(made["ok"], answers, name)
        self.delete("web", "friend", "stranger")
        self.assertNothingLeft()
        self.assertEqual([name for name in self.sandboxes
                          if os.path.exists(self.information(name))], [])

    def test_app_netutil_finds_socket_mode_and_mac_in_the_annotations(self):
        pod = self.add_played("web", app="web")
        annotations = self.api.get("pods", self.namespace, "web")["metadata"]["annotations"]
        directory = self.lab.path("podnetinfo")
        downward.write_annotations(directory, annotations)
        first, second = downward.interfaces(directory)
        self.assertEqual((first["interface"], first["default"]), ("eth0", True))
        self.assertNotIn("device-info", first)
        self.assertEqual((second["name"], second["interface"], second["mac"], second["ips"]),
                         (self.network, "net1", pod.mac, pod.addresses))
        self.assertEqual(second["device-info"], {
            "type": "vhost-user", "version": "1.1.0",
            "vhost-user": {"mode": "server", "path": "/sockets/net1.sock"}})
        self.assertEqual(os.path.basename(pod.socket), "net1.sock")
        self.delete("web")

    def test_an_add_that_fails_takes_the_first_network_away_too(self):
        self.create("web", "fast", app="web")
        self.lab.switch.stop()
        answer = self.multus.call("ADD", self.sandboxes["web"])
        self.assertNotEqual(answer.code, 0)
        self.assertIn("sluiced", answer.out["msg"])
        self.assertEqual(self.status("web"), {})
        self.delete("web")  # as the kubelet does, and again
        self.lab.start_switch()
        self.delete("web")
        self.assertNothingLeft()


if __name__ == "__main__":
    unittest.main()
