"""What others push: the same requests to nines and to the program whose protocol it is, then the same answers."""
import base64
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import protobuf_page as page
from harness import Nines, Process, Skipped, free_port, get, say, wait_for

LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def peer(name):
    found = shutil.which(name)
    if not found:
        raise Skipped(f"{name} is not installed: apt-get install {'prometheus-pushgateway' if 'push' in name else name}")
    return found


def send(url, body=b"", method="POST", **headers):
    """Status and text of an answer, refusals included."""
    request = urllib.request.Request(url, data=body, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def exposed(text, without):
    """name and labels -> value of a page of Prometheus text."""
    out = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if not match or match[1].startswith(without):
            continue
        labels = tuple(sorted((n, v.replace('\\"', '"').replace("\\\\", "\\")) for n, v in PAIR.findall(match[2] or "") if v))
        out[(match[1], labels)] = float(match[3])
    return out


def stored(nines, selector):
    """The same of what nines has stored."""
    out = {}
    for row in nines.query(selector):
        labels = dict(row["metric"])
        name = labels.pop("__name__")
        if "le" in labels and labels["le"] not in ("+Inf",):
            labels["le"] = str(float(labels["le"])).removesuffix(".0")
        out[(name, tuple(sorted(labels.items())))] = float(row["value"][1])
    return out


def b64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


TYPED = b"""# HELP rows_total Rows done.
# TYPE rows_total counter
rows_total{table="a"} 5
rows_total{table="b"} 7
# TYPE took_seconds histogram
took_seconds_bucket{le="0.5"} 1
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 4.5
took_seconds_count 3
"""

MESSAGES = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

PROTOBUF = (page.family("rows_done_total", page.COUNTER, [page.metric(page.counter(5), {"table": "a"}), page.metric(page.counter(7), {"table": "b"})], "Rows.")
            + page.family("proto_depth", page.GAUGE, [page.metric(page.gauge(-2.25))])
            + page.family("proto_any", page.UNTYPED, [page.metric(page.untyped(3))])
            + page.family("proto_size", page.SUMMARY, [page.metric(page.summary(9, 4.5, [(0.5, 0.25), (0.99, 3)]))])
            + page.family("proto_took", page.HISTOGRAM, [page.metric(page.histogram(8, 12.5, [(0.5, 2), (1, 5), (2.5, 7)]), {"path": "/pay"})]))

# method, path behind /metrics/, body, its type: in this order to both.
PUSHES = (
    ("PUT", "job/nightly", TYPED),
    ("POST", "job/nightly", b"plain 3.14\n"),
    ("PUT", "job/nightly/instance/a", b'own{job="mine",instance="x"} 1\n'),
    ("PUT", f"job@base64/{b64('a/b')}/path@base64/{b64('/var/tmp')}", b"disk 1\n"),
    ("PUT", "job/j/empty@base64/=", b"disk 2\n"),
    ("POST", "job/nightly", b'# TYPE rows_total counter\nrows_total{table="c"} 9\n'),
    ("PUT", "job/gone", b"gone 1\n"),
    ("DELETE", "job/gone", b""),
    ("DELETE", "job/never", b""),
    ("PUT", "job/bad", b"broken{ 1\n"),
    ("PUT", "job/bad", b"timed 1 1700000000000\n"),
    ("PUT", "job/bad", b"twice 1\ntwice 2\n"),
    ("PUT", "job/bad2", b"# TYPE plain counter\nplain 1\n"),
    ("PUT", "job/j/odd", b"m 1\n"),
    ("PUT", "job/j/__name__/x", b"m 1\n"),
    ("PUT", "job@base64/=", b"m 1\n"),
    ("PUT", "job/empty", b""),
    ("PUT", "job/messages", PROTOBUF, MESSAGES),
    ("POST", "job/messages", page.family("proto_any", page.UNTYPED, [page.metric(page.untyped(4))]), MESSAGES),
    ("PUT", "job/bad", PROTOBUF[:-1], MESSAGES),
    ("PUT", "job/bad", b"text 1\n", MESSAGES),
)


def simplified(groups):
    """/api/v1/metrics without times, in an order."""
    out = {}
    for group in groups:
        key = tuple(sorted((n, v) for n, v in group.pop("labels").items() if v))
        ok = group.pop("last_push_successful")
        families = {}
        for name, family in group.items():
            if name.startswith("push_"):
                continue
            metrics = []
            for m in family["metrics"]:
                labels = {n: v for n, v in m.get("labels", {}).items() if v and n != "__name__"}
                if "value" in m:
                    metrics.append((tuple(sorted(labels.items())), float(m["value"])))
            if family["type"] not in ("HISTOGRAM", "SUMMARY"):
                families[name] = (family["type"], sorted(metrics))
        out[key] = (ok, families)
    return out


def pushes_as_pushgateway_keeps_them(args, folder):
    """The same pushes to Debian's Pushgateway and to nines: statuses, stored values, /api/v1/metrics, after a kill too."""
    gateway_port = free_port()
    gateway = Process("pushgateway", [peer("prometheus-pushgateway"), f"--web.listen-address=127.0.0.1:{gateway_port}"], folder)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[pushgateway]\ninterval = "1s"\n[host]\nenabled = false\n')
    nines = Nines(args.nines, folder, config)
    theirs = f"http://127.0.0.1:{gateway_port}"
    try:
        wait_for("pushgateway answers", lambda: get(theirs + "/-/ready", 1), 20)
        for method, path, body, *kind in PUSHES:
            headers = {"Content_Type": kind[0]} if kind else {}
            answers = [send(f"{url}/metrics/{path}", body, method, **headers) for url in (theirs, nines.url)]
            assert answers[0][0] == answers[1][0], (method, path, answers)
        say(f"ok: {len(PUSHES)} pushes are answered alike")

        def compare():
            want = exposed(get(theirs + "/metrics"), ("go_", "process_", "pushgateway_", "push_time", "push_failure", "promhttp"))
            have = stored(nines, '{job=~".+",__name__!~"push_.*|nines_.*|up|scrape_.*|process_.*|go_.*|ALERTS.*|prometheus_.*|slo.*",job!="nines"}')
            assert want and have == want, (sorted(set(want.items()) - set(have.items())), sorted(set(have.items()) - set(want.items())))
            groups = [simplified(json.loads(get(url + "/api/v1/metrics"))["data"]) for url in (theirs, nines.url)]
            assert groups[0] == groups[1], groups
            return len(want)

        count = wait_for("the same series", compare, 20)
        failed = {r["metric"]["job"] for r in nines.query("push_failure_time_seconds > 0")}
        assert failed == {"bad", "bad2"}, failed
        nines.kill()
        nines.start()
        wait_for("the same series after a kill", compare, 20)
        first = nines.query('timestamp(plain{job="nightly"})')[0]["value"][1]
        wait_for("they go on being sampled", lambda: nines.query('timestamp(plain{job="nightly"})')[0]["value"][1] > first, 20)
        say(f"ok: {count} series are as Pushgateway has them, before and after a kill")
    finally:
        nines.kill()
        gateway.kill()


LINES = (
    "cpu,host=a,zone=z usage=1.5,idle=2i,up=t,down=false {t}\n"
    "my\\ m,tag\\ one=a\\,b\\=c f=1 {t}\n"
    'quoted text="x y, z=1",n=3 {t}\n'
    "disk.io,dev=sda read-bytes=10 {t}\n"
)


def line_protocol_as_victoria_metrics_names_it(args, folder):
    """The same line protocol to Debian's victoria-metrics and to nines, plain and gzip: the same series and values."""
    port = free_port()
    victoria = Process("victoria", [peer("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}/vm"], folder)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
    nines = Nines(args.nines, folder, config)
    theirs = f"http://127.0.0.1:{port}"
    try:
        wait_for("victoria-metrics answers", lambda: get(theirs + "/health", 1), 20)
        now = int(time.time()) - 5
        for query, unit, body in (("db=one&precision=s", 1, LINES), ("precision=ms", 1000, LINES.replace("cpu", "cpu2")), ("", 10**9, LINES.replace("cpu", "cpu3"))):
            text = body.replace("{t}", str(now * unit)).encode()
            for url in (theirs, nines.url):
                assert send(f"{url}/write?{query}", text)[0] == 204, (url, query)
                assert send(f"{url}/write?{query}", gzip.compress(text.replace(b"host=a", b"host=packed")), Content_Encoding="gzip")[0] == 204
        selector = '{__name__=~"cpu.*|my m.*|quoted.*|disk.io.*"}'

        def compare():
            want = {}
            get(theirs + "/internal/force_flush")
            for line in get(theirs + "/api/v1/export?" + urllib.parse.urlencode({"match[]": selector})).splitlines():
                row = json.loads(line)
                name = row["metric"].pop("__name__")
                if name == "quoted_text":  # a text that is no number: 0 there, left out here
                    continue
                want[(name, tuple(sorted(row["metric"].items())))] = (row["values"][0], row["timestamps"][0])
            have = {}
            for row in nines.query(selector):
                name = row["metric"].pop("__name__")
                have[(name, tuple(sorted(row["metric"].items())))] = (float(row["value"][1]), now * 1000)
            assert len(want) >= 30 and have == want, (len(want), sorted(set(want) ^ set(have)), [k for k in want if have.get(k) != want[k]])
            return len(want)

        count = wait_for("the same series", compare, 30)
        status, text = send(nines.url + "/write", b"good v=1\nbad\n")
        assert status == 400 and "line 2" in text and nines.value("good_v") == 1, text
        say(f"ok: {count} series are as victoria-metrics has them")
    finally:
        nines.kill()
        victoria.kill()


def otlp_request(now):
    def at(seconds):
        return str(int((now + seconds) * 1e9))

    points = [
        {"name": "http.requests", "unit": "1", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [
            {"attributes": [{"key": "http.route", "value": {"stringValue": "/pay"}}], "startTimeUnixNano": at(-60), "timeUnixNano": at(s), "asInt": str(100 + s)}
            for s in (-20, -10, 0)]}},
        {"name": "jobs", "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [
            {"startTimeUnixNano": at(s - 10), "timeUnixNano": at(s), "asInt": "2"} for s in (-20, -10, 0)]}},
        {"name": "latency", "unit": "s", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": at(0), "count": "4", "sum": 10, "scale": 0, "zeroCount": "0", "positive": {"offset": 0, "bucketCounts": ["2", "2"]},
             "exemplars": [{"timeUnixNano": at(0), "asDouble": 3, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}]}]}},
        {"name": "classic", "unit": "ms", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": at(0), "count": "3", "sum": 6, "bucketCounts": ["1", "2"], "explicitBounds": [5]}]}},
    ]
    resource = {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in
                               (("service.name", "pay"), ("service.namespace", "shop"), ("service.instance.id", "i-1"), ("region", "eu"))]}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "e2e"}, "metrics": points}]}]}


def otlp_metrics_arrive(args, folder):
    """OTLP over HTTP: kinds of points, deltas added up, target_info, exemplars; refusals are partial; all of it past a kill."""
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n[otlp]\npromote_resource_attributes = ["region"]\n')
    nines = Nines(args.nines, folder, config)
    try:
        url = nines.url + "/api/v1/otlp/v1/metrics"
        body = json.dumps(otlp_request(int(time.time()))).encode()
        status, text = send(url, gzip.compress(body), Content_Type="application/json", Content_Encoding="gzip")
        assert (status, text) == (200, "{}"), (status, text)

        def check():
            who = '{job="shop/pay",instance="i-1",region="eu"}'
            assert nines.value('http_requests_total{http_route="/pay",job="shop/pay"}') == 100
            assert nines.value("jobs_total" + who) == 6
            assert nines.value(f"histogram_count(latency_seconds{who})") == 4
            assert abs(nines.value(f"histogram_quantile(0.5, latency_seconds{who})") - 2) < 1e-9
            assert nines.value(f"histogram_quantile(0.5, classic_milliseconds_bucket{who})") == 5
            info = nines.query('target_info{job="shop/pay"}')[0]["metric"]
            assert info["region"] == "eu" and info["instance"] == "i-1", info
            found = nines.json("/api/v1/query_exemplars", query="latency_seconds")["data"]
            assert found[0]["exemplars"][0]["labels"]["trace_id"] == "5b8efff798038103d269b633813fc60c", found
            return True

        check()
        bad = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "odd", "sum": {"dataPoints": [{"timeUnixNano": "1", "asInt": "1"}]}}]}]}]}
        status, text = send(url, json.dumps(bad).encode(), Content_Type="application/json")
        assert status == 200 and json.loads(text)["partialSuccess"]["rejectedDataPoints"] == "1", (status, text)
        assert send(url, b"{", Content_Type="application/json")[0] == 400
        assert send(url, b"x", Content_Type="text/plain")[0] == 415
        nines.kill()
        nines.start()
        check()
    finally:
        nines.kill()


def raw(port, data, patience=20):
    """All that comes back for bytes sent as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as s:
        s.sendall(data)
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer:
                break
        return answer.decode(errors="replace")


def chunked_and_zstd(args, folder):
    """Bodies in chunks, as clients stream them, and packed with zstd: taken up to the limits, refused past them and when malformed."""
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[web]\nmax_body_size = "64KiB"\nbody_timeout = "2s"\n[host]\nenabled = false\n')
    nines = Nines(args.nines, folder, config)
    try:
        path = "/api/v1/otlp/v1/metrics"
        body = json.dumps(otlp_request(int(time.time()))).encode()
        packed = subprocess.run(["zstd", "-c"], input=body, capture_output=True, check=True).stdout
        status, text = send(nines.url + path, packed, Content_Type="application/json", Content_Encoding="zstd")
        assert (status, text) == (200, "{}"), (status, text)
        assert nines.value('http_requests_total{job="shop/pay"}') == 100
        assert send(nines.url + path, packed[:-5], Content_Type="application/json", Content_Encoding="zstd")[0] == 400
        connection = http.client.HTTPConnection("127.0.0.1", nines.port, timeout=20)
        for number in range(3):  # over one connection
            pieces = iter([b"# TYPE streamed gauge\n", b"streamed{n=\"%d\"} " % number, b"%d\n" % (number + 5)])
            connection.request("PUT", f"/metrics/job/chunks{number}", pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
            answer = connection.getresponse()
            assert answer.status == 200, (answer.status, answer.read())
            answer.read()
        connection.close()
        assert nines.value('streamed{job="chunks2"}') == 7
        curl = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/json",
                               "-H", "Content-Encoding: zstd", "--data-binary", "@-", nines.url + path], input=packed, capture_output=True, check=True).stdout
        assert curl == b"200", curl
        head = f"PUT /metrics/job/raw HTTP/1.1\r\nHost: 127.0.0.1:{nines.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert " 400 " in raw(nines.port, head + b"xyz\r\n").splitlines()[0]
        assert " 413 " in raw(nines.port, head + b"10001\r\n").splitlines()[0]
        start = time.monotonic()
        assert " 408 " in raw(nines.port, head + b"1\r\nx\r\n").splitlines()[0]
        assert 1.5 < time.monotonic() - start < 6, time.monotonic() - start
        say("ok: chunks from http.client and curl, zstd from zstd; malformed 400, too large 413, too slow 408")
    finally:
        nines.kill()
