"""The kernel's TCP through the switch under policy: pages, 100 MB, many connections at once."""
import hashlib
import os
import unittest

from harness.stacks import HTTP, WAYS, StackTest

PAGE = "hello"
MEGABYTES = 100
PARALLEL, REQUESTS = 20, 100


class Tcp(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        files = cls.lab.path("www")
        os.mkdir(files)
        with open(os.path.join(files, "index.html"), "w", encoding="ascii") as page:
            page.write(PAGE)
        cls.digest = hashlib.sha256()
        with open(os.path.join(files, "large"), "wb") as large:
            for _ in range(MEGABYTES):
                piece = os.urandom(1 << 20)
                cls.digest.update(piece)
                large.write(piece)
        for pod in ("tap-server", "veth-server", "veth-client"):
            cls.serve_http(pod, files)

    def test_clients_get_pages_from_servers_that_may_not_send(self):
        for (client, server), family in WAYS:
            with self.subTest(client=client, server=server, family=family):
                answer = self.curl(client, self.url(server, family))
                self.assertEqual(answer.stdout, PAGE, answer.stderr)
        self.assertNoPolicyDrop()
        verdict = self.ctl.explain("default/tap-server", "default/tap-client", "tcp/80")
        self.assertEqual(verdict["egress"]["verdict"], "deny")

    def test_a_stranger_gets_no_segment_to_a_server(self):
        for server in ("tap-server", "veth-server"):
            for family in (4, 6):
                with self.subTest(server=server, family=family):
                    self.assertDenied("stranger", server,
                                      lambda s=server, f=family: self.connects("stranger", s, f),
                                      ["Tcp.InSegs"])

    def test_a_client_gets_no_segment_to_another_port_of_a_server(self):
        self.assertDenied("tap-client", "veth-server",
                          lambda: self.connects("tap-client", "veth-server", port=HTTP + 1),
                          ["Tcp.InSegs"])

    def test_a_server_opens_no_connection_of_its_own(self):
        for server in ("tap-server", "veth-server"):
            for family in (4, 6):
                with self.subTest(server=server, family=family):
                    self.assertDenied(server, "veth-client",
                                      lambda s=server, f=family: self.connects(s, "veth-client", f),
                                      ["Tcp.InSegs"], reason="policy_egress")

    def test_100_megabytes_arrive_unchanged(self):
        for (client, server), family in WAYS[:8:3] + WAYS[3:4]:
            with self.subTest(client=client, server=server, family=family):
                path = self.lab.path("received")
                answer = self.curl(client, "-o", path, self.url(server, family, "large"),
                                   seconds=120)
                self.assertEqual(answer.returncode, 0, answer.stderr)
                with open(path, "rb") as received:
                    digest = hashlib.file_digest(received, "sha256").hexdigest()
                self.assertEqual(digest, self.digest.hexdigest())
        self.assertNoPolicyDrop()

    def test_parallel_connections_all_get_their_page(self):
        for (client, server), family in WAYS[1::3]:
            with self.subTest(client=client, server=server, family=family):
                before = self.pods[server].kernel_counters()
                answer = self.curl(client, "--no-progress-meter", "--parallel",
                                   "--parallel-immediate", "--parallel-max",
                                   str(PARALLEL), *[self.url(server, family)] * REQUESTS)
                self.assertEqual(answer.stdout, PAGE * REQUESTS, answer.stderr)
                after = self.pods[server].kernel_counters()
                opened = after["Tcp.PassiveOpens"] - before["Tcp.PassiveOpens"]
                self.assertGreaterEqual(opened, REQUESTS)  # the server is HTTP/1.0: one page each
        self.assertNoPolicyDrop()


if __name__ == "__main__":
    unittest.main()
