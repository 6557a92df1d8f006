"""UDP over either family, in a pod: `PORT` echoes; `ADDRESS PORT BYTES SECONDS` sends one datagram
and exits with 0 if it came back."""
import os
import socket
import sys


def serve(port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        print("Serving", flush=True)
        while True:
            data, sender = server.recvfrom(65536)
            server.sendto(data, sender)


def ask(address, port, size, seconds):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    payload = os.urandom(size)
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.sendto(payload, (address, port))
        try:
            return 0 if client.recv(65536) == payload else 1
        except OSError:
            return 1


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(int(sys.argv[1]))
    sys.exit(ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
