"""What kubelet and the CNI plugin do on the node of the tests: pods of the API that get ports.

In the order of a real node: the pod's object, without an address; ADD, which gives it a port; and
only after that, the addresses in its status.
"""
import itertools

from harness.pktgen import Pod

from rig import objects


class Node:
    """Pods are sluice-pktgen's, on vhost-user ports of the lab's switch. At most 30 at a time.
    `kind` is that of the ports that are added next; `tells_uid`: whether they get the pod's UID, as
    from sluice-cni. With it, a port is this pod's alone, and its connections may outlive the switch.
    """

    def __init__(self, lab, cluster, name="node-1"):
        self.lab, self.api, self.name = lab, cluster.api, name
        self.kind = "vhost-server"
        self.tells_uid = False
        self._uids = {}  # by namespace/name
        self.pods = {}  # by namespace/name
        self.pktgen = None
        self._numbers = itertools.count(1)

    def join(self):
        """The node's own object."""
        self.api.create(objects.node(self.name))
        self.api.patch("nodes", None, self.name,
                       {"status": objects.node_status("192.0.2.1")}, "status")

    def add(self, name, **labels):
        """A pod that is there in every way but for sluice-pktgen, which `play` starts for all."""
        number = next(self._numbers)
        pod = Pod(name, f"02:00:00:00:05:{number:02x}", [f"10.50.0.{number}", f"fd00:50::{number}"],
                  self.kind)
        self.pods[name] = pod
        self._uids[name] = self.create_object(name, **labels)["metadata"]["uid"]
        self._add_port(name)
        self.report_addresses(name)
        return pod

    def _add_port(self, name):
        uid = ["--uid", self._uids[name]] if self.tells_uid else []
        self.lab.add_port(self.pods[name], more=uid)

    def create_object(self, name, **labels):
        namespace, short = name.split("/")
        return self.api.create(objects.pod(namespace, short, self.name, labels))

    def report_addresses(self, name):
        """kubelet's word, after ADD has returned."""
        namespace, short = name.split("/")
        self.api.patch("pods", namespace, short,
                       {"status": objects.pod_status(self.pods[name].addresses)}, "status")

    def play(self, echo_ports=(80,)):
        """Starts sluice-pktgen for all pods; each echoes TCP on `echo_ports`."""
        self.pktgen = self.lab.start_pktgen(list(self.pods.values()))
        for name in self.pods:
            for port in echo_ports:
                self.pktgen.listen(name, port)

    def reaches(self, source, target, port=80, timeout_ms=1000, family=4):
        """Whether a new TCP connection gets an answer, judged by packets."""
        address = self.pods[target].addresses[0 if family == 4 else 1]
        return self.pktgen.connect(source, address, port, timeout_ms=timeout_ms)["ok"]

    def known(self):
        """Whether the switch knows the pods behind all ports."""
        ports = self.lab.ctl.ports()
        return all(ports.get(pod.port, {}).get("subject") == "known" for pod in self.pods.values())

    def restore_ports(self):
        """After a restart of the switch: every ADD once more."""
        for name in self.pods:
            self._add_port(name)
