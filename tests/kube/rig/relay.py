"""A wire between two programs that can be cut: bytes pass, until `cut`."""
import contextlib
import socket
import threading


def _connect(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    peer = socket.socket(family, socket.SOCK_STREAM)
    try:
        peer.connect(address)
    except OSError:
        peer.close()
        raise
    return peer


def _listen(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(64)
    return listener


class Relay:
    """From `listen` to `target`: a unix socket's path, or (host, port). Closed by `close`."""

    def __init__(self, listen, target):
        self._target = target
        self._lock = threading.Lock()
        self._open = set()  # sockets of wires that are not cut
        self._listener = _listen(listen)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = _connect(self._target)
            except OSError:  # nobody there: the caller sees its connection end
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._drop({source, sink})

    def _drop(self, sockets):
        with self._lock:
            gone = sockets & self._open
            self._open -= gone
        for one in gone:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def cut(self):
        """Ends every connection that is open now; new ones pass. Returns how many there were."""
        with self._lock:
            now = set(self._open)
        self._drop(now)
        return len(now) // 2

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
