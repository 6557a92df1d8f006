"""What sluice-cni is given that is wrong, by runtimes, configurations, IPAM plugins and the node:
the specification's code, the name of what is wrong, and nothing left behind."""
import json
import os
import shutil
import socket
import unittest

from harness.cni_case import CniTest


class BadInput(CniTest):
    def test_what_a_command_needs_is_named_when_it_is_missing(self):
        """As the specification lists it."""
        for command, needed in (
                ("ADD", ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME")),
                ("CHECK", ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME")),
                ("DEL", ("CNI_CONTAINERID", "CNI_IFNAME")), ("GC", ("CNI_PATH",)),
                ("STATUS", ()), ("VERSION", ())):
            config = self.cni.config(ipam=False, **{"cni.dev/valid-attachments": []})
            for variable in ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"):
                with self.subTest(command=command, variable=variable):
                    answer = self.call(command, "nobody", config, **{variable: None})
                    if variable in needed:
                        self.assertFails(answer, 4, variable)
                    else:
                        self.assertNotEqual(answer.error, 4, answer.out)

    def test_the_environment(self):
        for variables, code in (
                ({"CNI_COMMAND": None}, 4), ({"CNI_COMMAND": "UPDATE"}, 4),
                ({"CNI_CONTAINERID": None}, 4), ({"CNI_CONTAINERID": "a/b"}, 4),
                ({"CNI_IFNAME": None}, 4), ({"CNI_IFNAME": "x" * 16}, 4),
                ({"CNI_NETNS": None}, 4), ({"CNI_NETNS": "/no/such"}, 3),
                ({"CNI_NETNS": "/etc/hostname"}, 4), ({"CNI_IFNAME": "a b"}, 4),
                ({"CNI_ARGS": None}, 4), ({"CNI_ARGS": "rubbish"}, 4)):
            with self.subTest(**variables):
                self.assertFails(self.call("ADD", "web", **variables), code, *variables)

    def test_the_configuration(self):
        for key, value, code in (
                ("cniVersion", None, 1), ("cniVersion", "0.2.0", 1), ("cniVersion", "9.9.9", 1),
                ("name", None, 7), ("name", "a b", 7), ("daemon", "localhost:1", 7),
                ("port", "veth", 7), ("netwrok", "x", 2),
                ("role", "both", 7), ("queues", 17, 7), ("mtu", 67, 7), ("mac", "x", 7),
                ("socketDirectory", "relative", 7), ("socketDirectory", "/" + "x" * 100, 7),
                ("socketMode", "rw", 7), ("socketGroup", 7, 7), ("network", "", 7), ("mtu", "x", 7),
                ("daemonStateDirectory", "x", 7), ("queues", 1.5, 7), ("prevResult", 7, 7),
                ("runtimeConfig", {"mac": 7}, 7), ("runtimeConfig", {"ips": "10.0.0.1"}, 7),
                ("runtimeConfig", {"CNIDeviceInfoFile": "x"}, 7), ("ipam", 7, 7),
                ("ipam", {"subnet": "10.0.0.0/8"}, 7), ("timeoutSeconds", 601, 7),
                ("stateDirectory", 7, 7), ("timeoutSeconds", "5", 7),
                ("ipam", {"type": "a/b"}, 7), ("runtimeConfig", [], 7),
                ("prevResult", {"ips": "x"}, 6)):
            with self.subTest(key=key, value=value):
                config = self.cni.config()
                config.pop(key, None)
                if value is not None:
                    config[key] = value
                self.assertFails(self.call("ADD", "web", config), code, key)

    def test_what_is_not_json(self):
        for text in ("[]", "{", "null", "x" * (2 << 20)):
            answer = self.call("ADD", "web", text)
            self.assertFails(answer, 6 if len(text) < 100 else 5, "standard input")

    def test_a_group_that_is_not_there(self):
        config = self.cni.config(socketGroup="nosuchgroup")
        self.assertFails(self.call("ADD", "web", config), 7, "socketGroup", "nosuchgroup")

    def test_no_addresses(self):
        answer = self.call("ADD", "web", self.cni.config(ipam=False))
        self.assertFails(answer, 7, "ipam", "prevResult")

    def test_a_network_that_is_not_there(self):
        self.assertFails(self.call("ADD", "web", self.cni.config(network="blue")), 101, "blue")

    def test_a_state_directory_that_cannot_be_written(self):
        config = self.cni.config(stateDirectory="/proc/sluice")
        self.assertFails(self.call("ADD", "web", config), 5, "stateDirectory", "/proc/sluice")

    def test_what_is_no_directory(self):
        file = self.lab.path("file")
        with open(file, "w", encoding="ascii"):
            pass
        for key in ("stateDirectory", "socketDirectory"):
            for path in (file, "/proc/sluice"):
                with self.subTest(key=key, path=path):
                    answer = self.call("ADD", "web", self.cni.config(**{key: path}))
                    self.assertFails(answer, 5, path)
                    self.assertEqual(self.lab.ctl.ports(), {})
        os.unlink(file)

    def test_a_record_that_cannot_be_read(self):
        """A directory is in its place: DEL does its work, and says that this is left."""
        self.assertOk(self.call("ADD", "web"))
        (record,) = (file for file in self.cni.files() if file.startswith(self.cni.state))
        os.unlink(record)
        os.makedirs(os.path.join(record, "x"))
        for command in ("ADD", "DEL"):
            self.assertFails(self.call(command, "web"), 5, record)
        self.assertEqual(self.lab.ctl.ports(), {})
        shutil.rmtree(record)
        self.assertOk(self.call("DEL", "web"))

    def test_a_device_information_file_that_cannot_be_written(self):
        config = self.cni.config(runtimeConfig={"CNIDeviceInfoFile": "/proc/sluice/x"})
        self.assertFails(self.call("ADD", "web", config), 5, "device information", "/proc/sluice")

    def test_a_socket_path_in_use(self):
        path = f"{self.cni.sockets}/uid-web/net1.sock"
        os.makedirs(os.path.dirname(path))
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(path)
            taken.listen()
            for role in ("client", "server"):
                answer = self.call("ADD", "web", self.cni.config(role=role))
                self.assertFails(answer, 101, path)
                self.assertTrue(os.path.exists(path), "somebody else's socket was removed")
        os.unlink(path)
        os.rmdir(os.path.dirname(path))

    def test_what_is_no_socket_is_in_the_way(self):
        path = f"{self.cni.sockets}/uid-web/net1.sock"
        os.makedirs(os.path.dirname(path))
        for make, remove in ((os.mkdir, os.rmdir), (lambda name: open(name, "x").close(), os.unlink),
                             (lambda name: os.symlink("/dev/null", name), os.unlink)):
            make(path)
            self.assertFails(self.call("ADD", "web"), 101, path, "remove it")
            remove(path)
        os.rmdir(os.path.dirname(path))

    def test_an_interface_of_that_name(self):
        """Whatever kind of port is asked for: the pod would have two."""
        pod = self.lab.make_network_pod("default/web", "tap", "", [])
        pod.run("ip", "link", "add", "net1", "type", "veth", "peer", "name", "other")
        netns = f"/run/netns/{pod.namespace}"
        for port in ("vhost-user", "tap"):
            answer = self.call("ADD", "web", self.cni.config(port=port), CNI_NETNS=netns)
            self.assertFails(answer, 104, "CNI_IFNAME", "net1", netns)
        pod.run("ip", "link", "show", "net1")
        pod.remove()

    def test_a_stale_socket_makes_way(self):
        path = f"{self.cni.sockets}/uid-web/net1.sock"
        os.makedirs(os.path.dirname(path))
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        self.assertOk(self.call("ADD", "web", self.cni.config()))
        self.assertFalse(os.path.exists(path))
        self.assertOk(self.call("DEL", "web"))

    def test_an_address_of_somebody_else(self):
        self.lab.ctl.add_port("other", "vhost-client", self.lab.path("o.sock"), "default/db",
                              "02:00:00:00:00:0d", ["10.7.0.7"])
        config = self.cni.config(ipam=False, runtimeConfig={"ips": ["10.7.0.7/24"]})
        answer = self.call("ADD", "web", config)
        self.lab.ctl.delete_port("other")
        self.assertFails(answer, 101, "10.7.0.7", "default/db")

    def test_a_pod_that_nobody_has_sent(self):
        config = self.cni.config(timeoutSeconds=1)
        self.assertFails(self.call("ADD", "nobody", config), 11,
                         "pod default/nobody: not known to the switch")

    def test_a_pod_with_another_uid(self):
        variables = {"CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;"
                                 "K8S_POD_NAME=web;K8S_POD_UID=new"}
        config = self.cni.config(timeoutSeconds=1)
        self.assertFails(self.call("ADD", "web", config, **variables), 11, "UID uid-web", "new")


class BadIpam(CniTest):
    def ipam(self, text, version="""echo '{"supportedVersions": ["0.4.0"]}'""", delete=""):
        """CNI_PATH with a plugin "fake" that does `text`, `version` on VERSION, and `delete` on DEL,
        which it takes note of."""
        directory = self.lab.path("plugins")
        os.makedirs(directory, exist_ok=True)
        self.deleted = self.lab.path("deleted")
        if os.path.exists(self.deleted):
            os.unlink(self.deleted)
        with open(f"{directory}/fake", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\ncase $CNI_COMMAND in\n"
                       f"VERSION) {version};;\n"
                       f"DEL) echo $CNI_CONTAINERID > {self.deleted}; {delete};;\n"
                       f"*) {text};;\nesac\n")
        os.chmod(f"{directory}/fake", 0o755)
        return directory

    def test_a_plugin_that_fails_hangs_or_prints_rubbish(self):
        for text, code, *fragments in (
                ("""echo '{"code": 42, "msg": "full", "details": "really"}'; exit 1""", 42,
                 "full; really"),
                ("echo no; exit 1", 102, "without an error result"),
                ("echo rubbish", 102, "not JSON"), ("echo '[]'", 102, "not a JSON object"),
                ("true", 102, "not JSON"), ("""echo '{"ips": []}'""", 102, "no address"),
                ("""echo '{"ips": [{"address": "10.0.0.1"}]}'""", 102, "10.0.0.1"),
                ("""echo '{"code": "x"}'; exit 1""", 102, "without an error result"),
                ("""echo '{"ips": [{"address": "10.0.0.1/8", "interface": 3}]}'""", 102,
                 "interface 3"),
                ("""echo '{"ips": [{"address": "10.0.0.1/8"}], "routes": [{"dst": "x"}]}'""", 102,
                 "\"x\" is not a destination"),
                ("kill -9 $$", 102, "without an error result"),
                ("cat /dev/zero", 102, "more than 1 MiB"), ("sleep 1000", 11, "1000 ms")):
            with self.subTest(text=text):
                config = self.cni.config(ipam={"type": "fake"}, timeoutSeconds=1)
                answer = self.call("ADD", "web", config, CNI_PATH=self.ipam(text))
                self.assertFails(answer, code, "fake", *fragments)
                self.assertTrue(os.path.exists(self.deleted), "DEL did not follow")
                self.assertEqual(self.cni.files(), [])

    ADDRESS = """echo '{"ips": [{"address": "10.0.0.1/8"}]}'"""

    def test_a_version_that_cannot_be_agreed_on(self):
        for version, code, *fragments in (
                ("echo rubbish", 102, "no list of versions"), ("echo '[]'", 102, "no list"),
                ("exit 1", 102, "without an error result"), ("sleep 1000", 11, "1000 ms"),
                ("""echo '{"supportedVersions": ["9.9.9"]}'""", 1, "9.9.9"),
                ("""echo '{"supportedVersions": "1.0.0"}'""", 102, "no list")):
            with self.subTest(version=version):
                config = self.cni.config(ipam={"type": "fake"}, timeoutSeconds=1)
                answer = self.call("ADD", "web", config, CNI_PATH=self.ipam("", version))
                self.assertFails(answer, code, "fake", *fragments)
                self.assertEqual(self.lab.ctl.ports(), {})
                # Its DEL cannot be called either: the record stays for one that can.
                self.assertOk(self.call("DEL", "web", config, CNI_PATH=self.ipam("")))
                self.assertEqual(self.cni.files(), [])

    def test_a_del_that_fails_or_hangs_keeps_the_record_for_the_next(self):
        for delete, code, *fragments in (
                ("""echo '{"code": 42, "msg": "busy"}'; exit 1""", 42, "busy"),
                ("exit 1", 102, "without an error result"), ("sleep 1000", 11, "1000 ms")):
            with self.subTest(delete=delete):
                config = self.cni.config(ipam={"type": "fake"}, timeoutSeconds=1)
                path = self.ipam(self.ADDRESS, delete=delete)
                self.assertOk(self.call("ADD", "web", config, CNI_PATH=path))
                answer = self.call("DEL", "web", config, CNI_PATH=path)
                self.assertFails(answer, code, "fake", *fragments)
                self.assertEqual(self.lab.ctl.ports(), {})
                self.assertEqual(len(self.cni.files()), 1, "the record")
                self.ipam("")
                self.assertOk(self.call("DEL", "web", config, CNI_PATH=path))

    def test_check_status_and_gc_pass_its_errors_on(self):
        """Of a plugin of the newest version: the others have no STATUS and no GC."""
        version = """echo '{"supportedVersions": ["1.1.0"]}'"""
        config = self.cni.config(ipam={"type": "fake"}, **{
            "cni.dev/valid-attachments": [{"containerID": "web", "ifname": "net1"}]})
        path = self.ipam(self.ADDRESS, version)
        result = self.assertOk(self.call("ADD", "web", config, CNI_PATH=path))
        self.ipam("""echo '{"code": 51, "msg": "'$CNI_COMMAND' is too much"}'; exit 1""", version)
        for command in ("CHECK", "STATUS", "GC"):
            answer = self.call(command, "web", {**config, "prevResult": result}, CNI_PATH=path)
            self.assertFails(answer, 51, "fake", f"{command} is too much")
        self.assertOk(self.call("DEL", "web", config, CNI_PATH=path))

    def test_it_is_called_as_the_specification_says(self):
        """The whole configuration, the same environment, and what it logs reaches the runtime."""
        seen = self.lab.path("seen")
        path = self.ipam(f"echo a word >&2; env > {seen}.env; cat > {seen}; {self.ADDRESS}",
                         """echo '{"supportedVersions": ["1.1.0"]}'""")
        config = self.cni.config(ipam={"type": "fake", "pool": "blue"})
        process = self.cni.start("ADD", "web", config, CNI_PATH=path, OF_THE_RUNTIME="yes")
        _, log = process.communicate(timeout=20)
        self.assertEqual((process.returncode, log), (0, "a word\n"))
        with open(seen, encoding="utf-8") as file:
            self.assertEqual(json.load(file), config)
        with open(f"{seen}.env", encoding="utf-8") as file:
            environment = dict(line.rstrip("\n").split("=", 1) for line in file)
        wanted = self.cni.environment("ADD", "web", CNI_PATH=path, OF_THE_RUNTIME="yes")
        self.assertLessEqual(wanted.items(), environment.items())
        self.assertOk(self.call("DEL", "web", config, CNI_PATH=path))

    def test_a_plugin_that_is_not_there(self):
        config = self.cni.config(ipam={"type": "nosuchplugin"})
        answer = self.call("ADD", "web", config)
        self.assertFails(answer, 7, "nosuchplugin", "CNI_PATH")
        self.assertFails(self.call("DEL", "web", config), 7, "nosuchplugin")
        self.assertOk(self.call("DEL", "web", self.cni.config(ipam=False)))

    def test_a_full_subnet_leaves_nothing(self):
        config = self.cni.config(ipam={"type": "host-local", "subnet": "10.44.0.0/30",
                                       "dataDir": self.cni.leases})
        self.assertOk(self.call("ADD", "db", config))
        answer = self.call("ADD", "web", config)
        self.assertIn("ipam host-local", answer.out["msg"])
        self.assertOk(self.call("DEL", "db", config))


if __name__ == "__main__":
    unittest.main()
