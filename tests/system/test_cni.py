"""sluice-cni held against the CNI specification, with a real switch and Debian's host-local."""
import contextlib
import json
import os
import signal
import socket
import stat
import threading
import unittest

from harness import Lab
from harness.cni import NEWEST, VERSIONS, Runtime
from harness.cni_case import CniTest, pod_of
from harness.manifests import policy

# More flat rules than a trie may have; more of them, and of terms, than a namespace has by default.
CIDRS, PORTS, TERMS = 512, 400, 1 << 20
TOO_BIG = policy("too-big", {
    "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"ipBlock": {"cidr": f"192.{number // 256}.{number % 256}.0/24"}}],
                 "ports": [{"port": 1 + number + 3 * port} for port in range(PORTS)]}
                for number in range(CIDRS)]})


class Contract(CniTest):
    def test_an_attachment_lives_and_dies_in_every_version(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                config = self.cni.config(version)
                result = self.assertOk(self.call("ADD", "web", config))
                self.check_result(result, version)
                self.check_port(result)
                check = self.call("CHECK", "web", {**config, "prevResult": result})
                self.assertEqual(check.error, 1 if version == "0.3.1" else None, check.out)
                for _ in range(2):
                    self.assertOk(self.call("DEL", "web", {**config, "prevResult": result}))
                self.assertEqual(self.lab.ctl.ports(), {})
                self.assertEqual(self.cni.files(), [])

    def check_result(self, result, version):
        self.assertEqual(result["cniVersion"], version)
        (interface,), (ip,) = result["interfaces"], result["ips"]
        self.assertEqual((interface["name"], interface["sandbox"]), ("net1", "/proc/self/ns/net"))
        self.assertRegex(interface["mac"], "^02:")
        self.assertRegex(ip["address"], r"^10\.44\.0\.\d+/24$")
        self.assertEqual((ip["gateway"], ip["interface"]), ("10.44.0.1", 0))
        self.assertEqual(ip.get("version"), "4" if version in ("0.3.1", "0.4.0") else None)
        if version == NEWEST:
            self.assertEqual(interface["mtu"], 1500)
            self.assertEqual(interface["socketPath"], f"{self.cni.sockets}/uid-web/net1.sock")
        else:
            self.assertEqual(set(interface), {"name", "mac", "sandbox"})

    def check_port(self, result):
        port = self.port()
        self.assertEqual(port["spec"]["attachment"], "pods/web/net1")
        self.assertEqual(port["spec"]["kind"], "vhost-client")
        self.assertEqual(port["spec"]["pod_uid"], "uid-web")
        self.assertEqual(port["spec"]["mac"], result["interfaces"][0]["mac"])
        self.assertEqual(port["spec"]["addresses"], [result["ips"][0]["address"].split("/")[0]])
        self.assertEqual(port["subject"], "known")

    def test_version_is_answered_with_all_that_are_spoken(self):
        for text, version in (('{"cniVersion": "0.4.0"}', "0.4.0"),
                              ('{"cniVersion": "9.9.9"}', "9.9.9"), (" ", NEWEST)):
            answer = self.assertOk(self.call("VERSION", "", text, CNI_CONTAINERID=None))
            self.assertEqual(answer, {"cniVersion": version, "supportedVersions": VERSIONS})

    def test_status_and_gc_are_of_the_newest_version_alone(self):
        for command in ("STATUS", "GC"):
            for version in VERSIONS:
                config = self.cni.config(version, **{"cni.dev/valid-attachments": []})
                answer = self.call(command, "", config)
                self.assertEqual(answer.error, None if version == NEWEST else 1, answer.out)
                if version == NEWEST:
                    self.assertIsNone(answer.out)

    def test_status_without_a_daemon_or_a_network_is_50(self):
        config = self.cni.config(daemon=f"unix://{self.lab.path('nobody.sock')}")
        self.assertFails(self.call("STATUS", "", config), 50, "nobody.sock")
        self.assertFails(self.call("STATUS", "", self.cni.config(network="blue")), 50, "blue")

    def test_a_switch_that_is_the_server_shares_its_socket(self):
        config = self.cni.config(role="server", socketMode="0666", socketGroup="daemon")
        self.assertOk(self.call("ADD", "web", config))
        path = f"{self.cni.sockets}/uid-web/net1.sock"
        info = os.stat(path)
        self.assertTrue(stat.S_ISSOCK(info.st_mode))
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_gid), (0o666, 1))
        self.assertEqual(self.port()["spec"]["kind"], "vhost-server")
        self.assertOk(self.call("DEL", "web", config))

    def test_device_information_says_mode_from_the_pods_side(self):
        for role, mode in (("client", "server"), ("server", "client")):
            file = self.lab.path("devinfo/web.json")
            config = self.cni.config(role=role, runtimeConfig={"CNIDeviceInfoFile": file})
            self.assertOk(self.call("ADD", "web", config))
            with open(file, encoding="utf-8") as text:
                self.assertEqual(json.load(text), {
                    "type": "vhost-user", "version": "1.1.0",
                    "vhost-user": {"mode": mode, "path": f"{self.cni.sockets}/uid-web/net1.sock"}})
            self.assertOk(self.call("DEL", "web", config))
            self.assertFalse(os.path.exists(file))

    def test_device_information_has_the_path_that_the_pod_sees(self):
        file = self.lab.path("devinfo/web.json")
        config = self.cni.config(podSocketDirectory="/sockets/",
                                 runtimeConfig={"CNIDeviceInfoFile": file})
        result = self.assertOk(self.call("ADD", "web", config))
        with open(file, encoding="utf-8") as text:
            self.assertEqual(json.load(text)["vhost-user"]["path"], "/sockets/net1.sock")
        on_node = f"{self.cni.sockets}/uid-web/net1.sock"
        self.assertEqual((result["interfaces"][0]["socketPath"], self.port()["spec"]["path"]),
                         (on_node, on_node))
        self.assertOk(self.call("DEL", "web", config))

    def test_a_chained_plugin_passes_the_result_on_and_takes_its_addresses(self):
        previous = {"cniVersion": NEWEST, "dns": {"nameservers": ["10.9.0.1"]},
                    "interfaces": [{"name": "eth0", "mac": "02:00:00:00:09:09", "sandbox": "/x"}],
                    "ips": [{"address": "10.9.0.7/24", "interface": 0}],
                    "routes": [{"dst": "0.0.0.0/0", "gw": "10.9.0.1", "mtu": 1400}]}
        config = self.cni.config(ipam=False, prevResult=previous)
        result = self.assertOk(self.call("ADD", "web", config))
        self.assertEqual(self.port()["spec"]["addresses"], ["10.9.0.7"])
        self.assertEqual(result["interfaces"].pop()["name"], "net1")
        self.assertEqual(result, previous)
        self.assertOk(self.call("DEL", "web", config))

    def test_check_in_a_chain_finds_its_own_interface(self):
        """All plugins of a chain have the same CNI_IFNAME, and the first has made it."""
        previous = {"cniVersion": NEWEST, "ips": [{"address": "10.9.0.7/24", "interface": 0}],
                    "interfaces": [{"name": "net1", "mac": "02:00:00:00:09:09",
                                    "sandbox": "/proc/self/ns/net"}]}
        config = self.cni.config(ipam=False, prevResult=previous)
        result = self.assertOk(self.call("ADD", "web", config))
        self.assertEqual([one["name"] for one in result["interfaces"]], ["net1", "net1"])
        self.assertOk(self.call("CHECK", "web", {**config, "prevResult": result}))
        result["interfaces"].pop()
        answer = self.call("CHECK", "web", {**config, "prevResult": result})
        self.assertFails(answer, 103, "02:00:00:00:09:09")
        self.assertOk(self.call("DEL", "web", config))

    def test_a_pod_has_one_port_a_network_of_the_switch(self):
        self.lab.ctl.run("network", "add", "second")
        result = self.assertOk(self.call("ADD", "web"))
        self.assertFails(self.call("ADD", "web", CNI_IFNAME="net2"), 101, "default/web", "already")
        config = self.cni.config(network="second")
        other = self.assertOk(self.call("ADD", "web", config, CNI_IFNAME="net2"))
        self.assertNotEqual(result["ips"], other["ips"])
        self.assertOk(self.call("DEL", "web"))
        self.assertEqual(self.port()["spec"]["attachment"], "pods/web/net2")
        check = {**config, "prevResult": other}
        self.assertOk(self.call("CHECK", "web", check, CNI_IFNAME="net2"))
        self.assertOk(self.call("DEL", "web", config, CNI_IFNAME="net2"))
        self.lab.ctl.run("network", "del", "second")

    def test_the_runtimes_addresses_and_mac_are_the_ports(self):
        config = self.cni.config(ipam=False, runtimeConfig={
            "mac": "02:00:00:00:07:07", "ips": ["10.7.0.7/24", "fd00:7::7/64"]})
        result = self.assertOk(self.call("ADD", "web", config))
        self.assertEqual(self.port()["spec"]["mac"], "02:00:00:00:07:07")
        self.assertEqual(self.port()["spec"]["addresses"], ["10.7.0.7", "fd00:7::7"])
        self.assertEqual([ip["address"] for ip in result["ips"]], ["10.7.0.7/24", "fd00:7::7/64"])
        self.assertOk(self.call("DEL", "web", config))


class Checks(CniTest):
    def setUp(self):
        super().setUp()
        self.config = self.cni.config()
        result = self.assertOk(self.call("ADD", "web", self.config))
        self.config["prevResult"] = result
        self.result = result

    def tearDown(self):
        self.assertOk(self.call("DEL", "web", self.config))
        super().tearDown()

    def test_what_is_as_it_was_made_passes(self):
        self.assertIsNone(self.assertOk(self.call("CHECK", "web", self.config)))

    def test_a_port_that_is_gone_is_found(self):
        self.lab.ctl.delete_port(self.port()["spec"]["name"])
        self.assertFails(self.call("CHECK", "web", self.config), 103, "is not there")

    def test_a_port_that_is_another_one_is_found(self):
        name = self.port()["spec"]["name"]
        self.lab.ctl.delete_port(name)
        self.lab.ctl.add_port(name, "vhost-client", self.lab.path("x.sock"), "default/web",
                              "02:00:00:00:00:0e", ["10.44.0.9"])
        self.assertFails(self.call("CHECK", "web", self.config), 103, "belongs to")

    def test_another_mac_in_the_previous_result_is_found(self):
        self.result["interfaces"][0]["mac"] = "02:00:00:00:00:0f"
        self.assertFails(self.call("CHECK", "web", self.config), 103, "02:00:00:00:00:0f")

    def test_a_pod_that_is_not_known_any_more_is_found(self):
        manifest = self.lab.write_manifest("web.json", pod_of("web"))
        self.lab.ctl.delete(manifest)
        try:
            self.assertFails(self.call("CHECK", "web", self.config), 103, "is shut")
        finally:
            self.lab.ctl.apply(manifest)

    def test_a_lease_that_is_gone_is_found(self):
        os.unlink(self.cni.lease_of(self.result["ips"][0]["address"].split("/")[0]))
        answer = self.call("CHECK", "web", self.config)
        self.assertNotIn(answer.error, (None, 103))
        self.assertIn("ipam host-local", answer.out["msg"])

    def test_without_a_previous_result_it_says_so(self):
        self.assertFails(self.call("CHECK", "web", self.cni.config()), 7, "prevResult")

    def test_a_second_add_is_refused_and_the_first_one_stays(self):
        self.assertFails(self.call("ADD", "web", self.cni.config()), 104, "pods/web/net1")
        self.assertOk(self.call("CHECK", "web", self.config))


class NotInForce(CniTest):
    """A policy that is too large is not in force, and CHECK says so until it is given up."""

    flags = ("--namespace-terms", str(TERMS), "--namespace-rules", str(TERMS))

    def test_check_fails_while_a_policy_could_not_be_built(self):
        config = self.cni.config()
        config["prevResult"] = self.assertOk(self.call("ADD", "web", config))
        self.assertOk(self.call("CHECK", "web", config))
        manifest = self.lab.write_manifest("too-big.json", TOO_BIG)
        with self.assertRaisesRegex(Exception, "limit of"):
            self.lab.ctl.apply(manifest)
        self.assertFails(self.call("CHECK", "web", config), 11, "limit of", "in force")
        self.assertFails(self.call("STATUS", "", config), 51, "limit of")
        self.lab.ctl.delete(manifest)
        self.assertOk(self.call("CHECK", "web", config))
        self.assertOk(self.call("DEL", "web", config))


class Interrupted(CniTest):
    def test_a_killed_add_is_cleaned_up_by_the_next_add_or_del(self):
        for command in ("ADD", "DEL"):
            with self.subTest(next=command):
                self.kill_waiting_add()
                self.lab.apply(pod_of("late"))
                self.assertOk(self.call(command, "late"))
                self.assertOk(self.call("DEL", "late"))
                self.assertEqual((self.lab.ctl.ports(), self.cni.files()), ({}, []))
                self.lab.ctl.delete(self.lab.write_manifest("late.json", pod_of("late")))

    def kill_waiting_add(self):
        """An ADD with its lease and its port, of a pod that the switch does not know yet."""
        process = self.cni.start("ADD", "late", self.cni.config(timeoutSeconds=60))
        self.lab.wait_until(self.lab.ctl.ports, "the port is there")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(len(self.cni.files()), 3, "record, lease, directory")

    def test_a_port_that_waited_for_a_killed_add_goes_by_itself(self):
        process = self.cni.start("ADD", "late", self.cni.config(timeoutSeconds=2))
        self.lab.wait_until(self.lab.ctl.ports, "the port is there")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.lab.wait_until(lambda: not self.lab.ctl.ports(), "the port is gone")
        self.assertOk(self.call("DEL", "late"))

    def test_del_beside_a_waiting_add_waits_for_it(self):
        add = self.cni.start("ADD", "late", self.cni.config(timeoutSeconds=5))
        self.lab.wait_until(self.lab.ctl.ports, "the port is there")
        self.assertFails(self.call("DEL", "late", self.cni.config(timeoutSeconds=1)), 11,
                         "pods/late/net1: another call")
        self.assertOk(self.call("DEL", "late", self.cni.config(timeoutSeconds=20)))
        self.assertEqual(self.cni.finish(add).error, 11)

    def test_parallel_calls_for_many_pods(self):
        names = [f"pod-{number}" for number in range(12)]
        self.lab.apply(*(pod_of(name) for name in names))
        added = [self.cni.start("ADD", name) for name in names]
        results = [self.assertOk(self.cni.finish(process)) for process in added]
        self.assertEqual(len({result["ips"][0]["address"] for result in results}), len(names))
        self.assertEqual(len(self.lab.ctl.ports()), len(names))
        deleted = [self.cni.start("DEL", name) for name in names]
        for process in deleted:
            self.assertOk(self.cni.finish(process))

    def test_gc_takes_what_is_not_listed(self):
        for name in ("web", "db"):
            self.assertOk(self.call("ADD", name))
        valid = [{"containerID": "db", "ifname": "net1"}]
        config = self.cni.config(**{"cni.dev/valid-attachments": valid})
        self.assertOk(self.call("GC", "", config))
        self.assertEqual(self.port()["spec"]["attachment"], "pods/db/net1")
        self.assertEqual(len(self.cni.files()), 3, "db's record, lease, directory")
        self.assertOk(self.call("DEL", "db"))

    def test_gc_finds_ports_without_a_record_and_leaves_other_networks_alone(self):
        for network, container, address in (("pods", "web", "10.7.0.1/24"),
                                            ("others", "db", "10.7.0.2/24")):
            config = self.cni.config(ipam=False, name=network, runtimeConfig={"ips": [address]})
            self.assertOk(self.call("ADD", container, config))
        for name in os.listdir(self.cni.state):
            os.unlink(os.path.join(self.cni.state, name))
        for network, left in (("pods", 1), ("others", 0)):
            config = self.cni.config(ipam=False, name=network,
                                     **{"cni.dev/valid-attachments": []})
            self.assertOk(self.call("GC", "", config))
            self.assertEqual(len(self.lab.ctl.ports()), left)

    def test_del_without_anything_succeeds(self):
        for variables in ({}, {"CNI_NETNS": None}, {"CNI_NETNS": "/gone"}, {"CNI_ARGS": None}):
            self.assertOk(self.call("DEL", "web", **variables))
        self.assertOk(self.call("DEL", "web", self.cni.config(port="tap", queues=99)))

    def test_del_with_a_record_that_is_rubbish_succeeds(self):
        self.assertOk(self.call("ADD", "web"))
        (record,) = (file for file in self.cni.files() if file.startswith(self.cni.state))
        with open(record, "w", encoding="ascii") as file:
            file.write("rubbish")
        self.assertFails(self.call("ADD", "web"), 5, record)
        self.assertOk(self.call("DEL", "web"))


class DeadDaemon(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.enterContext(self.lab)
        self.lab.start_switch()
        self.cni = Runtime(self.lab, self.lab.program("control/cni/sluice-cni"))

    def stop_switch(self):
        """Killed: its socket is still there, but nobody listens."""
        self.lab.switch.send_signal(signal.SIGKILL)
        self.lab.switch.wait(10)

    def test_add_is_to_be_tried_again_and_leaves_nothing(self):
        self.stop_switch()
        answer = self.cni.call("ADD", "web")
        self.assertEqual(answer.error, 11, answer.out)
        self.assertIn(self.lab.server, answer.out["msg"])
        self.assertEqual(self.cni.files(), [])

    def test_check_and_gc_say_that_it_is_away(self):
        self.lab.apply(pod_of("web"))
        result = self.cni.call("ADD", "web").out
        self.stop_switch()
        for command in ("CHECK", "GC"):
            config = self.cni.config(prevResult=result, **{"cni.dev/valid-attachments": []})
            answer = self.cni.call(command, "web", config)
            self.assertEqual(answer.error, 11, answer.out)
            self.assertIn(self.lab.server, answer.out["msg"])

    def test_one_that_speaks_rubbish_is_not_believed(self):
        path = self.lab.path("rubbish.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            answering = threading.Thread(target=self.answer_rubbish, args=(listener,), daemon=True)
            answering.start()
            config = self.cni.config(daemon=f"unix://{path}", timeoutSeconds=1)
            answer = self.cni.call("ADD", "web", config)
            self.assertEqual(answer.error, 11, answer.out)
            self.assertIn(path, answer.out["msg"])
            listener.shutdown(socket.SHUT_RDWR)
        answering.join(10)
        self.assertEqual(self.cni.files(), [])

    @staticmethod
    def answer_rubbish(listener):
        """Until it is shut down, which ends accept()."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nrubbish")

    def test_one_that_does_not_answer_is_not_waited_for(self):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(self.lab.path("silent.sock"))
            silent.listen()
            config = self.cni.config(daemon=f"unix://{self.lab.path('silent.sock')}",
                                     timeoutSeconds=1)
            self.assertEqual(self.cni.call("ADD", "web", config).error, 11)
            self.assertEqual(self.cni.call("STATUS", "", config).error, 50)
        self.assertEqual(self.cni.files(), [])

    def test_a_daemon_that_stops_keeps_no_add_waiting(self):
        process = self.cni.start("ADD", "late", self.cni.config(timeoutSeconds=60))
        self.lab.wait_until(self.lab.ctl.ports, "the port is there")
        self.assertEqual(self.lab.switch.stop(timeout=20), 0)
        answer = self.cni.finish(process, timeout=20)
        self.assertEqual(answer.error, 11, answer.out)
        self.assertEqual(self.cni.call("DEL", "late").code, 0)

    def test_del_succeeds_and_the_port_goes_when_the_daemon_is_back(self):
        self.lab.apply(pod_of("web"), pod_of("db"))
        self.assertEqual(self.cni.call("ADD", "web").code, 0)
        self.lab.switch.send_signal(signal.SIGSTOP)  # its ports stay
        config = self.cni.config(timeoutSeconds=1)
        answer = self.cni.call("DEL", "web", config)
        self.assertEqual(answer.code, 0, answer.out)
        self.assertEqual(len(self.cni.files()), 1, "the tombstone alone")
        self.lab.switch.send_signal(signal.SIGCONT)
        self.assertEqual(self.cni.call("ADD", "db").code, 0)
        self.assertNotIn("pods/web/net1",
                         [port["spec"]["attachment"] for port in self.lab.ctl.ports().values()])
        self.assertEqual(self.cni.call("DEL", "db").code, 0)
        self.assertEqual(self.cni.files(), [])


class KeptState(unittest.TestCase):
    """A switch that keeps its ports on disk."""

    def setUp(self):
        self.lab = Lab()
        self.enterContext(self.lab)
        self.cni = Runtime(self.lab, self.lab.program("control/cni/sluice-cni"))
        self.kept = self.lab.path("kept")
        self.start_switch()
        self.lab.apply(pod_of("web"), pod_of("db"))

    def start_switch(self):
        self.lab.start_switch("--state-directory", self.kept)

    def kill_switch(self):
        self.lab.switch.send_signal(signal.SIGKILL)
        self.lab.switch.wait(10)

    def restart_after_del(self, **keys):
        """The attachments of the ports that are there after a restart, "web" deleted meanwhile."""
        for name in ("web", "db"):
            self.assertEqual(self.cni.call("ADD", name).code, 0)
        self.kill_switch()
        answer = self.cni.call("DEL", "web", self.cni.config(**keys))
        self.assertEqual(answer.code, 0, answer.out)
        self.start_switch()
        return {port["spec"]["attachment"] for port in self.lab.ctl.ports().values()}

    def test_a_port_that_was_deleted_meanwhile_does_not_come_back(self):
        self.assertEqual(self.restart_after_del(daemonStateDirectory=self.kept), {"pods/db/net1"})
        self.assertIn("was deleted meanwhile", self.lab.switch.log())
        self.assertNotIn("not restored", self.lab.switch.log())
        self.assertEqual(os.listdir(os.path.join(self.kept, "deleted")), [])

    def test_without_the_directory_the_switch_finds_no_place_for_its_socket(self):
        self.assertEqual(self.restart_after_del(), {"pods/db/net1"})
        self.assertIn("not restored", self.lab.switch.log())


if __name__ == "__main__":
    unittest.main()
