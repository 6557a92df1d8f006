"""etcd on loopback, its data in the lab's directory."""
import urllib.error
import urllib.request

from rig.ports import free_port
from rig.server import Server, kube_program

DEBIAN = "/usr/bin/etcd"  # 3.4: an API server on it has no streaming lists


class Etcd(Server):
    """`program`: the one that the API server's modules have, unless told otherwise."""

    name = "etcd"

    def __init__(self, lab, program=None):
        super().__init__(lab)
        self.program = program or kube_program("etcd")
        self.url = f"http://127.0.0.1:{free_port()}"
        self._peer_url = f"http://127.0.0.1:{free_port()}"
        self._data = lab.path("etcd")

    def command(self):
        words = [self.program, "--name", "one", "--data-dir", self._data,
                 "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                 "--listen-peer-urls", self._peer_url,
                 "--initial-advertise-peer-urls", self._peer_url,
                 "--initial-cluster", f"one={self._peer_url}", "--log-level", "warn"]
        if self.program != DEBIAN:  # tests kill it, but no machine loses power under it
            words.append("--unsafe-no-fsync")
        return words

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False
