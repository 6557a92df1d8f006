"""A pod that is a network namespace: a real TCP stack behind a tap, af-packet or af-xdp port."""
import os
import time

from harness.process import Process, run


def _write(path, text):
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)


_ON_VETH = ("af-packet", "af-xdp")


class NetworkPod:
    """`kind` is "tap" (the switch makes the interface; `adopt` moves it in once the port is there)
    or "af-packet" or "af-xdp" (a veth pair; the switch opens the end that stays outside).

    `addresses` are written with their prefix length ("10.10.0.5/24").
    """

    def __init__(self, name, kind, mac, addresses, tag):
        self.name = name
        self.kind = kind
        self.mac = mac
        self.prefixes = addresses
        self.addresses = [address.split("/")[0] for address in addresses]
        self.port = name.replace("/", ".")
        self.namespace = f"sluice-{tag}"
        self.interface = f"sl{tag}"  # what the switch's port calls it
        self._made = False

    def make(self):
        """The namespace, and where the kind wants it both ends of the veth pair, inside and outside."""
        run("ip", "netns", "add", self.namespace)
        self._made = True
        self._ip("link", "set", "lo", "up")
        if self.kind in _ON_VETH:
            run("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "eth0",
                "netns", self.namespace)
            # The host must neither answer ARP nor speak IPv6 on the switch's end.
            _write(f"/proc/sys/net/ipv6/conf/{self.interface}/disable_ipv6", "1")
            run("ip", "link", "set", self.interface, "arp", "off", "up")
            self._configure()

    def adopt(self):
        """After the port was added: a tap moves into the namespace."""
        if self.kind == "tap":
            run("ip", "link", "set", self.interface, "netns", self.namespace, "name", "eth0")
            self._configure()

    def _configure(self):
        # No link-local address: the pod speaks only from the addresses its port knows.
        self._ip("link", "set", "eth0", "down")
        self._ip("link", "set", "eth0", "address", self.mac, "addrgenmode", "none")
        for prefix in self.prefixes:
            nodad = ["nodad"] if ":" in prefix else []
            self._ip("address", "add", prefix, "dev", "eth0", *nodad)
        if self.kind in _ON_VETH:  # it hands over frames whose checksum was left to a NIC
            self.run("ethtool", "-K", "eth0", "tx", "off", check=False)
        self._ip("link", "set", "eth0", "up")

    def _ip(self, *words):
        run("ip", "-n", self.namespace, *words)

    def command(self, *words):
        return ["ip", "netns", "exec", self.namespace, *words]

    def run(self, *words, check=True, timeout=30):
        return run(*self.command(*words), check=check, timeout=timeout)

    def start(self, log_path, *words, pipes=False):
        return Process(self.command(*words), log_path, pipes=pipes)

    def kernel_counters(self):
        """The kernel's own count of what this namespace got and sent, by protocol and name:
        {"Tcp.InSegs": .., "Tcp.PassiveOpens": .. (both families), "Udp.InDatagrams": ..,
        "Udp6.InDatagrams": .., "Icmp.InEchos": .., "Icmp6.InEchos": .., ...}."""
        counters = {}
        lines = self.run("cat", "/proc/net/snmp", "/proc/net/snmp6").stdout.splitlines()
        names = None
        for words in map(str.split, lines):
            if words[0].endswith(":"):  # snmp: a line of names, a line of values
                if names:
                    counters.update(zip((words[0][:-1] + "." + n for n in names),
                                        map(int, words[1:])))
                names = None if names else words[1:]
            else:  # snmp6: a name and a value a line
                family, name = words[0].split("6", 1)
                counters[f"{family}6.{name}"] = int(words[1])
        return counters

    def tcp_counters(self):
        """Its TCP part: {"InSegs": .., "PassiveOpens": ..}."""
        return {name.removeprefix("Tcp."): value
                for name, value in self.kernel_counters().items() if name.startswith("Tcp.")}

    def remove(self):
        """Everything `make` made. Deleting a namespace is asynchronous: its veth goes first."""
        if not self._made:
            return
        if os.path.exists(f"/sys/class/net/{self.interface}"):
            run("ip", "link", "del", self.interface, check=False)
        run("ip", "netns", "del", self.namespace, check=False)
        deadline = time.monotonic() + 5
        while os.path.exists(f"/run/netns/{self.namespace}") and time.monotonic() < deadline:
            time.sleep(0.02)
        self._made = False
