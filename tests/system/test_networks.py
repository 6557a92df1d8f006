"""Networks with the kernel's own stacks: the host port and kubelet's probes, VLANs on a trunk."""
import os
import sys
import unittest

from harness.case import LabTest, needs_root
from harness.manifests import DENY_INGRESS, pod_object
from harness.process import run

_SECONDS_DENIED = 1.5


class StackTest(LabTest):
    def serve(self, pod, page):
        """An HTTP server in `pod` whose page is `page`."""
        directory = self.lab.path(f"www-{page}")
        os.mkdir(directory)
        with open(os.path.join(directory, "index.html"), "w", encoding="ascii") as file:
            file.write(page)
        server = pod.start(self.lab.path(f"http-{page}.log"), sys.executable, "-u", "-m",
                           "http.server", "80", "--bind", "::", "--directory", directory)
        self.lab.own(server)
        server.wait_for_log("Serving HTTP", 20)

    def page(self, pod, address, seconds=10):
        """What curl gets, "" if nothing."""
        answer = pod.run("curl", "-sS", "--noproxy", "*", "--max-time", str(seconds),
                         f"http://{address}/", check=False, timeout=seconds + 20)
        return answer.stdout

    def no_page(self, pod, address):
        return self.page(pod, address, _SECONDS_DENIED)


@needs_root
class HostPort(StackTest):
    """The node is a namespace that the host port's tap moves into; behind it a client it routes."""

    def start_node(self, *flags):
        self.lab.start_switch(*flags)
        self.node = self.lab.make_network_pod("node", "tap", "02:00:00:00:04:fe", ["10.40.0.1/24"])
        self.ctl.add_port("node", "tap", path=self.node.interface, mac=self.node.mac,
                          addresses=self.node.addresses, more=["--role", "host"])
        self.node.adopt()
        self.web = self.lab.make_network_pod("default/web", "tap", "02:00:00:00:04:05",
                                             ["10.40.0.5/24"])
        self.lab.add_port(self.web)
        self.lab.apply(pod_object(self.web))
        self.web.run("ip", "route", "add", "default", "via", "10.40.0.1")
        self.serve(self.web, "web")

    def start_client(self):
        client = self.lab.make_network_pod("client", "af-packet", "02:00:00:00:04:99",
                                           ["192.0.2.2/24"])
        run("ip", "link", "set", client.interface, "netns", self.node.namespace, "name", "eth1")
        for words in (["address", "add", "192.0.2.1/24", "dev", "eth1"],
                      ["link", "set", "eth1", "arp", "on", "up"]):
            run("ip", "-n", self.node.namespace, *words)
        self.node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        client.run("ip", "route", "add", "default", "via", "192.0.2.1")
        return client

    def test_probes_of_the_node_pass_default_deny_and_what_it_routes_does_not(self):
        self.start_node()
        client = self.start_client()
        self.assertEqual(self.page(client, "10.40.0.5"), "web", "the node does not route")
        self.lab.apply(DENY_INGRESS)
        self.assertEqual(self.page(self.node, "10.40.0.5"), "web")
        self.assertEqual(self.no_page(client, "10.40.0.5"), "")
        self.assertGreater(self.ctl.drops().get(("node", "policy_ingress"), 0), 0)
        verdict = self.ctl.explain("10.40.0.1", "default/web", "tcp/80")
        self.assertEqual(verdict["verdict"], "allow")
        verdict = self.ctl.explain("192.0.2.2", "default/web", "tcp/80")
        self.assertEqual(verdict["verdict"], "deny")

    def test_the_exemption_can_be_switched_off(self):
        self.start_node("--own-node", "judge")
        self.assertEqual(self.page(self.node, "10.40.0.5"), "web")
        self.lab.apply(DENY_INGRESS)
        self.assertEqual(self.no_page(self.node, "10.40.0.5"), "")
        verdict = self.ctl.explain("10.40.0.1", "default/web", "tcp/80")
        self.assertEqual(verdict["verdict"], "deny")


@needs_root
class Trunk(StackTest):
    """Two networks with the same addresses on one uplink, one of them as VLAN 100."""

    def start_trunk(self):
        self.lab.start_switch()
        self.outside = self.lab.make_network_pod("outside", "af-packet", "02:00:00:00:05:99",
                                                 ["10.41.0.9/24"])
        self.ctl.add_port("up", "af-packet", path=self.outside.interface, more=["--role", "uplink"])
        self.ctl.run("network", "add", "blue", "--uplink", "up", "--vlan", "100")
        self.outside_blue = self.lab.make_network_pod("outside-blue", "tap", "02:00:00:00:05:99",
                                                      ["10.41.0.9/24"])
        self.outside.run("ip", "link", "add", "link", "eth0", "name", "eth0.100", "type", "vlan",
                         "id", "100")
        self.outside.run("ip", "link", "set", "eth0.100", "netns", self.outside_blue.namespace,
                         "name", "eth0")
        for words in (["addr", "add", "10.41.0.9/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            self.outside_blue.run("ip", *words)
        self.outside_blue.run("ethtool", "-K", "eth0", "tx", "off", check=False)

    def add_pod(self, name, network):
        pod = self.lab.make_network_pod(f"default/{name}", "tap", "02:00:00:00:05:05",
                                        ["10.41.0.5/24"])
        self.ctl.add_port(pod.port, "tap", path=pod.interface, pod=pod.name, mac=pod.mac,
                          addresses=pod.addresses, more=["--network", network])
        pod.adopt()
        self.lab.apply(pod_object(pod))
        self.serve(pod, name)
        return pod

    def test_the_same_address_is_another_pod_in_each_network(self):
        self.start_trunk()
        web, blue = self.add_pod("web", "default"), self.add_pod("blue", "blue")
        self.assertEqual(self.page(self.outside, "10.41.0.5"), "web")
        self.assertEqual(self.page(self.outside_blue, "10.41.0.5"), "blue")
        for pod in (web, blue):
            self.assertEqual(pod.run("ping", "-c", "1", "-W", "2", "10.41.0.9").returncode, 0)
        self.lab.apply(DENY_INGRESS)
        self.assertEqual(self.no_page(self.outside, "10.41.0.5"), "")
        self.assertEqual(self.page(self.outside_blue, "10.41.0.5"), "blue",
                         "NetworkPolicy acts on default only")
        macs = self.ctl.json("network", "macs")["macs"]
        self.assertEqual({(mac["network"], mac["port"]) for mac in macs},
                         {("default", "up"), ("blue", "up")})

    def test_bad_requests_say_what_is_wrong_and_change_nothing(self):
        self.start_trunk()
        networks = self.ctl.run("network", "list")
        for words, why in [
                (["add", "red", "--uplink", "up", "--vlan", "100"], "is network blue"),
                (["add", "red", "--uplink", "up", "--vlan", "4095"], "4095"),
                (["add", "red", "--uplink", "down"], "there is no uplink port down"),
                (["add", "Red"], "may hold only"),
                (["del", "default"], "always exists"),
                (["del", "red"], "does not exist")]:
            with self.subTest(words=words):
                with self.assertRaisesRegex(Exception, why):
                    self.ctl.run("network", *words)
        with self.assertRaisesRegex(Exception, "is the uplink of network blue"):
            self.ctl.delete_port("up")
        self.assertEqual(self.ctl.run("network", "list"), networks)


if __name__ == "__main__":
    unittest.main()
