#!/usr/bin/env python3
"""Starts the real nines on real targets, lets an incident run through, and walks its page in a browser.

Closes with `N passed, N failed, N skipped`.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error

from harness import TextServer, free_port, get, say, wait_for
from shop import Shop

# What a hostile target, log line or annotation would try. It must stand on the page as text.
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

MORE = """
[[scrape_configs]]
job_name = "hostile"
static_configs = [{{ targets = ["127.0.0.1:{hostile}"] }}]

[[scrape_configs]]
job_name = "billing"
static_configs = [{{ targets = ["127.0.0.1:{closed}"], labels = {{ env = "prod" }} }}]

[[scrape_configs]]
job_name = "search"
metrics_path = "/page"
static_configs = [{{ targets = ["127.0.0.1:{hostile}"] }}]

[[slos]]
name = "shop-answers"
service = "shop"
group_by = ["status"]
max_groups = 1
objectives = [{{ target_percent = 99 }}]
indicator = {{ ratio_metric = {{ bad = 'shop_requests_total{{status=~"5.."}}', total = 'shop_requests_total' }} }}

[[slos]]
name = "shop-whole"
service = "shop"
objectives = [{{ target_percent = 99, display_name = "all of it" }}]
indicator = {{ composite = {{ method = "worst", members = [{{ slo = "shop-availability" }}, {{ slo = "shop-answers" }}] }} }}

[[groups]]
name = "billing"
interval = "1s"
[[groups.rules]]
alert = "BillingDown"
expr = 'up{{job="billing"}} == 0'
for = "2s"
labels = {{ severity = "page", service = "billing" }}
annotations = {{ summary = "billing at {{{{ $labels.instance }}}} refuses connections", runbook_url = "https://example.com/runbooks/billing" }}
[[groups.rules]]
alert = "HostileLabel"
expr = 'hostile_value > 0'
for = "2s"
labels = {{ severity = "ticket" }}
annotations = {{ summary = '{hostile_text}', description = "javascript:window.hacked=1", runbook_url = "javascript:window.hacked=1" }}
[[groups.rules]]
alert = "DiskAlmostFull"
expr = 'min(node_filesystem_avail_bytes{{job="node"}}) < bool 0 == 1'
for = "5m"
labels = {{ severity = "ticket" }}
annotations = {{ summary = "a disk is almost full" }}

[[maintenance]]
name = "weekly-db"
matchers = ['service="db"']
comment = "backups to tape"
starts_at = "2026-01-04 02:00:00"
time_zone = "Europe/Berlin"
duration = "90m"
rrule = "FREQ=WEEKLY;BYDAY=SU"
"""


def hostile_page(request):
    """A scrape target whose label values, metric names' help and bucket bounds are an attack; /page is no metrics at all."""
    if request.path == "/page":
        return "<!doctype html><title>not metrics</title>\n"
    label = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    return (f"# HELP hostile_value {HOSTILE}\n# TYPE hostile_value gauge\n"
            f'hostile_value{{path="{label}"}} 1\nhostile_value{{path="<b>bold</b>"}} 2\n')


class Visitors(threading.Thread):
    """Some visits a second, a few of them answered with 500, until stopped."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ended, self.made = port, threading.Event(), 0
        self.start()

    def run(self):
        while not self.ended.wait(0.2):
            self.made += 1
            path = "broken" if self.made % 25 == 0 else f"cart/{self.made % 7}"
            try:
                get(f"http://127.0.0.1:{self.port}/{path}", 2)
            except (urllib.error.URLError, OSError):
                pass  # a 500, or nginx is down: both are the scenario

    def stop(self):
        self.ended.set()
        self.join(timeout=5)


def incident_runs_through(shop):
    """nginx is killed, somebody is paged, the remediation starts it again, the page is resolved."""
    nines = shop.nines
    wait_for("node_exporter is scraped", lambda: nines.value('up{job="node"}') == 1)
    wait_for("the probe succeeds", lambda: nines.value('probe_success{job="shop"}') == 1)
    wait_for("log lines become a metric", lambda: nines.value("sum(shop_requests_total)") > 20)
    with open(shop.nginx.access_log, "a") as f:
        f.write(f'10.0.0.7 - - [27/Nov/2026:00:00:00 +0000] "GET /{HOSTILE} HTTP/1.1" 404 3 "-" "{HOSTILE}"\n')
    shop.nginx.kill()
    wait_for("the remediation was called", lambda: shop.fixer.posts)
    wait_for("resolved was sent", lambda: shop.pages("resolved"))
    wait_for("the action is verified", lambda: [
        r for r in nines.json("/api/nines/v1/remediations")["runs"] if r["state"] == "verified"], 40)
    wait_for("BillingDown fires", lambda: [
        a for a in nines.alerts() if a["state"] == "firing" and a["labels"]["alertname"] == "BillingDown"])
    wait_for("the ledger has a minute", lambda: nines.json("/api/nines/v1/slos/shop-availability")["valid"] > 0, 100, 0.5)


def walk(args, folder):
    hostile = TextServer(hostile_page)
    shop = Shop(args, folder, MORE.format(hostile=hostile.port, closed=free_port(), hostile_text=HOSTILE))
    visitors = Visitors(shop.nginx.port)
    try:
        start = time.monotonic()
        incident_runs_through(shop)
        say(f"an incident ran through within {time.monotonic() - start:.0f} s; the page is at {shop.nines.url}")
        os.makedirs(args.shots, exist_ok=True)
        command = ["node", "tests/browser/run.mjs", "--base", shop.nines.url, "--shots", os.path.abspath(args.shots), "--incident"]
        code = subprocess.call(command + (["--only", args.only] if args.only else []))
        if args.keep:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # sigwait takes only what is held back
            signal.sigwait({signal.SIGTERM, signal.SIGINT})
        return code
    except AssertionError:
        print(shop.nines.process.output()[-4000:])
        raise
    finally:
        visitors.stop()
        shop.stop()
        hostile.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--shots", default="build/tests/shots")
    parser.add_argument("--only", help='pattern of "page language theme width"')
    parser.add_argument("--keep", action="store_true", help="leave everything running until SIGTERM")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    folder = tempfile.mkdtemp(prefix="nines-browser-")
    try:
        code = walk(args, folder)
    except AssertionError as error:
        print(f"FAIL  the scenario: {error}\n0 passed, 1 failed, 0 skipped")
        code = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
