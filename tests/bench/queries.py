#!/usr/bin/env python3
"""Median latency of a fixed list of queries on nines, Debian's Prometheus and VictoriaMetrics, which hold the same data.

    tests/bench/queries.py --nines build/release/nines [--peers build/peers] [--folder DIR] [--rounds N] [--cold]
                           [--only nines,prometheus,victoria-metrics] [--kinds RE] [--wide-series N] [--interval S] [--json FILE]

Starts the servers on loopback, writes the sets of query_data.py to all of them by remote write, asks each query in turns,
and prints a row a query: its median on each server in ms and how many times nines is faster. With --folder what was
written is kept, and used again by the next run. With --cold each server is started anew before a query, with none of its
files in the page cache, and asked once. Answers with different numbers of values are marked.
Nines answers queries at niceness 10; the others are started at it, so that on a busy machine all get the same share. CPU is
what the server's threads used for one answer, which a busy machine changes less than the time.
"""
import argparse
import http.client
import importlib.machinery
import json
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
from harness import Process, free_port, get, rss_mib, say, wait_for  # noqa: E402
import query_data  # noqa: E402
from alert_set import RULES  # noqa: E402

unpack = importlib.machinery.SourceFileLoader("peers", os.path.join(HERE, "peers")).load_module().unpack

H = 3600
CPU = 'node_cpu_seconds_total{job="node"}'
QUERIES = [  # (name, expression, seconds of range (0: instant), step)
    ("24 h, 1,000 series: rate", f"rate({CPU}[5m])", 24 * H, 300),
    ("24 h, 1,000 series: sum of rate", f"sum(rate({CPU}[5m]))", 24 * H, 300),
    ("24 h, 1,000 series: rate by instance", f"sum by (instance) (rate({CPU}[5m]))", 24 * H, 300),
    ("24 h, 1,000 series: sum of rate, 1 min", f"sum by (mode) (rate({CPU}[5m]))", 24 * H, 60),
    ("24 h, 1,000 series: max_over_time", f"max by (mode) (max_over_time({CPU}[10m]))", 24 * H, 300),
    ("24 h, 1,000 series: avg_over_time", f"avg by (mode) (avg_over_time({CPU}[10m]))", 24 * H, 300),
    ("24 h, 1,000 series: quantile_over_time", f"max(quantile_over_time(0.9, {CPU}[10m]))", 24 * H, 300),
    ("24 h, 1,000 series: topk", f"topk(5, {CPU})", 24 * H, 300),
    ("24 h, 1,000 series: ratio", f'sum by (instance) (rate({CPU}[5m])) / on (instance) up{{job="node"}}', 24 * H, 300),
    ("1 h, 1,000 series: raw", CPU, H, 60),
    ("1 h, 1,000 series: rate", f"rate({CPU}[5m])", H, 60),
    ("1 h, 1,000 series: subquery", f"max_over_time(sum(rate({CPU}[5m]))[30m:1m])", H, 60),
    ("24 h, one series", f'rate({CPU[:-1]}, instance="h007", mode="user"}}[5m])', 24 * H, 60),
    ("1 h, 100,000 series: sum of rate", "sum(rate(http_requests_total[5m]))", H, 60),
    ("1 h, 100,000 series: rate by path", "sum by (path) (rate(http_requests_total[5m]))", H, 60),
    ("1 h, 100,000 series: topk", "topk(5, rate(http_requests_total[5m]))", H, 60),
    ("1 h, 10,000 buckets: histogram_quantile", "histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))", H, 60),
    ("1 h, 10,000 buckets: by instance", "histogram_quantile(0.99, sum by (le, instance) (rate(request_seconds_bucket[5m])))", H, 60),
    ("instant, 1,000 series", CPU, 0, 0),
    ("instant, sum of rate", f"sum(rate({CPU}[5m]))", 0, 0),
    ("instant, quiet alert", f"rate({CPU}[5m]) > 1e15", 0, 0),
    ("instant, absent", "absent(no_such_metric)", 0, 0),
    ("instant, 100,000 series: sum of rate", "sum(rate(http_requests_total[5m]))", 0, 0),
    ("instant, 100,000 series: topk", "topk(5, http_requests_total)", 0, 0),
    ("instant, regex over all series", 'count({__name__=~"http_req.*"})', 0, 0),
    ("instant, every series", 'count({__name__=~".+"})', 0, 0),
    ("instant, regex of two labels", 'sum by (code) (http_requests_total{instance=~"w0.[37].*",path=~"/v1/1?[0-5]"})', 0, 0),
]


class Server:
    def __init__(self, name, folder, argv, port, write):
        argv = argv if name == "nines" else ["nice", "-n", "10", *argv]
        self.name, self.folder, self.url, self.write = name, folder, f"http://127.0.0.1:{port}", write
        self.process = Process(name, argv, os.path.dirname(folder))
        self.begin()

    def begin(self):
        wait_for(self.name + " answers", lambda: self.ask("vector(1)", time.time(), 0, 0)[1], 120, 0.05)

    def connect(self):
        parts = urllib.parse.urlsplit(self.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)

    def ask(self, expr, at, seconds, step, known=None):
        """(milliseconds, number of values or None when refused). `known`: that number, found before; then the text is not read."""
        fields = {"query": expr, "nocache": "1"}
        fields.update({"start": at - seconds, "end": at, "step": step} if seconds else {"time": at})
        if not hasattr(self, "connection"):
            self.connect()
        began = time.perf_counter()
        try:
            self.connection.request("POST", "/api/v1/query_range" if seconds else "/api/v1/query", urllib.parse.urlencode(fields),
                                    {"Content-Type": "application/x-www-form-urlencoded"})
            text = self.connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            self.connect()
            raise
        took = (time.perf_counter() - began) * 1000  # without the time this script reads JSON
        if known is not None and text.startswith(b'{"status":"success"'):
            return took, known
        try:
            answer = json.loads(text)
        except ValueError:
            return took, None
        if answer.get("status") != "success":
            return took, None
        result = answer["data"]["result"]
        return took, sum(len(r.get("values", [0])) for r in result if isinstance(r, dict)) if isinstance(result, list) else 1

    def cpu_ms(self):
        total = 0
        for task in os.listdir(f"/proc/{self.process.child.pid}/task"):
            try:
                with open(f"/proc/{self.process.child.pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
            except OSError:  # the thread has just ended
                pass
        return total / 1e6

    def start_cold(self):
        self.process.kill(signal.SIGTERM)
        for place, _, names in os.walk(self.folder):
            for name in names:
                file = os.open(os.path.join(place, name), os.O_RDONLY)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)
        self.process.start()
        self.connect()
        self.begin()


def make(name, args, folder, peers):
    port, data = free_port(), os.path.join(folder, name)
    listen = f"127.0.0.1:{port}"
    config = os.path.join(folder, name + (".toml" if name == "nines" else ".yml"))
    with open(config, "w") as f:
        if name == "nines":
            f.write(f'[storage]\nbudget = "{args.budget}"\nmax_series_per_metric = {max(500_000, 2 * args.wide_series)}\n')
            f.write(f"[remote_write_receiver]\nmax_groups = {max(10_000, args.wide_series // 50)}\n")
            f.write("[host]\nenabled = false\n[builtin]\nself = false\nrules = false\nslo = false\n")
        else:
            f.write("global: {scrape_interval: 1h}\n")
    if name == "nines":
        return Server(name, data, [args.nines, "serve", "--data", data, "--listen", listen, "--config", config], port, "/api/v1/write")
    if name == "prometheus":
        return Server(name, data, [peers[name], "--config.file", config, "--storage.tsdb.path", data, "--web.listen-address", listen,
                                   "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=10y"], port, "/api/v1/write")
    return Server(name, data, [peers[name], f"-storageDataPath={data}", f"-httpListenAddr={listen}", "-retentionPeriod=100y",
                               "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=3000000"], port, "/api/v1/write")


def fill(servers, folder, args):
    """The instant at which the data ends; written now unless the folder has it."""
    note = os.path.join(folder, "written.json")
    if os.path.exists(note):
        with open(note) as f:
            return json.load(f)["end"]
    end = int(time.time()) // 60 * 60 * 1000
    began = time.monotonic()
    written = query_data.write([s.url + s.write for s in servers], end, int(args.interval * 1000), args.wide_series, say)
    say(f"written in {time.monotonic() - began:.0f} s: " + ", ".join(f"{name} {n:,}" for name, n in written.items()))
    for server in servers:
        if server.name == "victoria-metrics":
            get(server.url + "/internal/force_flush", 600)
    with open(note, "w") as f:
        json.dump({"end": end / 1000, "samples": written}, f)
    return end / 1000


def measure(servers, expr, at, seconds, step, args):
    """Per server (median ms, values, CPU ms). They take turns, so that what else runs on the machine hits all alike."""
    times, sizes, cpu = {s.name: [] for s in servers}, {}, {s.name: 0.0 for s in servers}
    for turn in range(1 if args.cold else args.rounds + 1):
        for server in servers:
            if args.cold:
                server.start_cold()
            before = server.cpu_ms()
            took, sizes[server.name] = server.ask(expr, at, seconds, step, sizes.get(server.name))
            if turn > 0 or args.cold:
                cpu[server.name] += server.cpu_ms() - before
            if turn > 0 or args.cold:  # the first one warms up
                times[server.name].append(took)
    return {name: (statistics.median(each), sizes[name], cpu[name] / len(each)) for name, each in times.items()}


def row(name, found):
    line = f"{name:42}" + "".join(f"{took:11.2f}" if size is not None else f"{'refused':>11}" for took, size, _ in found.values())
    line += " |" + "".join(f"{cpu:11.2f}" for *_, cpu in found.values()) + " |"
    ours, our_size, our_cpu = found.get("nines", (None, None, None))
    for server, (took, size, cpu) in found.items():
        if server != "nines" and ours is not None:
            usable = size is not None and our_size is not None
            line += f"{took / ours:7.1f}{cpu / our_cpu:7.1f}{' ' if size == our_size else '!'}" if usable else f"{'-':>14} "
    return line


def say_rate(rows, args):
    """How many samples rate() takes in a second of CPU, from page to answer."""
    found = rows.get("24 h, 1,000 series: sum of rate", {})
    samples = 1000 * 24 * H / args.interval
    if found:
        say("rate(), M samples per CPU second: " + ", ".join(f"{name} {samples / cpu / 1000:.0f}" for name, (_, _, cpu) in found.items()))


def say_medians(kind, rows, names):
    for server in names:
        pairs = [(r[server], r["nines"]) for r in rows.values() if "nines" in r and None not in (r[server][1], r["nines"][1])]
        if server != "nines" and pairs:
            say(f"median of the ratios to {server}, {kind} queries ({len(pairs)}): {statistics.median(a[0] / b[0] for a, b in pairs):.1f} in time, "
                f"{statistics.median(a[2] / b[2] for a, b in pairs):.1f} in CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nines", default="build/release/nines")
    parser.add_argument("--peers", default=os.path.join(HERE, "..", "..", "build", "peers"), help="where Debian's packages are unpacked")
    parser.add_argument("--folder", help="of the servers' data; kept")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--only", default="nines,prometheus,victoria-metrics")
    parser.add_argument("--kinds", default="", help="only queries whose names match")
    parser.add_argument("--wide-series", type=int, default=100_000)
    parser.add_argument("--interval", type=float, default=15)
    parser.add_argument("--budget", default="2GiB", help="of nines")
    parser.add_argument("--json")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    names = args.only.split(",")
    peers = unpack(os.path.abspath(args.peers)) if names != ["nines"] else {}
    folder = os.path.abspath(args.folder) if args.folder else tempfile.mkdtemp(prefix="nines-queries-")
    os.makedirs(folder, exist_ok=True)
    servers = []
    try:
        servers = [make(name, args, folder, peers) for name in names]
        at = fill(servers, folder, args)
        for server in servers:
            server.connect()  # an idle one was closed while the others were written to
        short = [name.split("-")[0][:10] for name in names]
        say(f"{'':42}{'median, ms':>{11 * len(names)}} |{'CPU, ms':>{11 * len(names)}} | times less, time and CPU")
        say(" " * 42 + "".join(f"{n:>11}" for n in short) + " |" + "".join(f"{n:>11}" for n in short) + " |"
            + "".join(f"{n:>14} " for n in short if n != "nines"))
        rows = {}
        for name, expr, seconds, step in QUERIES:
            if re.search(args.kinds, name):
                rows[name] = measure(servers, expr, at, seconds, step, args)
                say(row(name, rows[name]))
        rules = {}
        if re.search(args.kinds, f"rules: {len(RULES)} instant queries") and not args.cold:
            for name, expr in RULES:
                rules[name] = measure(servers, expr, at, 0, 0, args)
                sizes = {n: size for n, (_, size, _) in rules[name].items()}
                if len(set(sizes.values())) > 1:
                    say(f"  differs: {name}: {sizes}")
            total = {n: (sum(each[n][0] for each in rules.values()), len(rules), sum(each[n][2] for each in rules.values()))
                     for n in names}
            rows[f"rules: {len(RULES)} instant queries"] = total
            say(row(f"rules: {len(RULES)} instant queries", total))
        say_rate(rows, args)
        for kind, of_kind in (("range", {n for n, _, seconds, _ in QUERIES if seconds}), ("instant", {n for n, _, seconds, _ in QUERIES if not seconds}),
                              ("all", set(rows))):
            say_medians(kind, {n: r for n, r in rows.items() if n in of_kind}, names)
        say("RSS, MiB: " + ", ".join(f"{s.name} {rss_mib(s.process.child.pid):.0f}" for s in servers) + "; ! = answers of different size")
        if args.json:
            with open(args.json, "w") as f:
                json.dump({"cold": args.cold, "rounds": args.rounds, "queries": rows, "rules": rules}, f, indent=1)
        return 0
    finally:
        for server in servers:
            server.process.kill(signal.SIGTERM)
        if not args.folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
