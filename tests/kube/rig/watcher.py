"""sluice-watcher, and the questions tests ask it."""
import json
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
        return [self.lab.program("bin/sluice-watcher"), "--kubeconfig", self._kubeconfig,
                "--node", self._node, "--sluiced", self._sluiced,
                "--status-address", f"127.0.0.1:{self._port}", *self._flags]

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
