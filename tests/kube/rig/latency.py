"""When the first packet was judged by a new policy, to a fraction of a millisecond."""
import threading
import time

_SILENT_CALLS = 20  # without an answer, one after the other: no packet lost on a busy machine


class Lookout:
    """While the block runs, `source` sends UDP to the echo at `address` and `port` without a pause.
    Remembers when the answers stopped or came back. Times are time.monotonic()'s."""

    def __init__(self, pktgen, source, address, port, timeout_ms=2):
        self._call = lambda: pktgen.request(source, address, port, timeout_ms=timeout_ms)["ok"]
        self._changed = threading.Condition()
        self._answered, self._since = None, 0.0  # sent then: the first packet with this outcome
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(30)

    def _run(self):
        while not self._ended.is_set():
            sent = time.monotonic()
            answered = self._call()
            if not answered and self._answered is not False and not self._is_silent():
                continue
            if answered != self._answered:
                with self._changed:
                    self._answered, self._since = answered, sent
                    self._changed.notify_all()

    def _is_silent(self):
        return not any(self._call() for _ in range(_SILENT_CALLS))

    def wait(self, answered, timeout=20):
        """When the first packet was sent that got, or did not get, an answer as all since."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._answered == answered, timeout):
                raise AssertionError(f"not within {timeout} s: answered={answered}")
            return self._since


def percentile(samples, percent):
    """The nearest rank."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def summary(name, seconds):
    """One line in milliseconds."""
    values = ", ".join(f"p{percent} {percentile(seconds, percent) * 1000:.1f}"
                       for percent in (50, 90, 99))
    return f"{name}: {values}, worst {max(seconds) * 1000:.1f} ms, of {len(seconds)}"
