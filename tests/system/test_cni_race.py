"""A peer sends to a pod's MAC and address before, during and after ADD: nothing may pass before the
policy that denies it. SLUICE_RACE_ROUNDS says how often (`make full`: 1000)."""
import os
import unittest

from harness import Lab
from harness.case import needs_root
from harness.cni import Runtime
from harness.cni_case import pod_of
from harness.manifests import policy

ROUNDS = int(os.environ.get("SLUICE_RACE_ROUNDS", "50"))
ROUNDS_THAT_LEAK = 5
MAC, ADDRESS = "02:00:00:00:44:44", "10.44.0.44"
DENY_WEB = policy("deny-web", {"podSelector": {"matchLabels": {"app": "web"}},
                               "policyTypes": ["Ingress"]})
# 10,000 packets a second.
FLOOD = f"""
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
  for i in range(100): s.sendto(b'x', ('{ADDRESS}', 9))
  time.sleep(0.01)
"""


@needs_root
class Race(unittest.TestCase):
    def start(self, *flags):
        self.lab = Lab()
        self.enterContext(self.lab)
        self.lab.start_switch(*flags)
        self.cni = Runtime(self.lab, self.lab.program("control/cni/sluice-cni"))
        peer = self.lab.make_network_pod("default/peer", "tap", "02:00:00:00:44:01",
                                         ["10.44.0.1/24"])
        self.lab.apply(pod_of("peer"), DENY_WEB)
        self.lab.add_port(peer)
        peer.run("ip", "neigh", "replace", ADDRESS, "lladdr", MAC, "dev", "eth0", "nud",
                 "permanent")
        self.lab.own(peer.start(self.lab.path("flood.log"), "python3", "-c", FLOOD))

    def denied(self):
        return self.lab.ctl.drops().get(("default.peer", "policy_ingress"), 0)

    def passed(self):
        """What policy let through to the pod so far. Nobody reads its socket: what passes finds the
        queue full."""
        full = self.lab.ctl.drops().get(("default.peer", "tx_full"), 0)
        return full + sum(port["tx_packets"] for name, port in self.lab.ctl.ports().items()
                          if name != "default.peer")

    def test_nothing_passes_before_policy(self):
        self.start()
        self.lab.apply(pod_of("web"))
        config = self.cni.config(ipam=False,
                                 runtimeConfig={"mac": MAC, "ips": [f"{ADDRESS}/24"]})
        for _ in range(ROUNDS):
            passed, denied = self.passed(), self.denied()
            answer = self.cni.call("ADD", "web", config)
            self.assertEqual(answer.code, 0, answer.out)
            # Until judged packets have come by, the port has seen nothing yet.
            self.lab.wait_until(lambda before=denied: self.denied() > before,
                                "the peer's packets reach the port")
            self.assertEqual(self.passed(), passed)
            self.assertEqual(self.cni.call("DEL", "web", config).code, 0)
        print(f"figure: {ROUNDS} ADDs under 10,000 packets a second, none passed, "
              f"{self.denied()} were denied")

    def test_without_the_wait_packets_pass_and_are_seen(self):
        """The same port, opened for a pod that is not known yet, and nobody waits for that."""
        self.start("--unlisted-pods", "default_class")
        web = self.lab.write_manifest("web.json", pod_of("web"))
        for _ in range(ROUNDS_THAT_LEAK):
            passed, denied = self.passed(), self.denied()
            self.lab.ctl.add_port("web", "vhost-client", self.lab.path("web.sock"), "default/web",
                                  MAC, [ADDRESS])
            self.lab.wait_until(lambda before=passed: self.passed() > before,
                                "packets pass before policy")
            self.lab.ctl.apply(web)
            self.lab.wait_until(lambda before=denied: self.denied() > before,
                                "policy is in force")
            self.lab.ctl.delete_port("web")
            self.lab.ctl.delete(web)


if __name__ == "__main__":
    unittest.main()
