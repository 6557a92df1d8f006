"""sluice-cni and sluiced of neighbouring versions: fields that one of them does not know."""
import json
import unittest

from harness.api_filter import api_filter
from harness.cni import NEWEST
from harness.cni_case import CniTest

SPEC = "AddPort/request/1"
# Fields of PortSpec without which the plugin has a port all the same, by number.
OPTIONAL = {"role": 3, "network": 6, "pod_uid": 9, "mtu": 13, "queues": 14, "netns": 18}
ANSWERS = ("AddPort", "DeletePort", "ListPorts", "GetStatus", "ListNetworks")


class VersionsTest(CniTest):
    def through(self, address, **keys):
        return self.cni.config(daemon=address, **keys)

    def lives_and_dies(self, config):
        """ADD, CHECK, STATUS and GC, DEL. The result."""
        result = self.assertOk(self.call("ADD", "web", config))
        self.assertEqual(self.port()["subject"], "known")
        self.assertOk(self.call("CHECK", "web", {**config, "prevResult": result}))
        self.assertOk(self.call("STATUS", "", config))
        valid = [{"containerID": "web", "ifname": "net1"}]
        self.assertOk(self.call("GC", "", {**config, "cni.dev/valid-attachments": valid}))
        self.assertEqual(len(self.lab.ctl.ports()), 1)
        self.assertOk(self.call("DEL", "web", config))
        self.assertEqual((self.lab.ctl.ports(), self.cni.files()), ({}, []))
        return result


class Neighbours(VersionsTest):
    def test_fields_of_the_future_are_ignored_by_both(self):
        rules = [f"{method}/{way}/" for method in ANSWERS for way in ("request", "response")]
        rules += [SPEC, "ListPorts/response/1", "ListPorts/response/1.1",
                  "ListNetworks/response/1", "GetStatus/response/1"]
        with api_filter(self.lab, add=rules) as address:
            self.lives_and_dies(self.through(address))

    def test_fields_that_the_other_does_not_know_have_defaults(self):
        """An older plugin's request, or one to an older sluiced: it is the same on the wire."""
        for name, number in OPTIONAL.items():
            with self.subTest(field=name):
                forget = [f"{SPEC}.{number}", f"ListPorts/response/1.1.{number}"]
                with api_filter(self.lab, forget) as address:
                    self.lives_and_dies(self.through(address))

    def test_answers_without_what_only_people_read(self):
        forget = [f"ListPorts/response/1.{number}" for number in (2, 3, 5, 6, *range(7, 14))]
        forget += ["ListPorts/response/2", "AddPort/response/1", "DeletePort/response/1",
                   "ListNetworks/response/2"]
        forget += [f"GetStatus/response/{number}" for number in (23, 24, 25)]  # how full it is
        with api_filter(self.lab, forget) as address:
            self.lives_and_dies(self.through(address))


class OlderSwitch(VersionsTest):
    """What it does not know of must not be taken for done."""

    def test_one_that_does_not_wait_for_policy_gets_no_pod_before_it(self):
        with api_filter(self.lab, ["AddPort/request/2"]) as address:
            config = self.through(address)
            answer = self.call("ADD", "nobody", config)  # its port is there at once, and shut
            self.assertFails(answer, 11, address, "before the policy of port", "in force")
            self.assertEqual((self.lab.ctl.ports(), self.cni.files()), ({}, []))
            self.lives_and_dies(config)

    def test_one_that_does_not_know_namespaces_makes_no_tap(self):
        pod = self.lab.make_network_pod("default/web", "tap", "", [])
        with api_filter(self.lab, [f"{SPEC}.18"]) as address:
            config = self.through(address, port="tap")
            answer = self.call("ADD", "web", config, CNI_NETNS=f"/run/netns/{pod.namespace}")
            self.assertFails(answer, 5, "net1", "not there")
        links = json.loads(pod.run("ip", "-j", "link").stdout)
        self.assertEqual([link["ifname"] for link in links], ["lo"])
        pod.remove()

    def test_one_that_does_not_mark_ports_has_them_deleted_by_record(self):
        forget = [f"{SPEC}.17", "ListPorts/response/1.1.17"]
        with api_filter(self.lab, forget) as address:
            config = self.through(address)
            result = self.assertOk(self.call("ADD", "web", config))
            answer = self.call("CHECK", "web", {**config, "prevResult": result})
            self.assertFails(answer, 103, "belongs to")
            stale = {**config, "cni.dev/valid-attachments": []}
            self.assertEqual(config["cniVersion"], NEWEST)
            self.assertOk(self.call("GC", "", stale))


if __name__ == "__main__":
    unittest.main()
