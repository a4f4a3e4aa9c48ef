#!/usr/bin/env python3
"""What many SLOs cost a running nines: scrapes of their series, the ledger, the exported series, and their alerting rules.

    python3 tests/bench/slo_server.py --nines build/release/nines [--slos 1000] [--warm 3] [--minutes 3]

One target has three counters a service (codes 200, 404, 500), scraped every 15 s; each service has an SLO with the four rows of the
default table, and one request in 9,000 fails: nothing fires. Beside it the same without SLOs; the difference is theirs. Goal: 1,000 SLOs below 1 % of a core, their memory apart.
"""
import argparse
import os
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Nines, TextServer, rss_mib  # noqa: E402

CONFIG = """
[storage]
budget = "512MiB"
[host]
enabled = false
[builtin]
rules = false
slo = false
self = false
[[scrape_configs]]
job_name = "services"
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]
"""
SLO = """
[[slos]]
name = "service-{i}"
service = "service-{i}"
objectives = [{{ target_percent = 99 }}]
indicator = {{ ratio_metric = {{ good = 'requests_total{{service="{i}",code!="500"}}', total = 'requests_total{{service="{i}"}}' }} }}
"""


class Services:
    def __init__(self, count):
        self.random = random.Random(1)
        self.counters = {(i, code): 0 for i in range(count) for code in ("200", "404", "500")}

    def page(self, _request):
        for key in self.counters:
            self.counters[key] += self.random.randint(0, 9) if key[1] != "500" else self.random.random() < 0.001
        lines = [f'requests_total{{service="{i}",code="{code}"}} {value}\n' for (i, code), value in self.counters.items()]
        return "# TYPE requests_total counter\n" + "".join(lines)


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--slos", type=int, default=1000)
    parser.add_argument("--warm", type=float, default=3, help="minutes before anything is counted")
    parser.add_argument("--minutes", type=float, default=3)
    args = parser.parse_args()
    servers, running = [], {}
    with tempfile.TemporaryDirectory(prefix="nines-slos-") as folder:
        try:
            for name, slos in (("with", args.slos), ("without", 0)):
                place = os.path.join(folder, name)
                os.mkdir(place)
                servers.append(TextServer(Services(args.slos).page))
                path = os.path.join(place, "nines.toml")
                with open(path, "w") as f:
                    f.write(CONFIG.format(port=servers[-1].port) + "".join(SLO.format(i=i) for i in range(slos)))
                running[name] = Nines(args.nines, place, path)
            pids = {name: nines.process.child.pid for name, nines in running.items()}
            time.sleep(args.warm * 60)
            before, begin = {name: cpu(pid) for name, pid in pids.items()}, time.monotonic()
            time.sleep(args.minutes * 60)
            took = time.monotonic() - begin
            used = {name: cpu(pid) - before[name] for name, pid in pids.items()}
            for name in running:
                print(f"{name:8} SLOs: {60 * used[name] / took:7.3f} s of CPU a minute, {100 * used[name] / took:5.2f} % of a core, {rss_mib(pids[name]):6.0f} MiB")
            more = used["with"] - used["without"]
            print(f"{args.slos} SLOs: {60 * more / took:.3f} s of CPU a minute, {100 * more / took:.2f} % of a core")
        finally:
            for nines in running.values():
                nines.process.kill(signal.SIGTERM)
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
