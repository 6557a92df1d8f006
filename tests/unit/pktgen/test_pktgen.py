"""The program sluice-pktgen, from its command line to its last frame."""
import json
import os
import signal
import stat
import subprocess
import unittest

from bridged import BridgedTest
from harness.pktgen import PktgenError


class TwoPods(BridgedTest):
    """a's socket is the bridge's, b's its own: both ways of connecting."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.make_pod("a", 1), self.make_pod("b", 2, "vhost-client")
        self.bridge = self.start_bridge(self.a, self.b)
        self.pktgen = self.start_pktgen([self.a, self.b])

    def test_TcpConnectsTransfersAndCloses(self):
        self.pktgen.listen(self.b.name, 80)
        for address in self.b.addresses:
            answer = self.pktgen.connect(self.a.name, address, 80, "hello", timeout_ms=5000)
            self.assertTrue(answer["ok"], answer)
            self.assertEqual((answer["stage"], answer["received"]), ("closed", "hello"))

    def test_ALongTextCrossesTheRings(self):
        self.pktgen.listen(self.b.name, 80)
        text = "0123456789" * 30_000
        answer = self.pktgen.call("connect", pod=self.a.name, to=self.b.addresses[0], port=80,
                                  send=text, expect_bytes=len(text), timeout_ms=20_000)
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(answer["received_bytes"], len(text))
        self.assertEqual(answer["received"], text[:4096])

    def test_AClosedPortResets(self):
        answer = self.pktgen.connect(self.a.name, self.b.addresses[0], 81, timeout_ms=5000)
        self.assertFalse(answer["ok"])
        self.assertTrue(answer["reset"])

    def test_UdpAndPingAreAnswered(self):
        self.pktgen.listen(self.b.name, 53, "udp")
        for address in self.b.addresses:
            for answer in (self.pktgen.request(self.a.name, address, 53, count=50,
                                               timeout_ms=5000),
                           self.pktgen.ping(self.a.name, address, count=50, timeout_ms=5000)):
                self.assertEqual((answer["ok"], answer["lost_packets"]), (True, 0), answer)

    def test_TheReceiverCountsBySource(self):
        self.pktgen.request(self.a.name, self.b.addresses[0], 53, count=7, timeout_ms=100)
        received = self.pktgen.counters(self.b.name)["received"]
        self.assertEqual(received["udp"], 7)
        self.assertEqual(received["udp_from"], {self.a.addresses[0]: 7})
        self.assertEqual(received["tcp_syn_from"], {})

    def test_AStoppedSwitchCutsAConnectionAndAWokenOneCarriesOn(self):
        self.pktgen.listen(self.b.name, 80)
        opened = self.pktgen.connect(self.a.name, self.b.addresses[0], 80, "one",
                                     timeout_ms=5000, keep=True)
        self.assertEqual((opened["ok"], opened["stage"]), (True, "replied"), opened)
        handle = opened["connection"]
        self.bridge.send_signal(signal.SIGSTOP)
        self.addCleanup(self.bridge.send_signal, signal.SIGCONT)
        cut = self.pktgen.send(handle, "two", timeout_ms=500)
        self.assertFalse(cut["ok"])
        self.assertEqual(cut["lost_packets"] - opened["lost_packets"], 2, cut)  # at 0 and 200 ms
        self.bridge.send_signal(signal.SIGCONT)
        late = self.pktgen.send(handle, "!", timeout_ms=5000)
        self.assertTrue(late["ok"], late)
        self.assertEqual(late["received"][:3], "two")
        self.pktgen.close(handle)

    def test_BlastCountsWhatItSentAndWhatArrived(self):
        for address, size, flows in ((self.b.addresses[0], 64, 1), (self.b.addresses[1], 128, 500),
                                     (self.b.addresses[0], 1518, 20_000)):
            answer = self.pktgen.call("blast", pod=self.a.name, to=address, port=9, size=size,
                                      seconds=0.3, flows=flows)
            self.assertTrue(answer["ok"], answer)
            self.assertGreater(answer["received"], 0)
            self.assertEqual(answer["lost"], answer["sent"] - answer["received"])
        sent = self.pktgen.counters(self.a.name)["sent"]["udp"]
        received = self.pktgen.counters(self.b.name)["received"]
        self.assertGreater(sent, 0)
        self.assertEqual(sum(received["udp_from"].values()), received["udp"])
        self.assertEqual((received["bad_checksum"], received["malformed"]), (0, 0))

    def test_BlastMeasuresHowLongPacketsTake(self):
        answer = self.pktgen.call("blast", pod=self.a.name, to=self.b.addresses[0], port=9,
                                  seconds=0.5, rate_pps=100_000, flows=10, latency=True)
        latency = answer["latency_us"]
        self.assertGreater(latency["samples"] + latency["waited"], answer["received"] / 16 - 1)
        if latency["samples"]:  # a machine that is short of cores may stop us all the time
            self.assertLess(0, latency["p50"])
            self.assertLessEqual(latency["p50"], latency["p99"])
            self.assertLessEqual(latency["p999"], latency["max"])
        with self.assertRaisesRegex(PktgenError, "headers and a stamp"):
            self.pktgen.call("blast", pod=self.a.name, to=self.b.addresses[1], port=9,
                             seconds=0.5, size=64 + 16, latency=True)

    def test_BlastKeepsToItsRate(self):
        answer = self.pktgen.call("blast", pod=self.a.name, to=self.b.addresses[0], port=9,
                                  seconds=0.5, rate_pps=2000)
        # One thousand; a loaded machine may send less, never more.
        self.assertLessEqual(answer["sent"], 2000 * answer["seconds"] + 1, answer)
        self.assertGreater(answer["sent"], 0)

    def test_ReachAnswersForAllPairs(self):
        self.pktgen.listen(self.b.name, 80)
        answer = self.pktgen.call(
            "reach", from_=[self.a.name, self.b.name],
            to=[{"pod": self.b.name, "port": 80}, {"pod": self.a.name, "protocol": "icmp"}],
            timeout_ms=5000)
        self.assertEqual([r["reached"] for r in answer["results"]], [True] * 4, answer)

    def test_TheSocketOfAServerPodIsRemovedAtTheEnd(self):
        self.assertTrue(stat.S_ISSOCK(os.stat(self.b.socket).st_mode))
        self.assertEqual(self.pktgen.process.stop(), 0)  # SIGTERM
        self.assertFalse(os.path.exists(self.b.socket))


class ReturningSwitch(BridgedTest):
    def test_PodsThatOwnTheirSocketsSurviveASwitchThatDiesAndReturns(self):
        a, b = self.make_pod("a", 1, "vhost-client"), self.make_pod("b", 2, "vhost-client")
        bridge = self.start_bridge(a, b)
        pktgen = self.start_pktgen([a, b])
        pktgen.listen(b.name, 80)
        opened = pktgen.connect(a.name, b.addresses[0], 80, "one", timeout_ms=5000, keep=True)
        self.assertTrue(opened["ok"], opened)
        bridge.send_signal(signal.SIGKILL)
        bridge.wait(10)
        self.assertFalse(pktgen.send(opened["connection"], "two", timeout_ms=300)["ok"])
        self.start_bridge(a, b)
        again = pktgen.connect(a.name, b.addresses[0], 80, "three", timeout_ms=10_000)
        self.assertTrue(again["ok"], again)
        # What the dead switch lost is sent again.
        late = pktgen.send(opened["connection"], "!", timeout_ms=10_000)
        self.assertEqual(late["received"][:3], "two", late)


class CommandLine(BridgedTest):
    def run_pktgen(self, command, text="", timeout=60):
        return subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout, check=False)

    def test_AScriptRunsInOrderAndTheStandardOutputIsAnswersAlone(self):
        a, b = self.make_pod("a", 1), self.make_pod("b", 2)
        self.start_bridge(a, b)
        script = self.path("script")
        with open(script, "w", encoding="utf-8") as out:
            for number, command in enumerate((
                    {"cmd": "listen", "pod": b.name, "protocol": "tcp", "port": 80},
                    {"cmd": "connect", "pod": a.name, "to": b.addresses[0], "port": 80,
                     "send": "x", "timeout_ms": 5000},
                    {"cmd": "counters", "pod": b.name}, {"cmd": "quit"},
                    {"cmd": "counters", "pod": b.name})):
                out.write(json.dumps({"id": number, **command}) + "\n")
        result = self.run_pktgen(self.pktgen_command([a, b], "--script", script))
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(answers[0], {"event": "ready"})
        self.assertEqual([answer["id"] for answer in answers[1:]], [0, 1, 2, 3])
        self.assertTrue(answers[2]["ok"])
        self.assertEqual(answers[3]["received"]["tcp_syn"], 1)

    def test_TheEndOfTheInputWaitsForAnswersAndEndsIt(self):
        a, b = self.make_pod("a", 1), self.make_pod("b", 2)
        self.start_bridge(a, b)
        result = self.run_pktgen(self.pktgen_command([a, b]), json.dumps(
            {"id": 1, "cmd": "ping", "pod": a.name, "to": "10.10.0.99", "timeout_ms": 300}))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout.splitlines()[1])["ok"], False)

    def test_ASocketThatNobodyMakesIsAnErrorAfterTheWait(self):
        result = self.run_pktgen(self.pktgen_command([self.make_pod("a", 1)], "--wait", "1"))
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout),
                         {"event": "error",
                          "message": f"pod default/a: {self.path('a.sock')}: no such socket"})

    def test_ABadPodsFileNamesThePodAndTheField(self):
        good = {"name": "default/a", "socket": "/tmp/a", "mode": "client",
                "mac": "02:00:00:00:00:01", "addresses": ["10.0.0.1"]}
        cases = (
            ("nonsense", "pods: is not a JSON list of pods"),
            ([], "pods: is not a JSON list of pods"),
            ([{**good, "mac": "x"}], "pods: default/a: "),
            ([{**good, "mac": "ff:ff:ff:ff:ff:ff"}],
             "pods: default/a: mac: ff:ff:ff:ff:ff:ff is no unicast address"),
            ([{**good, "addresses": ["10.0.0.1/24"]}],
             'pods: default/a: addresses: "10.0.0.1/24" is not an IP address'),
            ([{**good, "socket": "x" * 108}], "pods: default/a: socket: is not 1 to 107 bytes"),
            ([{**good, "mode": "listener"}], 'pods: mode: "listener" is unknown'),
            ([{**good, "gateway": "10.0.0.254"}], "pods: gateway: is unknown"),
            ([good, good], "pods: default/a: is there twice"),
            ([good, {**good, "name": "default/b"}],
             "pods: default/b: socket: /tmp/a is another pod's"),
        )
        for pods, message in cases:
            with self.subTest(message):
                file = self.path("bad.json")
                with open(file, "w", encoding="utf-8") as out:
                    out.write(pods if isinstance(pods, str) else json.dumps(pods))
                command = self.pktgen_command([])
                command[command.index("--pods") + 1] = file
                result = self.run_pktgen(command)
                self.assertEqual(result.returncode, 1)
                answer = json.loads(result.stdout)
                self.assertEqual(answer["event"], "error")
                self.assertTrue(answer["message"].startswith(message), answer["message"])


if __name__ == "__main__":
    unittest.main()
