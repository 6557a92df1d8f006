"""sluice-cni as the CNI project's own library calls it: cnitool, with Debian's host-local."""
import json
import os
import unittest

from harness.cni import NEWEST, VERSIONS
from harness.cni_case import CniTest

from rig.cnitool import Cnitool
from rig.limits import needs_program


@needs_program("cnitool")
class CnitoolTest(CniTest):
    def setUp(self):
        super().setUp()
        self.network = f"sluice-{os.getpid()}"  # cnitool's memory is the machine's
        self.pod = self.lab.make_network_pod("default/web", "tap", "", [])
        self.tool = Cnitool(self.lab, self.pod.namespace, os.path.dirname(self.plugin),
                            "default/web")

    def tearDown(self):
        self.assertIsNone(self.link())
        self.assertEqual(self.tool.cached(self.network), [])
        super().tearDown()

    def clear(self):
        self.tool.forget(self.network)
        super().clear()

    def configure(self, version, *more, **keys):
        keys = {"port": "tap", "socketDirectory": None, **keys}
        config = self.cni.config(version, name=None, **keys)
        del config["cniVersion"]
        self.tool.configure(self.network, version, config, *more)

    def tool_call(self, command, **capabilities):
        return self.tool.call(command, self.network, **capabilities)

    def assertDone(self, command, **capabilities):
        """The result."""
        code, result, complaint = self.tool_call(command, **capabilities)
        self.assertEqual((code, complaint), (0, ""))
        return result

    def assertComplains(self, command, *fragments):
        code, _, complaint = self.tool_call(command)
        self.assertEqual(code, 1)
        for fragment in fragments:
            self.assertIn(fragment, complaint)

    def link(self):
        """What `ip` says of net1 in the pod; None: it is not there."""
        output = self.pod.run("ip", "-j", "address", "show", "net1", check=False).stdout
        return next(iter(json.loads(output or "[]")), None)

    def check_pod(self, result):
        """The pod and the switch have what the result says."""
        (interface,), (ip,) = result["interfaces"], result["ips"]
        self.assertEqual((interface["name"], interface["sandbox"]), ("net1", self.tool.netns))
        link = self.link()
        self.assertEqual(link["address"], interface["mac"])
        four = [f"{address['local']}/{address['prefixlen']}" for address in link["addr_info"]
                if address["family"] == "inet"]
        self.assertEqual(four, [ip["address"]])
        port = self.port()
        self.assertEqual((port["spec"]["addresses"], port["subject"]),
                         ([ip["address"].split("/")[0]], "known"))


class Lifecycle(CnitoolTest):
    def test_in_every_version(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.configure(version)
                self.assertDone("status")
                result = self.assertDone("add")
                self.assertEqual(result["cniVersion"], version)
                self.check_pod(result)
                if version == "0.3.1":
                    self.assertComplains("check", "does not support the CHECK")
                else:
                    self.assertIsNone(self.assertDone("check"))
                for _ in range(2):
                    self.assertDone("del")
                self.assertEqual((self.lab.ctl.ports(), self.cni.files()), ({}, []))

    def test_check_finds_a_port_that_is_gone(self):
        for version in VERSIONS[1:]:
            with self.subTest(version=version):
                self.configure(version)
                self.assertDone("add")
                self.pod.run("ip", "address", "flush", "dev", "net1")
                self.assertComplains("check", "address 10.44.0.", "is not there")
                self.lab.ctl.delete_port(self.port()["spec"]["name"])
                self.assertComplains("check", "is not there")
                self.assertDone("del")

    def test_status_of_a_switch_that_is_away(self):
        self.configure(NEWEST, daemon=f"unix://{self.lab.path('nobody.sock')}")
        self.assertComplains("status", "nobody.sock")

    def test_gc_takes_what_the_library_knows_and_nothing_else(self):
        """It hands the plugin no list of what is valid, and deletes what it remembers."""
        other = self.cni.config(name=self.network)
        self.assertOk(self.call("ADD", "db", other))
        for version in VERSIONS:
            with self.subTest(version=version):
                self.configure(version)
                self.assertDone("add")
                self.assertEqual(len(self.lab.ctl.ports()), 2)
                self.assertDone("gc")
                self.assertEqual(self.port()["spec"]["pod_name"], "db")
                self.assertIsNone(self.link())
                self.assertEqual(self.tool.cached(self.network), [])
        self.assertOk(self.call("DEL", "db", other))

    def test_an_add_that_fails_leaves_nothing(self):
        self.configure(NEWEST, network="blue")
        self.assertComplains("add", "blue")
        self.assertEqual((self.lab.ctl.ports(), self.cni.files()), ({}, []))


class Shapes(CnitoolTest):
    def test_a_socket_with_what_the_runtime_asks_for(self):
        self.configure(NEWEST, port=None, socketDirectory=self.cni.sockets, ipam=False,
                       capabilities={"mac": True, "ips": True, "CNIDeviceInfoFile": True})
        asked = {"mac": "02:00:00:00:07:07", "ips": ["10.7.0.7/24"],
                 "CNIDeviceInfoFile": self.lab.path("device.json")}
        result = self.assertDone("add", **asked)
        (interface,) = result["interfaces"]
        self.assertEqual(interface["mac"], asked["mac"])
        self.assertEqual(self.port()["spec"]["addresses"], ["10.7.0.7"])
        with open(asked["CNIDeviceInfoFile"], encoding="utf-8") as file:
            self.assertEqual(json.load(file)["vhost-user"]["path"], interface["socketPath"])
        self.assertDone("check", **asked)
        self.assertDone("del", **asked)
        self.assertFalse(os.path.exists(asked["CNIDeviceInfoFile"]))

    def test_the_next_plugin_in_the_list_takes_the_result(self):
        """Debian's tuning, which sets a knob of the interface that the result names."""
        self.configure("1.0.0", {"type": "tuning",
                                 "sysctl": {"net.ipv4.conf.net1.arp_ignore": "2"}})
        self.check_pod(self.assertDone("add"))
        knob = "/proc/sys/net/ipv4/conf/net1/arp_ignore"
        self.assertEqual(self.pod.run("cat", knob).stdout.strip(), "2")
        self.assertDone("check")
        self.assertDone("del")


if __name__ == "__main__":
    unittest.main()
