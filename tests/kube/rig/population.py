"""Thousands of objects, made by a few threads at once; and random changes to them."""
import concurrent.futures
import threading
import uuid

from rig import objects
from rig.api import ApiError

_THREADS = 6
APPS = [f"app-{number}" for number in range(20)]


def _address(number):
    return [f"10.{100 + number // 65536}.{number // 256 % 256}.{number % 256}",
            f"fd00:100::{number:x}"]


def in_parallel(work, items):
    """work(item) for all of them; the first error is raised."""
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(work, items):
            pass


class Population:
    """Pods and policies of `namespaces` namespaces called after `name`; no pod has a port here.

    `pods` and `policies` hold the keys (namespace, name) of what is there."""

    def __init__(self, cluster, name, namespaces, random):
        self.api, self.etcd, self.random = cluster.api, cluster.etcd, random
        self.namespaces = [f"{name}-{number}" for number in range(namespaces)]
        self.pods, self.policies = {}, {}
        self._next = 1
        self._lock = threading.Lock()

    def create_namespaces(self):
        in_parallel(lambda name: self.api.create(objects.namespace(name, team=name[-1])),
                    self.namespaces)

    def add_pods(self, count):
        """At once, running and with addresses."""
        self.etcd.put_objects([self._running_pod() for _ in range(count)])

    def add_policies(self, count):
        in_parallel(lambda _: self.add_policy(self.some_namespace()), range(count))

    def some_namespace(self):
        with self._lock:
            return self.random.choice(self.namespaces)

    def _number(self):
        with self._lock:
            self._next += 1
            return self._next - 1

    def some_labels(self):
        # pod-template-hash as a ReplicaSet writes it: no policy looks at it.
        with self._lock:
            return {"app": self.random.choice(APPS), "tier": self.random.choice("abc"),
                    "pod-template-hash": f"{self.random.randrange(1 << 32):08x}"}

    # --- pods ----------------------------------------------------------------------------------

    def _running_pod(self):
        number = self._number()
        item = objects.pod(self.some_namespace(), f"pod-{number}", "node-2", self.some_labels())
        item["metadata"].update(uid=str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
                                creationTimestamp="2026-01-01T00:00:00Z")
        item["status"] = objects.pod_status(_address(number))
        key = item["metadata"]["namespace"], item["metadata"]["name"]
        self.pods[key] = item["metadata"]["uid"]
        return item

    def add_pod(self, namespace, name=None):
        """As on any node: made, then given its addresses. `name`: one used before, say."""
        number = self._number()
        name = name or f"pod-{number}"
        made = self.api.create(objects.pod(namespace, name, "node-2", self.some_labels()))
        self.api.patch("pods", namespace, name, {"status": objects.pod_status(_address(number))},
                       "status")
        with self._lock:
            self.pods[namespace, name] = made["metadata"]["uid"]

    def relabel_pod(self, key):
        self.api.patch("pods", *key, {"metadata": {"labels": self.some_labels()}})

    def delete_pod(self, key):
        self.api.delete("pods", *key)
        with self._lock:
            self.pods.pop(key, None)  # another thread may have been between its two steps

    # --- policies ------------------------------------------------------------------------------

    def some_spec(self):
        with self._lock:
            selected, peer = self.random.sample(APPS, 2)
            types = self.random.choice([["Ingress"], ["Ingress", "Egress"]])
            port = self.random.randrange(1, 65536)
        peers = [{"podSelector": {"matchLabels": {"app": peer}}},
                 {"namespaceSelector": {"matchLabels": {"team": str(port % 10)}}}]
        return {"podSelector": {"matchLabels": {"app": selected}}, "policyTypes": types,
                "ingress": [{"from": peers, "ports": [{"protocol": "TCP", "port": port}]}]}

    def add_policy(self, namespace):
        name = f"policy-{self._number()}"
        self.api.create(objects.policy(namespace, name, self.some_spec()))
        with self._lock:
            self.policies[namespace, name] = True

    def change_policy(self, key):
        self.api.replace(objects.policy(*key, self.some_spec()))

    def delete_policy(self, key):
        self.api.delete("networkpolicies", *key)
        with self._lock:
            self.policies.pop(key, None)

    def relabel_namespace(self, name):
        with self._lock:
            team = str(self.random.randrange(10))
        self.api.patch("namespaces", None, name, {"metadata": {"labels": {"team": team}}})

    # --- all of it -----------------------------------------------------------------------------

    def change_something(self):
        """One random change. What somebody else deleted first is no error."""
        with self._lock:
            what = self.random.random()
            pod = self.random.choice(list(self.pods))
            policy = self.random.choice(list(self.policies))
        try:
            self._change(what, pod, policy)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    def _change(self, what, pod, policy):
        if what < 0.35:
            self.relabel_pod(pod)
        elif what < 0.5:
            self.delete_pod(pod)
            self.add_pod(*pod)  # a StatefulSet's: the same name, another UID and address
        elif what < 0.6:
            self.delete_pod(pod)
            self.add_pod(self.some_namespace())
        elif what < 0.8:
            self.change_policy(policy)
        elif what < 0.95:
            self.delete_policy(policy)
            self.add_policy(self.some_namespace())
        else:
            self.relabel_namespace(self.some_namespace())
