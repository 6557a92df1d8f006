"""The switches that are compared: each forwards between two vhost-user ports, with one polling core.

All of them stay for a whole run; those whose turn it is not are stopped (SIGSTOP): their rings stay
connected, and take no core. Each has `sockets`, of the sender's and the receiver's port; `pause` and
`resume`; `thread`, the (pid, tid) that polls.
"""
import os
import re
import signal
import socket
import urllib.request

import noise
import rules
import traffic
from harness.manifests import pod_object
from harness.pktgen import Pod
from harness.process import Process


class Polling:
    """A process with one polling thread."""

    def __init__(self, process):
        self.process = process
        tid = noise.polling_thread(process.pid)
        noise.prefer(tid)
        self.thread = process.pid, tid
        self.pause()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class Testpmd(Polling):
    """DPDK's test program: takes packets from one port and gives them to the other, as they are."""
    name = "testpmd"

    def __init__(self, lab, core, mode="io"):
        self.sockets = [lab.path(f"testpmd-{mode}-{end}.sock") for end in ("a", "b")]
        devices = [word for number, path in enumerate(self.sockets)
                   for word in ("--vdev", f"net_vhost{number},iface={path},queues=1,tso=1")]
        process = Process(
            ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@{core},1@{core}", "--in-memory",
             "--iova-mode=va", "-m", "512", "--no-pci", "--no-telemetry", "--file-prefix",
             f"testpmd{os.getpid()}-{mode}", *devices, "--", "-i", "--nb-cores=1",
             f"--forward-mode={mode}", "--total-num-mbufs=16384", "--no-flush-rx",
             "--mbuf-size=9216",
             "--record-core-cycles"], lab.path(f"testpmd-{mode}.log"), pipes=True)
        lab.own(process)
        self._stdin, self._stdout = process.stdin, process.stdout
        self._say("start", "packets/burst")
        super().__init__(process)

    def _say(self, command, until):
        """The line of the answer that holds `until`."""
        self._stdin.write(command + "\n")
        self._stdin.flush()
        for line in self._stdout:
            if until in line:
                return line
        raise RuntimeError(f"testpmd ended at \"{command}\"")

    def counters(self):
        """Busy cycles and packets so far; some packets must have passed."""
        line = self._say("show fwd stats all", "CPU cycles/packet")
        cycles, packets = re.search(r"total cycles=(\d+) / total \w+ packets=(\d+)", line).groups()
        return {"busy_cycles": int(cycles), "packets": int(packets)}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sluice(Polling):
    """sluiced with the pods a and b, and `count` rules in force (none: no policy at all). `flags`
    are the daemon's."""
    name = "sluiced"

    def __init__(self, lab, core, count, flags=(), mtu=1500):
        self.lab, self.count = lab, count
        self.metrics = f"127.0.0.1:{_free_port()}"
        process = lab.start_switch("--metrics", self.metrics, *rules.flags(count), *flags,
                                   idle_sleep_us=0)
        lab.ctl.timeout = 30 + count / 500  # tries of many rules take their time
        self.a = Pod("default/a", traffic.FROM_MAC, [traffic.FROM_ADDRESS, traffic.FROM_ADDRESS6])
        self.b = Pod("default/b", traffic.TO_MAC, [traffic.TO_ADDRESS, traffic.TO_ADDRESS6])
        lab.apply(pod_object(self.a, app="c0"), pod_object(self.b, app="b"))
        for pod in (self.a, self.b):
            lab.add_port(pod, more=["--mtu", str(mtu)])
        if count:  # in one build
            lab.apply(*rules.crowd(count), *rules.policies(count))
        self.sockets = [self.a.socket, self.b.socket]
        super().__init__(process)

    def counters(self):
        """What was counted so far, summed over workers and ports: busy_cycles, cycles, packets,
        turns, busy_turns, classified, connections_created, drops/REASON and the like."""
        sums = {}
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as page:
            for line in page.read().decode().splitlines():
                if line.startswith("sluice_"):
                    name, value = line.rsplit(" ", 1)
                    key = re.sub("^sluice_(worker_)?|_total$", "", name.split("{")[0])
                    if key == "port_drops":
                        key = "drops/" + name.split('reason="')[1].split('"')[0]
                    sums[key] = sums.get(key, 0) + float(value)
        return sums
