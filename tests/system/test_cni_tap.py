"""Ordinary pods: a tap of the switch in the pod's network namespace, with the pod's own kernel."""
import json
import os
import signal
import sys
import unittest

from harness.case import needs_root
from harness.cni import NEWEST, Runtime
from harness.cni_case import CniTest, pod_of
from harness.lab import Lab
from harness.manifests import DENY_INGRESS
from harness.stacks import ping_received

PINGS = 3
SUBNETS = ("10.44.0.0/24", "fd00:44::/64")
ROUTES = [{"dst": "10.99.0.0/16"}, {"dst": "fd00:99::/48", "gw": "fd00:44::1"}]


class Pods:
    """Pods with a namespace each, whose attachments the plugin makes and takes away."""

    def __init__(self, lab):
        self.lab = lab
        self.cni = Runtime(lab, lab.program("control/cni/sluice-cni"))
        self.pods = {}

    def config(self, version=NEWEST, routes=(), **keys):
        ipam = {"type": "host-local", "dataDir": self.cni.leases, "routes": [*ROUTES, *routes],
                "ranges": [[{"subnet": subnet}] for subnet in SUBNETS]}
        return self.cni.config(version, ipam, port="tap", socketDirectory=None, **keys)

    def make(self, *names):
        self.lab.apply(*(pod_of(name) for name in names))
        for name in names:
            self.pods[name] = self.lab.make_network_pod(f"default/{name}", "tap", "", [])

    def netns(self, name):
        return f"/run/netns/{self.pods[name].namespace}"

    def call(self, command, name, config=None, **variables):
        return self.cni.call(command, name, config or self.config(),
                             **{"CNI_NETNS": self.netns(name), **variables})

    def add(self, name):
        """The result."""
        answer = self.call("ADD", name)
        assert answer.code == 0, answer.out
        return answer.out

    def run(self, name, *words, **options):
        return self.pods[name].run(*words, **options)

    def link(self, name):
        """What `ip` says of net1; None: it is not there."""
        output = self.run(name, "ip", "-j", "address", "show", "net1", check=False).stdout
        return next(iter(json.loads(output or "[]")), None)

    def pings(self, name, address):
        return ping_received(self.run(name, "ping", "-n", "-c", str(PINGS), "-i", "0.2", "-W", "2",
                                      address, check=False))


def addresses_of(result):
    return [ip["address"].split("/")[0] for ip in result["ips"]]


class TapTest(CniTest):
    def setUp(self):
        super().setUp()
        self.pods = Pods(self.lab)
        self.pods.make("web", "db")

    def tearDown(self):
        for name in self.pods.pods:
            self.assertIsNone(self.pods.link(name))
        super().tearDown()

    def clear(self):
        super().clear()
        for pod in self.pods.pods.values():
            pod.remove()

    def tap_call(self, command, name="web", config=None, **variables):
        return self.pods.call(command, name, config, **variables)


class Interface(TapTest):
    def test_it_is_as_the_result_says(self):
        result = self.pods.add("web")
        (interface,) = result["interfaces"]
        self.assertEqual((interface["name"], interface["sandbox"], interface["mtu"]),
                         ("net1", self.pods.netns("web"), 1500))
        self.assertNotIn("socketPath", interface)
        link = self.pods.link("web")
        self.assertEqual((link["address"], link["mtu"]), (interface["mac"], 1500))
        self.assertIn("UP", link["flags"])
        there = {f"{address['local']}/{address['prefixlen']}" for address in link["addr_info"]
                 if address["scope"] == "global"}
        self.assertEqual(there, {ip["address"] for ip in result["ips"]})
        self.assertEqual(len(there), 2)
        self.check_routes()
        port = self.port()
        self.assertEqual((port["spec"]["kind"], port["spec"]["path"], port["spec"]["netns"]),
                         ("tap", "net1", self.pods.netns("web")))
        self.assertEqual(port["spec"]["addresses"], addresses_of(result))
        self.assertOk(self.tap_call("DEL"))

    def check_routes(self):
        for family, route in (("-4", "10.99.0.0/16"), ("-6", "fd00:99::/48")):
            output = self.pods.run("web", "ip", "-j", family, "route", "show", route).stdout
            (found,) = json.loads(output)
            self.assertEqual((found["dev"], found["gateway"]),
                             ("net1", "10.44.0.1" if family == "-4" else "fd00:44::1"))

    def test_check_finds_what_was_changed_in_the_namespace(self):
        result = self.pods.add("web")
        config = self.pods.config(prevResult=result)
        self.assertIsNone(self.assertOk(self.tap_call("CHECK", config=config)))
        four = result["ips"][0]["address"]
        for words, back, says in (
                (("address", "del", four, "dev", "net1"),
                 ("address", "add", four, "dev", "net1"), four),
                (("-6", "route", "del", "fd00:99::/48"),
                 ("-6", "route", "add", "fd00:99::/48", "via", "fd00:44::1"), "fd00:99::/48"),
                (("-6", "route", "replace", "fd00:99::/48", "via", "fd00:44::9"),
                 ("-6", "route", "replace", "fd00:99::/48", "via", "fd00:44::1"), "fd00:99::/48"),
                (("route", "replace", "10.99.0.0/16", "via", "10.44.0.9"),
                 ("route", "replace", "10.99.0.0/16", "via", "10.44.0.1"), "10.99.0.0/16"),
                (("link", "set", "net1", "mtu", "1400"),
                 ("link", "set", "net1", "mtu", "1500"), "MTU 1400"),
                (("link", "set", "net1", "address", "02:00:00:00:00:01"),
                 ("link", "set", "net1", "address", result["interfaces"][0]["mac"]),
                 "02:00:00:00:00:01")):
            with self.subTest(words=words):
                self.pods.run("web", "ip", *words)
                self.assertFails(self.tap_call("CHECK", config=config), 103, says)
                self.pods.run("web", "ip", *back)
                if words[0] == "address":  # with it went the route by its gateway
                    self.pods.run("web", "ip", "route", "replace", "10.99.0.0/16", "via",
                                  "10.44.0.1")
        self.assertOk(self.tap_call("CHECK", config=config))
        self.pods.run("web", "ip", "link", "del", "net1")
        self.assertFails(self.tap_call("CHECK", config=config), 103, "is not there")
        self.assertOk(self.tap_call("DEL"))

    def test_a_route_that_is_there_already_stays_and_is_not_the_attachments(self):
        """An address of the subnet brings one; and the pod has a way to 10.98.0.0/16."""
        self.pods.run("web", "ip", "route", "add", "10.98.0.0/16", "dev", "lo")
        config = self.pods.config(routes=[{"dst": "10.98.0.0/16"}, {"dst": "10.44.0.0/24"}])
        result = self.assertOk(self.tap_call("ADD", config=config))
        self.assertEqual({route["dst"] for route in result["routes"]},
                         {route["dst"] for route in ROUTES})
        self.assertOk(self.tap_call("CHECK", config={**config, "prevResult": result}))
        self.assertOk(self.tap_call("DEL", config=config))

    def test_check_leaves_routes_alone_that_a_later_plugin_took_away(self):
        result = self.pods.add("web")
        self.pods.run("web", "ip", "route", "del", "10.99.0.0/16")
        result["routes"] = [route for route in result["routes"] if route["dst"] != "10.99.0.0/16"]
        self.assertOk(self.tap_call("CHECK", config=self.pods.config(prevResult=result)))
        self.assertOk(self.tap_call("DEL"))

    def test_del_needs_no_netns(self):
        self.pods.add("web")
        self.assertOk(self.tap_call("DEL", CNI_NETNS=None))

    def test_one_whose_namespace_died_with_it_is_deleted(self):
        self.pods.add("web")
        self.pods.pods.pop("web").remove()
        self.assertOk(self.cni.call("DEL", "web", self.pods.config(), CNI_NETNS="/run/netns/gone"))

    def test_a_record_that_is_lost_is_made_up_for_by_the_port(self):
        self.pods.add("web")
        for name in os.listdir(self.cni.state):
            os.unlink(os.path.join(self.cni.state, name))
        self.assertOk(self.tap_call("DEL", CNI_NETNS=None))

    def test_gc_takes_it_away(self):
        self.pods.add("web")
        config = self.pods.config(**{"cni.dev/valid-attachments": []})
        self.assertOk(self.cni.call("GC", "", config))

    def test_an_interface_of_others_is_left_alone(self):
        self.pods.run("web", "ip", "link", "add", "net1", "type", "veth", "peer", "name",
                      "other")
        self.assertFails(self.tap_call("ADD"), 104, "net1", "exists already")
        self.assertIsNotNone(self.pods.link("web"))
        self.pods.run("web", "ip", "link", "del", "net1")

    def test_the_nodes_own_namespace_is_refused(self):
        answer = self.tap_call("ADD", CNI_NETNS="/proc/self/ns/net")
        self.assertFails(answer, 4, "CNI_NETNS", "the node's own")

    def test_a_route_that_the_kernel_refuses_undoes_all_of_it(self):
        config = self.pods.config(routes=[{"dst": "10.98.0.0/16", "gw": "192.0.2.1"}])
        self.assertFails(self.tap_call("ADD", config=config), 5, "net1", "10.98.0.0/16")

    def test_what_a_tap_cannot_do_is_refused(self):
        self.assertFails(self.tap_call("ADD", config=self.pods.config(queues=2)), 7, "queues")

    def test_a_tap_has_the_mtu_asked_for(self):
        interface = self.assertOk(self.tap_call("ADD", config=self.pods.config(mtu=9000)))[
            "interfaces"][0]
        self.assertEqual((interface["mtu"], self.pods.link("web")["mtu"]), (9000, 9000))
        self.assertOk(self.tap_call("DEL"))

    def test_a_killed_add_is_cleaned_up(self):
        self.lab.ctl.delete(self.lab.write_manifest("web.json", pod_of("web")))
        process = self.cni.start("ADD", "web", self.pods.config(timeoutSeconds=60),
                                 CNI_NETNS=self.pods.netns("web"))
        self.lab.wait_until(self.lab.ctl.ports, "the port is there")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertIsNotNone(self.pods.link("web"))
        self.assertOk(self.tap_call("DEL"))


class Traffic(TapTest):
    def setUp(self):
        super().setUp()
        self.addresses = {name: addresses_of(self.pods.add(name)) for name in ("web", "db")}

    def tearDown(self):
        for name in ("web", "db"):
            self.assertOk(self.tap_call("DEL", name))
        super().tearDown()

    def fetch(self, address):
        host = f"[{address}]" if ":" in address else address
        return self.pods.run("db", "curl", "-sS", "-g", "--noproxy", "*", "--max-time", "2",
                             f"http://{host}/", check=False)

    def test_it_passes_and_policy_stops_it(self):
        server = self.pods.pods["web"].start(
            self.lab.path("http.log"), sys.executable, "-u", "-m", "http.server", "80", "--bind",
            "::", "--directory", self.cni.leases)
        self.lab.own(server)
        server.wait_for_log("Serving HTTP", 20)
        for address in self.addresses["web"]:
            self.assertEqual(self.pods.pings("db", address), PINGS)
            self.assertIn("Directory listing", self.fetch(address).stdout)
        self.lab.apply(DENY_INGRESS)
        try:
            before = self.lab.ctl.drops()
            for address in self.addresses["web"]:
                self.assertEqual(self.pods.pings("db", address), 0)
                self.assertEqual(self.fetch(address).returncode, 28, "it did not time out")
            (sender,) = (name for name, port in self.lab.ctl.ports().items()
                         if port["spec"]["pod_name"] == "db")
            key = (sender, "policy_ingress")
            self.assertGreaterEqual(self.lab.ctl.drops()[key] - before.get(key, 0), 2 * PINGS)
        finally:
            self.lab.ctl.delete(self.lab.write_manifest("deny.json", DENY_INGRESS))
        self.assertEqual(self.pods.pings("db", self.addresses["web"][0]), PINGS)


@needs_root
class Restart(unittest.TestCase):
    """A switch that keeps its ports on disk."""

    def setUp(self):
        self.lab = Lab()
        self.enterContext(self.lab)
        self.start_switch()
        self.pods = Pods(self.lab)
        self.pods.make("web", "db")
        self.addresses = {name: addresses_of(self.pods.add(name)) for name in ("web", "db")}
        self.lab.wait_until(self.keeps_objects, "the pods are on disk")

    def keeps_objects(self):
        """Objects follow within a second, and a killed switch has no more than that."""
        path = os.path.join(self.lab.path("kept"), "objects")
        if not os.path.exists(path):
            return False
        with open(path, "rb") as file:
            kept = file.read()
        return all(f"uid-{name}".encode() in kept for name in ("web", "db"))

    def start_switch(self):
        self.lab.start_switch("--state-directory", self.lab.path("kept"))

    def kill_switch(self):
        self.lab.switch.send_signal(signal.SIGKILL)
        self.lab.switch.wait(15)

    def restart_after_del(self, **keys):
        """The pods that have ports after a restart, "web" deleted meanwhile."""
        self.kill_switch()
        answer = self.pods.call("DEL", "web", self.pods.config(**keys))
        self.assertEqual(answer.code, 0, answer.out)
        self.start_switch()
        return {port["spec"]["pod_name"] for port in self.lab.ctl.ports().values()}

    def test_a_port_that_was_deleted_meanwhile_does_not_come_back(self):
        kept = {"daemonStateDirectory": self.lab.path("kept")}
        self.assertEqual(self.restart_after_del(**kept), {"db"})
        self.assertIsNone(self.pods.link("web"))

    def test_without_word_of_it_it_does_until_the_next_call(self):
        self.assertEqual(self.restart_after_del(), {"web", "db"})
        self.assertEqual(self.pods.call("DEL", "db").code, 0)
        self.assertEqual(self.lab.ctl.ports(), {})
        self.assertIsNone(self.pods.link("web"))

    def await_pings(self):
        """A neighbour that was asked for in vain is asked for again when that has failed."""
        for address in self.addresses["web"]:
            self.lab.wait_until(lambda a=address: self.pods.pings("db", a) == PINGS,
                                f"{address} answers")

    def assertPings(self):
        for address in self.addresses["web"]:
            self.assertEqual(self.pods.pings("db", address), PINGS)

    def test_pods_keep_their_interfaces_addresses_and_routes(self):
        self.assertPings()
        before = self.routes()
        for end in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(end=end):
                self.lab.switch.send_signal(end)
                self.lab.switch.wait(15)
                self.assertEqual(self.pods.pings("db", self.addresses["web"][0]), 0)
                self.start_switch()
                self.await_pings()
                self.assertEqual(self.routes(), before)
        for name in ("web", "db"):
            self.assertEqual(self.pods.call("DEL", name).code, 0)
            self.assertIsNone(self.pods.link(name))

    def routes(self):
        return sorted((route["dst"], route.get("gateway")) for family in ("-4", "-6")
                      for route in json.loads(self.pods.run("web", "ip", "-j", family, "route",
                                                            "show", "dev", "net1").stdout))


if __name__ == "__main__":
    unittest.main()
