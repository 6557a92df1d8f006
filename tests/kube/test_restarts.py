"""The API server, sluiced and the watcher come and go, alone and together; what is in force is
right again by itself, without a moment of open."""
import itertools
import unittest

from rig import objects
from rig.case import WatcherTest
from rig.prober import Prober
from rig.sets import wait_for_fresh_list

PARTS = ("api", "sluiced", "watcher")
TOGETHER = [subset for size in (1, 2, 3) for subset in itertools.combinations(PARTS, size)]


class Restarts(WatcherTest):
    starts_switch = False  # it is to keep its connections

    def setUp(self):
        super().setUp()
        self.start_switch()
        self.node.kind = "vhost-client"  # these come back after a restart of the switch
        self.node.tells_uid = True       # and their connections
        self.start_pods(server={"app": "server"}, client={"role": "client"},
                        stranger={"role": "stranger"})
        self.api.create(objects.deny_ingress(self.namespace))
        self.api.create(objects.allow_from(self.namespace, "allow-client", {"app": "server"},
                                           {"role": "client"}))
        self.wait_policy("deny-ingress", "allow-client")
        self.changes = itertools.count(1)

    # --- what the tests are made of ------------------------------------------------------------

    def start_switch(self):
        self.lab.start_switch("--connection-file", self.lab.path("connections"),
                              "--connections", "4096")

    def stop(self, part):
        if part == "api":
            self.cluster.kill_server()
        elif part == "sluiced":
            self.lab.switch.stop()
        else:
            self.watcher.kill()

    def start_again(self, part):
        if part == "api":
            self.cluster.server.start()
        elif part == "sluiced":
            self.start_switch()
            self.node.restore_ports()
        else:
            self.watcher.start()

    def change(self):
        """Something that the watcher has to find out: a policy comes, the one before goes."""
        number = next(self.changes)
        self.api.create(objects.policy(self.namespace, f"change-{number}", {
            "podSelector": {"matchLabels": {"app": "server"}}, "policyTypes": ["Ingress"]}))
        if number > 1:
            self.api.delete("networkpolicies", self.namespace, f"change-{number - 1}")

    def open_connection(self):
        """One that policy lets the client have with the server."""
        address = self.node.pods[self.pod("server")].addresses[0]
        opened = self.node.pktgen.connect(self.pod("client"), address, 80, keep=True)
        self.assertTrue(opened["ok"])
        return opened["connection"]

    def answers(self, connection):
        return self.node.pktgen.send(connection, "again", timeout_ms=5000)["ok"]

    def assertRightAgain(self):
        self.watcher.wait_ready()
        wait_for_fresh_list(self.lab, self.api)
        self.wait(self.node.known, "the switch knows all pods")
        self.wait(lambda: self.reaches("client", "server"), "the client is admitted")
        self.assertDoesNotReach("stranger", "server")

    def restart(self, parts):
        """All of `parts` are gone at one time; something changes while the API can be told."""
        api_first = parts[0] == "api"
        if not api_first:
            for part in parts:
                self.stop(part)
            self.change()
        else:
            for part in parts[1:]:
                self.stop(part)
            self.change()
            self.stop("api")
        for part in reversed(parts):
            self.start_again(part)

    # --- tests ---------------------------------------------------------------------------------

    def test_any_of_them_and_all_together(self):
        for parts in TOGETHER:
            with self.subTest(restarted="+".join(parts)):
                connection = self.open_connection()
                with Prober(self.node, self.pod("stranger"), self.pod("server")) as prober:
                    prober.wait_tries(2)
                    self.restart(parts)
                    self.assertRightAgain()
                    prober.wait_tries(2)
                self.assertEqual(prober.through, 0)
                self.assertTrue(self.answers(connection), "an allowed connection was lost")

    def test_without_the_api_server_what_was_in_force_stays(self):
        connection = self.open_connection()
        self.cluster.kill_server()
        try:
            with Prober(self.node, self.pod("stranger"), self.pod("server")) as prober:
                prober.wait_tries(5)
            self.assertEqual(prober.through, 0)
            self.assertTrue(self.answers(connection))
            self.assertReaches("client", "server")
        finally:
            self.cluster.server.start()
        self.change()
        self.assertRightAgain()

    def test_readiness_ends_when_the_set_may_be_too_old(self):
        self.watcher.stop()
        self.watcher = self.new_watcher("--max-age", "3")
        self.watcher.start_ready()
        self.cluster.kill_server()
        try:
            self.wait(lambda: not self.watcher.ready(), "the watcher is no longer ready", 30)
            self.assertTrue(self.watcher.process.running())
            self.assertIn(f"{self.namespace}/deny-ingress", self.policies())
        finally:
            self.cluster.server.start()
        self.assertRightAgain()


if __name__ == "__main__":
    unittest.main()
