"""sluice-watcher between an API server and a Lab's switch."""
import json
import re
import urllib.error
import urllib.request

from harness.process import Process

_START_SECONDS = 15


class Watcher:
    """`kubeconfig` leads to the API server; `lab` has the switch, and owns the process."""

    def __init__(self, lab, kubeconfig, *flags, log="watcher.log"):
        self._lab = lab
        self.command = [lab.program("control/watcher/sluice-watcher"), "--kubeconfig", kubeconfig,
                        "--sluiced", lab.server, "--status-address", "127.0.0.1:0",
                        "--node", "test-node", *flags]
        self._log_path = lab.path(log)
        self.process = None
        self.start()

    def start(self):
        """Starts it (again)."""
        with open(self._log_path, "w", encoding="ascii"):
            pass  # the port in it is the new process's
        self.process = Process(self.command, self._log_path)
        self._lab.own(self.process)
        self.process.wait_for_log("status port", _START_SECONDS)
        self._port = int(re.search(r"status port (\d+)", self.process.log()).group(1))

    def stop(self):
        return self.process.stop()

    def log(self):
        return self.process.log()

    def get(self, page):
        """(code, text)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{page}", timeout=5) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def status(self):
        return json.loads(self.get("/status")[1])

    def kind(self, resource):
        return next(k for k in self.status()["kinds"] if k["kind"] == resource)

    def ready(self):
        return self.get("/readyz")[0] == 200

    def metric(self, name, **labels):
        """The value of one metric, as a number."""
        wanted = "".join(f'{k}="{v}"' for k, v in labels.items())
        line = f"{name}{{{wanted}}} " if wanted else f"{name} "
        text = self.get("/metrics")[1]
        return float(next(l for l in text.splitlines() if l.startswith(line)).split()[-1])
