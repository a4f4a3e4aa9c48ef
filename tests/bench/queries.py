#!/usr/bin/env python3
"""Median latency of a fixed list of queries against servers that hold the same data.

    tests/bench/queries.py --nines URL [--prometheus URL] [--victoria URL] [--at UNIX] [--rounds N] [--metric NAME]
                           [--histogram NAME]

Prints one row a query: its median on each server, in ms, and how many times nines is faster. A query that a server
refuses is shown as `error`; answers of different size are marked, because a fast wrong answer is no answer.
"""
import argparse
import http.client
import json
import statistics
import sys
import time
import urllib.parse

HOUR = 3600


def queries(metric, histogram):
    """(name, expression, seconds of range (0: instant), step)."""
    return [
        ("instant, one metric", metric, 0, 0),
        ("instant, rate", f"sum(rate({metric}[5m]))", 0, 0),
        ("instant, alert that is quiet", f"rate({metric}[5m]) > 1e15", 0, 0),
        ("instant, absent", "absent(no_such_metric)", 0, 0),
        ("range 1 h, raw", metric, HOUR, 60),
        ("range 1 h, rate", f"rate({metric}[5m])", HOUR, 60),
        ("range 24 h, sum of rate", f"sum(rate({metric}[5m]))", 24 * HOUR, 300),
        ("range 24 h, rate by instance", f"sum by (instance) (rate({metric}[5m]))", 24 * HOUR, 300),
        ("range 1 h, max_over_time", f"max_over_time({metric}[10m])", HOUR, 60),
        ("range 1 h, quantile_over_time", f"quantile_over_time(0.9, {metric}[10m])", HOUR, 60),
        ("range 1 h, topk", f"topk(10, {metric})", HOUR, 60),
        ("range 1 h, regex", f'count({{__name__=~"{metric[:4]}.*"}})', HOUR, 60),
        ("range 1 h, ratio", f"{metric} / on (instance, job) group_left () up", HOUR, 60),
        ("range 1 h, subquery", f"max_over_time(sum(rate({metric}[5m]))[30m:1m])", HOUR, 60),
        ("range 1 h, histogram_quantile", f"histogram_quantile(0.99, sum by (le) (rate({histogram}[5m])))", HOUR, 60),
    ]


class Server:
    def __init__(self, name, url):
        self.name = name
        parts = urllib.parse.urlsplit(url)
        self.base = parts.path.rstrip("/")
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=120)

    def ask(self, expr, at, seconds, step):
        """(milliseconds, number of values or None)."""
        fields = {"query": expr, "nocache": "1"}
        if seconds:
            fields.update(start=at - seconds, end=at, step=step)
        else:
            fields["time"] = at
        body = urllib.parse.urlencode(fields)
        path = "/api/v1/query_range" if seconds else "/api/v1/query"
        began = time.perf_counter()
        self.connection.request("POST", self.base + path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        text = self.connection.getresponse().read()
        took = (time.perf_counter() - began) * 1000  # without the time this script reads JSON
        answer = json.loads(text)
        if answer["status"] != "success":
            return took, None
        result = answer["data"]["result"]
        return took, sum(len(r.get("values", [0])) for r in result if isinstance(r, dict))


def measure(server, expr, at, seconds, step, rounds):
    times, size = [], None
    for _ in range(rounds):
        took, size = server.ask(expr, at, seconds, step)
        times.append(took)
    return statistics.median(times), size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--prometheus")
    parser.add_argument("--victoria")
    parser.add_argument("--at", type=float, default=time.time() - 5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--metric", default="node_cpu_seconds_total")
    parser.add_argument("--histogram", default="prometheus_http_request_duration_seconds_bucket")
    args = parser.parse_args()
    servers = [Server(name, url) for name, url in
               (("nines", args.nines), ("prometheus", args.prometheus), ("victoria", args.victoria)) if url]
    print(f"{'query':34}" + "".join(f"{s.name + ' ms':>16}" for s in servers) + "".join(f"{'x ' + s.name:>14}" for s in servers[1:]))
    ratios = {s.name: [] for s in servers[1:]}
    for name, expr, seconds, step in queries(args.metric, args.histogram):
        found = [measure(s, expr, args.at, seconds, step, args.rounds) for s in servers]
        row = f"{name:34}"
        for took, size in found:
            row += f"{took:16.2f}" if size is not None else f"{'error':>16}"
        ours, our_size = found[0]
        for server, (took, size) in zip(servers[1:], found[1:]):
            if size is None or our_size is None:
                row += f"{'-':>14}"
                continue
            ratios[server.name].append(took / ours)
            row += f"{took / ours:13.2f}{' ' if size == our_size else '!'}"
        print(row, flush=True)
    for name, each in ratios.items():
        if each:
            print(f"median of the ratios to {name}: {statistics.median(each):.2f}")
    print("! = the answers have different numbers of values")
    return 0


if __name__ == "__main__":
    sys.exit(main())
