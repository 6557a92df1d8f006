"""Whether every set that was seen in force is one that the API held: of one kind, point by point.

A History begins with the objects of a list and goes on with the events of a watch that began there:
each event is a point. What a switch has in force may skip points, and stay at one, but not go back.
"""


class History:
    """`objects`: {key: image}, whatever an image is; two objects that look the same have the same."""

    def __init__(self, objects):
        self._first = dict(objects)
        self._changes = []  # (key, image; None: gone)

    def put(self, key, image):
        self._changes.append((key, image))

    def remove(self, key):
        self._changes.append((key, None))

    def __len__(self):
        return len(self._changes) + 1

    def follow(self, seen):
        """`seen`: sets, {key: image} each, in the order of their being in force. The point that each
        of them is an image of, the earliest that is possible. Strange: the first that is of none."""
        points, state, at = [], dict(self._first), 0
        differing = _Difference(state)
        for number, held in enumerate(seen):
            differing.hold(held)
            start = dict(state)
            while differing and at < len(self._changes):
                differing.change(*self._changes[at])
                at += 1
            if differing:
                raise Strange(number, points[-1] if points else 0, _text(start, held))
            points.append(at)
            state = differing.state
        return points


class Strange(Exception):
    """`number`: of the set among those seen. `point`: the last one that is known to be held."""

    def __init__(self, number, point, text):
        super().__init__(f"set {number} is none that the API held from point {point} on:\n{text}")
        self.number, self.point = number, point


class _Difference:
    """The keys in which a state differs from the set that is held against it."""

    def __init__(self, state):
        self.state, self._held, self._keys = state, {}, set(state)

    def __bool__(self):
        return bool(self._keys)

    def hold(self, held):
        self._held = held
        self._keys = {key for key in self.state.keys() | held.keys()
                      if self.state.get(key) != held.get(key)}

    def change(self, key, image):
        if image is None:
            self.state.pop(key, None)
        else:
            self.state[key] = image
        (self._keys.discard if self.state.get(key) == self._held.get(key)
         else self._keys.add)(key)


def _text(state, held, limit=5):
    keys = sorted(key for key in state.keys() | held.keys() if state.get(key) != held.get(key))
    return "\n".join(f"{key}: held {state.get(key)}, in force {held.get(key)}"
                     for key in keys[:limit]) + f"\n{len(keys)} objects differ"
