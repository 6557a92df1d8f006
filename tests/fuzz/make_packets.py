#!/usr/bin/env python3
"""Writes the seeds of the packet target: one well-formed frame of each kind, and classic bad ones.

    python3 tests/fuzz/make_packets.py tests/fuzz/corpus/packet
"""
import os
import socket
import struct
import sys

MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
V4_A, V4_B = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
V6_A, V6_B = (socket.inet_pton(socket.AF_INET6, a) for a in ("fd00::1", "fd00::2"))
TCP = struct.pack("!HHIIBBHHH", 40000, 80, 1, 0, 0x50, 0x02, 65535, 0, 0)
UDP = struct.pack("!HHHH", 40000, 53, 12, 0) + b"ping"
ECHO = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"ping"


def ether(kind, payload, source=MAC_A, tag=b""):
    return MAC_B + source + tag + struct.pack("!H", kind) + payload


def ipv4(protocol, payload, version_length=0x45, total=None, fragment=0, options=b"", source=V4_A):
    total = 20 + len(options) + len(payload) if total is None else total
    return ether(0x0800, struct.pack("!BBHHHBBH", version_length, 0, total, 1, fragment, 64,
                                     protocol, 0) + source + V4_B + options + payload)


def ipv6(next_header, payload, length=None):
    length = len(payload) if length is None else length
    return ether(0x86dd, struct.pack("!IHBB", 6 << 28, length, next_header, 64) + V6_A + V6_B
                 + payload)


def extensions(chain, last, payload):
    """IPv6 extension headers of 8 bytes, one for each type in `chain`."""
    following = chain[1:] + [last]
    headers = b"".join(bytes([following[i], 0, 1, 4, 0, 0, 0, 0]) for i in range(len(chain)))
    return ipv6(chain[0], headers + payload)


def icmpv6(kind, rest):
    return ipv6(58, struct.pack("!BBH", kind, 0, 0) + rest)


INNER = ipv4(17, UDP)[14:]
FRAMES = {
    "arp_request": ether(0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + MAC_A + V4_A + bytes(6)
                         + V4_B),
    "arp_odd": ether(0x0806, struct.pack("!HHBBH", 6, 0x0800, 8, 4, 3) + bytes(20)),
    "ipv4_tcp": ipv4(6, TCP),
    "ipv4_tcp_options": ipv4(6, TCP[:12] + b"\xf0" + TCP[13:] + bytes(40)),
    "ipv4_tcp_offset_small": ipv4(6, TCP[:12] + b"\x10" + TCP[13:]),
    "ipv4_tcp_all_flags": ipv4(6, TCP[:13] + b"\xff" + TCP[14:]),
    "ipv4_udp": ipv4(17, UDP),
    "ipv4_udp_length_long": ipv4(17, UDP[:4] + b"\xff\xff" + UDP[6:]),
    "ipv4_sctp": ipv4(132, struct.pack("!HHII", 1, 2, 3, 0)),
    "ipv4_icmp_echo": ipv4(1, ECHO),
    "ipv4_icmp_unreachable": ipv4(1, struct.pack("!BBHI", 3, 3, 0, 0) + INNER),
    "ipv4_gre": ipv4(47, b"gre!"),
    "ipv4_options": ipv4(17, UDP, version_length=0x46, options=b"\x94\x04\0\0"),
    "ipv4_header_short": ipv4(17, UDP, version_length=0x44),
    "ipv4_header_long": ipv4(17, UDP, version_length=0x4f),
    "ipv4_version_6": ipv4(17, UDP, version_length=0x65),
    "ipv4_total_long": ipv4(17, UDP, total=1500),
    "ipv4_total_short": ipv4(17, UDP, total=19),
    "ipv4_first_fragment": ipv4(17, UDP, fragment=0x2000),
    "ipv4_later_fragment": ipv4(17, UDP, fragment=0x0010),
    "ipv4_padded": ipv4(17, UDP) + bytes(18),
    "ipv4_multicast_source": ipv4(17, UDP, source=socket.inet_aton("224.0.0.1")),
    "ipv6_tcp": ipv6(6, TCP),
    "ipv6_udp": ipv6(17, UDP),
    "ipv6_length_long": ipv6(17, UDP, length=4000),
    "ipv6_jumbo": ipv6(0, bytes([17, 0, 0xc2, 4, 0, 1, 0, 0]) + UDP, length=0),
    "ipv6_hop_by_hop": extensions([0], 17, UDP),
    "ipv6_chain": extensions([0, 60, 43, 60], 6, TCP),
    "ipv6_chain_without_end": extensions([60] * 40, 60, b""),
    "ipv6_extension_long": ipv6(60, bytes([17, 255, 1, 4, 0, 0, 0, 0]) + UDP),
    "ipv6_fragment": ipv6(44, struct.pack("!BBHI", 17, 0, 1, 7) + UDP),
    "ipv6_later_fragment": ipv6(44, struct.pack("!BBHI", 17, 0, 8 | 1, 7) + bytes(16)),
    "ipv6_atomic_fragment": ipv6(44, struct.pack("!BBHI", 6, 0, 0, 7) + TCP),
    "ipv6_fragment_in_chain": ipv6(0, bytes([44, 0, 1, 4, 0, 0, 0, 0])
                                   + struct.pack("!BBHI", 60, 0, 1, 7)
                                   + bytes([17, 0, 1, 4, 0, 0, 0, 0]) + UDP[:8]),
    "ipv6_fragment_twice": ipv6(44, struct.pack("!BBHIBBHI", 44, 0, 0, 7, 17, 0, 0, 7) + UDP),
    "ipv6_routing_left": ipv6(43, bytes([17, 0, 0, 1, 0, 0, 0, 0]) + UDP),
    "ipv6_esp": ipv6(50, bytes(16)),
    "ipv4_fragment_tiny": ipv4(6, TCP[:8], fragment=0x2000),
    "ipv4_fragment_of_death": ipv4(17, bytes(64), fragment=0x1fff),
    "ipv4_source_route": ipv4(17, UDP, version_length=0x47, options=b"\x83\7\4" + V4_B + b"\0"),
    "ipv4_option_beyond": ipv4(17, UDP, version_length=0x46, options=b"\x94\x40\0\0"),
    "igmp_report": ipv4(2, b"\x16\0\0\0\xe0\0\0\5"),
    "ipv6_authentication": ipv6(51, struct.pack("!BBHII", 17, 4, 0, 1, 1) + bytes(12) + UDP),
    "ipv6_no_next_header": ipv6(59, b""),
    "ipv6_echo": icmpv6(128, struct.pack("!HH", 7, 1) + b"ping"),
    "nd_solicitation": icmpv6(135, bytes(4) + V6_B + bytes([1, 1]) + MAC_A),
    "nd_advertisement": icmpv6(136, b"\x60\0\0\0" + V6_A + bytes([2, 1]) + MAC_A),
    "nd_option_length_0": icmpv6(135, bytes(4) + V6_B + bytes([1, 0]) + MAC_A),
    "nd_router_advertisement": icmpv6(134, bytes(12)),
    "nd_redirect": icmpv6(137, bytes(4) + V6_A + V6_B),
    "mld_report": icmpv6(143, struct.pack("!HH", 0, 1) + bytes(20)),
    "icmpv6_packet_too_big": icmpv6(2, struct.pack("!I", 1280) + ipv6(17, UDP)[14:]),
    "vlan": ether(0x0800, INNER, tag=struct.pack("!HH", 0x8100, 5)),
    "qinq": ether(0x0800, INNER, tag=struct.pack("!HHHH", 0x88a8, 5, 0x8100, 6)),
    "multicast_source": ether(0x0800, INNER, source=b"\x01" + MAC_A[1:]),
    "unknown_ethertype": ether(0x88cc, b"lldp"),
    "length_field": ether(46, bytes(46)),
}

# Frames in two segments: (name, frame, bytes in the first).
SPLIT = [
    ("after_ethernet", "ipv4_tcp", 14),
    ("in_ipv4", "ipv4_tcp", 33),
    ("in_options", "ipv4_options", 36),
    ("in_tcp", "ipv4_tcp", 50),
    ("in_extension", "ipv6_chain", 62),
    ("in_fragment_header", "ipv6_fragment", 58),
    ("in_neighbour", "nd_solicitation", 80),
]


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for name, frame in FRAMES.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(b"\xff" + frame)  # 255: all of it in the first segment
    for name, frame, first in SPLIT:
        with open(os.path.join(directory, "split_" + name), "wb") as file:
            file.write(bytes([first]) + FRAMES[frame])
    return 0


if __name__ == "__main__":
    sys.exit(main())
