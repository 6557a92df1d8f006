"""Rules that look into connections, with real clients and real servers: curl and openssl on TLS 1.2
and 1.3, nginx with two names, HTTP and TLS, dig and dnsmasq, over IPv4 and IPv6; policies by sluicectl
apply."""
import json
import os
import subprocess
import threading
import unittest

from harness.ctl import CtlError
from harness.names import dig, start_dnsmasq
from harness.nginx import HTTPS, get, start_nginx
from harness.stacks import CLIENTS, HTTP, SERVE, SERVERS, WAYS, StackTest

GOOD, BAD = "good.example.org", "evil.example.org"


def sluice_policy(ingress, annotations=None):
    return {"apiVersion": "sluice.io/v1alpha1", "kind": "SluicePolicy",
            "metadata": {"name": "look", "namespace": "default",
                         "annotations": annotations or {}},
            "spec": {"podSelector": SERVERS, "policyTypes": ["Ingress"], "ingress": ingress}}


TLS_RULE = {"name": "by-name", "from": CLIENTS, "ports": [{"port": HTTPS}],
            "tls": {"serverNames": [GOOD, "*.fine.example.org"]}}
HTTP_RULE = {"name": "by-request", "from": CLIENTS, "ports": [{"port": HTTP}],
             "http": [{"method": "GET", "host": GOOD, "path": "/public/*"}]}
DNS_RULE = {"name": "by-question", "from": CLIENTS, "ports": [{"protocol": "UDP", "port": 53}],
            "dns": {"names": [GOOD, "*.fine.example.org"]}}


class Inspect(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Only the rules here let anybody in.
        cls.ctl.delete(cls.lab.write_manifest("served.json", SERVE))
        for pod in ("tap-server", "veth-server"):
            start_nginx(cls.lab, cls.pods[pod])
            start_dnsmasq(cls.lab, cls.pods[pod])
        cls.lab.apply(sluice_policy([TLS_RULE, HTTP_RULE, DNS_RULE]))

    def get(self, client, server, family, name, port, path="/public/x", *more, seconds=3):
        """The page, or None: nothing was answered."""
        return get(self.pods[client], self.address(server, family), name, port, path, *more,
                   seconds=seconds)

    def test_tls_by_its_server_name(self):
        for (client, server), family in WAYS:
            for version in ("--tlsv1.2", "--tlsv1.3"):
                most = ["--tls-max", version[-3:]]
                with self.subTest(client=client, server=server, family=family, version=version):
                    page = self.get(client, server, family, GOOD, HTTPS, "/x", version, *most)
                    self.assertEqual(page, f"{GOOD} /x")
        page = self.get("tap-client", "veth-server", 4, "a.fine.example.org", HTTPS)
        self.assertIsNotNone(page)
        self.new_drops()
        for version in ("--tlsv1.2", "--tlsv1.3"):
            for client, server in (("tap-client", "veth-server"), ("veth-client", "tap-server")):
                with self.subTest(client=client, server=server, version=version):
                    self.assertIsNone(self.get(client, server, 4, BAD, HTTPS, "/", version,
                                               "--tls-max", version[-3:], seconds=1))
                    self.assertGreater(self.new_drops().get((client, "policy_ingress"), 0), 0)

    def test_openssl_with_and_without_a_name(self):
        address = self.address("veth-server")
        for words, connects in ((["-servername", GOOD], True), (["-servername", BAD], False),
                                (["-noservername"], False)):
            with self.subTest(words=words):
                answer = self.pods["tap-client"].run(
                    "timeout", "3", "openssl", "s_client", "-connect", f"{address}:{HTTPS}",
                    "-brief", *words, check=False, timeout=20)
                self.assertEqual("CONNECTION ESTABLISHED" in answer.stderr, connects,
                                 answer.stderr)

    def test_http_by_method_host_and_path(self):
        for (client, server), family in WAYS:
            with self.subTest(client=client, server=server, family=family):
                page = self.get(client, server, family, GOOD, HTTP)
                self.assertEqual(page, f"{GOOD} /public/x")
        client, server = "veth-client", "tap-server"
        for name, path, more in ((BAD, "/public/x", []), (GOOD, "/private", []),
                                 (GOOD, "/public/../private", ["--path-as-is"]),
                                 (GOOD, "/public/%2e%2e/private", ["--path-as-is"]),
                                 (GOOD, "/public/x", ["-X", "DELETE"])):
            with self.subTest(name=name, path=path, more=more):
                self.assertIsNone(self.get(client, server, 4, name, HTTP, path, *more, seconds=1))

    def test_the_second_request_of_a_connection_is_judged_too(self):
        client, server = "tap-client", "veth-server"
        where = self.address(server)
        good = f"http://{GOOD}/public/x"
        both = self.curl(client, "--connect-to", f"{GOOD}:80:{where}:80", good, good, seconds=3)
        self.assertEqual(both.stdout, f"{GOOD} /public/x" * 2)
        # One connection to the address, and another Host in its second request.
        ip = f"http://{where}/public/x"
        answer = self.curl(client, "-H", f"Host: {GOOD}", ip, "--next", "-sS", "--noproxy", "*",
                           "--max-time", "1", "-H", f"Host: {BAD}", ip, seconds=3)
        self.assertEqual(answer.stdout, f"{GOOD} /public/x")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(("tap-client", "policy_ingress"), self.new_drops())

    def test_names_are_asked_for_by_their_question(self):
        for (client, server), family in WAYS:
            with self.subTest(client=client, server=server, family=family):
                asks = [dig(self.pods[client], self.address(server, family), name)
                        for name in (GOOD, "a.FINE.example.org", BAD)]
                self.assertEqual(asks, ["192.0.2.1", "192.0.2.1", None])
                self.assertGreater(self.new_drops().get((client, "policy_ingress"), 0), 0)
        # By TCP nothing lets it in.
        self.assertIsNone(dig(self.pods["tap-client"], self.address("veth-server"), GOOD, "+tcp"))

    def test_a_large_answer_and_upload_pass_once_judged(self):
        payload = self.lab.path("upload")
        with open(payload, "wb") as file:
            file.write(os.urandom(2_000_000))
        answer = self.get("tap-client", "veth-server", 4, GOOD, HTTPS, "/x", "--tlsv1.3",
                          "--data-binary", f"@{payload}", "-o", "/dev/null", "-w",
                          "%{size_upload}", seconds=20)
        self.assertEqual(answer, "2000000")

    def test_explain_and_verdict_say_what_decides(self):
        ends = ("default/tap-client", "default/veth-server", f"tcp/{HTTPS}")
        self.assertTrue(self.ctl.json("explain", *ends)["ingress"]["conditional"])
        good = self.ctl.json("explain", *ends, "--server-name", GOOD)
        self.assertEqual((good["verdict"], good["ingress"]["rule"]), ("allow", "by-name"))
        bad = self.ctl.json("explain", *ends, "--server-name", BAD)
        self.assertEqual((bad["verdict"], bad["ingress"]["policies"]),
                         ("deny", ["SluicePolicy default/look"]))
        web = self.ctl.json("explain", ends[0], ends[1], f"tcp/{HTTP}", "--http",
                            f"GET {GOOD}/public/a")
        self.assertEqual((web["verdict"], web["ingress"]["rule"]), ("allow", "by-request"))

    def test_a_trace_says_that_content_decides(self):
        said = self.ctl.run("trace", self.pods["tap-client"].port,
                            f"tcp default/tap-client:1000 > default/veth-server:{HTTPS}")
        self.assertIn("what it says decides, by SluicePolicy default/look by-name", said)

    def test_the_monitor_tells_names(self):
        told = {}
        watching = subprocess.Popen(
            [self.lab.program("control/ctl/sluicectl"), "--server", self.lab.server, "-o", "json",
             "monitor", "--denied", "--judged"], stdout=subprocess.PIPE, text=True)

        def read():
            for line in watching.stdout:
                event = json.loads(line)
                if "kind" in event:
                    told[event["kind"], event.get("name")] = event

        reader = threading.Thread(target=read)
        reader.start()
        try:  # it watches from some moment on
            for kind, name in (("judged", GOOD), ("denied", BAD)):
                def heard(key=(kind, name)):
                    self.get("tap-client", "veth-server", 4, key[1], HTTPS, seconds=1)
                    return key in told
                self.lab.wait_until(heard, f"{kind} {name} is told", 30)
        finally:
            watching.terminate()
            watching.wait(10)
            reader.join(10)
            watching.stdout.close()
        self.assertEqual(told["judged", GOOD]["ingress"]["rule"], "by-name")
        self.assertEqual(told["denied", BAD]["reason"], "policy_ingress")

    def test_a_bad_pattern_is_refused_in_the_compilers_words(self):
        bad = sluice_policy([{"content": [{"pattern": "(union", "action": "deny"}]}])
        with self.assertRaises(CtlError) as refused:
            self.lab.apply(bad)
        self.assertIn("spec.ingress[0].content[0].pattern: Missing close parenthesis",
                      refused.exception.message)


if __name__ == "__main__":
    unittest.main()
