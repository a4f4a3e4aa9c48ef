#!/usr/bin/env python3
"""Debian's Prometheus and nines over the same samples: thousands of random queries must be answered alike.

Prometheus scrapes an exporter (and the node exporter) and hands every sample on by remote write, so that both hold the
same samples to the millisecond. Closes with `N passed, N failed, N skipped`.
"""
import argparse
import http.client
import json
import math
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from exporter import Exporter  # noqa: E402
from harness import Nines, Process, free_port, get, say, wait_for  # noqa: E402
from queries import Grammar  # noqa: E402

TOLERANCE = 1e-9
LENGTH = 55  # seconds of samples


class Asker:
    """One kept connection, form bodies."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, path, fields):
        body = urllib.parse.urlencode(fields)
        self.connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def close(a, b):
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or abs(x - y) <= TOLERANCE * max(abs(x), abs(y), 1e-6)


def rows(data):
    """{labels: {time: value}} of any numeric result."""
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return {"": {result[0]: result[1]}}
    out = {}
    for series in result:
        key = json.dumps(series["metric"], sort_keys=True)
        out[key] = dict(map(tuple, series["values"])) if kind == "matrix" else {series["value"][0]: series["value"][1]}
    return out


def same_labels(a, b):
    """count_values() spells a float in a label: the last digits may differ with the order of summation."""
    if a == b:
        return True
    x, y = json.loads(a or "{}"), json.loads(b or "{}")
    if x.keys() != y.keys() or "v" not in x:
        return False
    try:
        return all(close(x[k], y[k]) if k == "v" else x[k] == y[k] for k in x)
    except ValueError:
        return False


def difference(theirs, ours):
    """What differs between two answers, or None."""
    (their_status, their), (our_status, our) = theirs, ours
    if their["status"] != our["status"]:
        return f"{their['status']} {their.get('error', '')} / {our['status']} {our.get('error', '')}"
    if their["status"] == "error":
        if (their_status, their["errorType"]) == (our_status, our["errorType"]):
            return None
        return f"{their_status} {their['errorType']}: {their['error']} / {our_status} {our['errorType']}: {our['error']}"
    if their["data"]["resultType"] != our["data"]["resultType"]:
        return f"{their['data']['resultType']} / {our['data']['resultType']}"
    a, b = alike(rows(their["data"]), rows(our["data"]))
    for key, points in a.items():
        if key not in b:
            return f"{key} is missing"
        other = b.pop(key)
        if points.keys() != other.keys():
            return f"{key}: at {sorted(points.keys() ^ other.keys())[:3]} only one has a value"
        for at, value in points.items():
            if not close(value, other[at]):
                return f"{key} at {at}: {value} / {other[at]}"
    if b:
        return f"{next(iter(b))} is too many"
    return different_counts(their["data"], our["data"])


def different_counts(theirs, ours):
    """Where `stats=all` was asked: how many samples each step looked at must be the same."""
    for name in ("totalQueryableSamplesPerStep", "totalQueryableSamples"):
        a, b = theirs["stats"]["samples"][name], ours["stats"]["samples"][name]
        if a != b:
            return f"{name} {a} / {b}"
    return None


def alike(theirs, ours):
    """Both answers with rows whose labels are the same but for the last digits of a float put together."""
    names = []

    def joined(answer):
        out = {}
        for key, points in answer.items():
            name = key if key in names else next((n for n in names if same_labels(n, key)), None)
            if name is None:
                names.append(name := key)
            into = out.setdefault(name, {})
            for at, value in points.items():
                into[at] = str(float(into[at]) + float(value)) if at in into else value
        return out

    return joined(theirs), joined(ours)


def start_prometheus(folder, targets, write_to):
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w") as f:
        f.write("global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n")
        for job, port in targets:
            f.write(f"  - {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n")
        f.write(f"remote_write:\n  - url: {write_to}/api/v1/write\n    queue_config: {{batch_send_deadline: 500ms}}\n")
    port = free_port()
    return port, Process("prometheus", ["prometheus", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}",
                                        f"--storage.tsdb.path={folder}/tsdb",
                                        "--enable-feature=promql-at-modifier,promql-negative-offset,"
                                        "promql-per-step-stats"], folder)


def quiet_fraction(asker, ended):
    """The part of the second, in ms, that is farthest from every sample's and from zero."""
    _, answer = asker.ask("/api/v1/query", {"query": "timestamp({__name__=~\"up|hits_total\"})", "time": ended})
    taken = {0} | {round(float(r["value"][1]) * 1000) % 1000 for r in answer["data"]["result"]}
    return max(range(1000), key=lambda f: min(min((f - t) % 1000, (t - f) % 1000) for t in taken)) / 1000


def compare(args, their_port, our_port, began, ended):
    """Asks both; returns (passed, failures)."""
    grammar = Grammar(args.seed)
    times = random.Random(args.seed + 1)
    fraction = quiet_fraction(Asker(their_port), ended)
    work = []
    for number in range(args.queries):
        text = grammar.query()
        at = round(times.randint(int(began), int(ended)) + fraction, 3)
        if number % 2:
            start = round(at - times.randint(0, 8), 3)
            work.append((text, "/api/v1/query_range", {"query": text, "start": start, "end": at, "stats": "all",
                                                       "step": times.choice((1, 2, 3, 7))}))
        else:
            work.append((text, "/api/v1/query", {"query": text, "time": at, "stats": "all"}))
    passed, failures, lock, next_one = [0], [], threading.Lock(), iter(work)

    def worker():
        theirs, ours = Asker(their_port), Asker(our_port)
        while True:
            with lock:
                item = next(next_one, None)
            if item is None:
                return
            text, path, fields = item
            wrong = difference(theirs.ask(path, fields), ours.ask(path, fields))
            with lock:
                if wrong:
                    failures.append(f"{path} {fields}: {wrong}")
                else:
                    passed[0] += 1

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return passed[0], failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=int, default=4000)
    args = parser.parse_args()
    if not shutil.which("prometheus"):
        say("skipped: there is no prometheus on this machine")
        say("0 passed, 0 failed, 1 skipped")
        return 0
    folder = tempfile.mkdtemp(prefix="nines-differential-")
    exporter, running = Exporter(), []
    try:
        # Its own host metrics would stand beside those that node_exporter has, and prometheus sent.
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write("[host]\nenabled = false\n")
        nines = Nines(os.path.abspath(args.nines), folder, config)
        running.append(nines)
        targets = [("app", exporter.port)]
        if shutil.which("prometheus-node-exporter"):
            port = free_port()
            running.append(Process("node", ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}"], folder))
            targets.append(("node", port))
        their_port, prometheus = start_prometheus(folder, targets, nines.url)
        running.append(prometheus)
        wait_for("prometheus answers", lambda: "Ready" in get(f"http://127.0.0.1:{their_port}/-/ready", 1), 30)
        began = time.time()
        say(f"seed {args.seed}; {LENGTH} s of samples")
        time.sleep(LENGTH)
        ended = time.time()
        # What was scraped by now must have arrived.
        want = {"query": "count_over_time(hits_total[10m])", "time": ended, "stats": "all"}
        theirs, ours = Asker(their_port), Asker(nines.port)
        wait_for("the same samples on both sides",
                 lambda: difference(theirs.ask("/api/v1/query", want), ours.ask("/api/v1/query", want)) is None, 30)
        passed, failures = compare(args, their_port, nines.port, began + 34, ended - 4)
        for failure in failures[:40]:
            say("FAILED: " + failure)
        say(f"{passed} passed, {len(failures)} failed, 0 skipped")
        return 1 if failures else 0
    finally:
        for process in reversed(running):
            process.kill()
        exporter.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
