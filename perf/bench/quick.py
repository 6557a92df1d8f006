#!/usr/bin/env python3
"""A minute's worth of `make bench SECTION=peers`, for CI: fails only on what sluiced did beside
testpmd in the same run, and by a wide margin; rates by themselves fail nothing."""
import argparse
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
sys.dont_write_bytecode = True
import peer_cases  # noqa: E402
import peers  # noqa: E402

# Half of what was measured in 2026-11: 0.34 to 0.42 split, 0.47 to 0.49 packed.
LEAST = {"ratio.io.split.10k": 0.17, "ratio.io.packed.10k": 0.23}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    build = parser.parse_args().build
    if shutil.which("dpdk-testpmd") is None or len(os.sched_getaffinity(0)) < 2:
        print("skipped: needs dpdk-testpmd and two cores")
        return 0
    failed = False
    for name, least in LEAST.items():
        result = peer_cases.CASES[name](build, {}, name, rounds=3)
        peers.show(result)
        if result["value"] < least:
            print(f"{name}: {result['value']:.2f} of testpmd is below {least}")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
