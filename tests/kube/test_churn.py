"""2,000 pods, 200 namespaces, 500 policies under random changes while connections are cut.

KUBE_CHURN_SECONDS (30) says for how long, KUBE_SEED repeats a run.
"""
import itertools
import os
import random
import threading
import time
import unittest

from rig import images
from rig.case import WatcherTest
from rig.population import Population
from rig.ports import free_port
from rig.recorder import Recorder
from rig.relay import Relay
from rig.sets import difference, expected, in_force, wait_for_fresh_list
from rig.watcher import Watcher

SECONDS = float(os.environ.get("KUBE_CHURN_SECONDS", "30"))
SEED = int(os.environ.get("KUBE_SEED", str(random.SystemRandom().randrange(1 << 32))))
PODS, NAMESPACES, POLICIES = 2000, 200, 500
CHANGERS = 3
CUT_EVERY = 2.0  # seconds, on average: one of the two wires


class Churn(WatcherTest):
    def setUp(self):
        super().setUp()
        print(f"figure: seed {SEED}, {SECONDS:.0f} s", flush=True)
        self.random = random.Random(SEED)
        self.population = Population(self.cluster, "churn", NAMESPACES, random.Random(SEED + 1))
        start = time.monotonic()
        self.population.create_namespaces()
        self.population.add_pods(PODS)
        self.population.add_policies(POLICIES)
        print(f"{PODS} pods, {NAMESPACES} namespaces, {POLICIES} policies made in "
              f"{time.monotonic() - start:.1f} s", flush=True)
        self.api_wire, self.switch_wire = self.make_wires()

    def make_wires(self):
        """The watcher reaches both its neighbours by relays; returns them."""
        port, socket = free_port(), self.lab.path("relayed.sock")
        api = Relay(("127.0.0.1", port), ("127.0.0.1", self.cluster.server.port))
        switch = Relay(socket, self.lab.server.removeprefix("unix://"))
        self.addCleanup(api.close)
        self.addCleanup(switch.close)
        config = self.cluster.write_watcher_config("relayed.conf", f"https://127.0.0.1:{port}")
        self.watcher = Watcher(self.lab, self.cluster, kubeconfig=config, sluiced=f"unix:{socket}")
        return api, switch

    def change_until(self, deadline, counts, errors):
        try:
            while time.monotonic() < deadline:
                self.population.change_something()
                counts.append(1)
        except Exception as error:  # told by the main thread
            errors.append(error)

    def churn(self):
        """Returns (changes, cuts). Looks at what is in force all the while."""
        deadline = time.monotonic() + SECONDS
        counts, errors, cuts = [], [], 0
        changers = [threading.Thread(target=self.change_until, args=(deadline, counts, errors))
                    for _ in range(CHANGERS)]
        for changer in changers:
            changer.start()
        next_cut = time.monotonic()
        while time.monotonic() < deadline:
            if time.monotonic() >= next_cut:
                cuts += self.random.choice([self.api_wire, self.switch_wire]).cut()
                next_cut += self.random.uniform(0, 2 * CUT_EVERY)
            self.look()
        for changer in changers:
            changer.join()
        self.assertEqual(errors, [])
        return len(counts), cuts

    def look(self):
        """Remembers what is in force of one kind, of each in turn."""
        name = next(self.turns)
        epoch, objects = images.in_force(self.ctl, name)
        epochs = self.epochs[name]
        self.assertLessEqual(epochs[-1] if epochs else 0, epoch)
        epochs.append(epoch)
        self.seen[name].append(objects)

    def record(self):
        """From now on: what the API holds, and what was seen in force."""
        self.seen = {name: [] for name in images.KINDS}
        self.epochs = {name: [] for name in images.KINDS}
        self.turns = itertools.cycle(images.KINDS)
        self.recorders = {name: Recorder(self.api, *of_api)
                          for name, (_, of_api) in images.KINDS.items()}

    def assertEachWasHeld(self):
        """Of each kind: every set that was seen is what the API held at some point, none before the
        point of an earlier one."""
        for name, recorder in self.recorders.items():
            items = self.api.list(images.KINDS[name][1][0])
            recorder.wait_for(max(int(item["metadata"]["resourceVersion"]) for item in items))
            points = recorder.history.follow(self.seen[name])
            print(f"figure: {name}: {len(points)} sets seen, {len(set(points))} different points of "
                  f"{len(recorder.history)}", flush=True)
            self.assertGreater(len(set(points)), 5, name)

    def test_every_set_in_force_was_held_and_the_last_is_that_of_a_fresh_list(self):
        self.watcher.start_ready()
        self.record()
        self.assertEqual(difference(in_force(self.ctl), expected(self.api)), "")
        changes, cuts = self.churn()
        start = time.monotonic()
        wait_for_fresh_list(self.lab, self.api, timeout=60)
        print(f"figure: {changes} changes, {cuts} connections cut; in force was the fresh list "
              f"{time.monotonic() - start:.1f} s later (its own switch included)")
        self.assertGreater(changes, 100)
        self.assertGreater(cuts, 0)
        self.assertEachWasHeld()
        self.assertTrue(self.watcher.process.running())


if __name__ == "__main__":
    unittest.main()
