"""A watcher in a pod: no kubeconfig, but a service account whose token does not last."""
import os
import shutil
import unittest

from rig import objects
from rig.case import WatcherTest
from rig.watcher import WatcherInPod


class ServiceAccount(WatcherTest):
    def setUp(self):
        super().setUp()
        self.directory = self.lab.path("service-account")
        os.mkdir(self.directory)
        shutil.copy(self.cluster.certificates.authority, os.path.join(self.directory, "ca.crt"))
        self.write_token(self.cluster.make_token("sluice-watcher"))
        self.watcher = WatcherInPod(self.lab, self.cluster, self.directory)

    def write_token(self, token):
        """As kubelet does: the file is another one, at once."""
        path = os.path.join(self.directory, "token")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(token)
        os.replace(path + ".new", path)

    def cut_connections(self):
        """Each request that the watcher makes from now on has to show its token again."""
        self.cluster.kill_server()
        self.cluster.server.start()

    def test_a_token_that_expired_is_said_and_its_successor_taken(self):
        self.start_pods(server={"app": "server"}, client={"role": "client"})
        self.api.create(objects.deny_ingress(self.namespace))
        self.wait_policy("deny-ingress")
        self.write_token("expired")
        self.cut_connections()
        self.wait(lambda: self.watcher.kind("pods")["state"] == "forbidden", "pods are forbidden")
        self.assertIn("may not watch pods: HTTP 401", self.watcher.kind("pods")["problem"])
        self.assertDoesNotReach("client", "server")
        self.api.delete("networkpolicies", self.namespace, "deny-ingress")
        self.write_token(self.cluster.make_token("sluice-watcher"))
        self.wait_no_policy("deny-ingress")
        self.assertReaches("client", "server")
        self.watcher.wait_ready()


if __name__ == "__main__":
    unittest.main()
