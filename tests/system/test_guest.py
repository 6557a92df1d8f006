"""Virtual machines with a Debian kernel on vhost-user ports, under policy."""
import hashlib
import os
import signal
import sys
import unittest

from harness.case import needs_root
from harness.cni import Runtime
from harness.cni_case import pod_of
from harness.guest import Guest, make_initramfs
from harness.lab import Lab
from harness.manifests import pod_object, policy
from harness.stacks import ping_received

MEGABYTES = 8
PINGS = 3
KERNEL = os.path.join(os.environ.get("SLUICE_BUILD", "build"), "guest")
# Each guest serves HTTP to the other guest and to the kernel pod; nobody may open anything else.
SERVE = policy("guests-serve", {
    "podSelector": {"matchLabels": {"vm": "yes"}},
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"friend": "yes"}}}]}]})
DENY = policy("guests-serve", {"podSelector": {"matchLabels": {"vm": "yes"}}})


def numbered(number):
    return f"02:00:00:00:04:{number:02x}", [f"10.40.0.{number}/24", f"fd00:40::{number}/64"]


@needs_root
class GuestTest(unittest.TestCase):
    guests_of = ()  # (name, kind of port, offloads)
    switch_flags = ()

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(os.path.join(KERNEL, "order")):
            raise RuntimeError(f"no guest kernel in {KERNEL} (make packages-test)")
        cls.lab = Lab()
        cls.enterClassContext(cls.lab)
        cls.ctl = cls.lab.ctl
        initramfs = cls.lab.path("initramfs")
        make_initramfs(KERNEL, initramfs)
        cls.start_switch()
        cls.real = cls.lab.make_network_pod("default/real", "tap", *numbered(1))
        cls.add_ports([cls.real])
        cls.guests = cls.make_guests()
        for guest in cls.guests:
            guest.start(cls.lab, KERNEL, initramfs)
        for guest in cls.guests:
            guest.wait()
        cls.lab.apply(SERVE)

    @classmethod
    def start_switch(cls):
        cls.lab.start_switch(*(flag.format(lab=cls.lab.directory) for flag in cls.switch_flags))

    @classmethod
    def make_guests(cls):
        """With their ports, but not started."""
        guests = [Guest(f"default/{name}", kind, *numbered(number), offloads)
                  for number, (name, kind, offloads) in enumerate(cls.guests_of, start=2)]
        cls.add_ports(guests)
        return guests

    @classmethod
    def kill_and_start_switch(cls):
        cls.lab.switch.send_signal(signal.SIGKILL)
        cls.lab.switch.wait(15)
        cls.start_switch()

    @classmethod
    def add_ports(cls, pods):
        for pod in pods:
            vm = {"vm": "yes"} if isinstance(pod, Guest) else {}
            cls.lab.apply(pod_object(pod, friend="yes", **vm))
            cls.lab.add_port(pod)

    def guest_pings(self, guest, address):
        _, output = guest.run(f"ping -c {PINGS} -W 2 {address} | grep -c 'bytes from'")
        return int(output)

    def real_pings(self, address):
        return ping_received(self.real.run("ping", "-n", "-c", str(PINGS), "-i", "0.2", "-W", "2",
                                           address, check=False))

    def assertGoesOn(self, guest):
        """After a restart of the switch: it is the guest of before, and its traffic passes."""
        self.lab.wait_until(lambda: self.ctl.ports()[guest.port]["link_up"],
                            "the guest's port is connected again", timeout=30)
        self.assertEqual(self.guest_pings(guest, self.real.addresses[0]), PINGS)
        self.assertEqual(self.real_pings(guest.addresses[1]), PINGS)
        self.assertEqual(guest.run("cat /tmp-mark")[1], "still here")

    def assertSame(self, digest, output):
        self.assertEqual(output.split()[0], digest, output)


def url(address, path):
    return f"http://{f'[{address}]' if ':' in address else address}/{path}"


class TwoGuests(GuestTest):
    guests_of = (("left", "vhost-server", False), ("right", "vhost-client", True))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        files = cls.lab.path("www")
        os.mkdir(files)
        content = os.urandom(MEGABYTES << 20)
        cls.real_digest = hashlib.sha256(content).hexdigest()
        with open(os.path.join(files, "large"), "wb") as large:
            large.write(content)
        server = cls.real.start(cls.lab.path("http.log"), sys.executable, "-u", "-m",
                                "http.server", "80", "--bind", "::", "--directory", files)
        cls.lab.own(server)
        server.wait_for_log("Serving HTTP", 20)
        for guest in cls.guests:
            guest.run(f"dd if=/dev/urandom of=/www/large bs=1M count={MEGABYTES}; httpd -h /www")

    def test_pings_pass_between_guests_and_the_kernel_pod(self):
        left, right = self.guests
        for family in (0, 1):
            with self.subTest(family="46"[family]):
                self.assertEqual(self.guest_pings(left, right.addresses[family]), PINGS)
                self.assertEqual(self.guest_pings(right, self.real.addresses[family]), PINGS)
                self.assertEqual(self.real_pings(left.addresses[family]), PINGS)

    def test_guests_fetch_from_each_other_and_from_the_kernel_pod(self):
        for client, server in (self.guests, self.guests[::-1]):
            digest = server.run("sha256sum /www/large")[1].split()[0]
            for address in server.addresses:
                with self.subTest(client=client.name, address=address):
                    self.assertSame(digest, self.fetch(client, address))
            for address in self.real.addresses:
                with self.subTest(client=client.name, address=address):
                    self.assertSame(self.real_digest, self.fetch(client, address))

    def fetch(self, guest, address):
        return guest.run(f"wget -q -O - {url(address, 'large')} | sha256sum")[1]

    def test_the_kernel_pod_fetches_from_guests(self):
        for guest in self.guests:
            digest = guest.run("sha256sum /www/large")[1].split()[0]
            for address in guest.addresses:
                with self.subTest(guest=guest.name, address=address):
                    path = self.lab.path("received")
                    self.real.run("curl", "-sS", "-g", "--noproxy", "*", "-o", path,
                                  url(address, "large"), timeout=60)
                    with open(path, "rb") as received:
                        self.assertEqual(hashlib.file_digest(received, "sha256").hexdigest(),
                                         digest)

    def test_policy_cuts_guests_off_and_lets_their_own_connections_be_answered(self):
        left, right = self.guests
        self.lab.apply(DENY)
        try:
            before = self.ctl.drops()
            self.assertEqual(self.guest_pings(left, right.addresses[0]), 0)
            self.assertNotEqual(
                left.run(f"wget -q -T 2 -O /dev/null {url(right.addresses[1], 'large')}")[0], 0)
            self.assertEqual(self.real_pings(left.addresses[0]), 0)
            after = self.ctl.drops()
            for port in (left.port, self.real.port):
                key = (port, "policy_ingress")
                self.assertGreater(after.get(key, 0), before.get(key, 0))
            self.assertSame(self.real_digest, self.fetch(left, self.real.addresses[0]))
        finally:
            self.lab.apply(SERVE)
        self.assertEqual(self.guest_pings(left, right.addresses[0]), PINGS)


class Restart(GuestTest):
    guests_of = (("survivor", "vhost-client", False),)

    def test_a_guest_behind_a_vhost_client_port_survives_a_killed_switch(self):
        guest = self.guests[0]
        self.assertEqual(self.real_pings(guest.addresses[0]), PINGS)
        guest.run("echo still here > /tmp-mark")
        self.kill_and_start_switch()
        self.real.remove()
        self.real.make()
        self.add_ports([self.real, guest])
        self.lab.apply(SERVE)
        self.assertGoesOn(guest)


class FromThePlugin(GuestTest):
    """A guest whose port sluice-cni makes, with an address of host-local, and a switch that keeps its
    ports: nobody gives them again."""
    switch_flags = ("--state-directory", "{lab}/kept")

    @classmethod
    def make_guests(cls):
        pod = pod_of("vm")
        pod["metadata"]["labels"] = {"vm": "yes", "friend": "yes"}
        cls.lab.apply(pod)
        cls.cni = Runtime(cls.lab, cls.lab.program("control/cni/sluice-cni"))
        cls.config = cls.cni.config(ipam={
            "type": "host-local", "dataDir": cls.cni.leases,
            "ranges": [[{"subnet": "10.40.0.0/24", "rangeStart": "10.40.0.50"}],
                       [{"subnet": "fd00:40::/64", "rangeStart": "fd00:40::50"}]]})
        answer = cls.cni.call("ADD", "vm", cls.config)
        if answer.code != 0:
            raise RuntimeError(answer.out)
        (interface,) = answer.out["interfaces"]
        guest = Guest("default/vm", "vhost-client", interface["mac"],
                      [ip["address"] for ip in answer.out["ips"]])
        guest.socket = interface["socketPath"]
        (guest.port,) = (name for name in cls.ctl.ports() if name != cls.real.port)
        return [guest]

    def test_a_guest_of_the_plugin_talks_and_survives_a_killed_switch(self):
        (guest,) = self.guests
        self.assertIn("10.40.0.50/24", guest.run("ip address show eth0")[1])
        for family in (0, 1):
            self.assertEqual(self.guest_pings(guest, self.real.addresses[family]), PINGS)
        guest.run("echo still here > /tmp-mark")
        self.kill_and_start_switch()
        self.real.adopt()  # its tap was made anew
        self.assertGoesOn(guest)
        self.lab.apply(DENY)
        self.assertEqual(self.real_pings(guest.addresses[0]), 0)
        self.assertEqual(self.cni.call("DEL", "vm", self.config).code, 0)
        self.assertNotIn(guest.port, self.ctl.ports())


if __name__ == "__main__":
    unittest.main()
