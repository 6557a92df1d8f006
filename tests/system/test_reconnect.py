"""Either side of a vhost-user port dies under a policy and returns: the policy is there first."""
import concurrent.futures
import os
import signal
import unittest

from harness.case import LabTest
from harness.lab import Lab
from harness.manifests import make_pod, pod_object, policy

SERVED, CLOSED = 7, 8
POLICIES = [
    policy("server-admits-client", {
        "podSelector": {"matchLabels": {"role": "server"}}, "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "client"}}}],
                     "ports": [{"port": SERVED}]}]}),
]
DEATHS = (signal.SIGKILL, signal.SIGTERM)
_DENIED_MS = 600  # how long an attempt that must fail is given


class UnderPolicy(LabTest):
    """A server in a process of its own; a client that it admits, and a stranger, in another."""

    def start(self, kind, *flags):
        self.flags = flags
        self.lab.start_switch(*flags)
        self.server, self.client, self.stranger = self.pods = [
            make_pod(name, number, kind)
            for number, name in enumerate(("server", "client", "stranger"), start=1)]
        if kind == "vhost-server":
            self.add_ports()
        self.clients = self.lab.start_pktgen([self.client, self.stranger], wait=False)
        self.start_server()
        if kind == "vhost-client":  # the pods own the sockets
            self.add_ports()
        self.clients.wait_ready()
        self.clients.listen(self.client.name, SERVED)
        self.wait_for_server()
        self.lab.apply(*POLICIES, *map(self.object_of, self.pods))

    def start_server(self):
        if self.server.kind == "vhost-client" and os.path.exists(self.server.socket):
            os.unlink(self.server.socket)  # of a server that was killed
        self.serving = self.lab.start_pktgen([self.server], wait=False)

    def wait_for_server(self):
        self.serving.wait_ready()
        self.wait_for_links(self.server)
        for port in (SERVED, CLOSED):
            self.serving.listen(self.server.name, port)

    def wait_for_links(self, *pods, up=True):
        self.lab.wait_until(
            lambda: all(self.ctl.ports()[pod.port]["link_up"] == up for pod in pods),
            f"links of {[pod.port for pod in pods]} are {'up' if up else 'down'}", timeout=15)

    def add_ports(self):
        for pod in self.pods:
            self.lab.add_port(pod, more=["--uid", f"uid-of-{pod.port}"])

    def object_of(self, pod):
        """Its labels are its name's; its UID is its port's."""
        made = pod_object(pod, role=pod.name.split("/")[1])
        made["metadata"]["uid"] = f"uid-of-{pod.port}"
        return made

    # --- what pods do --------------------------------------------------------------------------

    def opens(self, pktgen, source, destination, port, family, timeout_ms=1500):
        address = destination.addresses[0 if family == 4 else 1]
        return pktgen.connect(source.name, address, port, timeout_ms=timeout_ms)["ok"]

    def arrived_at_server(self):
        """Frames that only a policy could have let through."""
        received = self.serving.counters(self.server.name)["received"]
        return {kind: received[kind] for kind in ("tcp_syn", "tcp_other", "udp", "icmp", "other")}

    def syns_at_server(self, source):
        syns = self.serving.counters(self.server.name)["received"]["tcp_syn_from"]
        return sum(syns.get(address, 0) for address in source.addresses)

    # --- what must (not) happen ----------------------------------------------------------------

    def assertPolicyHolds(self):
        for family in (4, 6):
            self.assertTrue(self.opens(self.clients, self.client, self.server, SERVED, family),
                            f"IPv{family}: the client does not reach the server")
            sources = self.stranger, self.client
            drops, syns = self.ctl.drops(), [self.syns_at_server(source) for source in sources]
            self.assertNoneOpens((self.clients, self.stranger, self.server, SERVED, family),
                                 (self.clients, self.client, self.server, CLOSED, family),
                                 (self.serving, self.server, self.client, SERVED, family))
            self.assertEqual([self.syns_at_server(source) for source in sources], syns)
            for source in sources:
                self.assertMoved(drops, source, "policy_ingress")
            self.assertMoved(drops, self.server, "policy_egress")

    def assertNothingPasses(self):
        """While the server's pod is not known."""
        before, drops = self.arrived_at_server(), self.ctl.drops()
        self.assertNoneOpens((self.clients, self.client, self.server, SERVED, 4),
                             (self.clients, self.stranger, self.server, SERVED, 4),
                             (self.serving, self.server, self.client, SERVED, 4))
        self.assertEqual(self.arrived_at_server(), before)
        self.assertMoved(drops, self.server, "port_shut")

    def assertNoneOpens(self, *attempts):
        """Of connections tried at one time: (pktgen, source, destination, port, family) each."""
        with concurrent.futures.ThreadPoolExecutor(len(attempts)) as pool:
            opened = pool.map(lambda attempt: self.opens(*attempt, _DENIED_MS), attempts)
        for (_, source, destination, port, family), got_through in zip(attempts, opened):
            self.assertFalse(got_through, f"IPv{family}: {source.name} reaches port {port} of "
                                          f"{destination.name}")

    def assertMoved(self, before, pod, reason):
        key = pod.port, reason
        self.assertGreater(self.ctl.drops().get(key, 0), before.get(key, 0), key)


class ThePodReturns:
    kind = None  # of the switch's side of the ports

    def test_a_pod_that_dies_and_returns_finds_its_policy_in_force(self):
        self.start(self.kind)
        self.assertPolicyHolds()
        for number in DEATHS:
            with self.subTest(signal=number.name):
                self.die(number)
                self.assertFalse(
                    self.opens(self.clients, self.client, self.server, SERVED, 4, _DENIED_MS))
                self.start_server()
                self.wait_for_server()
                self.assertPolicyHolds()
                self.assertTrue(self.clients.process.running())

    def test_a_pod_that_returns_before_its_object_is_shut_out(self):
        self.start(self.kind)
        self.assertPolicyHolds()
        manifest = self.lab.write_manifest("server.json", self.object_of(self.server))
        for number in DEATHS:
            with self.subTest(signal=number.name):
                self.die(number)
                self.ctl.delete(manifest)
                self.start_server()
                self.wait_for_server()
                self.assertNothingPasses()
                self.ctl.apply(manifest)
                self.assertPolicyHolds()

    def die(self, number):
        self.serving.process.send_signal(number)
        self.serving.process.wait(15)
        self.wait_for_links(self.server, up=False)


class ThePodOwnsTheSocket(ThePodReturns, UnderPolicy):
    kind = "vhost-client"


class TheSwitchOwnsTheSocket(ThePodReturns, UnderPolicy):
    kind = "vhost-server"


class TheSwitchReturns(UnderPolicy):
    def restart_switch(self, number):
        """The pods stay. The next switch has their connections, and no policy yet."""
        self.lab.switch.send_signal(number)
        self.lab.switch.wait(15)
        self.lab.start_switch(*self.flags)
        self.add_ports()
        self.wait_for_links(*self.pods)

    def open_kept(self):
        opened = self.clients.connect(self.client.name, self.server.addresses[0], SERVED, keep=True)
        self.assertTrue(opened["ok"], opened)
        return opened["connection"]

    def test_a_switch_that_returns_lets_nothing_pass_until_it_has_the_policies_again(self):
        self.start("vhost-client", "--connection-file", self.lab.path("connections"),
                   "--connections", "4096")
        self.assertPolicyHolds()
        kept = self.open_kept()
        for number in DEATHS:
            with self.subTest(signal=number.name):
                self.restart_switch(number)
                before = self.arrived_at_server()
                sent = "while shut", "again"
                self.assertFalse(self.clients.send(kept, sent[0], timeout_ms=_DENIED_MS)["ok"])
                self.assertEqual(self.arrived_at_server(), before)
                self.assertNothingPasses()
                self.lab.apply(*POLICIES)
                self.assertNothingPasses()
                self.lab.apply(*map(self.object_of, self.pods))
                answer = self.clients.send(kept, sent[1], timeout_ms=5000,
                                           expect_bytes=len("".join(sent)))
                self.assertEqual(answer["received"], "".join(sent), answer)
                self.assertPolicyHolds()
                for peers in (self.clients, self.serving):
                    self.assertTrue(peers.process.running())

    def test_a_connection_of_before_is_cut_if_no_policy_admits_it_any_more(self):
        self.start("vhost-client", "--connection-file", self.lab.path("connections"),
                   "--connections", "4096")
        kept = self.open_kept()
        self.restart_switch(signal.SIGKILL)
        before = self.arrived_at_server()
        self.lab.apply(policy("server-admits-nobody", {
            "podSelector": {"matchLabels": {"role": "server"}}, "policyTypes": ["Ingress"]}))
        self.lab.apply(*map(self.object_of, self.pods))
        self.assertFalse(self.clients.send(kept, "again", timeout_ms=_DENIED_MS)["ok"])
        self.assertEqual(self.arrived_at_server(), before)
        self.assertGreater(self.ctl.drops().get((self.client.port, "policy_ingress"), 0), 0)


class TheSwitchRemembers(UnderPolicy):
    """With a state directory nothing is given again, and connections go on by themselves."""

    def restart_switch(self, number):
        self.lab.switch.send_signal(number)
        self.lab.switch.wait(15)
        self.lab.start_switch(*self.flags)
        self.wait_for_links(*self.pods)

    def start_with_state(self, kind="vhost-client"):
        self.start(kind, "--state-directory", self.lab.path("state"), "--connection-file",
                   self.lab.path("connections"), "--connections", "4096")

    def test_all_of_it_is_in_force_again_before_anyone_says_so(self):
        self.start_with_state()
        opened = self.clients.connect(self.client.name, self.server.addresses[0], SERVED, keep=True)
        self.assertTrue(opened["ok"], opened)
        # Objects are on disk a second later at most; a clean stop does not wait for that.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number.name):
                self.restart_switch(number)
                answer = self.clients.send(opened["connection"], "x", timeout_ms=5000,
                                           expect_bytes=1)
                self.assertTrue(answer["ok"], answer)
                self.assertPolicyHolds()
                self.assertEqual(self.ctl.json("get", "policies")["objects"][0]["source"],
                                 "sluicectl")

    def test_a_port_is_remembered_from_when_its_adder_is_answered(self):
        self.start_with_state()
        self.ctl.run("port", "del", self.stranger.port)
        self.lab.switch.send_signal(signal.SIGKILL)
        self.lab.switch.wait(15)
        self.lab.start_switch(*self.flags)
        self.assertEqual(set(self.ctl.ports()), {self.client.port, self.server.port})

    def test_sockets_of_the_switch_are_made_again(self):
        self.start_with_state("vhost-server")
        self.assertPolicyHolds()
        self.lab.switch.send_signal(signal.SIGKILL)
        self.lab.switch.wait(15)
        self.lab.start_switch(*self.flags)
        self.assertEqual(set(self.ctl.ports()), {pod.port for pod in self.pods})
        self.serving.process.stop()  # as a peer of a socket that is gone, it is not coming back
        self.start_server()
        self.wait_for_server()

    def test_a_damaged_file_is_set_aside_and_named_and_nothing_passes(self):
        self.start_with_state()
        self.lab.switch.send_signal(signal.SIGTERM)
        self.lab.switch.wait(15)
        objects = self.lab.path("state/objects")
        with open(objects, "r+b") as file:
            file.truncate(os.path.getsize(objects) // 2)
        self.lab.start_switch(*self.flags)
        self.wait_for_links(*self.pods)
        self.assertIn(f"{objects}: is no state file, or cut short: set aside as objects.damaged",
                      self.lab.switch.log())
        self.assertNothingPasses()
        self.lab.apply(*POLICIES, *map(self.object_of, self.pods))
        self.assertPolicyHolds()

    def test_one_directory_has_one_switch(self):
        self.start_with_state()
        other = Lab()
        with other, self.assertRaises(Exception):
            other.start_switch(*self.flags[:2])
        self.assertTrue(self.lab.switch.running())


if __name__ == "__main__":
    unittest.main()
