"""Connections of the kernel's that live through one change of policy and not through another."""
import json
import socket
import sys
import unittest

from harness.manifests import policy
from harness.stacks import (CLIENTS, HTTP, SERVE, SERVERS, STREAM_CLIENT, STREAM_ECHO, WAYS,
                            StackTest)

_ANSWER_SECONDS = "2"


class KeptOpen:
    """An echo server, and connections that a change of policy finds open."""
    protocol = None

    def open(self, client, server, family):
        where = [self.address(server, family), str(HTTP)]
        number = str(self.protocol)
        echo = self.pods[server].start(self.lab.path(f"echo-{server}-{client}.log"), sys.executable,
                                       STREAM_ECHO, *where, number)
        self.lab.own(echo)
        echo.wait_for_log("listening", 20)
        connection = self.pods[client].start(
            self.lab.path(f"connection-{client}.log"), sys.executable, STREAM_CLIENT, *where,
            _ANSWER_SECONDS, number, pipes=True)
        self.lab.own(connection)
        self.assertTrue(json.loads(connection.stdout.readline())["connected"])
        return connection

    def echoes(self, connection, text):
        connection.stdin.write(json.dumps({"send": text, "until": text}) + "\n")
        return json.loads(connection.stdout.readline())["received"] == text

    def received(self, pod):
        counters = self.pods[pod].kernel_counters()
        return counters["Ip.InDelivers"] + counters.get("Tcp.InSegs", 0)

    def test_a_connection_lives_through_changes_elsewhere_and_not_through_its_own(self):
        for (client, server), family in WAYS[::3]:
            with self.subTest(client=client, server=server, family=family):
                self.lab.apply(SERVE)
                connection = self.open(client, server, family)
                self.assertTrue(self.echoes(connection, "before"))
                self.lab.apply(policy("stranger-alone", {
                    "podSelector": {"matchLabels": {"role": "stranger"}}}))
                self.assertTrue(self.echoes(connection, "another pod's policy"))
                self.lab.apply(policy("also-8080", {"podSelector": SERVERS, "ingress": [
                    {"from": CLIENTS, "ports": [{"port": 8080}]}]}))
                self.assertTrue(self.echoes(connection, "one more rule beside its own"))
                self.assertNoPolicyDrop()
                self.ctl.delete(self.lab.write_manifest("serve.json", SERVE))
                before = self.received(server)
                self.assertFalse(self.echoes(connection, "after"))
                self.assertEqual(self.received(server), before)
                self.assertGreaterEqual(self.new_drops()[client, "policy_ingress"], 1)
                connection.stop()


class KeptOpenTcp(KeptOpen, StackTest):
    protocol = socket.IPPROTO_TCP


class KeptOpenSctp(KeptOpen, StackTest):
    protocol = socket.IPPROTO_SCTP

    @classmethod
    def setUpClass(cls):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, cls.protocol).close()
        except OSError as error:
            raise unittest.SkipTest(f"kernel without SCTP: {error}") from error
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
