#!/usr/bin/env python3
"""1,000 rules over 1,000 hosts: what one round of evaluation costs, beside Debian's Prometheus and vmalert.

    python3 tests/bench/rule_evaluation.py --nines build/release/nines [--only nines,prometheus,vmalert] [--seconds 90]

One server after the other, each alone on the machine, with the same rules (Prometheus's file, read by all three as it is)
and the same samples by remote write: seven minutes of history, then a sample of each series every 15 s. Reported per round:
the time the groups took, summed, as the servers count it themselves, and the processor time of all processes of a server
between its first and last counted round, writes included. vmalert asks victoria-metrics over HTTP.
"""
import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
from harness import Nines, Process, free_port, get, say, wait_for  # noqa: E402
from query_data import Sender, Series, message, snappy, varint  # noqa: E402

HOSTS, GROUPS, PER_GROUP, STEP = 1000, 10, 100, 15
KINDS = (("host_busy_percent", "gauge", 50), ("host_load1", "gauge", 2), ("host_memory_available_bytes", "gauge", 4e9),
         ("host_memory_total_bytes", "constant", 1.6e10), ("host_requests_total", "counter", 30), ("host_errors_total", "counter", 1),
         ("host_bytes_total", "counter", 9000), ("host_disk_free_ratio", "gauge", 0.5), ("host_up", "constant", 1),
         ("host_temperature_celsius", "gauge", 45))


def expression(n):
    """Of every ten rules: five thresholds, two rates, an average, a ratio of two metrics, a recorded sum. One in a hundred fires, on ten hosts."""
    limit = 1 + n / 1e5
    kind = n % 10
    if n % 100 == 0:
        return f'host_busy_percent{{job="node",host=~"h000."}} > {40 * limit}'
    if kind < 5:
        name, least = (("host_busy_percent", 95), ("host_load1", 20), ("host_temperature_celsius", 90), ("host_disk_free_ratio", 2),
                       ("host_up", 2))[kind]
        return f'{name}{{job="node"}} > {least * limit}'
    if kind < 7:
        return f'rate({("host_requests_total", "host_errors_total")[kind - 5]}{{job="node"}}[5m]) > {1e6 * limit}'
    if kind == 7:
        return f'avg_over_time(host_load1{{job="node"}}[5m]) > {20 * limit}'
    if kind == 8:
        return f'host_memory_available_bytes{{job="node"}} / host_memory_total_bytes{{job="node"}} < {0.01 / limit}'
    return 'sum by (zone) (rate(host_bytes_total{job="node"}[5m]))'


def rules_yaml():
    lines = ["groups:"]
    for group in range(GROUPS):
        lines += [f"- name: g{group}", f"  interval: {STEP}s", "  rules:"]
        for i in range(PER_GROUP):
            n = group * PER_GROUP + i
            if n % 10 == 9:
                lines += [f"  - record: zone:bytes:rate5m_{n}", f"    expr: '{expression(n)}'"]
            else:
                lines += [f"  - alert: Rule{n}", f"    expr: '{expression(n)}'", "    for: 1m", "    labels: {severity: page}",
                          "    annotations: {summary: '{{ $labels.host }} is at {{ $value }}'}"]
    return "\n".join(lines) + "\n"


class Fleet:
    def __init__(self):
        self.series = [Series(name, {"job": "node", "host": f"h{h:04}", "zone": f"z{h % 8}"}, kind, base, h)
                       for h in range(HOSTS) for name, kind, base in KINDS]

    def send(self, sender, at, count=1):
        times = [b"\x10" + varint(int((at + i * STEP) * 1000)) for i in range(count)]
        for begin in range(0, len(self.series), 2000):
            sender.send(snappy(b"".join(message(one.labels, times, one.values(count)) for one in self.series[begin:begin + 2000])))


def cpu_seconds(processes):
    total = 0
    for process in processes:
        with open(f"/proc/{process.child.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def rss(processes):
    total = 0
    for process in processes:
        with open(f"/proc/{process.child.pid}/status") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
    return total / 1024


def samples(text, name):
    """{labels: value} of a metric in a text exposition."""
    return {m[1] or "": float(m[2]) for m in re.finditer(rf"^{name}(\{{[^}}]*\}})? (\S+)$", text, re.M)}


class Server:
    """rounds(): evaluations of rules, in thousands; took(): seconds that groups took, all together."""

    def close(self):
        for process in reversed(self.processes):
            process.kill(signal.SIGKILL)

    def metrics(self):
        return get(self.metrics_url + "/metrics", 30)

    def took(self):
        return sum(samples(self.metrics(), self.duration + "_sum").values())

    def rounds(self):
        return sum(samples(self.metrics(), "prometheus_rule_evaluations_total").values()) / (GROUPS * PER_GROUP)


class OwnServer(Server):
    duration = "prometheus_rule_group_duration_seconds"

    def __init__(self, binary, folder, rules):
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write(f'rule_files = ["{rules}"]\n[storage]\nbudget = "1GiB"\n[builtin]\nrules = false\nslo = false\nself = false\n[host]\nenabled = false\n')
        self.nines = Nines(binary, folder, config)
        self.processes, self.url, self.metrics_url = [self.nines.process], self.nines.url + "/api/v1/write", self.nines.url
        # Writing the fresh folder once, ahead, is no part of a round.
        self.filled = 0
        wait_for("the folder is filled", self.settled, 600, 1)

    def settled(self):
        before, self.filled = self.filled, self.nines.json("/api/nines/v1/overview")["storage"]["zero_filled_bytes"]
        return self.filled > 0 and self.filled == before


class PrometheusServer(Server):
    duration = "prometheus_rule_group_duration_seconds"

    def __init__(self, _, folder, rules):
        port = free_port()
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as f:
            f.write(f"global: {{evaluation_interval: {STEP}s}}\nrule_files: ['{rules}']\n")
        self.metrics_url = f"http://127.0.0.1:{port}"
        self.url = self.metrics_url + "/api/v1/write"
        self.processes = [Process("prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", "--web.enable-remote-write-receiver",
                                                 f"--web.listen-address=127.0.0.1:{port}"], folder)]
        wait_for("Prometheus answers", lambda: get(self.metrics_url + "/-/ready", 1), 60)


class VmServer(Server):
    duration = "vmalert_iteration_duration_seconds"

    def __init__(self, _, folder, rules):
        store, alert = free_port(), free_port()
        base = f"http://127.0.0.1:{store}"
        self.metrics_url, self.url = f"http://127.0.0.1:{alert}", base + "/api/v1/write"
        self.processes = [Process("victoria-metrics", ["victoria-metrics", f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{store}",
                                                       "-retentionPeriod=1", "-search.latencyOffset=0s"], folder)]
        wait_for("victoria-metrics answers", lambda: get(base + "/health", 1), 60)
        self.processes.append(Process("vmalert", ["vmalert", f"-rule={rules}", f"-datasource.url={base}", f"-remoteWrite.url={base}", "-notifier.url=http://127.0.0.1:9",
                                                  f"-httpListenAddr=127.0.0.1:{alert}", f"-evaluationInterval={STEP}s"], folder))
        wait_for("vmalert answers", lambda: get(self.metrics_url + "/health", 1), 60)

    def rounds(self):
        return sum(samples(self.metrics(), self.duration + "_count").values()) / GROUPS


SERVERS = {"nines": OwnServer, "prometheus": PrometheusServer, "vmalert": VmServer}


def measure(name, args):
    with tempfile.TemporaryDirectory(prefix="nines-bench-") as folder:
        rules = os.path.join(folder, "rules.yml")
        with open(rules, "w") as f:
            f.write(rules_yaml())
        server, fleet = SERVERS[name](args.nines, folder, rules), Fleet()
        try:
            sender = Sender(server.url)
            now = int(time.time())
            fleet.send(sender, now - 28 * STEP, 28)
            due, first, end = now, None, now + 30 + args.seconds
            while time.time() < end:
                fleet.send(sender, due)
                due += STEP
                time.sleep(max(0.0, due - time.time()))
                # Something over a round to warm up.
                if first is None and server.rounds() >= 1.5:
                    first = server.rounds(), server.took(), cpu_seconds(server.processes), time.time()
            if first is None or server.rounds() < first[0] + 1:
                return None  # too slow for this long a look
            rounds = server.rounds() - first[0]
            took, cpu = server.took() - first[1], cpu_seconds(server.processes) - first[2]
            return {"rounds": rounds, "ms": took / rounds * 1000, "cpu_ms": cpu / rounds * 1000, "rss": rss(server.processes)}
        finally:
            server.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--only", default="nines,prometheus,vmalert")
    parser.add_argument("--seconds", type=int, default=90)
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    random.seed(1)
    figures = {}
    for name in args.only.split(","):
        if name != "nines" and not shutil.which(name):
            say(f"{name}: not installed")
            continue
        one = measure(name, args)
        if one is None:
            say(f"{name}: not a whole round in {args.seconds} s; give --seconds more")
            continue
        figures[name] = one
        say(f"{name}: {one['rounds']:.1f} rounds of 1,000 rules over 1,000 hosts: {one['ms']:.0f} ms of evaluation, "
            f"{one['cpu_ms']:.0f} ms of processor a round, {one['rss']:.0f} MiB")
    if "nines" in figures:
        for name, one in figures.items():
            if name != "nines":
                say(f"nines / {name}: evaluation 1/{one['ms'] / figures['nines']['ms']:.1f}, processor 1/{one['cpu_ms'] / figures['nines']['cpu_ms']:.1f}")


if __name__ == "__main__":
    main()
