"""A pod that is a virtual machine: QEMU with a Debian kernel and busybox on a vhost-user port."""
import os
import shutil
import subprocess
import threading
import time

from harness.process import Process

_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /www
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
while read module; do insmod /modules/$module; done < /modules/order
for knob in all default eth0; do echo 0 > /proc/sys/net/ipv6/conf/$knob/accept_dad; done
for word in $(cat /proc/cmdline); do
  case $word in address=*) ip address add ${word#address=} dev eth0 ;; esac
done
ip link set lo up
ip link set eth0 up
exec < /dev/ttyS0 > /dev/ttyS0 2>&1
stty -echo
echo guest-ready
while read -r line; do eval "$line"; done
"""
# What QEMU takes off the device, so that the guest fills in checksums and sends no large segments.
_NO_OFFLOADS = ",".join(f"{feature}=off" for feature in (
    "csum", "gso", "guest_csum", "guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo", "host_tso4",
    "host_tso6", "host_ecn", "host_ufo"))
_MEMORY = "160M"
_BOOT_SECONDS = 90  # 2 on a quiet machine


class GuestError(Exception):
    pass


def make_initramfs(kernel_directory, path, more_files=()):
    """busybox, the modules of tools/guest-kernel.sh and the init above, for any number of guests.
    `more_files` go to /bin."""
    root = path + ".root"
    os.makedirs(os.path.join(root, "bin"))
    shutil.copy("/bin/busybox", os.path.join(root, "bin/busybox"))
    for file in more_files:
        shutil.copy(file, os.path.join(root, "bin"))
    modules = os.path.join(root, "modules")
    shutil.copytree(os.path.join(kernel_directory, "modules"), modules)
    shutil.copy(os.path.join(kernel_directory, "order"), modules)
    with open(os.path.join(root, "init"), "w", encoding="ascii") as init:
        init.write(_INIT)
    os.chmod(os.path.join(root, "init"), 0o755)
    subprocess.run(f"find . | cpio --quiet -o -H newc | gzip -1 > {path}", shell=True, cwd=root,
                   check=True)
    shutil.rmtree(root)


class Guest:
    """`kind` is the switch's side of its port; behind a vhost-client port QEMU owns the socket, and
    waits at its start until the switch comes. `addresses` with their prefix length."""

    def __init__(self, name, kind, mac, addresses, offloads=False):
        self.name, self.kind, self.mac, self.offloads = name, kind, mac, offloads
        self.prefixes = addresses
        self.addresses = [address.split("/")[0] for address in addresses]
        self.port = name.replace("/", ".")
        self.socket = ""  # Lab fills it in
        self.process = None
        self._output = ""
        self._changed = threading.Condition()
        self._marks = 0

    def start(self, lab, kernel_directory, initramfs):
        """Boots; `wait` says when it is up."""
        chardev = f"socket,id=c0,path={self.socket}"
        if self.kind == "vhost-client":
            chardev += ",server=on,wait=off"
        device = f"virtio-net-pci,romfile=,vectors=0,netdev=n0,mac={self.mac}"
        if not self.offloads:
            device += "," + _NO_OFFLOADS
        words = " ".join(f"address={prefix}" for prefix in self.prefixes)
        self.process = Process([
            "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-M", "q35",
            "-object", f"memory-backend-memfd,id=m,size={_MEMORY},share=on",
            "-machine", "memory-backend=m", "-m", _MEMORY, "-nodefaults", "-no-reboot",
            "-display", "none", "-chardev", "stdio,id=s0", "-serial", "chardev:s0",
            "-chardev", chardev, "-netdev", "vhost-user,id=n0,chardev=c0", "-device", device,
            "-kernel", os.path.join(kernel_directory, "vmlinuz"), "-initrd", initramfs,
            "-append", f"console=ttyS0 quiet panic=-1 {words}",
        ], lab.path(f"{self.port}-qemu.log"), pipes=True)
        lab.own(self.process)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self._output += line
                self._changed.notify_all()

    def wait(self):
        """Until it takes commands."""
        self._wait_for("guest-ready\n", 0, _BOOT_SECONDS, "booting")

    def run(self, command, timeout=60):
        """(exit code, output) of a shell command in the guest. GuestError if it does not end."""
        self._marks += 1
        mark = f"done-{self._marks}"
        with self._changed:
            begin = len(self._output)
        self.process.stdin.write(f"{command}; code=$?; echo; echo {mark} $code\n")
        output, _, code = self._wait_for(f"\n{mark} ", begin, timeout, command).partition(
            f"\n{mark} ")
        return int(code), output.rstrip("\n")

    def _wait_for(self, text, begin, timeout, what):
        """Its output from `begin` on, once `text` is in there."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while text not in self._output[begin:]:
                if not self._changed.wait(max(0, deadline - time.monotonic())):
                    raise GuestError(f"{self.name}: {what}: nothing within {timeout} s:\n"
                                     f"{self._output[-3000:]}{self.process.log()[-1000:]}")
            return self._output[begin:]
