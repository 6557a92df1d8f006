"""What pods leave that ended without DEL, under a runtime that calls no GC; and a switch that is full."""
import os
import unittest

from harness.cni_case import CniTest, pod_of

DEVICES = 32  # as Debian builds DPDK


class SandboxTest(CniTest):
    """Pods with a network namespace each, as a runtime makes and removes it."""

    def setUp(self):
        super().setUp()
        self.sandboxes = {name: self.lab.make_network_pod(f"default/{name}", "tap", "", [])
                          for name in ("web", "db", "other")}
        self.lab.apply(pod_of("other"))

    def clear(self):
        super().clear()
        for sandbox in self.sandboxes.values():
            sandbox.remove()

    def netns(self, name):
        return f"/run/netns/{self.sandboxes[name].namespace}"

    def call_for(self, command, name, config=None):
        return self.call(command, name, config, CNI_NETNS=self.netns(name))

    def end(self, name):
        """As a runtime that forgets to say so."""
        self.sandboxes[name].remove()
        self.assertFalse(os.path.exists(self.netns(name)))

    def containers(self):
        return {port["spec"]["attachment"].split("/")[1] for port in self.lab.ctl.ports().values()}


class WithoutDel(SandboxTest):
    def lives_and_is_gone(self, config):
        for name in ("web", "other"):
            self.assertOk(self.call_for("ADD", name, config))
        left = self.cni.files()
        self.end("web")
        self.assertEqual(self.containers(), {"web", "other"})
        return left

    def check_that_only_others_are_left(self, config, *others):
        self.assertEqual(self.containers(), set(others))
        self.assertFalse([file for file in self.cni.files() if "uid-web" in file])
        for name in others:
            self.assertOk(self.call_for("DEL", name, config))
        self.assertEqual(self.cni.files(), [])

    def test_the_next_add_gives_port_socket_and_address_back(self):
        config = self.cni.config(ipam={
            "type": "host-local", "dataDir": self.cni.leases,
            "ranges": [[{"subnet": "10.44.0.0/24", "rangeStart": "10.44.0.2",
                         "rangeEnd": "10.44.0.3"}]]})
        self.lives_and_is_gone(config)
        # There are two addresses, and both are taken until it is swept.
        self.assertOk(self.call_for("ADD", "db", config))
        self.check_that_only_others_are_left(config, "db", "other")

    def test_a_tap_whose_namespace_only_the_switch_holds_goes_too(self):
        config = self.cni.config(port="tap", socketDirectory=None)
        self.lives_and_is_gone(config)
        self.assertOk(self.call_for("ADD", "db", config))
        self.check_that_only_others_are_left(config, "db", "other")

    def test_so_does_the_del_of_another_pod(self):
        config = self.cni.config()
        self.lives_and_is_gone(config)
        self.assertOk(self.call_for("DEL", "db", config))
        self.check_that_only_others_are_left(config, "other")

    def test_a_sandbox_made_anew_gets_the_port_of_its_pod(self):
        """As after a reboot of the node: the pod, with its UID, is what it was to the API."""
        config = self.cni.config()
        self.lives_and_is_gone(config)
        answer = self.call("ADD", "web-again", config, CNI_NETNS=self.netns("db"),
                           CNI_ARGS=self.cni.environment("ADD", "web")["CNI_ARGS"])
        self.assertOk(answer)
        self.assertEqual(self.containers(), {"web-again", "other"})
        self.assertOk(self.call("DEL", "web-again", config))
        self.assertOk(self.call_for("DEL", "other", config))

    def test_a_runtime_whose_namespaces_cannot_be_seen_loses_nothing(self):
        """The plugin in a mount namespace of its own, where the directory is another, empty one."""
        config = self.cni.config()
        self.assertOk(self.call_for("ADD", "web", config))
        self.end("web")
        self.assertOk(self.call("GC", "", config, wrapper=(
            "unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run/netns && exec $0")))
        self.assertEqual(self.containers(), {"web"})
        self.assertOk(self.call("GC", "", config))
        self.assertEqual(self.containers(), set())


class Full(CniTest):
    def test_status_says_that_there_is_no_device_for_another_virtual_function(self):
        for number in range(DEVICES):
            self.lab.ctl.add_port(f"ring{number}", "ring", None, f"default/ring{number}",
                                  f"02:00:00:00:01:{number:02x}", [f"10.45.0.{number}"])
        function = self.cni.config(port="sriov", deviceID="0000:03:00.6", socketDirectory=None)
        self.assertFails(self.call("STATUS", "", function), 50, f"all of the {DEVICES} devices")
        for kind in ("vhost-user", "tap"):
            self.assertOk(self.call("STATUS", "", self.cni.config(port=kind)))
        self.lab.ctl.delete_port("ring0")
        self.assertOk(self.call("STATUS", "", function))
        for number in range(1, DEVICES):
            self.lab.ctl.delete_port(f"ring{number}")


if __name__ == "__main__":
    unittest.main()
