"""A Kubernetes API to test against: a real kube-apiserver and etcd, and what plays the rest.

    with Lab() as lab:
        cluster = Cluster(lab)
        cluster.start()
        node = Node(lab, cluster)
        node.run_pods(...)
        watcher = Watcher(lab, cluster)
        watcher.start()

Beside tests/system/harness, whose Lab owns the processes and the directory here too. No kubelet,
controllers or scheduler run: `Node` does what tests need of them.
"""
from rig.api import Api, ApiError
from rig.cluster import Cluster
from rig.node import Node
from rig.watcher import Watcher

__all__ = ["Api", "ApiError", "Cluster", "Node", "Watcher"]
