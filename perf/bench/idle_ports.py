"""What ports that are connected and silent cost two that are busy.

Cases take turns, each on a switch that stays: 0, 50, 100, 250 idle ports. The idle pods' processes
are stopped (SIGSTOP) once they are connected: their rings are there, and take no core.
"""
import os
import signal
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from harness import Lab  # noqa: E402
from harness.manifests import make_pod, pod_object  # noqa: E402
from harness.pktgen import Pod  # noqa: E402

IDLE = [0, 50, 100, 250]
PODS_A_PROCESS = 28  # DPDK's ethdevs are 32 a process


def idle_pod(number):
    return Pod(f"default/idle{number}", f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}",
               [f"10.21.{number >> 8}.{number & 255}"])


class IdlePorts:
    def __init__(self, lab, count):
        self.lab, self.count = lab, count
        lab.start_switch(idle_sleep_us=0)
        self.a, self.b = make_pod("a", 1), make_pod("b", 2)
        idle = [idle_pod(n + 1) for n in range(count)]
        lab.apply(*(pod_object(pod) for pod in [self.a, self.b, *idle]))
        for pod in [self.a, self.b, *idle]:
            lab.add_port(pod)
        self.pktgen = lab.start_pktgen([self.a, self.b])  # first: huge pages may not do for all
        for first in range(0, count, PODS_A_PROCESS):
            process = lab.start_pktgen(idle[first:first + PODS_A_PROCESS]).process
            process.send_signal(signal.SIGSTOP)

    def sample(self, seconds):
        up = [port["link_up"] for port in self.lab.ctl.ports().values()]
        if sum(up) != self.count + 2:
            raise RuntimeError(f"{sum(up)} of {len(up)} ports are connected")
        blast = self.pktgen.start("blast", pod=self.a.name, port=9, size=64, flows=1000,
                                  to=self.b.addresses[0], seconds=seconds, rate_pps=0)
        load = self.lab.ctl.json("top", "--count", "1", "--interval", str(seconds / 2))
        answer = blast.get(timeout=seconds + 30)
        return {"value": answer["received"] / seconds / 1e6,
                "cycles": load["workers"][0]["cycles_per_packet"]}


def measure(build, facts, rounds, seconds):
    """Each case on a switch of its own, `rounds` times all of them."""
    samples = {count: [] for count in IDLE}
    for _ in range(rounds):
        for count in IDLE:
            with Lab(build) as lab:
                samples[count].append(IdlePorts(lab, count).sample(seconds))

    def median(count, what):
        return statistics.median(sample[what] for sample in samples[count])
    return [{"name": f"idle_ports:{count}", "unit": "Mpps", "value": median(count, "value"),
             "samples": samples[count], "machine": facts,
             "params": {"idle": count, "beside_none": median(count, "value") / median(0, "value"),
                        "cycles_per_packet": median(count, "cycles"),
                        "cycles_beside_none": median(count, "cycles") / median(0, "cycles")}}
            for count in IDLE]


def show(results):
    print(f"{'case':30} {'Mpps':>6} {'min':>6} {'max':>6}  beside none  cycles a packet  beside none")
    for r in results:
        rates = [sample["value"] for sample in r["samples"]]
        print(f"{r['name']:30} {r['value']:6.2f} {min(rates):6.2f} {max(rates):6.2f}  "
              f"{r['params']['beside_none']:11.2f}  {r['params']['cycles_per_packet']:15.0f}  "
              f"{r['params']['cycles_beside_none']:11.2f}")
