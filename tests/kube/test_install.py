"""docker/ as an operator installs it: a real API server takes all of it, and a node of it is ready in
time."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness.image import in_root
from harness.process import Process

from rig.case import ClusterTest
from rig.cluster import ROOT
from rig.limits import needs_kubernetes

DOCKER = os.path.join(ROOT, "docker")
NAMESPACE = "sluice-system"
BUILD = os.environ.get("SLUICE_BUILD", "build")
MOST_SECONDS = 20


class Install(ClusterTest):
    crds = False

    def install(self, *more):
        self.kubectl.apply(os.path.join(DOCKER, "kubernetes/namespace.yaml"))
        return self.kubectl.run("apply", "--server-side", "-k", DOCKER, *more)

    @needs_kubernetes(25, "CEL")
    def test_all_of_it_passes_a_dry_run(self):
        answer = self.install("--dry-run=server")
        rendered = self.kubectl.run("kustomize", DOCKER)
        self.assertEqual(answer.count("(server dry run)"), rendered.count("\nkind: ")
                         + rendered.startswith("kind: "))
        for kind in ("daemonset.apps/sluice ", "clusterrole.rbac.authorization.k8s.io/sluice-watcher ",
                     "configmap/sluice ", "serviceaccount/sluice-watcher "):
            self.assertIn(kind, answer)

    @needs_kubernetes(25, "CEL")
    def test_the_examples_pass_a_dry_run(self):
        self.cluster.install_crds("network-attachment-definitions")
        # No controller makes it here.
        self.kubectl.run("create", "serviceaccount", "default", "-n", "default")
        for name in sorted(os.listdir(os.path.join(DOCKER, "kubernetes/examples"))):
            with self.subTest(name):
                answer = self.kubectl.apply(os.path.join(DOCKER, "kubernetes/examples", name),
                                            dry_run=True)
                self.assertIn("(server dry run)", answer)

    def test_the_switchs_pod_is_guaranteed_and_its_cpus_are_whole(self):
        pod = self.daemonset()["spec"]["template"]["spec"]
        for container in pod["initContainers"] + pod["containers"]:
            resources = container["resources"]
            self.assertEqual(resources["requests"], resources["limits"], container["name"])
        sluiced = pod["containers"][0]["resources"]["limits"]
        self.assertEqual(str(int(sluiced["cpu"])), sluiced["cpu"])
        self.assertIn("hugepages-2Mi", sluiced)

    @needs_kubernetes(25, "CEL")
    def test_a_node_is_ready_in_time(self):
        """From `kubectl apply -k` on; what the kubelet does is done by hand, but for the image, which
        is there."""
        root = os.path.join(tempfile.mkdtemp(prefix="sluice-node-", dir="/var/tmp"), "root")
        self.addCleanup(shutil.rmtree, os.path.dirname(root))
        subprocess.run([os.path.join(DOCKER, "make-rootfs"), BUILD, root], check=True)
        begin = time.monotonic()
        self.install()
        pod = self.daemonset()["spec"]["template"]["spec"]
        self.mount_volumes(root)
        subprocess.run(in_root(root, *pod["initContainers"][0]["command"]), check=True)
        self.assertTrue(os.access(os.path.join(root, "host/bin/sluice-cni"), os.X_OK))
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "NODE_NAME": "n1",
                       "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                       "KUBERNETES_SERVICE_PORT": str(self.cluster.server.port)}
        for container in pod["containers"]:
            self.run_container(root, container, environment)
        probe = in_root(root, *pod["containers"][0]["readinessProbe"]["exec"]["command"])
        self.cluster_lab.wait_until(lambda: subprocess.run(
            probe, check=False, capture_output=True).returncode == 0, "sluiced is ready", 60)
        self.cluster_lab.wait_until(self.watcher_is_ready, "the watcher is ready", 60)
        seconds = time.monotonic() - begin
        print(f"figure: install: {seconds:.1f} s from kubectl apply -k to a ready node")
        self.assertLess(seconds, MOST_SECONDS)

    def mount_volumes(self, root):
        """The ConfigMap, the service account, and directories of the node."""
        config = next(item for item in self.rendered() if item["kind"] == "ConfigMap")["data"]
        token = self.api.request(
            "POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/sluice-watcher/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        account = "var/run/secrets/kubernetes.io/serviceaccount"
        with open(self.cluster.certificates.authority, encoding="ascii") as file:
            authority = file.read()
        files = {f"etc/sluice/{name}": text.replace("0.0.0.0:9477", "127.0.0.1:0")
                 for name, text in config.items()}
        files |= {f"{account}/token": token["status"]["token"], f"{account}/ca.crt": authority}
        for name, text in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for name in ("run/sluice", "run/dpdk", "host/bin"):
            os.makedirs(os.path.join(root, name))

    def run_container(self, root, container, environment):
        words = [f"{name}={value}" for name, value in environment.items()]
        process = Process(["env", "-i", *words, *in_root(root, *container["command"])],
                          self.cluster_lab.path(container["name"] + ".log"))
        self.addCleanup(self.end, container["name"], process)

    def end(self, name, process):
        if any(self._outcome.result.failures + self._outcome.result.errors):
            print(name, process.log()[-3000:])
        process.stop()

    @staticmethod
    def watcher_is_ready():
        try:
            with urllib.request.urlopen("http://127.0.0.1:9478/readyz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def rendered(self):
        text = self.kubectl.run("create", "--dry-run=client", "--validate=false", "-o", "json", "-f",
                                "-", stdin=self.kubectl.run("kustomize", DOCKER))
        decoder, items, at = json.JSONDecoder(), [], 0
        while at < len(text):
            item, at = decoder.raw_decode(text, at)
            items += item["items"] if item["kind"] == "List" else [item]
            at += len(text[at:]) - len(text[at:].lstrip())
        return items

    def daemonset(self):
        return next(item for item in self.rendered() if item["kind"] == "DaemonSet")


if __name__ == "__main__":
    unittest.main()
