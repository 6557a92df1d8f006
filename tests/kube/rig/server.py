"""A program that can be stopped or killed, and started again on the same data and ports."""
import itertools
import os
import signal

from harness.process import Process

_TAGS = itertools.count(1)


def kube_path(name):
    """Where tools/kube-programs puts one of its programs: in SLUICE_KUBE."""
    return os.path.join(os.environ.get("SLUICE_KUBE", "build/kube"), name)


def kube_program(name):
    """The path of one that is there."""
    path = kube_path(name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not built (tools/kube-programs)")
    return path


class Server:
    """What `command()` runs, its log in the lab's directory; `answers()` says if it serves.
    The subclass has both. Start, stop and kill touch this process alone, by its pid."""

    name = "server"
    start_seconds = 60

    def __init__(self, lab):
        self.lab = lab
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def launch(self):
        """Starts it without waiting."""
        self.process = Process(self.command(), self.lab.path(f"{self.name}-{next(_TAGS)}.log"))
        self.lab.own(self.process)

    def start(self):
        self.launch()
        self.wait()

    def wait(self):
        """Until it serves; what it wrote last, if it does not come to that."""
        def serves():
            if not self.process.running():
                raise RuntimeError(f"{self.name} ended:\n{self.process.log()[-3000:]}")
            return self.answers()
        self.lab.wait_until(serves, f"{self.name} serves", self.start_seconds)

    def stop(self):
        self.process.stop(timeout=30)

    def kill(self):
        """Like a crash: no goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
