"""sluice-watcher, and the questions tests ask it."""
import contextlib
import json
import os
import re
import urllib.error
import urllib.request

from rig.ports import free_port
from rig.server import Server


class Watcher(Server):
    name = "sluice-watcher"

    def __init__(self, lab, cluster, kubeconfig=None, sluiced=None, flags=(), node="node-1"):
        super().__init__(lab)
        self._kubeconfig = kubeconfig or cluster.watcher_config
        self._sluiced = sluiced or lab.server
        self._flags = list(flags)
        self._node = node
        self._port = free_port()

    def command(self):
        return self._command("--kubeconfig", self._kubeconfig)

    def _command(self, *more):
        return [self.lab.program("bin/sluice-watcher"), *more, "--node", self._node,
                "--sluiced", self._sluiced, "--status-address", f"127.0.0.1:{self._port}",
                *self._flags]

    def answers(self):
        """Serves its status; whether it is ready is another question."""
        try:
            self.status()
            return True
        except (OSError, urllib.error.URLError):
            return False

    def _get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def status(self):
        return json.loads(self._get("/status"))

    def in_force_seconds(self):
        """(sum, count) over all changes: from when one was read to when every worker ran with it."""
        page = self._get("/metrics")
        return tuple(float(re.search(rf"^sluice_watcher_in_force_seconds_{what} (\S+)$", page,
                                     re.M).group(1)) for what in ("sum", "count"))

    def kind(self, resource):
        """What it says of one kind: {"state": .., "problem": .., "objects": ..}."""
        return next(kind for kind in self.status()["kinds"] if kind["kind"] == resource)

    def refused(self):
        """{"Kind namespace/name"} of what it, or sluiced, refuses."""
        refused = self.status()["refused"]
        return {f"{one['kind']} {one['namespace']}/{one['name']}" for one in refused}

    def ready(self):
        try:
            self._get("/readyz")
            return True
        except (OSError, urllib.error.URLError):
            return False

    def start_ready(self, timeout=60):
        self.start()
        self.wait_ready(timeout)

    def wait_ready(self, timeout=60):
        """All kinds synced and in force."""
        def ready():
            if not self.process.running():
                raise RuntimeError(f"{self.name} ended:\n{self.process.log()[-3000:]}")
            return self.ready()
        try:
            self.lab.wait_until(ready, "the watcher is ready", timeout)
        except Exception as error:
            raise AssertionError(f"{error}\n{self.process.log()[-3000:]}") from error

    def peak_memory(self):
        """Bytes that were resident at most (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024

    def connections_to(self, port):
        """How many TCP connections it has with that port of 127.0.0.1."""
        directory = f"/proc/{self.process.pid}/fd"
        links = set()
        for name in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):  # a file that was open for a moment
                links.add(os.readlink(os.path.join(directory, name)))
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        return sum(row[2] == f"0100007F:{port:04X}" and f"socket:[{row[9]}]" in links
                   for row in rows)


class WatcherInPod(Watcher):
    """One that finds its service account where a pod has it: `directory` is mounted there, in a
    mount namespace of its own."""

    _PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
    _ENTER = (f'mount -t tmpfs none "$(realpath /var/run)" && mkdir -p {_PLACE} && '
              f'mount --bind "$0" {_PLACE} && exec "$@"')

    def __init__(self, lab, cluster, directory):
        super().__init__(lab, cluster)
        self._directory = directory
        self._api_port = cluster.server.port

    def command(self):
        return ["unshare", "--mount", "env", "KUBERNETES_SERVICE_HOST=127.0.0.1",
                f"KUBERNETES_SERVICE_PORT={self._api_port}", "sh", "-c", self._ENTER,
                self._directory, *self._command()]
