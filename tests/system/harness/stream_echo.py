"""An echo server for a network pod, one connection after another.

    python3 stream_echo.py ADDRESS PORT [PROTOCOL]

PROTOCOL is an IP protocol number; without it, TCP.
"""
import socket
import sys


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    protocol = int(sys.argv[3]) if len(sys.argv) > 3 else socket.IPPROTO_TCP
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM, protocol)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen()
    print("listening", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            while piece := connection.recv(65536):
                connection.sendall(piece)


if __name__ == "__main__":
    main()
