#!/usr/bin/env python3
"""Starts the real nines without a configuration and lets the browser tests walk its page."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import Nines, wait_for


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--shots", default="build/tests/shots")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="nines-browser-")
    nines = Nines(os.path.abspath(args.nines), folder)
    try:
        wait_for("host metrics", lambda: nines.query("node_load1"), 20)
        os.makedirs(args.shots, exist_ok=True)
        code = subprocess.call(["node", "tests/browser/run.mjs", "--base", nines.url, "--shots", os.path.abspath(args.shots)])
    finally:
        nines.kill(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
