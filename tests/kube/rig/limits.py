"""What a machine without Go cannot show: its API server is Debian's, an old one, and neither cnitool
nor Multus is built (tools/kube-programs). With Go, everything runs, or fails."""
import functools
import os
import re
import shutil
import subprocess
import unittest

from rig.server import kube_path, kube_program


def _has_go():
    return shutil.which("go") is not None


@functools.cache
def _minor_version():
    """Of Kubernetes 1."""
    answer = subprocess.run([kube_program("kube-apiserver"), "--version"], check=True,
                            capture_output=True, text=True, timeout=30).stdout
    return int(re.match(r"Kubernetes v1\.(\d+)\.", answer).group(1))


def needs_program(name):
    """Skips a test, or a class of them, where `name` could not be built for want of Go."""
    return unittest.skipIf(not _has_go() and not os.path.exists(kube_path(name)),
                           f"no Go: {name} is not built")


def needs_kubernetes(minor, what):
    """The same where the API server is older than 1.`minor` for want of Go, and has not `what`."""
    return unittest.skipIf(not _has_go() and _minor_version() < minor,
                           f"no Go: Debian's API server is older than 1.{minor}: {what}")
