"""sluice-pktgen: pods played over virtio-user. A JSON command a line in, an answer a line out."""
import dataclasses
import json
import queue
import threading

from harness.process import Process


class PktgenError(Exception):
    pass


@dataclasses.dataclass
class Pod:
    """A pod of the packet generator. `kind` is the switch's side of its port."""
    name: str  # namespace/name
    mac: str
    addresses: list
    kind: str = "vhost-server"
    socket: str = ""  # Lab fills it in

    @property
    def port(self):
        return self.name.replace("/", ".")

    def as_json(self):
        mode = {"vhost-client": "server", "memif-client": "memif-server",
                "memif-server": "memif-client"}.get(self.kind, "client")
        return {"name": self.name, "socket": self.socket, "mode": mode, "mac": self.mac,
                "addresses": self.addresses}


class Pktgen:
    """Commands may be sent from several threads; answers find theirs by id."""

    def __init__(self, command, log_path):
        self.process = Process(command, log_path, pipes=True)
        self._waiting = {}
        self._lock = threading.Lock()
        self._next_id = 1
        self._ready = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            if "event" in answer:
                self._ready.put(answer)
                continue
            with self._lock:
                waiter = self._waiting.pop(answer.get("id"), None)
            if waiter:
                waiter.put(answer)
        self._ready.put({"event": "error", "message": "it ended"})
        with self._lock:
            waiters, self._waiting = self._waiting, {}
        for waiter in waiters.values():
            waiter.put({"error": "sluice-pktgen ended before it answered"})

    def wait_ready(self, timeout=20):
        try:
            answer = self._ready.get(timeout=timeout)
        except queue.Empty:
            answer = {"event": "error", "message": f"not ready after {timeout} s"}
        if answer["event"] != "ready":
            raise PktgenError(f"sluice-pktgen: {answer}\n{self.process.log()[-3000:]}")

    def start(self, cmd, **arguments):
        """Sends a command; returns the queue that its answer will come by."""
        waiter = queue.Queue()
        with self._lock:
            number = self._next_id
            self._next_id += 1
            self._waiting[number] = waiter
            # "from" is a word of Python: callers write from_.
            fields = {key.rstrip("_"): value for key, value in arguments.items()}
            try:
                self.process.stdin.write(json.dumps({"id": number, "cmd": cmd, **fields}) + "\n")
                self.process.stdin.flush()
            except OSError as error:
                raise PktgenError(f"sluice-pktgen is gone: {self.process.log()[-3000:]}") from error
        return waiter

    def call(self, cmd, wait=30, **arguments):
        answer = self.start(cmd, **arguments).get(timeout=wait)
        if "error" in answer:
            raise PktgenError(f"sluice-pktgen: {cmd} {arguments}: {answer['error']}")
        return answer

    def listen(self, pod, port, protocol="tcp"):
        self.call("listen", pod=pod, port=port, protocol=protocol)

    def connect(self, pod, to, port, send="ping", timeout_ms=1000, keep=False, expect_bytes=1):
        """A reply is there when `expect_bytes` of it are."""
        return self.call("connect", pod=pod, to=to, port=port, send=send, timeout_ms=timeout_ms,
                         keep=keep, expect_bytes=expect_bytes)

    def send(self, connection, send, timeout_ms=1000, expect_bytes=1):
        return self.call("send", connection=connection, send=send, timeout_ms=timeout_ms,
                         expect_bytes=expect_bytes)

    def close(self, connection):
        self.call("close", connection=connection)

    def request(self, pod, to, port, send="ping", count=1, timeout_ms=1000):
        return self.call("request", pod=pod, to=to, port=port, send=send, count=count,
                         timeout_ms=timeout_ms)

    def ping(self, pod, to, count=1, timeout_ms=1000):
        return self.call("ping", pod=pod, to=to, count=count, timeout_ms=timeout_ms)

    def counters(self, pod):
        return self.call("counters", pod=pod)
