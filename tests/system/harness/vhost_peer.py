"""A vhost-user peer by hand: the protocol's messages, so that a test can break them.

https://qemu-project.gitlab.io/qemu/interop/vhost-user.html; one region of memory at guest address 0,
which is where the peer has it, too.
"""
import mmap
import os
import socket
import struct

GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_LOG_BASE, SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE = 6, 8, 9, 10
SET_VRING_KICK, SET_VRING_CALL, GET_QUEUE_NUM, GET_INFLIGHT_FD = 12, 13, 17, 31
NEED_REPLY = 8
_VERSION = 1
_VIRTIO_1 = 1 << 32
_RING = 256
_RING_BYTES = 64 << 10  # descriptors, available and used ring of one ring, page by page


def listen(path):
    """A pod's socket, to which the switch comes by itself."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    return listener


class VhostPeer:
    def __init__(self, connection, timeout=5):
        self.socket = connection
        self.socket.settimeout(timeout)
        self.memory = None
        self.files = []

    @staticmethod
    def connect(path):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(path)  # waits for its turn
        return VhostPeer(connection)

    def close(self):
        self.socket.close()
        for file in self.files:
            os.close(file)
        self.files = []

    def send(self, request, payload=b"", files=(), flags=0):
        message = struct.pack("<III", request, _VERSION | flags, len(payload)) + payload
        socket.send_fds(self.socket, [message], list(files))

    def send_half(self):
        """The header of a message whose payload does not come."""
        self.socket.sendall(struct.pack("<III", SET_FEATURES, _VERSION, 8))

    def ask(self, request):
        self.send(request)
        answer = self.socket.recv(20, socket.MSG_WAITALL)
        if len(answer) < 20:
            raise ConnectionError("the switch hung up")
        return struct.unpack("<IIIQ", answer)[3]

    def hung_up(self):
        """Whether the switch closes the connection, within the timeout."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _file(self, file):
        self.files.append(file)
        return file

    def set_up(self):
        """All that makes a peer: from here on the switch reads its rings."""
        bytes_ = 2 * _RING_BYTES
        self.memory = self._file(os.memfd_create("peer"))
        os.ftruncate(self.memory, bytes_)
        self.send(SET_OWNER)
        self.send(SET_FEATURES, struct.pack("<Q", self.ask(GET_FEATURES) & _VIRTIO_1))
        self.send(SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, 0, bytes_, 0, 0), [self.memory])
        with mmap.mmap(self.memory, bytes_) as rings:
            rings.write(bytes(bytes_))
        for ring in (0, 1):
            base = ring * _RING_BYTES
            self.send(SET_VRING_NUM, struct.pack("<II", ring, _RING))
            self.send(SET_VRING_BASE, struct.pack("<II", ring, 0))
            self.send(SET_VRING_ADDR, struct.pack("<IIQQQQ", ring, 0, base, base + 0x4000,
                                                  base + 0x2000, 0))
            for request in (SET_VRING_CALL, SET_VRING_KICK):
                self.send(request, struct.pack("<Q", ring), [self._file(os.eventfd(0))])

    def take_memory_away(self):
        os.ftruncate(self.memory, 0)

    def set_up_memory_that_is_not_there(self):
        """Another table, of a file without a byte, under rings that are in use."""
        empty = self._file(os.memfd_create("empty"))
        self.send(SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, 0, 8 * _RING_BYTES, 0, 0), [empty])
