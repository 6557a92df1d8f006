"""`sluice-pktgen traffic`, from its command line to its last frame, over a bridge of two ports."""
import unittest

from bridged import BridgedTest, end, program
from harness.pktgen import Pktgen, PktgenError

_FLOWS = {"source": "10.0.0.1", "destination": "10.0.0.2", "first_port": 2000, "ports": 10}


class Traffic(BridgedTest):
    def setUp(self):
        super().setUp()
        pods = self.make_pod("a", 1), self.make_pod("b", 2)
        self.start_bridge(*pods)
        self.pktgen = Pktgen(
            [program("perf/pktgen/sluice-pktgen"), "traffic", "--from", pods[0].socket, "--to",
             pods[1].socket, "--huge", "off", "--file-prefix", self.prefix()],
            self.path("pktgen.log"))
        self.addCleanup(end, self.pktgen.process)
        self.pktgen.wait_ready()

    def run_traffic(self, cmd="run", **fields):
        return self.pktgen.call(cmd, **{**_FLOWS, **fields})

    def test_EveryFlowArrives(self):
        for more in ({}, {"reply": True}, {"zipf": 1.0}, {"latency": True}, {"imix": True},
                     {"source": "fd00::1", "destination": "fd00::2"}):
            answer = self.run_traffic(flows=1000, packets=20_000, size=90, **more)
            self.assertTrue(answer["ok"], answer)
            self.assertEqual((answer["received"], answer["unexpected"], answer["flows_short"],
                              answer["flows_over"]), (20_000, 0, 0, 0), answer)
            if "reply" in more:
                self.assertEqual(answer["replies_received"], 20_000)
            if "latency" in more:
                self.assertGreater(answer["latency_us"]["samples"] +
                                   answer["latency_us"]["waited"], 1000)

    def test_ARateIsKept(self):
        answer = self.run_traffic(seconds=1, rate_pps=20_000)
        self.assertLessEqual(answer["sent"], 20_000)
        self.assertGreater(answer["sent"], 10_000)

    def test_ConnectionsOpenSendAndClose(self):
        answer = self.run_traffic("exchange", protocol="tcp", packets=500)
        self.assertEqual((answer["completed"], answer["lost"], answer["unexpected"]), (500, 0, 0))
        self.assertEqual(answer["packets"], 3000)
        answer = self.run_traffic("open", protocol="tcp", flows=500, seconds=1)
        self.assertEqual((answer["completed"], answer["packets"]), (500, 1500), answer)

    def test_WhatIsDeniedAndArrivesIsCounted(self):
        answer = self.run_traffic(packets=3200, denied_of_32=31, denied_port=1999)
        self.assertEqual((answer["sent"], answer["denied_sent"]), (100, 3100))
        self.assertGreater(answer["denied_received"], 0)  # a bridge denies nobody

    def test_BadFieldsAreRefusedByName(self):
        for fields, why in (({"size": 20, "seconds": 1}, "size"),
                            ({"seconds": 1, "source": "fd00::1"}, "destination"),
                            ({"seconds": 1, "flows": 10**9}, "flows"),
                            ({"seconds": 1, "colour": "red"}, "colour: is unknown"),
                            ({}, "seconds: is missing")):
            with self.assertRaisesRegex(PktgenError, why):
                self.run_traffic(**fields)


if __name__ == "__main__":
    unittest.main()
