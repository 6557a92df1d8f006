"""Somebody who must never get through, and tries all the time."""
import threading


class Prober:
    """While the block runs, `source` tries to reach `target` again and again; `tries` counts them,
    `through` has those that got an answer. `wait_tries` makes sure that it did try."""

    def __init__(self, node, source, target, timeout_ms=100):
        self._node, self._source, self._target = node, source, target
        self._timeout_ms = timeout_ms
        self.tries, self.through, self.error = 0, 0, None
        self._changed = threading.Condition()
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
            try:
                through = self._node.reaches(self._source, self._target,
                                             timeout_ms=self._timeout_ms)
            except Exception as error:  # told by wait_tries
                self.error = error
                return
            with self._changed:
                self.tries += 1
                self.through += through
                self._changed.notify_all()

    def wait_tries(self, more, timeout=30):
        """Until `more` further attempts are over."""
        with self._changed:
            goal = self.tries + more
            if not self._changed.wait_for(lambda: self.tries >= goal, timeout):
                raise AssertionError(f"{self.tries} of {goal} attempts: {self.error}")
