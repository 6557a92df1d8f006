"""A child process: its log in a file, stopped by its own pid, never left behind."""
import ctypes
import os
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """Standard error goes to `log_path`; so does standard output, unless `pipes` asks for both
    standard streams as text pipes (.stdin, .stdout)."""

    def __init__(self, command, log_path, pipes=False):
        self.command = command
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else log, stderr=log, text=pipes,
                bufsize=1 if pipes else -1, preexec_fn=_die_with_parent,
                # Ctrl-C reaches the harness alone, which then stops its children in order.
                start_new_session=True)
        self.pid = self._child.pid
        self.stdin, self.stdout = self._child.stdin, self._child.stdout

    def running(self):
        return self._child.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for_log(self, text, timeout):
        """Until `text` stands in the log. RuntimeError with the log's end if it does not come."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if text in self.log():
                return
            if not self.running():
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self.command[0]}: no \"{text}\" in its log"
                           f" (exit code {self._child.poll()}):\n{self.log()[-3000:]}")

    def send_signal(self, number):
        if self.running():
            self._child.send_signal(number)

    def wait(self, timeout):
        return self._child.wait(timeout)

    def stop(self, timeout=10):
        """SIGTERM, then SIGKILL; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.send_signal(number)
            self.send_signal(signal.SIGCONT)  # one that is stopped would not hear it
            try:
                self._child.wait(timeout)
                break
            except subprocess.TimeoutExpired:
                continue
        for stream in (self.stdin, self.stdout):
            if stream:
                try:
                    stream.close()
                except OSError:  # unwritten commands of a dead child
                    pass
        return self._child.returncode


def run(*command, check=True, timeout=30):
    """A short command to its end; CalledProcessError shows what it printed."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {result.returncode}: "
                           f"{result.stderr.strip() or result.stdout.strip()}")
    return result


def pid_exists(pid):
    return os.path.exists(f"/proc/{pid}")
