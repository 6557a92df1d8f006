"""Ports come and go, peers come and go, the switch itself goes and comes back."""
import os
import signal
import unittest

from harness.case import LabTest, needs_root
from harness.manifests import make_pod, pod_object

SPARE_PORTS = 8


class Churn(LabTest):
    def test_ports_are_attached_and_detached_while_traffic_runs(self):
        self.start()
        blast = self.pktgen.start("blast", pod=self.a.name, to=self.b.addresses[0], port=9, size=64,
                                  seconds=4, rate_pps=2000, flows=4)
        spares = [make_pod(f"spare{n}", 10 + n) for n in range(SPARE_PORTS)]
        for pod in spares:
            self.add_pods(pod)
        self.assertEqual(len(self.ctl.ports()), SPARE_PORTS + 2)
        for pod in spares:
            self.ctl.delete_port(pod.port)
            self.assertFalse(os.path.exists(pod.socket))
        answer = blast.get(timeout=30)
        self.assertGreater(answer["sent"], 4000, answer)
        # Opening a device may hold up the control thread, never a worker: that would lose seconds of
        # traffic. A starved machine loses a burst or two.
        self.assertGreaterEqual(answer["received"], answer["sent"] * 0.97, answer)
        self.assertEqual(set(self.ctl.ports()), {self.a.port, self.b.port})
        self.assertConnects()

    def test_a_port_that_was_deleted_takes_its_name_and_address_back(self):
        self.start()
        spare = make_pod("spare", 10)
        for round_ in range(3):
            with self.subTest(round=round_):
                self.add_pods(spare)
                self.ctl.delete_port(spare.port)

    @needs_root
    def test_tap_ring_and_pcap_ports_attach_beside_pods(self):
        self.start()
        self.ctl.add_port("tap0", "tap", f"sl{os.getpid()}", "default/tap", "02:00:00:00:01:21",
                          ["10.20.0.33"])
        for name, kind, more in (("ring0", "ring", []),
                                 ("capture", "pcap", ["--pcap-out", self.lab.path("out.pcap")])):
            self.ctl.add_port(name, kind, more=["--role", "uplink", *more])
            self.assertConnects()
            self.ctl.delete_port(name)
        self.assertTrue(os.path.exists(f"/sys/class/net/sl{os.getpid()}"))
        self.ctl.delete_port("tap0")
        self.assertFalse(os.path.exists(f"/sys/class/net/sl{os.getpid()}"))
        self.assertGreater(os.path.getsize(self.lab.path("out.pcap")), 0)
        self.assertConnects()


class Reconnect(LabTest):
    def restart_switch(self, number):
        self.lab.switch.send_signal(number)
        self.lab.switch.wait(15)
        self.lab.start_switch()

    def test_a_pod_behind_a_vhost_client_port_survives_a_killed_switch(self):
        self.lab.start_switch()
        self.a, self.b = make_pod("a", 1, "vhost-client"), make_pod("b", 2, "vhost-client")
        # The pods own the sockets: they may be there first.
        self.pktgen = self.lab.start_pktgen([self.a, self.b], wait=False)
        self.add_pods(self.a, self.b)
        self.pktgen.wait_ready()
        self.pktgen.listen(self.b.name, 7)
        self.assertConnects()
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(signal=number.name):
                self.restart_switch(number)
                self.add_pods(self.a, self.b)
                for pod in (self.a, self.b):
                    self.lab.wait_until(lambda p=pod: self.ctl.ports()[p.port]["link_up"],
                                        f"{pod.port} is connected again", timeout=15)
                self.assertConnects()
                self.assertTrue(self.pktgen.process.running())

    def test_a_port_stays_shut_until_its_pod_is_known(self):
        self.start()
        self.lab.apply(pod_object(self.a))
        late = make_pod("late", 10)
        self.lab.add_port(late)
        self.assertEqual(self.ctl.ports()[late.port]["subject"], "unknown")
        pktgen = self.lab.start_pktgen([late])
        self.assertFalse(pktgen.connect(late.name, self.b.addresses[0], 7, timeout_ms=600)["ok"])
        self.assertGreater(self.ctl.drops().get((late.port, "port_shut"), 0), 0)
        self.lab.apply(pod_object(late))
        self.assertEqual(self.ctl.ports()[late.port]["subject"], "known")
        self.assertTrue(pktgen.connect(late.name, self.b.addresses[0], 7)["ok"])


class Stop(LabTest):
    def stop_is_clean(self, number):
        sockets = [self.a.socket, self.b.socket, self.lab.path("sluiced.sock")]
        for path in sockets:
            self.assertTrue(os.path.exists(path), path)
        self.lab.switch.send_signal(number)
        self.assertEqual(self.lab.switch.wait(15), 0, self.lab.switch.log()[-2000:])
        for path in sockets:
            self.assertFalse(os.path.exists(path), path)

    def test_sigterm_stops_cleanly_and_removes_sockets(self):
        self.start()
        self.stop_is_clean(signal.SIGTERM)

    def test_sigint_under_traffic_stops_cleanly(self):
        self.start()
        self.pktgen.start("blast", pod=self.a.name, to=self.b.addresses[0], port=9, size=64,
                          seconds=3, rate_pps=20000, flows=1)
        self.stop_is_clean(signal.SIGINT)

    @needs_root
    def test_the_lab_leaves_nothing_behind(self):
        self.start()
        pod = self.lab.make_network_pod("default/real", "af-packet", "02:00:00:00:01:20",
                                        ["10.20.0.32/24"])
        self.add_pods(pod)
        self.assertNotEqual(self.lab.remains(), [])
        self.lab.__exit__(None, None, None)
        self.assertNothingRemains()


if __name__ == "__main__":
    unittest.main()
