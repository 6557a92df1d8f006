"""What users get wrong is refused with the reason, and what was in force stays in force."""
import os
import unittest

from harness import CtlError
from harness.case import LabTest
from harness.manifests import DENY_INGRESS, make_pod, pod_object, policy


class BadPort(LabTest):
    def setUp(self):
        super().setUp()
        self.start()

    def tearDown(self):
        self.assertEqual(set(self.ctl.ports()), {self.a.port, self.b.port})
        self.assertConnects()
        super().tearDown()

    def refused(self, port, *fragments, code=1):
        """`port add` of a Pod fails with all of `fragments` in one line."""
        with self.assertRaises(CtlError) as caught:
            self.lab.add_port(port)
        message = caught.exception.message.strip()
        for fragment in fragments:
            self.assertIn(fragment, message)
        self.assertEqual(len(message.splitlines()), 1, message)
        self.assertIn(caught.exception.code, (code,), message)

    def test_a_socket_path_that_exists_is_refused(self):
        pod = make_pod("c", 3)
        pod.socket = self.lab.path("taken.sock")
        with open(pod.socket, "w", encoding="ascii"):
            pass
        self.refused(pod, "port default.c", "exists")
        self.assertTrue(os.path.exists(pod.socket), "somebody else's file was removed")

    def test_a_live_socket_of_another_port_is_refused(self):
        pod = make_pod("c", 3)
        pod.socket = self.a.socket
        self.refused(pod, "port default.c", "socket path", "belongs to port default.a")
        self.assertTrue(os.path.exists(self.a.socket))

    def test_a_socket_path_that_is_too_long_is_refused(self):
        pod = make_pod("c", 3)
        pod.socket = "/tmp/" + "x" * 103  # 108 characters, one too many
        self.refused(pod, "port default.c", "path", "108", "107")

    def test_an_unwritable_directory_is_refused(self):
        for directory in ("/proc", "/no/such/directory"):
            with self.subTest(directory=directory):
                pod = make_pod("c", 3)
                pod.socket = directory + "/c.sock"
                self.refused(pod, "port default.c", directory)

    def test_a_second_port_for_one_pod_on_one_network_is_refused(self):
        pod = make_pod("a", 3)
        pod.socket = self.lab.path("second.sock")
        with self.assertRaises(CtlError) as caught:
            self.ctl.add_port("second", pod.kind, pod.socket, pod.name, pod.mac, pod.addresses)
        for fragment in ("port second", "default/a", self.a.port):
            self.assertIn(fragment, caught.exception.message)
        self.assertFalse(os.path.exists(pod.socket))

    def test_an_address_of_another_local_port_is_refused(self):
        pod = make_pod("c", 3)
        pod.addresses = [self.b.addresses[0]]
        self.refused(pod, "port default.c", self.b.addresses[0], self.b.port)

    def test_a_mac_of_another_local_port_is_refused(self):
        pod = make_pod("c", 3)
        pod.mac = self.b.mac
        self.refused(pod, "port default.c", self.b.mac, self.b.port)

    def test_a_port_name_in_use_is_refused(self):
        pod = make_pod("c", 3)
        with self.assertRaises(CtlError) as caught:
            self.ctl.add_port(self.a.port, pod.kind, self.lab.path("c.sock"), pod.name, pod.mac,
                              pod.addresses)
        self.assertIn(f"port {self.a.port}", caught.exception.message)

    def test_an_interface_that_is_not_there_is_refused(self):
        with self.assertRaises(CtlError) as caught:
            self.ctl.add_port("c", "af-packet", "nosuchif0", "default/c", "02:00:00:00:01:03",
                              ["10.20.0.3"])
        self.assertIn("nosuchif0", caught.exception.message)

    def test_deleting_a_port_that_is_not_there_says_so(self):
        with self.assertRaises(CtlError) as caught:
            self.ctl.delete_port("nobody")
        self.assertIn("nobody", caught.exception.message)


class BadManifest(LabTest):
    def setUp(self):
        super().setUp()
        self.start()

    def refused(self, path, *fragments, codes=(1, 2)):
        epoch = self.ctl.status()["epoch"]
        with self.assertRaises(CtlError) as caught:
            self.ctl.apply(path)
        for fragment in fragments:
            self.assertIn(fragment, caught.exception.message)
        self.assertIn(caught.exception.code, codes)
        self.assertEqual(self.ctl.status()["epoch"], epoch)

    def test_a_bad_policy_names_file_object_field_and_reason(self):
        spec = {"podSelector": {}, "ingress": [{"ports": [{"port": 90, "endPort": 80}]}]}
        path = self.lab.write_manifest("bad.json", policy("broken", spec))
        self.refused(path, "bad.json", "default/broken", "spec.ingress[0].ports[0].endPort")
        self.assertConnects()

    def test_a_bad_version_leaves_the_good_one_in_force(self):
        self.lab.apply(DENY_INGRESS)
        broken = policy("deny-ingress", {"podSelector": {"matchLabels": {"a b": "c"}}})
        self.refused(self.lab.write_manifest("bad.json", broken), "default/deny-ingress")
        self.assertDoesNotConnect()

    def test_a_bad_object_takes_no_good_one_with_it(self):
        broken = policy("broken", {"podSelector": {}, "policyTypes": ["Sideways"]})
        self.refused(self.lab.write_manifest("bad.json", DENY_INGRESS, broken), "default/broken",
                     "Sideways")
        self.assertConnects()

    def test_text_that_is_no_manifest_is_refused(self):
        for text in ("{", "kind: [", "\x00\x01", "- a\n- b\n", "kind: NetworkPolicy\n"):
            with self.subTest(text=text):
                path = self.lab.path("noise.yaml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                self.refused(path, "noise.yaml")

    def test_a_file_that_is_not_there_is_named(self):
        self.refused(self.lab.path("nowhere.yaml"), "nowhere.yaml")

    def test_wrong_usage_is_exit_code_2(self):
        for words in (["fly"], ["port", "add"], ["explain", "default/a"]):
            with self.subTest(words=words), self.assertRaises(CtlError) as caught:
                self.ctl.run(*words)
            self.assertEqual(caught.exception.code, 2)

    def test_an_unknown_pod_cannot_be_explained(self):
        with self.assertRaises(CtlError) as caught:
            self.ctl.explain("default/a", "default/nobody", "tcp/80")
        self.assertIn("default/nobody", caught.exception.message)


class NoDaemon(LabTest):
    def test_an_unreachable_daemon_is_named(self):
        with self.assertRaises(CtlError) as caught:
            self.ctl.status()
        self.assertEqual(caught.exception.code, 1)
        self.assertIn("sluiced.sock", caught.exception.message)


class BadFlags(LabTest):
    def test_sluiced_refuses_flags_that_make_no_sense(self):
        for flags, fragment in [(["--worker-cores", "x"], "worker-cores"),
                                (["--huge", "maybe"], "huge"),
                                (["--cluster-cidr", "10.0.0.0/99"], "10.0.0.0/99"),
                                (["--nonsense"], "nonsense")]:
            with self.subTest(flags=flags):
                with self.assertRaises(RuntimeError) as caught:
                    self.lab.start_switch(*flags)
                self.assertIn(fragment, str(caught.exception).split("exit code")[1])


if __name__ == "__main__":
    unittest.main()
