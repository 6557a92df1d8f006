"""The checker of histories, with sets that were held and sets that were not."""
import random
import unittest

from rig.history import History, Strange


def life(seed, points=200, keys=20):
    """A history of random changes, and the state at each of its points."""
    draw = random.Random(seed)
    state = {f"k{number}": 0 for number in range(keys)}
    history, states = History(state), [dict(state)]
    for point in range(1, points):
        key = f"k{draw.randrange(keys)}"
        if key in state and draw.random() < 0.3:
            del state[key]
            history.remove(key)
        else:
            state[key] = point
            history.put(key, point)
        states.append(dict(state))
    return history, states


class Follow(unittest.TestCase):
    def test_points_may_be_skipped_and_stayed_at(self):
        for seed in range(20):
            history, states = life(seed)
            draw = random.Random(seed)
            points = sorted(draw.randrange(len(states)) for _ in range(50))
            found = history.follow([states[point] for point in points])
            self.assertEqual([states[point] for point in found],
                             [states[point] for point in points], f"seed {seed}")
            self.assertTrue(all(a <= b for a, b in zip(found, points)), f"seed {seed}")

    def test_points_that_go_back_are_found(self):
        history, states = life(1)
        with self.assertRaises(Strange) as caught:
            history.follow([states[10], states[100], states[99]])
        self.assertEqual(caught.exception.number, 2)

    def test_a_set_with_half_of_two_changes_is_found(self):
        """The later of two changes without the earlier one."""
        history, states = life(2)
        found = 0
        for point in range(1, len(states) - 1):
            before, after = states[point - 1], states[point + 1]
            mixed = dict(before)
            for key in after.keys() ^ before.keys() | {
                    k for k in after.keys() & before.keys() if after[k] != before[k]}:
                if states[point].get(key) == before.get(key):  # not changed by the earlier one
                    mixed.pop(key, None)
                    if key in after:
                        mixed[key] = after[key]
            if mixed in states:
                continue
            with self.assertRaises(Strange, msg=f"point {point}"):
                history.follow([before, mixed, after])
            found += 1
        self.assertGreater(found, 100)

    def test_any_single_object_that_was_not_so_is_found(self):
        history, states = life(3)
        wrong = [{**states[50], "k3": "never"}, {**states[50], "strange": 1},
                 {key: image for key, image in states[0].items() if key != "k5"}]
        for held in wrong:
            self.assertNotIn(held, states)
            with self.assertRaises(Strange):
                history.follow([held])

    def test_a_history_without_one_of_its_events_does_not_hold_what_came_of_it(self):
        whole, states = life(4)
        self.assertEqual(len(whole), len(states))
        for lost in (0, 50, 198):
            history = History(states[0])
            for number, (key, image) in enumerate(whole._changes):
                if number != lost:
                    history.put(key, image) if image is not None else history.remove(key)
            with self.assertRaises(Strange, msg=f"event {lost}"):
                history.follow(states)


if __name__ == "__main__":
    unittest.main()
