"""Whether a sample was disturbed: by other processes on the cores that poll.

A polling thread never sleeps, so all time that it did not run it was kept from running: its run
delay (/proc/PID/task/TID/schedstat, the second number) is the measure. As root, polling threads get
real-time priority, which keeps most of the others away for as long as a sample lasts.
"""
import dataclasses
import os
import time

MOST_DELAY = 0.01  # of a sample's time


def polling_thread(pid, seconds=0.05):
    """The thread of `pid` that used most CPU time over a while."""
    def used():
        return {tid: _schedstat(pid, tid)[0] for tid in os.listdir(f"/proc/{pid}/task")}
    before = used()
    time.sleep(seconds)
    return max(used().items(), key=lambda item: item[1] - before.get(item[0], 0))[0]


def _schedstat(pid, tid):
    """(ns on a CPU, ns of waiting for one)"""
    with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
        ran, delayed, _ = file.read().split()
    return int(ran), int(delayed)


def prefer(tid):
    """Real-time priority for a polling thread, where that is allowed."""
    try:
        os.sched_setscheduler(int(tid), os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def _pressure():
    """Microseconds in which somebody waited for a CPU; 0 where the kernel does not say."""
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as file:
            return int(file.readline().rsplit("total=", 1)[1])
    except (OSError, IndexError, ValueError):
        return 0


@dataclasses.dataclass
class Noise:
    """Since it was made; `threads` are (pid, tid)."""
    threads: list

    def __post_init__(self):
        self._began = time.monotonic()
        self._delays = {thread: _schedstat(*thread)[1] for thread in self.threads}
        self._pressure = _pressure()

    def read(self):
        """Shares of the time: the worst thread's run delay, and CPU pressure."""
        seconds = time.monotonic() - self._began
        delays = [_schedstat(*thread)[1] - before for thread, before in self._delays.items()]
        return {"run_delay": max(delays) / 1e9 / seconds,
                "cpu_pressure": (_pressure() - self._pressure) / 1e6 / seconds}
