"""Multus, the thin plugin, as a node has it: a primary network, and those that pods ask for.

The primary network is the bridge of the CNI project's plugins, in a network namespace that stands for
the node's own, so that the machine gets no bridge. Nothing of it is Sluice's.
"""
import dataclasses
import json
import os
import subprocess

from harness.cni import PLUGINS, Answer

from rig.server import kube_program

# What deployments of Multus let it do, as far as a thin plugin does it.
_ACCOUNT = {"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "ServiceAccount",
     "metadata": {"name": "multus", "namespace": "kube-system"}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
     "metadata": {"name": "multus"}, "rules": [
         {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["*"], "verbs": ["get", "list"]},
         {"apiGroups": [""], "resources": ["pods", "pods/status"], "verbs": ["get", "update"]},
         {"apiGroups": ["", "events.k8s.io"], "resources": ["events"],
          "verbs": ["create", "patch", "update"]}]},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
     "metadata": {"name": "multus"},
     "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "multus"},
     "subjects": [{"kind": "ServiceAccount", "name": "multus", "namespace": "kube-system"}]}]}

_IN_NODE = """#!/bin/sh
exec ip netns exec {node} {plugins}/bridge
"""


@dataclasses.dataclass
class Sandbox:
    """What the kubelet has of a pod when it calls."""
    namespace: str  # the pod's
    name: str
    uid: str
    netns: object  # harness.netns.NetworkPod

    @property
    def container(self):
        return f"infra-{self.uid}"


class Multus:
    """`sluice_cni`: the program. Everything that is kept is in the lab's directory."""

    primary = "cluster"

    def __init__(self, lab, cluster, sluice_cni):
        self._lab = lab
        self._program = kube_program("multus")
        self._plugins = lab.path("opt-cni-bin")
        self.memory, self.leases = lab.path("multus"), lab.path("primary-leases")
        node = lab.make_network_pod("node", "tap", "", [])
        self._install(sluice_cni, node.namespace)
        cluster.kubectl.run("apply", "-f", "-", stdin=json.dumps(_ACCOUNT))
        self._config = {
            "cniVersion": "1.0.0", "name": "multus-cni-network", "type": "multus",
            "kubeconfig": cluster.write_config("multus.conf", cluster.server.url, "multus"),
            "cniDir": self.memory, "binDir": self._plugins, "delegates": [self._primary()]}

    def _install(self, sluice_cni, node):
        os.makedirs(self._plugins)
        os.symlink(sluice_cni, os.path.join(self._plugins, "sluice-cni"))
        path = os.path.join(self._plugins, "bridge")
        with open(path, "w", encoding="ascii") as script:
            script.write(_IN_NODE.format(node=node, plugins=PLUGINS))
        os.chmod(path, 0o755)

    def _primary(self):
        return {"cniVersion": "1.0.0", "name": self.primary, "type": "bridge", "bridge": "cni0",
                "ipam": {"type": "host-local", "subnet": "10.61.0.0/24", "dataDir": self.leases}}

    def call(self, command, sandbox):
        """As the kubelet's runtime calls it, for interface eth0: an Answer."""
        environment = {
            "CNI_COMMAND": command, "CNI_CONTAINERID": sandbox.container, "CNI_IFNAME": "eth0",
            "CNI_NETNS": f"/run/netns/{sandbox.netns.namespace}",
            "CNI_PATH": os.pathsep.join((self._plugins, PLUGINS)), "PATH": os.environ["PATH"],
            "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE={sandbox.namespace};"
                        f"K8S_POD_NAME={sandbox.name};"
                        f"K8S_POD_INFRA_CONTAINER_ID={sandbox.container};"
                        f"K8S_POD_UID={sandbox.uid}"}
        done = subprocess.run([self._program], env=environment, input=json.dumps(self._config),
                              capture_output=True, text=True, timeout=60, check=False)
        return Answer(done.returncode, json.loads(done.stdout) if done.stdout else None)

    def files(self):
        """What it, libcni and the primary network's host-local remember of attachments."""
        return [os.path.join(directory, name) for root in (self.memory, self.leases)
                for directory, _, names in os.walk(root) for name in names
                if name != "lock" and not name.startswith("last_reserved_ip")]
