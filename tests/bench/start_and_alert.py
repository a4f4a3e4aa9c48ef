#!/usr/bin/env python3
"""How soon the page answers after a start, what nines weighs at rest, and how soon a failing target pages.

    python3 tests/bench/start_and_alert.py --nines build/release/nines [--rounds 20] [--rest 60]

Goals: at rest with host metrics at most 30 MB; condition true at the target to webhook received within
scrape interval + evaluation interval + 200 ms. Figures depend on what else the machine does.
"""
import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Listener, Nines, TextServer, get, rss_mib, wait_for  # noqa: E402

CONFIG = """
[global]
scrape_interval = "1s"
scrape_timeout = "900ms"
evaluation_interval = "1s"
[storage]
budget = "64MiB"
[[scrape_configs]]
job_name = "flag"
static_configs = [{{ targets = ["127.0.0.1:{target}"] }}]
[[groups]]
name = "flag"
[[groups.rules]]
alert = "FlagUp"
expr = "flag == 1"
[route]
receiver = "pager"
group_wait = "0s"
group_interval = "1s"
[[receivers]]
name = "pager"
webhook_configs = [{{ url = "http://127.0.0.1:{pager}/" }}]
"""


class Flag:
    value = 0

    def page(self, _request):
        return f"# TYPE flag gauge\nflag {self.value}\n"


def first_page(binary, folder):
    begin = time.monotonic()
    nines = Nines(binary, folder)
    get(nines.url + "/")
    return nines, time.monotonic() - begin


def alerts(args, folder):
    flag = Flag()
    target = TextServer(flag.page)
    pager = Listener()
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(target=target.port, pager=pager.port))
    nines = Nines(args.nines, folder, config)
    took = []
    chance = random.Random(1)
    try:
        wait_for("the target is scraped", lambda: nines.value("flag") == 0, 20)
        for _ in range(args.rounds):
            time.sleep(chance.random())
            before = len(pager.posts)
            flag.value, begin = 1, time.time()
            page = wait_for("a page", lambda: [p for p in pager.posts[before:] if any(a["labels"]["alertname"] == "FlagUp" and a["status"] == "firing" for a in p["body"]["alerts"])], 20, 0.01)[0]
            took.append(page["at"] - begin)
            flag.value = 0
            wait_for("it is resolved", lambda: [p for p in pager.posts[before:] if p["body"]["status"] == "resolved" and p["body"]["alerts"][0]["labels"]["alertname"] == "FlagUp"], 20, 0.05)
    finally:
        nines.kill(signal.SIGTERM)
        target.stop()
        pager.stop()
    return took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rest", type=int, default=60, help="seconds before the weight is taken")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    with tempfile.TemporaryDirectory(prefix="nines-bench-") as folder:
        nines, start = first_page(args.nines, folder)
        try:
            print(f"start to first page, new 1 GiB ring: {start * 1000:.0f} ms")
            nines.kill(signal.SIGKILL)
            begin = time.monotonic()
            nines.start()
            get(nines.url + "/")
            print(f"start to first page after kill -9:   {(time.monotonic() - begin) * 1000:.0f} ms")
            time.sleep(args.rest)
            print(f"resident memory after {args.rest} s at rest, host metrics on: {rss_mib(nines.process.child.pid):.1f} MiB")
        finally:
            nines.kill(signal.SIGTERM)
    with tempfile.TemporaryDirectory(prefix="nines-bench-") as folder:
        took = alerts(args, folder)
        print(f"condition true to webhook, scrape 1 s and evaluation 1 s, {len(took)} rounds: "
              f"median {statistics.median(took) * 1000:.0f} ms, longest {max(took) * 1000:.0f} ms (goal 2200 ms)")


if __name__ == "__main__":
    main()
