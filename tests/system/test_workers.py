"""Workers that come and go while traffic runs: no connection ends, and no packet is lost uncounted."""
import unittest

from harness.case import LabTest
from harness.ctl import CtlError
from harness.lab import cores

ROUNDS = 6
_SECONDS = 8


@unittest.skipIf(len(set(cores()[:2])) < 2, "one CPU: no place for a second worker")
class Workers(LabTest):
    def setUp(self):
        super().setUp()
        self.spare, self.first = cores()[:2]

    def start_with_spare(self):
        self.start("vhost-server", "--spare-cores", str(self.spare))

    def workers(self):
        """{core: WorkerStatus}."""
        return {worker["core"]: worker for worker in self.ctl.status()["workers"]}

    def change(self, verb, core):
        self.ctl.run("worker", verb, str(core))

    def refused(self, verb, core):
        with self.assertRaises(CtlError) as caught:
            self.change(verb, core)
        return caught.exception.message

    def test_connections_live_on_and_no_packet_is_lost_uncounted(self):
        self.start_with_spare()
        kept = self.pktgen.connect(self.a.name, self.b.addresses[0], 7, keep=True)
        self.assertTrue(kept["ok"], kept)
        blast = self.pktgen.start("blast", pod=self.a.name, to=self.b.addresses[0], port=9, size=64,
                                  seconds=_SECONDS, rate_pps=2000, flows=4)
        self.lab.wait_until(lambda: self.ctl.status()["connections"] >= 5, "the flows are tracked")
        created = self.connections_created()
        for number in range(ROUNDS):
            self.change("add", self.spare)
            self.assertEqual([self.workers()[core]["ports"] for core in (self.first, self.spare)],
                             [1, 1])
            self.assertSends(kept, f"with two {number}")
            # Each in turn is the one that goes.
            gone, stays = [(self.spare, self.first), (self.first, self.spare)][number % 2]
            self.change("remove", gone)
            status = self.workers()
            self.assertEqual((status[gone]["ports"], status[gone]["at_rest"]), (0, True))
            self.assertEqual((status[stays]["ports"], status[stays]["at_rest"]), (2, False))
            self.assertSends(kept, f"with one {number}")
            if gone == self.first:
                self.change("add", self.first)
                self.change("remove", self.spare)
        self.assertEqual(self.connections_created(), created, "a connection had to be made again")
        answer = blast.get(timeout=30)
        self.assertGreater(answer["sent"], 2000 * _SECONDS * 0.5, answer)
        # The rings hold a tenth of a second of this traffic, and packets wait in them while a port
        # moves. A starved machine's pod that does not read in time loses some, and those are counted.
        counted = sum(packets for (port, _), packets in self.ctl.drops().items()
                      if port == self.a.port)
        self.assertLessEqual(answer["sent"] - answer["received"], counted, answer)
        self.assertGreaterEqual(answer["received"], answer["sent"] * 0.97, answer)
        self.assertGreater(int(self.workers()[self.spare]["packets"]), 0)

    def connections_created(self):
        return sum(int(worker["connections_created"]) for worker in self.workers().values())

    def assertSends(self, kept, text):
        answer = self.pktgen.send(kept["connection"], text, timeout_ms=5000,
                                  expect_bytes=len(text))
        self.assertEqual(answer["received"], text, answer)

    def test_what_cannot_be_is_refused_with_the_reason(self):
        self.start_with_spare()
        self.assertIn(f"worker on core {self.first}: is the last one",
                      self.refused("remove", self.first))
        self.assertIn("is at rest already", self.refused("remove", self.spare))
        self.assertIn("polls already", self.refused("add", self.first))
        self.assertIn("worker on core 999: sluiced has cores", self.refused("add", 999))
        with self.assertRaises(CtlError) as caught:
            self.ctl.run("port", "move", self.a.port, "--worker", "1")
        self.assertIn(f"port {self.a.port}: worker 1 is at rest", caught.exception.message)
        self.assertConnects()

    def test_a_worker_at_rest_leaves_its_core_alone(self):
        self.start_with_spare()
        before = self.workers()[self.spare]
        self.lab.wait_until(lambda: int(self.workers()[self.spare]["loops"]) > int(before["loops"]),
                            "it turns now and then: its share of the table ages")
        self.assertEqual(int(before["packets"]), 0)


if __name__ == "__main__":
    unittest.main()
