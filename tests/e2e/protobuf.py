"""The protobuf exposition: Debian's prometheus beside nines, as a target and as a reader of the same target."""
import http.server
import json
import math
import os
import re
import shutil
import signal
import threading
import time
import urllib.parse
import urllib.request

import protobuf_page as page
from harness import Nines, Process, Skipped, free_port, get, wait_for

KIND = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
INF = math.inf


def body():
    """Every type, and native histograms of each make."""
    by_path = {"path": "/pay", "zone": "a\"b\\c"}
    out = page.family("t_requests_total", page.COUNTER, [
        page.metric(page.counter(17, page.exemplar({"trace_id": "k"}, 0.5, 1.7e9), created=1.69e9), by_path),
        page.metric(page.counter(1e15), {"path": "/"})], "Requests.")
    out += page.family("t_depth", page.GAUGE, [page.metric(page.gauge(-2.25))])
    out += page.family("t_any", page.UNTYPED, [page.metric(page.untyped(INF))])
    out += page.family("t_took", page.SUMMARY, [page.metric(page.summary(9, 4.5, [(0.5, 0.25), (0.99, 3)]))], unit="seconds")
    out += page.family("t_classic", page.HISTOGRAM, [
        page.metric(page.histogram(8, 12.5, [(0.5, 2), (1, 5), (2.5, 7)]), {"path": path}) for path in ("/pay", "/")])
    out += page.family("t_native", page.HISTOGRAM, [
        page.metric(page.histogram(11, 7.5, (), 1, (0.001, 2), ([(1, 2), (2, 1)], [1, 0, 2]), ([(-1, 1)], [4])), {"kind": "whole"}),
        page.metric(page.histogram(380, 1e3, (), 3, (1e-9, 0), ([(-20, 8), (5, 4), (1, 3)], [30, -10, 5, 0, 0, -5, 10, -10, 5, 5, -20, 20, -5, 10, -5])),
                    {"kind": "wide"}),
        page.metric(page.histogram(3, 9, (), 0, (0.5, 3)), {"kind": "zero"})])
    out += page.family("t_float", page.HISTOGRAM, [
        page.metric(page.histogram(4.5, 2.25, (), 0, (0.125, 0.5), ([(0, 2)], [1.5, 2.5]), floats=True))])
    out += page.family("t_gauge", page.GAUGE_HISTOGRAM, [
        page.metric(page.histogram(5, -2.5, (), 2, (0, 0), ([(0, 2)], [2, -1]), ([(3, 1)], [2])))])
    return out


class Exporter:
    def __init__(self):
        outer = self
        self.accepted, self.body = [], body()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.accepted.append(self.headers.get("Accept", ""))
                self.send_response(200)
                self.send_header("Content-Type", KIND)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Prometheus:
    def __init__(self, folder, targets):
        binary = shutil.which("prometheus")
        if not binary:
            raise Skipped("no prometheus: apt-get install prometheus")
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as f:
            f.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n")
            for job, port in targets.items():
                f.write(f"- {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process("prometheus", [
            binary, f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", "--enable-feature=native-histograms",
            f"--web.listen-address=127.0.0.1:{self.port}"], folder)
        wait_for("prometheus answers", lambda: "Ready" in get(self.url + "/-/ready", 1), 60)

    def query(self, expr):
        return json.loads(get(self.url + "/api/v1/query?" + urllib.parse.urlencode({"query": expr})))["data"]["result"]


def plain(label, value):
    """A bound as a number: Prometheus 2 writes le="1", OpenMetrics and protobuf have 1.0."""
    return str(float(value)) if label in ("le", "quantile") else value


def keyed(result):
    """By labels without the job; numbers as floats, histograms whole."""
    out = {}
    for one in result:
        labels = tuple(sorted((k, plain(k, v)) for k, v in one["metric"].items() if k != "job"))
        assert labels not in out, labels
        if "histogram" in one:
            h = one["histogram"][1]
            out[labels] = (float(h["count"]), float(h["sum"]), [[b[0], *(float(x) for x in b[1:])] for b in h.get("buckets", [])])
        else:
            out[labels] = float(one["value"][1])
    return out


def same(a, b):
    """Equal to the last bits, in which Prometheus's table of bounds is not always the nearest double."""
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-14 * abs(b)


def differences(ours, theirs):
    out = [f"{labels}: {ours.get(labels)} here, {theirs.get(labels)} there" for labels in sorted(set(ours) | set(theirs))
           if labels not in ours or labels not in theirs or not same(ours[labels], theirs[labels])]
    return out


def protobuf_as_prometheus_reads_it(args, folder):
    """A page of every metric type in protobuf: nines stores what Debian's prometheus stores."""
    exporter = Exporter()
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[storage]
budget = "64MiB"
[global]
scrape_interval = "1s"
scrape_timeout = "1s"
scrape_native_histograms = true
[[scrape_configs]]
job_name = "t"
static_configs = [{{ targets = ["127.0.0.1:{exporter.port}"] }}]
[[scrape_configs]]
job_name = "converted"
convert_classic_histograms_to_nhcb = true
static_configs = [{{ targets = ["127.0.0.1:{exporter.port}"] }}]
""")
    peer = Prometheus(folder, {"t": exporter.port})
    nines = None
    try:
        nines = Nines(args.nines, folder, config)
        names = '{job="t",__name__=~"t_.*"}'
        wait_for("prometheus has scraped", lambda: peer.query('up{job="t"} == 1'), 30)
        wait_for("nines has scraped", lambda: nines.query('up{job="t"} == 1'), 30)
        assert any(a.startswith("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily") for a in exporter.accepted)
        ours, theirs = keyed(nines.query(names)), keyed(peer.query(names))
        assert len(theirs) >= 24, theirs
        bad = differences(ours, theirs)
        assert not bad, "\n".join(bad)
        for expr in ('histogram_quantile(0.9, t_native{job="t"})', 'histogram_count(t_float{job="t"})', 'histogram_sum(t_gauge{job="t"})',
                     'histogram_fraction(0, 2, t_native{job="t"})', 'sum(t_native{job="t",kind!="zero"})'):
            one, other = keyed(nines.query(expr)), keyed(peer.query(expr))
            # Prometheus has changed how it interpolates since 2.42; counts and sums are as they were.
            if "quantile" in expr or "fraction" in expr:
                assert one.keys() == other.keys() and all(abs(one[k] - other[k]) <= 0.1 for k in one), (expr, one, other)
            else:
                assert not differences(one, other), (expr, one, other)
        converted = keyed(nines.query('t_classic{job="converted",path="/"}'))
        assert [v[:2] for v in converted.values()] == [(8.0, 12.5)], converted
        assert not nines.query('t_classic_bucket{job="converted"}')
        about = nines.json("/api/v1/metadata", metric="t_took")["data"]["t_took"]
        assert about == [{"type": "summary", "help": "", "unit": "seconds"}], about
        before = keyed(nines.query(names))
        nines.kill()
        nines.start()
        wait_for("the same after a kill", lambda: not differences(keyed(nines.query(names)), before), 20)
        asked = len(exporter.accepted)
        wait_for("more scrapes", lambda: len(exporter.accepted) >= asked + 9, 20)
        # A page that breaks off is no page.
        exporter.body = exporter.body[:-1]
        wait_for("the scrape fails", lambda: nines.value('up{job="t"}') == 0, 20)
        target = next(t for t in nines.json("/api/v1/targets")["data"]["activeTargets"] if t["labels"]["job"] == "t")
        assert re.match(r"metric family 8, byte \d+: message says", target["lastError"]), target["lastError"]
        assert not nines.query(names)
    finally:
        exporter.stop()
        peer.process.kill(signal.SIGTERM)
        if nines:
            nines.kill(signal.SIGTERM)


def page_of(url):
    """A page in text 0.0.4, as labels and numbers."""
    out = {}
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/plain;version=0.0.4"}), timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            match = re.fullmatch(r'([a-z_A-Z0-9:]+)(?:\{(.*)\})? (\S+)', line)
            if line.startswith("#") or not match:
                continue
            labels = {k: plain(k, v) for k, v in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")}
            out[tuple(sorted({"__name__": match[1], **labels}.items()))] = float(match[3])
    return out


def text_and_protobuf_of_one_target(args, folder):
    """Debian's prometheus, scraped as text and as protobuf: the same series with the same values."""
    peer = Prometheus(folder, {"itself": 1})
    nines = None
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n')
        for job, protocol in (("proto", "PrometheusProto"), ("text", "PrometheusText0.0.4"), ("open", "OpenMetricsText1.0.0")):
            f.write(f"""
[[scrape_configs]]
job_name = "{job}"
scrape_interval = "1s"
scrape_timeout = "1s"
scrape_protocols = ["{protocol}"]
static_configs = [{{ targets = ["127.0.0.1:{peer.port}"], labels = {{ instance = "p" }} }}]
""")
    try:
        # The series of its own target come up some seconds after its start.
        wait_for("prometheus has tried its target", lambda: re.search(r'conn_failed_total\{dialer_name="itself",reason="refused"\} [1-9]', get(peer.url + "/metrics")), 60)
        nines = Nines(args.nines, folder, config)
        wait_for("nines has scraped", lambda: len(nines.query('up{instance="p"} == 1')) == 3, 30)
        time.sleep(2)  # series of the first requests come up
        own = "up|scrape_.*"
        before = page_of(peer.url + "/metrics")
        first = wait_for("two more scrapes", lambda: nines.query('timestamp(up{job="proto"})'), 10)[0]["value"][1]
        wait_for("two more scrapes", lambda: float(nines.query('timestamp(up{job="proto"})')[0]["value"][1]) >= float(first) + 2, 10)
        answers = {}
        for job in ("proto", "text", "open"):
            result = nines.query(f'{{job="{job}",__name__!~"{own}"}}')
            answers[job] = {tuple(kv for kv in k if kv[0] != "instance"): v for k, v in keyed(result).items()}
        after = page_of(peer.url + "/metrics")
        assert len(answers["proto"]) > 300, len(answers["proto"])
        assert set(answers["proto"]) == set(answers["text"]), set(answers["proto"]) ^ set(answers["text"])
        # What comes and goes within a second says nothing.
        restless = re.compile("go_(goroutines|threads|memstats_.*)|process_.*|.*_in_flight")
        still = {k: v for k, v in before.items()
                 if k in after and same(after[k], v) and not restless.fullmatch(dict(k)["__name__"])}
        assert len(still) > 200, len(still)
        for job, answer in answers.items():
            bad = [(k, v, answer.get(k)) for k, v in still.items() if k not in answer or not same(answer[k], v)]
            assert not bad, (job, bad[:5])
    finally:
        peer.process.kill(signal.SIGTERM)
        if nines:
            nines.kill(signal.SIGTERM)
