"""What system tests, the demo, the soak run and the benchmarks are made of.

    with Lab() as lab:
        lab.start_switch()
        pods = lab.start_pods([Pod("default/a", ...), ...])

`Lab` owns every process, socket, namespace and directory that is made through it, and removes them
when the block ends, however it ends.
"""
from harness.ctl import Ctl, CtlError
from harness.lab import Lab, LabError, cores, free_huge_pages
from harness.netns import NetworkPod
from harness.pktgen import Pktgen, PktgenError, Pod
from harness.process import Process

__all__ = ["Ctl", "CtlError", "Lab", "LabError", "NetworkPod", "Pktgen", "PktgenError", "Pod",
           "Process", "cores",
           "free_huge_pages"]
