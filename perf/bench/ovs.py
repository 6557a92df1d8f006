"""OVS-DPDK as a peer: Debian's openvswitch-switch-dpdk, with a directory, a database, sockets and
interfaces of its own; a switch of the system that may run is not touched."""
import os
import shutil

import rules
import traffic
from harness.process import Process, run
from switches import Polling

_DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def installed():
    return os.access(_DAEMON, os.X_OK) and shutil.which("ovs-vsctl") is not None


class Ovs(Polling):
    """With `count` rules and connection tracking; None: plain L2, as it is after installation."""
    name = "ovs"

    def __init__(self, lab, core, count=None):
        tag = "l2" if count is None else f"ct{count}"
        self.directory = lab.path(f"ovs-{tag}")
        os.mkdir(self.directory)
        self._db = f"unix:{self.directory}/db.sock"
        environment = ["env", f"OVS_RUNDIR={self.directory}", f"OVS_DBDIR={self.directory}",
                       f"OVS_LOGDIR={self.directory}"]
        self._environment = environment
        run("ovsdb-tool", "create", f"{self.directory}/conf.db", _SCHEMA)
        database = Process([*environment, "ovsdb-server", f"--remote=p{self._db}",
                            f"--unixctl={self.directory}/ovsdb.ctl", f"{self.directory}/conf.db"],
                           f"{self.directory}/ovsdb.log")
        lab.own(database)
        lab.wait_until(lambda: os.path.exists(f"{self.directory}/db.sock"), "ovsdb serves")
        self._vsctl("--no-wait", "init")
        self._vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                    f"other_config:pmd-cpu-mask={1 << core:#x}",
                    f"other_config:dpdk-lcore-mask={1:#x}",
                    "other_config:dpdk-socket-mem=512", "other_config:dpdk-socket-limit=2048",
                    "other_config:dpdk-extra=\"--in-memory --iova-mode=va --no-pci --no-telemetry"
                    f" --file-prefix=ovs{os.getpid()}-{tag}\"")
        # A network namespace of its own: bridges are interfaces, too.
        process = Process(["unshare", "--net", *environment, _DAEMON, self._db,
                           f"--unixctl={self.directory}/vswitchd.ctl"],
                          f"{self.directory}/vswitchd.log")
        lab.own(process)
        self._vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for port in ("a", "b"):
            self._vsctl("add-port", "br0", port, "--", "set", "Interface", port,
                        "type=dpdkvhostuser")
        self.sockets = [f"{self.directory}/{port}" for port in ("a", "b")]
        lab.wait_until(lambda: all(map(os.path.exists, self.sockets)), "OVS has its ports", 30)
        if count is not None:
            self._install(count)
        super().__init__(process)

    def _vsctl(self, *words):
        run("ovs-vsctl", f"--db={self._db}", "--timeout=30", *words)

    def _install(self, count):
        path = f"{self.directory}/flows"
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(flows(count)) + "\n")
        run(*self._environment, "ovs-ofctl", "--bundle", "replace-flows",
            f"{self.directory}/br0.mgmt", path, timeout=120)

    def counters(self):
        """Busy cycles and packets of the polling thread, so far."""
        text = run(*self._environment, "ovs-appctl", "-t", f"{self.directory}/vswitchd.ctl",
                   "dpif-netdev/pmd-stats-show").stdout
        pmd = text[text.index("pmd thread"):].split("main thread")[0]
        def number(what):
            return int(next(line.split(":")[1].split()[0] for line in pmd.splitlines()
                            if line.strip().startswith(what)))
        return {"busy_cycles": number("processing cycles"), "packets": number("packets received"),
                "idle_cycles": number("idle cycles")}


def flows(count):
    """The rules of rules.py as OpenFlow: established connections pass, new ones if a rule says so."""
    yield "table=0,priority=1,ip,actions=ct(table=1)"
    yield "table=0,priority=1,ipv6,actions=ct(table=1)"
    yield "table=0,priority=0,actions=drop"
    yield "table=1,priority=100,ct_state=+trk+est,ip,actions=goto_table:2"
    yield "table=1,priority=100,ct_state=+trk+est,ipv6,actions=goto_table:2"
    for number in range(count):
        label, first = rules.parts(number, count)
        source = traffic.FROM_ADDRESS if label == 0 else f"10.21.{label}.1"
        for protocol in ("udp", "tcp"):
            yield (f"table=1,priority=10,ct_state=+trk+new,{protocol},nw_src={source},"
                   f"nw_dst={traffic.TO_ADDRESS},tp_dst={first:#x}/{0x10000 - rules.RANGE:#x},"
                   "actions=ct(commit),goto_table:2")
    yield f"table=2,priority=1,dl_dst={traffic.TO_MAC},actions=output:b"
    yield f"table=2,priority=1,dl_dst={traffic.FROM_MAC},actions=output:a"
