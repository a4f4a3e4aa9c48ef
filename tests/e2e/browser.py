#!/usr/bin/env python3
"""Lets an incident happen to the real nines, then lets a browser walk its page. Closes with `N passed, N failed`."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from harness import free_port, wait_for
from shop import Shop

# What a hostile target or author could put where a person looks.
EXTRA = """
[[scrape_configs]]
job_name = "gone"
static_configs = [{{ targets = ["127.0.0.1:{dead}"], labels = {{ note = "<img src=x onerror=alert(1)>" }} }}]

[[groups]]
name = "hostile <b>names</b>"
[[groups.rules]]
alert = "MarkupStaysText"
expr = 'vector(1)'
labels = {{ severity = "info", note = "<script>alert(1)</script>" }}
annotations = {{ summary = "<img src=x onerror=alert(1)> is text" }}
"""


def incident(shop):
    """The shop fails, people are told, the remediation brings it back."""
    nines = shop.nines
    wait_for("the probe succeeds", lambda: nines.value('probe_success{job="shop"}') == 1)
    shop.sell(200, 0)
    wait_for("its requests are counted", lambda: nines.value("sum(shop_requests_total)") >= 200)
    shop.nginx.kill()
    wait_for("the remediation was called", lambda: shop.fixer.posts, 60)
    wait_for("resolved was sent", lambda: shop.pages("resolved"), 60)
    wait_for("the action is verified", lambda: [
        r for r in nines.json("/api/nines/v1/remediations")["runs"] if r["state"] == "verified"], 40)
    shop.sell(100, 1)
    wait_for("the ledger has a minute", lambda: nines.json("/api/nines/v1/slos/shop-availability")["valid"] > 0, 150, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--shots", default="build/tests/shots")
    parser.add_argument("--only", default="", help="a pattern of `page language theme width`")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    folder = tempfile.mkdtemp(prefix="nines-browser-")
    shop = Shop(args, folder, EXTRA.format(dead=free_port()))
    try:
        incident(shop)
        os.makedirs(args.shots, exist_ok=True)
        code = subprocess.call(["node", "tests/browser/run.mjs", "--base", shop.nines.url, "--shots", os.path.abspath(args.shots),
                                *(["--only", args.only] if args.only else [])])
    finally:
        shop.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
