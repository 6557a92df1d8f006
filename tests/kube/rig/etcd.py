"""etcd on loopback, its data in the lab's directory."""
import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from rig.ports import free_port
from rig.server import Server, kube_program

_WRITERS = 6
DEBIAN = "/usr/bin/etcd"  # 3.4: an API server on it has no streaming lists


class Etcd(Server):
    """`program`: the one of tools/kube-programs, unless told otherwise."""

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
        # Tests kill it, but no machine loses power under it.
        if os.path.realpath(self.program) != DEBIAN:
            words.append("--unsafe-no-fsync")
        return words

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def put_objects(self, items):
        """API objects behind the API server's back, which sees them as if another one had written
        them: a thousand a second. Nobody validates them, or fills in what the API server would.
        Each has a revision of its own, which is what resourceVersions rely on."""
        shares = [items[number::_WRITERS] for number in range(_WRITERS)]
        with concurrent.futures.ThreadPoolExecutor(_WRITERS) as pool:
            for _ in pool.map(self._put_share, shares):
                pass

    def _put_share(self, items):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=30)
        with contextlib.closing(connection):
            for item in items:
                body = {"key": _encoded(_key(item)), "value": _encoded(json.dumps(item))}
                connection.request("POST", "/v3/kv/put", json.dumps(body))
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"etcd: put: {answer.status} {text[:300]!r}")


def _key(item):
    resource = {"Pod": "pods"}[item["kind"]]
    return f"/registry/{resource}/{item['metadata']['namespace']}/{item['metadata']['name']}"


def _encoded(text):
    return base64.b64encode(text.encode()).decode()
