#!/usr/bin/env python3
"""Writes the seeds of the tracker target: short conversations, one packet after another.

    python3 tests/fuzz/make_conversations.py tests/fuzz/corpus/tracker
"""
import os
import struct
import sys

from make_packets import V4_A, V4_B, V6_A, V6_B, ether

A_TO_B, B_TO_A, A_TO_UPLINK, UPLINK_TO_A = 0b0100, 0b0001, 0b1000, 0b0010


def record(ports, frame, first=255):
    return struct.pack("!BBH", ports, first, len(frame)) + frame


def ip(protocol, payload, back=False, v6=False):
    if v6:
        ends = V6_B + V6_A if back else V6_A + V6_B
        return ether(0x86dd, struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + ends
                     + payload)
    ends = V4_B + V4_A if back else V4_A + V4_B
    return ether(0x0800, struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
                 + ends + payload)


def tcp(flags, seq, ack, back=False, payload=b"", options=b"", v6=False):
    ports = (80, 1000) if back else (1000, 80)
    header = struct.pack("!HHIIBBHHH", *ports, seq, ack, (20 + len(options)) // 4 << 4, flags, 1000,
                         0, 0)
    return record(B_TO_A if back else A_TO_B, ip(6, header + options + payload, back, v6))


def sctp(tag, chunks, back=False):
    ports = (3868, 1000) if back else (1000, 3868)
    return record(B_TO_A if back else A_TO_B,
                  ip(132, struct.pack("!HHII", *ports, tag, 0) + chunks, back), 50)


def chunk(kind, value=b"\0\0\0\0", flags=0):
    return struct.pack("!BBH", kind, flags, 4 + len(value)) + value


def init(kind, tag):
    return chunk(kind, struct.pack("!IIHHI", tag, 1000, 1, 1, 1))


def error(kind, quoted, v6=False):
    head = struct.pack("!BBHI", kind, 0, 0, 0)
    return record(B_TO_A, ip(58 if v6 else 1, head + quoted[4 + 14:], True, v6))


SYN, RST, ACK, FIN = 2, 4, 16, 1
SCALE = b"\x01\x03\x03\x07"
OPEN = (tcp(SYN, 100, 0, options=SCALE) + tcp(SYN | ACK, 500, 101, True, options=SCALE)
        + tcp(ACK, 101, 501))
UDP = record(A_TO_B, ip(17, struct.pack("!HHHH", 40000, 53, 8, 0)))
UDP6 = record(A_TO_B, ip(17, struct.pack("!HHHH", 40000, 53, 8, 0), v6=True))
EXTENDED = record(A_TO_B, ip(60, bytes([44, 0, 1, 4, 0, 0, 0, 0]) + bytes([17, 0, 0, 1, 0, 0, 0, 7])
                             + struct.pack("!HHHH", 40000, 53, 8, 0), v6=True))
CONVERSATIONS = {
    "tcp_whole": OPEN + tcp(ACK, 101, 501, payload=b"x" * 40) + tcp(ACK, 501, 141, True)
    + tcp(FIN | ACK, 141, 501) + tcp(FIN | ACK, 501, 142, True) + tcp(ACK, 142, 502)
    + tcp(SYN, 9000, 0),
    "tcp_reset": OPEN + tcp(RST, 101, 0) + tcp(SYN, 100, 0),
    "tcp_simultaneous": tcp(SYN, 100, 0) + tcp(SYN, 500, 0, True) + tcp(SYN | ACK, 100, 501)
    + tcp(SYN | ACK, 500, 101, True),
    "tcp_restart": OPEN + tcp(SYN, 90000, 0) + tcp(SYN | ACK, 7, 90001, True)
    + tcp(ACK, 90001, 8),
    "tcp_wrap": tcp(SYN, 0xffffffff, 0) + tcp(SYN | ACK, 0xfffffffe, 0, True) + tcp(ACK, 0, 0xffffffff),
    "tcp_error": OPEN + error(3, tcp(ACK, 101, 501)),
    "tcp_mid_stream": tcp(ACK, 5, 6, v6=True) + tcp(ACK, 6, 5, True, v6=True),
    "udp_error": UDP + error(3, UDP) + error(11, UDP[:40]),
    "udp6_error": UDP6 + error(1, UDP6, True) + error(2, EXTENDED, True),
    "sctp_whole": sctp(0, init(1, 11)) + sctp(11, init(2, 22), True) + sctp(22, chunk(10) + chunk(0))
    + sctp(11, chunk(11) + chunk(3), True) + sctp(22, chunk(7)) + sctp(11, chunk(8), True)
    + sctp(22, chunk(14)),
    "sctp_abort": sctp(0, init(1, 11)) + sctp(11, chunk(6), True),
    "sctp_path": sctp(7, chunk(4)) + sctp(8, chunk(5), True) + sctp(7, chunk(0)),
}


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for name, packets in CONVERSATIONS.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(packets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
