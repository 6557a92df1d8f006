"""One switch with its pods, in a directory of its own; all of it gone at the end."""
import contextlib
import itertools
import json
import os
import shutil
import signal
import tempfile
import time

from harness.ctl import Ctl
from harness.netns import NetworkPod
from harness.pktgen import Pktgen
from harness.process import Process, pid_exists

_START_SECONDS = 30
_TAGS = itertools.count(1)


class LabError(Exception):
    pass


def cores():
    """(main, worker, pods): CPUs this process may use. With one CPU they are all the same."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)], allowed[0]


def free_huge_pages():
    """Free pages of 2 MiB."""
    knob = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
    try:
        with open(knob, encoding="ascii") as file:
            return int(file.read())
    except OSError:
        return 0


def _interrupted(number, _frame):
    raise KeyboardInterrupt(f"signal {number}")


class Lab:
    """`build` holds the programs. SLUICE_HUGE=on|off|auto is passed to both of them as --huge."""

    def __init__(self, build=None, huge=None):
        self.build = build or os.environ.get("SLUICE_BUILD", "build")
        self.huge = huge or os.environ.get("SLUICE_HUGE", "auto")
        self.directory = None
        self.switch = None
        self.ctl = None
        self._stack = contextlib.ExitStack()
        self._processes, self._network_pods = [], []  # all there ever were, for remains()
        self._prefix = f"sluice{os.getpid()}-{next(_TAGS)}"

    def __enter__(self):
        sluicectl = self.program("control/ctl/sluicectl")
        # Both unwind like Ctrl-C does, which a shell makes its background jobs ignore.
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.signal(number, _interrupted)
            self._stack.callback(signal.signal, number, previous)
        self.directory = tempfile.mkdtemp(prefix="sluice-")
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.ctl = Ctl(sluicectl, self.server)
        return self

    def __exit__(self, *_):
        with _no_interruptions():
            self._stack.close()

    def remains(self):
        """What is still there of what was made here; asked after the end, an empty list."""
        left = [f"process {p.pid} ({p.command[0]})" for p in self._processes if pid_exists(p.pid)]
        left += [f"namespace {p.namespace}" for p in self._network_pods
                 if os.path.exists(f"/run/netns/{p.namespace}")]
        left += [f"interface {p.interface}" for p in self._network_pods
                 if os.path.exists(f"/sys/class/net/{p.interface}")]
        left += [path for path in [self.directory, f"/run/dpdk/{self._prefix}"]
                 if path and os.path.exists(path)]
        return left

    @property
    def server(self):
        return f"unix://{self.directory}/sluiced.sock"

    def path(self, name):
        return os.path.join(self.directory, name)

    def program(self, name):
        path = os.path.abspath(os.path.join(self.build, name))
        if not os.access(path, os.X_OK):
            raise LabError(f"{path} is not built (make build)")
        return path

    def own(self, process):
        """`process` (a Process, or a Pktgen) is stopped at the end, in reverse order."""
        self._processes.append(process)
        self._stack.callback(process.stop)

    def start_switch(self, *flags, idle_sleep_us=50):
        """Starts sluiced (again) and waits until it serves. An idle worker yields its core, unless
        idle_sleep_us is 0: test machines are small."""
        main, worker, _ = cores()
        command = [self.program("control/grpc/sluiced"), "--listen", self.server,
                   "--main-core", str(main), "--worker-cores", str(worker), "--huge", self.huge,
                   "--file-prefix", self._prefix, "--idle-sleep-us", str(idle_sleep_us), *flags]
        self.switch = Process(command, self.path(f"sluiced-{next(_TAGS)}.log"))
        self.own(self.switch)
        self.switch.wait_for_log("ready", _START_SECONDS)
        return self.switch

    def write_manifest(self, name, *objects):
        """A file with `objects` (harness/manifests.py) as a List; its path."""
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, out)
        return path

    def apply(self, *objects):
        self.ctl.apply(self.write_manifest(f"manifest-{next(_TAGS)}.json", *objects))

    def add_port(self, pod, more=()):
        """A Pod's or NetworkPod's port, as its CNI would add it. `more`: flags of `port add`."""
        if isinstance(pod, NetworkPod):
            path = pod.interface
        else:
            path = pod.socket = pod.socket or self.path(f"{pod.port}.sock")
        self.ctl.add_port(pod.port, pod.kind, path=path, pod=pod.name, mac=pod.mac,
                          addresses=pod.addresses, more=more)
        if isinstance(pod, NetworkPod):
            pod.adopt()

    def make_network_pod(self, name, kind, mac, addresses):
        """A namespace whose port is not added yet."""
        pod = NetworkPod(name, kind, mac, addresses, f"{os.getpid()}-{next(_TAGS)}"[-11:])
        self._network_pods.append(pod)
        self._stack.callback(pod.remove)
        pod.make()
        return pod

    def start_pktgen(self, pods, *flags, wait=True):
        """Plays `pods`. Their ports must be there, or be vhost-client ports that come later."""
        for pod in pods:
            pod.socket = pod.socket or self.path(f"{pod.port}.sock")
        file = self.path(f"pods-{next(_TAGS)}.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump([pod.as_json() for pod in pods], out)
        pktgen = Pktgen([self.program("perf/pktgen/sluice-pktgen"), "--pods", file, "--core",
                         str(cores()[2]), "--huge", self.huge, "--file-prefix",
                         f"{self._prefix}-pods{next(_TAGS)}", *flags],
                        self.path(f"pktgen-{next(_TAGS)}.log"))
        self.own(pktgen.process)
        if wait:
            pktgen.wait_ready()
        return pktgen

    def wait_until(self, condition, what, timeout=10):
        """Polls the outside world; LabError naming `what` if it does not happen."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise LabError(f"not within {timeout} s: {what}")
            time.sleep(0.02)


@contextlib.contextmanager
def _no_interruptions():
    """A second Ctrl-C must not leave half of the cleaning undone."""
    previous = {number: signal.signal(number, signal.SIG_IGN)
                for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
