"""traceroute from pods that take no connection: what comes back are ICMP errors about their own.

Behind an uplink port stands a router (a namespace), and behind that a far host (another):

    pods -- switch -- uplink -- 10.30.0.254 router 10.31.0.254 -- 10.31.0.1 far
"""
import re
import unittest

from harness.manifests import policy
from harness.process import run
from harness.stacks import StackTest

ROUTER = ["10.30.0.254/24", "fd00:30::fe/64"]
FAR_SIDE = ["10.31.0.254/24", "fd00:31::fe/64"]
FAR = ["10.31.0.1/24", "fd00:31::1/64"]
WAYS = [(pod, family) for pod in ("tap-client", "veth-client") for family in (4, 6)]
# Nobody may open anything to a client: errors pass because they are about its own packets.
NO_INGRESS = policy("clients-admit-nobody", {"podSelector": {"matchLabels": {"role": "client"}}})
STRANGER_STAYS = policy("stranger-sends-nothing", {
    "podSelector": {"matchLabels": {"role": "stranger"}}, "policyTypes": ["Egress"]})
# The servers of StackTest may send nothing; here they take whatever clients send.
ADMIT_ALL = policy("servers-admit-all-of-clients", {
    "podSelector": {"matchLabels": {"role": "server"}},
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "client"}}}]}]})


def bare(prefix):
    return prefix.split("/")[0]


class Traceroute(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        router = cls.lab.make_network_pod("default/router", "af-packet", "02:00:00:00:03:fe",
                                          ROUTER)
        cls.ctl.add_port("uplink", "af-packet", path=router.interface, more=["--role", "uplink"])
        far = cls.lab.make_network_pod("default/far", "none", "02:00:00:00:03:fd", [])
        run("ip", "-n", router.namespace, "link", "add", "far0", "type", "veth", "peer", "name",
            "eth0", "netns", far.namespace)
        for pod, device, prefixes in ((router, "far0", FAR_SIDE), (far, "eth0", FAR)):
            for prefix in prefixes:
                nodad = ["nodad"] if ":" in prefix else []
                run("ip", "-n", pod.namespace, "address", "add", prefix, "dev", device, *nodad)
            run("ip", "-n", pod.namespace, "link", "set", device, "up")
        router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward;"
                               "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
        for pod in [*cls.pods.values(), far]:
            for via in FAR_SIDE if pod is far else ROUTER:
                run("ip", "-n", pod.namespace, "route", "add", "default", "via", bare(via))
        cls.lab.apply(NO_INGRESS, STRANGER_STAYS, ADMIT_ALL)

    def trace(self, pod, to, *words):
        """The addresses that answered, hop by hop; "*" for none."""
        result = self.pods[pod].run("traceroute", "-n", "-q", "1", "-w", "3", "-N", "1", "-m", "4",
                                    *words, to, check=False, timeout=60)
        return re.findall(r"^ *\d+ +(\S+)", result.stdout, re.MULTILINE)

    def test_hops_answer_whatever_the_probe(self):
        for pod, family in WAYS:
            for kind in ("-U", "-I"):
                with self.subTest(pod=pod, family=family, kind=kind):
                    hops = [bare(prefix) for prefix in (ROUTER[family == 6], FAR[family == 6])]
                    self.assertEqual(self.trace(pod, hops[-1], kind), hops)
        self.assertNoPolicyDrop()

    def test_a_closed_port_answers_although_its_pod_may_send_nothing(self):
        for pod, family in WAYS:
            for server in ("tap-server", "veth-server"):
                with self.subTest(pod=pod, family=family, server=server):
                    to = self.address(server, family)
                    self.assertEqual(self.trace(pod, to, "-U"), [to])
        self.assertNoPolicyDrop()

    def test_a_pod_that_may_send_nothing_reaches_no_hop(self):
        for family in (0, 1):
            with self.subTest(family="46"[family]):
                self.assertEqual(self.trace("stranger", bare(FAR[family]), "-m", "2"), ["*", "*"])
                self.assertGreater(self.new_drops().get(("stranger", "policy_egress"), 0), 0)


if __name__ == "__main__":
    unittest.main()
