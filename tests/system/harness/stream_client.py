"""A plain TCP or SCTP client for a network pod: connects, sends what it is told, prints what comes
back.

    python3 stream_client.py ADDRESS PORT TIMEOUT [PROTOCOL]

PROTOCOL is an IP protocol number; without it, TCP.

First line out: {"connected": bool}. Then for each line {"send": TEXT, "until": TEXT} on standard
input, one line {"received": TEXT or null}: all that came up to and with `until`, or null if that
did not come within TIMEOUT seconds. At end of input it resets the connection, so that the kernel
retransmits nothing for it later.
"""
import json
import socket
import struct
import sys


def say(**answer):
    print(json.dumps(answer), flush=True)


def exchange(connection, send, until):
    received = b""
    try:
        connection.sendall(send.encode())
        while until.encode() not in received:
            piece = connection.recv(65536)
            if not piece:
                return None
            received += piece
    except OSError:
        return None
    return received.decode(errors="replace")


def connect(address, port, timeout, protocol):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM, protocol)
    connection.settimeout(timeout)
    connection.connect((address, port))
    return connection


def main():
    address, port, timeout = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    protocol = int(sys.argv[4]) if len(sys.argv) > 4 else socket.IPPROTO_TCP
    try:
        connection = connect(address, port, timeout, protocol)
    except OSError:
        say(connected=False)
        return 1
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    say(connected=True)
    for line in sys.stdin:
        say(received=exchange(connection, **json.loads(line)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
