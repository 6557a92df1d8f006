"""cnitool, the CNI project's own runtime: its library calls the plugins of a network by hand."""
import glob
import json
import os
import subprocess

from harness.cni import PLUGINS

from rig.server import kube_program

_CACHE = "/var/lib/cni/results"  # cnitool has no other


class Cnitool:
    """Calls for one interface "net1" of one pod. `namespace` is the pod's; `plugins` has
    sluice-cni. The container's ID is cnitool's, made of the namespace."""

    def __init__(self, lab, namespace, plugins, pod):
        self._program = kube_program("cnitool")
        self.netns = f"/run/netns/{namespace}"
        self._configs = lab.path("net.d")
        pod_namespace, name = pod.split("/")
        self._environment = dict(
            os.environ, NETCONFPATH=self._configs, CNI_IFNAME="net1",
            CNI_PATH=os.pathsep.join((plugins, PLUGINS)),
            CNI_ARGS=f"IgnoreUnknown=1;K8S_POD_NAMESPACE={pod_namespace};K8S_POD_NAME={name};"
                     f"K8S_POD_UID=uid-{name}")

    def configure(self, name, version, *plugins):
        """The one list of plugins from here on, as a node has it in /etc/cni/net.d."""
        os.makedirs(self._configs, exist_ok=True)
        path = os.path.join(self._configs, "network.conflist")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"name": name, "cniVersion": version, "plugins": plugins}, file)

    def call(self, command, name, **capabilities):
        """(exit code, the result or None, what it complained of)."""
        environment = dict(self._environment)
        if capabilities:
            environment["CAP_ARGS"] = json.dumps(capabilities)
        done = subprocess.run([self._program, command, name, self.netns], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    @staticmethod
    def cached(name):
        """What it remembers of attachments to network `name`: paths."""
        return glob.glob(os.path.join(_CACHE, f"{glob.escape(name)}-*"))

    def forget(self, name):
        """What a failed test left behind is nobody's."""
        for path in self.cached(name):
            os.unlink(path)
