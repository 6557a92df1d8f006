"""How long after `kubectl apply` the first packet is judged by it, at 2,000 pods.

Figures, not limits: only what would be broken on any machine fails. KUBE_SAMPLES (60) says how
often the API is asked directly; kubectl, whose start takes most of a second, a fifth of that.
"""
import os
import random
import time
import unittest

from rig import objects
from rig.case import WatcherTest
from rig.latency import Lookout, percentile, summary
from rig.population import Population

SAMPLES = int(os.environ.get("KUBE_SAMPLES", "60"))
PODS, NAMESPACES, POLICIES = 2000, 100, 200
UDP_PORT = 9000
BROKEN_SECONDS = 5.0


class Latency(WatcherTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        population = Population(cls.cluster, "latency", NAMESPACES, random.Random(1))
        population.create_namespaces()
        population.add_pods(PODS)
        population.add_policies(POLICIES)

    def setUp(self):
        super().setUp()
        self.start_pods(server={"app": "server"}, client={"role": "client"})
        self.node.pktgen.listen(self.pod("server"), UDP_PORT, "udp")
        self.deny = objects.deny_ingress(self.namespace, app="server")

    def lookout(self):
        address = self.node.pods[self.pod("server")].addresses[0]
        return Lookout(self.node.pktgen, self.pod("client"), address, UDP_PORT)

    def flip(self, lookout, deny, allow):
        """Seconds from each call's return to the first packet judged by it; 0 if it was earlier."""
        samples = []
        lookout.wait(True)
        for call, answered in ((deny, False), (allow, True)):
            call()
            returned = time.monotonic()
            samples.append(max(0.0, lookout.wait(answered) - returned))
        return samples

    def measure(self, name, count, deny, allow):
        before = self.watcher.in_force_seconds()
        with self.lookout() as lookout:
            samples = [sample for _ in range(count // 2)
                       for sample in self.flip(lookout, deny, allow)]
        seconds, changes = (b - a for a, b in zip(before, self.watcher.in_force_seconds()))
        print("figure:", summary(name, samples), flush=True)
        print(f"figure: of it, from the event read to in force: mean {seconds / changes * 1000:.1f} "
              f"ms of {changes:.0f}", flush=True)
        self.assertLess(percentile(samples, 99), BROKEN_SECONDS)

    def test_from_the_return_of_an_api_request_to_the_first_packet(self):
        self.measure("API request to first packet", SAMPLES, lambda: self.api.create(self.deny),
                     lambda: self.api.delete("networkpolicies", self.namespace, "deny-ingress"))

    def test_from_the_return_of_kubectl_to_the_first_packet(self):
        file = self.lab.write_manifest("deny.json", self.deny)
        self.measure("kubectl to first packet", SAMPLES // 5, lambda: self.kubectl.apply(file),
                     lambda: self.kubectl.delete(file))


if __name__ == "__main__":
    unittest.main()
