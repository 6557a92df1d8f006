"""A man in the middle of the API: sees each request, and holds those that a test wants held.

Ends TLS with the API server's own certificate. Speaks HTTP/1.1 and one request a connection, so
clients that would speak HTTP/2 to the server do not here.
"""
import contextlib
import http.client
import socket
import ssl
import threading

from rig.ports import free_port


class Gate:
    """`requests` are the (method, path with query) seen so far. Closed by `close`."""

    def __init__(self, server, certificates):
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.requests = []
        self._server_port = server.port
        self._changed = threading.Condition()
        self._is_held = lambda method, path: False
        self._held = 0
        self._inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inside.load_cert_chain(certificates.server, certificates.server_key)
        self._outside = ssl.create_default_context(cafile=certificates.authority)
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, is_held):
        """From now on, requests of which is_held(method, path) is true get no answer."""
        with self._changed:
            self._is_held = is_held
            self._changed.notify_all()

    def release(self):
        self.hold(lambda method, path: False)

    def wait_held(self, timeout=30):
        """Until a request is held up."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held > 0, timeout):
                raise AssertionError(f"not held within {timeout} s; seen: {self.requests[-20:]}")

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.release()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            with self._inside.wrap_socket(raw, server_side=True) as client:
                head, body = _read_request(client)
                method, path, _ = head[0].split(" ", 2)
                self._pass_gate(method, path)
                self._forward(client, head, body)

    def _pass_gate(self, method, path):
        with self._changed:
            self.requests.append((method, path))
            if self._is_held(method, path):
                self._held += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._is_held(method, path))
                self._held -= 1

    def _forward(self, client, head, body):
        lines = [line for line in head if not line.lower().startswith("connection:")]
        with socket.create_connection(("127.0.0.1", self._server_port)) as raw:
            with self._outside.wrap_socket(raw, server_hostname="127.0.0.1") as server:
                server.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
                while data := server.recv(65536):
                    client.sendall(data)


def _read_request(client):
    """(lines of the head, body)."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            raise ValueError("no whole request")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines
                   if line.lower().startswith("content-length:")), 0)
    while len(body) < length:
        body += client.recv(65536)
    return lines, body
