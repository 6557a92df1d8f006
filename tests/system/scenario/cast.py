"""Six pods on one switch: two network namespaces with real TCP stacks, four of sluice-pktgen's.

Owns how a pod reaches for another and how its arrival is witnessed where it should (not) have
arrived. What is expected is demo.py's business; labels and addresses stand in demo/pods.yaml.
"""
import json
import os
import re
import subprocess
import sys

from harness import Pod

HERE = os.path.dirname(os.path.abspath(__file__))
MANIFESTS = os.path.join(os.path.dirname(HERE), "demo")
STREAM_CLIENT = os.path.join(os.path.dirname(HERE), "harness", "stream_client.py")

NETWORK_PODS = [  # name, kind of port, last byte of its addresses and MAC
    ("default/web", "tap", 10),
    ("default/client", "af-packet", 11),
]
PLAYED_PODS = [
    ("default/frontend", 12),
    ("default/db", 13),
    ("myproject/worker", 14),
    ("other/stranger", 15),
]
LISTENERS = [  # pod, protocol, port: echo servers of sluice-pktgen
    ("default/db", "tcp", 6379), ("default/db", "tcp", 6380), ("default/db", "udp", 6379),
    ("other/stranger", "tcp", 8080),
]
PAGE = "hello from default/web\n"
WAIT_SECONDS = 1.0  # how long an attempt may take; a denied one takes all of it


def addresses(number):
    return [f"10.10.0.{number}", f"fd00:10::{number}"]


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


class Cast:
    def __init__(self, lab):
        self.lab = lab
        self.pods = {}  # by name
        self.pktgen = None
        self._web_log = lab.path("web-access.log")
        self._web = None

    def enter(self):
        """Network namespaces, ports, pod processes, servers. The switch knows no policy yet."""
        lab = self.lab
        for name, kind, number in NETWORK_PODS:
            v4, v6 = addresses(number)
            pod = lab.make_network_pod(name, kind, mac(number), [v4 + "/24", v6 + "/64"])
            self.pods[name] = pod
        for name, number in PLAYED_PODS:
            self.pods[name] = Pod(name, mac(number), addresses(number))
        for pod in self.pods.values():
            lab.add_port(pod)
        self.pktgen = lab.start_pktgen([self.pods[name] for name, _ in PLAYED_PODS])
        for pod, protocol, port in LISTENERS:
            self.pktgen.listen(pod, port, protocol)
        self._start_web()

    def _start_web(self):
        os.mkdir(self.lab.path("www"))
        with open(self.lab.path("www/index.html"), "w", encoding="ascii") as page:
            page.write(PAGE)
        web = self.pods["default/web"]
        self._web = web.start(self._web_log, sys.executable, "-u", "-m", "http.server", "80",
                              "--bind", "::", "--protocol", "HTTP/1.1", "--directory",
                              self.lab.path("www"))
        self.lab.own(self._web)
        self._web.wait_for_log("Serving HTTP", 10)

    # --- reaching out --------------------------------------------------------------------------

    def address(self, name, family=4):
        return self.pods[name].addresses[0 if family == 4 else 1]

    def reach(self, source, target, protocol, port, family, tag):
        """Tries once; True if an answer came back. `tag` marks the request in web's access log."""
        to = self.address(target, family)
        if self.is_played(source):
            return self._reach_played(source, target, to, protocol, port, tag)
        if target == "default/web":
            return self._curl(source, to, tag)
        return self._exchange(source, to, port, tag)

    def is_played(self, name):
        return isinstance(self.pods[name], Pod)

    def _reach_played(self, source, target, to, protocol, port, tag):
        timeout_ms = int(WAIT_SECONDS * 1000)
        if protocol == "icmp":
            return self.pktgen.ping(source, to, timeout_ms=timeout_ms)["ok"]
        if protocol == "udp":
            return self.pktgen.request(source, to, port, send=tag, timeout_ms=timeout_ms)["ok"]
        text = http_request(tag) if target == "default/web" else tag
        return self.pktgen.connect(source, to, port, send=text, timeout_ms=timeout_ms)["ok"]

    def _curl(self, source, to, tag):
        host = f"[{to}]" if ":" in to else to
        result = self.pods[source].run(
            "curl", "-sS", "-g", "--noproxy", "*", "--max-time", str(WAIT_SECONDS),
            f"http://{host}/?{tag}", check=False)
        return result.returncode == 0 and result.stdout == PAGE

    def _exchange(self, source, to, port, tag):
        command = self.pods[source].command(sys.executable, STREAM_CLIENT, to, str(port),
                                            str(WAIT_SECONDS))
        question = json.dumps({"send": tag, "until": tag}) + "\n"
        result = subprocess.run(command, input=question, text=True, check=False,
                                capture_output=True, timeout=WAIT_SECONDS * 3 + 10)
        return tag in result.stdout

    # --- witnesses where packets arrive --------------------------------------------------------

    def arrivals(self, source, target, protocol, family):
        """How much of `protocol` has arrived at `target` so far: from `source`, where the target
        can tell (sluice-pktgen), else from anybody (a kernel counts TCP segments)."""
        if not self.is_played(target):
            return self.pods[target].tcp_counters()["InSegs"]
        counters = self.pktgen.counters(target)["received"]
        if protocol == "icmp":
            return counters["icmp"]
        by_source = counters["tcp_syn_from" if protocol == "tcp" else "udp_from"]
        return by_source.get(self.address(source, family), 0)

    def served(self, tag):
        """The addresses that the web server's access log has for requests marked `tag`."""
        with open(self._web_log, encoding="utf-8") as log:
            lines = [line for line in log if f"/?{tag} " in line]
        return [re.sub("^::ffff:", "", line.split()[0]) for line in lines]

    def open_real_connection(self, source, target, port):
        """A TCP connection of the kernel's that stays open; see harness/stream_client.py."""
        return RealConnection(self, source, target, port)


class RealConnection:
    def __init__(self, cast, source, target, port):
        log = cast.lab.path("tcp-client.log")
        self._process = cast.pods[source].start(
            log, sys.executable, STREAM_CLIENT, cast.address(target), str(port), str(WAIT_SECONDS),
            pipes=True)
        cast.lab.own(self._process)
        self.connected = json.loads(self._process.stdout.readline())["connected"]

    def get_page(self, tag):
        """The web server's whole answer, or None."""
        question = {"send": http_request(tag), "until": PAGE}
        self._process.stdin.write(json.dumps(question) + "\n")
        return json.loads(self._process.stdout.readline())["received"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


def http_request(tag):
    return f"GET /?{tag} HTTP/1.1\r\nHost: web\r\n\r\n"
