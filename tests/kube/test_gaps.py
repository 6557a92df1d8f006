"""What happens while nobody looks: between a list and its watch, and between two lives of the
watcher."""
import unittest

from rig import objects
from rig.case import WatcherTest
from rig.etcd import DEBIAN
from rig.gate import Gate
from rig.sets import wait_for_fresh_list
from rig.watcher import Watcher


def is_watch_of(resource):
    """A watch that goes on from a list, not one that lists by itself."""
    return lambda method, path: (f"/{resource}?" in path and "watch=" in path
                                 and "sendInitialEvents" not in path)


class Gaps(WatcherTest):
    etcd_program = DEBIAN  # so that the API server has no streaming lists: list, then watch

    def setUp(self):
        super().setUp()
        self.start_pods(server={"app": "server"}, client={"role": "client"})
        self.api.create(objects.deny_ingress(self.namespace))
        self.wait_policy("deny-ingress")
        self.gate = Gate(self.cluster.server, self.cluster.certificates)
        self.addCleanup(self.gate.close)

    def start_behind_gate(self, resource):
        """A watcher that has listed `resource` and not begun to watch it."""
        self.watcher.stop()
        self.gate.hold(is_watch_of(resource))
        config = self.cluster.write_watcher_config(f"{self.namespace}-gate.conf", self.gate.url)
        self.watcher = Watcher(self.lab, self.cluster, kubeconfig=config)
        self.watcher.start()
        self.gate.wait_held()
        listed = [path for method, path in self.gate.requests
                  if f"/{resource}?" in path and "watch=" not in path]
        self.assertTrue(listed, f"it watches {resource} without a list: {self.gate.requests}")

    def restart_without_gate(self):
        self.watcher.kill()
        self.watcher = Watcher(self.lab, self.cluster)
        self.watcher.start_ready()

    def test_a_policy_deleted_between_list_and_watch_is_gone_when_the_watch_begins(self):
        self.start_behind_gate("networkpolicies")
        self.api.delete("networkpolicies", self.namespace, "deny-ingress")
        self.gate.release()
        self.wait_no_policy("deny-ingress")
        self.assertReaches("client", "server")
        wait_for_fresh_list(self.lab, self.api)

    def test_killed_between_list_and_watch_with_a_delete_in_the_gap(self):
        self.start_behind_gate("networkpolicies")
        self.watcher.kill()
        self.api.delete("networkpolicies", self.namespace, "deny-ingress")
        self.gate.release()
        self.restart_without_gate()
        self.wait_no_policy("deny-ingress")
        self.assertReaches("client", "server")
        wait_for_fresh_list(self.lab, self.api)

    def test_a_pod_deleted_between_list_and_watch(self):
        self.api.create(objects.pod(self.namespace, "passing", "node-2", {"app": "passing"}))
        self.wait(lambda: self.pod("passing") in self.endpoints(), "the pod is known")
        self.start_behind_gate("pods")
        self.api.delete("pods", self.namespace, "passing")
        self.gate.release()
        self.wait(lambda: self.pod("passing") not in self.endpoints(), "the pod is gone")
        wait_for_fresh_list(self.lab, self.api)

    # --- a name used again, as StatefulSets do ---------------------------------------------------

    def admit_clients_of(self, app):
        self.api.create(objects.allow_from(self.namespace, "admit", {"app": app},
                                           {"role": "client"}))
        self.wait_policy("admit")

    def replace_pod(self, **labels):
        """Another pod of the same name and addresses; returns its UID."""
        self.api.delete("pods", self.namespace, "server")
        made = self.node.create_object(self.pod("server"), **labels)
        self.node.report_addresses(self.pod("server"))
        return made["metadata"]["uid"]

    def uid_of(self, name):
        return self.endpoints().get(self.pod(name), {}).get("uid")

    def test_a_name_used_again_has_its_own_uid_and_labels(self):
        self.admit_clients_of("server")
        self.assertReaches("client", "server")
        uid = self.replace_pod(app="other")
        self.wait(lambda: self.uid_of("server") == uid, "the new pod is known")
        self.assertDoesNotReach("client", "server")
        self.assertEqual(self.endpoints()[self.pod("server")]["labels"], {"app": "other"})
        wait_for_fresh_list(self.lab, self.api)

    def test_a_name_used_again_while_the_watcher_is_dead(self):
        self.admit_clients_of("other")
        self.assertDoesNotReach("client", "server")
        self.watcher.kill()
        uid = self.replace_pod(app="other")
        self.watcher.start_ready()
        self.wait(lambda: self.uid_of("server") == uid, "the new pod is known")
        self.wait(lambda: self.reaches("client", "server"), "the client is admitted")
        wait_for_fresh_list(self.lab, self.api)


if __name__ == "__main__":
    unittest.main()
