"""A host on a VLAN, played by hand: many kernels have no VLAN interfaces.

tagged_peer.py INTERFACE VLAN MAC ADDRESS TARGET: asks for TARGET's MAC and pings it once, all under
the VLAN's tag, and prints {"mac": .. or null, "echo": true|false}. Only answers under the same tag
count.
"""
import json
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_AUXDATA, STATUS_VLAN_VALID = 263, 8, 1 << 4
SECONDS = 3


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Peer:
    def __init__(self, interface, vlan, mac, address, target):
        self.vlan, self.mac = int(vlan), mac_bytes(mac)
        self.address, self.target = socket.inet_aton(address), socket.inet_aton(target)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def send(self, to, ether_type, body):
        tag = struct.pack("!HH", 0x8100, self.vlan)
        self.socket.send(to + self.mac + tag + struct.pack("!H", ether_type) + body)

    def receive(self, wanted):
        """What `wanted` makes of the first frame for us under our tag that it takes."""
        deadline = time.monotonic() + SECONDS
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, auxiliary, _, _ = self.socket.recvmsg(2048, 256)
            except TimeoutError:
                break
            if frame[:6] == self.mac and self.tag_of(auxiliary) == self.vlan:
                if (found := wanted(frame)) is not None:
                    return found
        return None

    @staticmethod
    def tag_of(auxiliary):
        for level, kind, data in auxiliary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tag, _ = struct.unpack("=IIIHHHH", data[:20])
                if status & STATUS_VLAN_VALID:
                    return tag & 0xfff
        return None

    def resolve(self):
        arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        self.send(b"\xff" * 6, 0x0806, arp + self.mac + self.address + b"\0" * 6 + self.target)
        return self.receive(lambda frame: frame[22:28] if frame[12:14] == b"\x08\x06" and
                            frame[28:32] == self.target else None)

    def ping(self, to):
        icmp = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
        icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0)
        ip += self.address + self.target
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.send(to, 0x0800, ip + icmp)
        return self.receive(lambda frame: True if frame[12:14] == b"\x08\x00" and
                            frame[23] == 1 and frame[34] == 0 else None)


def main():
    peer = Peer(*sys.argv[1:])
    mac = peer.resolve()
    echo = bool(mac and peer.ping(mac))
    print(json.dumps({"mac": mac.hex(":") if mac else None, "echo": echo}))


if __name__ == "__main__":
    main()
