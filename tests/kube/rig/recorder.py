"""What the API holds of one kind, from now on: every version, by a watch of its own."""
import threading

from rig.history import History


class Recorder:
    """`image(item)` is what counts of an object of the API. Ends with `stop_at`."""

    def __init__(self, api, resource, image):
        items, version = api.list_at(resource)
        self._image, self._version = image, int(version)
        self.history = History({key_of(item): image(item) for item in items})
        self._changed = threading.Condition()
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(api, resource, version),
                                        daemon=True)
        self._thread.start()

    def _run(self, api, resource, version):
        try:
            with api.watch(resource, version) as events:
                for event in events:
                    self._take(event["type"], event["object"])
        except Exception as error:  # told by wait_for
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _take(self, kind, item):
        with self._changed:
            if kind == "ERROR":
                raise ValueError(item)
            if kind == "DELETED":
                self.history.remove(key_of(item))
            elif kind != "BOOKMARK":
                self.history.put(key_of(item), self._image(item))
            self._version = int(item["metadata"]["resourceVersion"])
            self._changed.notify_all()

    def wait_for(self, version, timeout=30):
        """Until it has everything up to a version that it will see: one of an object of the kind."""
        with self._changed:
            if not self._changed.wait_for(
                    lambda: self._error or self._version >= version, timeout) or self._error:
                raise AssertionError(f"recorded to {self._version}, not {version}: {self._error}")


def key_of(item):
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
