#!/usr/bin/env python3
"""make image: the demo's story with the switch, the pods and the command line of the runtime image."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from harness.image import make_shims, unpack  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_MB = 150


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    archive = os.path.join(parser.parse_args().build, "image/sluice.tar")
    megabytes = os.path.getsize(archive) / 1e6
    if megabytes > MOST_MB:
        print(f"{archive} has {megabytes:.0f} MB, more than {MOST_MB}\n0 passed, 1 failed")
        return 1
    directory = tempfile.mkdtemp(prefix="sluice-image-", dir="/var/tmp")
    try:
        root = os.path.join(directory, "root")
        unpack(archive, root)
        shims = make_shims(root, os.path.join(directory, "build"), os.path.join(HERE, "demo"))
        demo = [sys.executable, os.path.join(HERE, "demo.py"), "--build", shims]
        return subprocess.run(demo, check=False).returncode
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
