"""What the kernel says of an attempt to talk to somebody, and how soon, for a network pod.

    python3 knock.py tcp|udp ADDRESS PORT TIMEOUT

One line out: {"error": NAME or null, "seconds": S}. NAME is the errno's ("ECONNREFUSED"), or
"timeout"; null: a TCP handshake was completed, a UDP answer came.
"""
import errno
import json
import socket
import sys
import time


def knock(protocol, address, port, timeout):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as knocking:
        knocking.settimeout(timeout)
        knocking.connect((address, port))
        if protocol == "udp":  # a connected socket is told of ICMP errors
            knocking.send(b"anybody?")
            knocking.recv(100)


def main():
    protocol, address, port, timeout = sys.argv[1:]
    started = time.monotonic()
    error = None
    try:
        knock(protocol, address, int(port), float(timeout))
    except TimeoutError as failed:  # of connect(2), or of the socket's own limit
        error = "timeout" if failed.errno is None else errno.errorcode[failed.errno]
    except OSError as failed:
        error = errno.errorcode[failed.errno]
    print(json.dumps({"error": error, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
