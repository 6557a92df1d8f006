"""The traffic generator (perf/pktgen/README.md, traffic) as a benchmark drives it."""
import itertools
import os

import noise
from harness.pktgen import Pktgen

FROM_MAC, TO_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02"
FROM_ADDRESS, TO_ADDRESS = "10.20.0.1", "10.20.0.2"
FROM_ADDRESS6, TO_ADDRESS6 = "fd00:20::1", "fd00:20::2"
SPLIT = "mrg_rxbuf=0,in_order=1"
PACKED = "packed_vq=1,mrg_rxbuf=0,in_order=1"
_TAGS = itertools.count(1)


class Traffic:
    """A process on one switch's two ports, of one kind of ring."""

    def __init__(self, lab, core, sockets, virtio=SPLIT, frame_most=1514, more=()):
        prefix = f"traffic{os.getpid()}-{next(_TAGS)}"
        self._pktgen = Pktgen(
            [lab.program("perf/pktgen/sluice-pktgen"), "traffic", "--from", sockets[0], "--to",
             sockets[1], "--from-mac", FROM_MAC, "--to-mac", TO_MAC, "--virtio", virtio,
             "--frame-most", str(frame_most), "--core", str(core), "--file-prefix", prefix,
             "--huge", lab.huge, *more], lab.path(f"{prefix}.log"))
        self.process = self._pktgen.process
        lab.own(self.process)
        self._pktgen.wait_ready()
        noise.prefer(self.process.pid)  # its main thread polls

    @property
    def thread(self):
        return self.process.pid, self.process.pid

    def call(self, cmd, **fields):
        fields.setdefault("source", FROM_ADDRESS)
        fields.setdefault("destination", TO_ADDRESS)
        wait = fields.get("seconds", 0) * 20 + 120
        return self._pktgen.call(cmd, wait=wait, **fields)

    def stop(self):
        self.process.stop()
