"""Queries over HTTP: each endpoint by GET and POST, error types and status codes, large forms; promtool and Prometheus as clients."""
import gzip
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, Process, Skipped, TextServer, free_port, get, say, wait_for

PAGE = """# HELP shop_requests_total Requests.
# TYPE shop_requests_total counter
shop_requests_total{{path="/pay",code="200"}} {count}
shop_requests_total{{path="/pay",code="500"}} 3
# HELP shop_level Level.
# TYPE shop_level gauge
shop_level 2.5
"""

CONFIG = """
[storage]
budget = "64MiB"
[query]
max_samples = 5000
max_depth = 20
max_text = "600KiB"
max_points = 500
timeout = "20s"
lookback_delta = "4m"
max_series = 900
max_memory = "96MiB"
max_concurrency = 3
threads = 3
[web]
max_body_size = "2MiB"
[[scrape_configs]]
job_name = "shop"
scrape_interval = "1s"
scrape_timeout = "1s"
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]
"""


class Shop:
    """A server with a target that counts, and nines that scrapes it each second."""

    def __init__(self, args, folder):
        self.count = 0
        self.target = TextServer(self.page)
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write(CONFIG.format(port=self.target.port))
        self.nines = Nines(args.nines, folder, config)
        wait_for("four scrapes", lambda: self.nines.value('count_over_time(shop_level[1m])') >= 4, 30)

    def page(self, _):
        self.count += 10
        return PAGE.format(count=self.count)

    def stop(self):
        self.nines.kill(signal.SIGTERM)
        self.target.stop()


def ask(url, path, params, method="GET", headers=None):
    """Status, headers and body; what is no 200 is an answer, too."""
    form = urllib.parse.urlencode(params)
    if method == "GET":
        request = urllib.request.Request(url + path + ("?" + form if form else ""), headers=headers or {})
    else:
        request = urllib.request.Request(url + path, data=form.encode(), method=method,
                                         headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


# Path, parameters, whether POST is one of its methods, and what `data` must be.
def table(now):
    window = [("start", now - 30), ("end", now)]
    return [
        ("/api/v1/query", [("query", "shop_level")], True, lambda d: d["result"][0]["value"][1] == "2.5"),
        ("/api/v1/query", [("query", "1+1"), ("time", 4)], True, lambda d: d == {"resultType": "scalar", "result": [4, "2"]}),
        ("/api/v1/query", [("query", "shop_level[20s]")], True, lambda d: d["resultType"] == "matrix" and d["result"]),
        ("/api/v1/query", [("query", '"text"')], True, lambda d: d["resultType"] == "string" and d["result"][1] == "text"),
        ("/api/v1/query", [("query", "shop_level"), ("stats", "all"), ("timeout", "5s"), ("lookback_delta", "1m"), ("limit", 1)], True,
         lambda d: d["stats"]["samples"]["totalQueryableSamplesPerStep"]),
        ("/api/v1/query_range", [("query", "shop_level"), ("step", "10s")] + window, True, lambda d: d["resultType"] == "matrix"),
        ("/api/v1/query_exemplars", [("query", "test"), ("start", now * 1000), ("end", now * 1000)], True, lambda d: d == []),
        ("/api/v1/format_query", [("query", "sum   by(a)(x)")], True, lambda d: "sum by (a) (x)" in d),
        ("/api/v1/parse_query", [("query", "rate(x[5m])")], True, lambda d: d["type"] == "call"),
        ("/api/v1/series", [("match[]", "shop_level"), ("match[]", 'up{job="shop"}')], True, lambda d: len(d) == 2),
        ("/api/v1/labels", [("match[]", "shop_requests_total")], True, lambda d: d == ["__name__", "code", "instance", "job", "path"]),
        ("/api/v1/labels", [("limit", 1)], True, lambda d: len(d) == 1),
        ("/api/v1/label/code/values", [], False, lambda d: "500" in d),
        ("/api/v1/metadata", [("metric", "shop_level")], False, lambda d: d == {"shop_level": [{"type": "gauge", "help": "Level.", "unit": ""}]}),
        ("/api/v1/status/buildinfo", [], False, lambda d: d["version"] and "features" not in d),
        ("/api/v1/status/runtimeinfo", [], False, lambda d: d["startTime"]),
        ("/api/v1/status/tsdb", [("limit", "100")], False, lambda d: d["headStats"]["numSeries"] > 0
         and now - 3600 < d["headStats"]["minTime"] / 1000 <= d["headStats"]["maxTime"] / 1000 and d["headStats"]["chunkCount"] > 0
         and any(p["name"] == "job=shop" and p["value"] >= 5 for p in d["seriesCountByLabelValuePair"])
         and any(p["name"] == "job" and p["value"] >= len("shop") for p in d["memoryInBytesByLabelName"])),
        ("/api/v1/status/flags", [], False, lambda d: all(isinstance(v, str) for v in d.values())),
        ("/api/v1/status/config", [], False, lambda d: "yaml" in d),
        ("/api/v1/features", [], False, lambda d: all(isinstance(v, bool) for v in d["promql"].values())),
        ("/api/v1/rules", [], False, lambda d: isinstance(d["groups"], list)),
        ("/api/v1/alerts", [], False, lambda d: isinstance(d["alerts"], list)),
        ("/api/v1/targets", [], False, lambda d: d["activeTargets"]),
    ]


# What goes wrong: path, parameters, status, errorType, and a part of the text.
def mistakes(now):
    return [
        ("/api/v1/query", [], 400, "bad_data", 'invalid parameter "query"'),
        ("/api/v1/query", [("query", "rate(x[5m]")], 400, "bad_data", 'invalid parameter "query": 1:11: parse error'),
        ("/api/v1/query", [("query", "1"), ("time", "noon")], 400, "bad_data", 'invalid parameter "time"'),
        ("/api/v1/query", [("query", "1"), ("timeout", "never")], 400, "bad_data", 'invalid parameter "timeout"'),
        ("/api/v1/query", [("query", "1"), ("limit", "-1")], 400, "bad_data", 'invalid parameter "limit"'),
        ("/api/v1/query", [("query", "1"), ("lookback_delta", "x")], 400, "bad_data", "error parsing lookback delta duration"),
        ("/api/v1/query", [("query", "shop_requests_total + on(job) shop_requests_total")], 422, "execution", "many-to-many matching not allowed"),
        ("/api/v1/query", [("query", "shop_level[2d:1s]")], 422, "execution", "too many samples"),
        ("/api/v1/query", [("query", "(" * 20 + "1" + ")" * 20)], 400, "bad_data", "nested deeper than 20"),
        ("/api/v1/query_range", [("query", "1"), ("start", now), ("end", now)], 400, "bad_data", 'invalid parameter "step"'),
        ("/api/v1/query_range", [("query", "1"), ("start", now), ("end", now), ("step", 0)], 400, "bad_data", "zero or negative query resolution step widths"),
        ("/api/v1/query_range", [("query", "1"), ("start", now), ("end", now - 1), ("step", 1)], 400, "bad_data", "end timestamp must not be before start time"),
        ("/api/v1/query_range", [("query", "1"), ("start", 1000), ("end", 1501), ("step", 1)], 400, "bad_data", "exceeded maximum resolution of 500 points"),
        ("/api/v1/query_range", [("query", "x[1m]"), ("start", now), ("end", now), ("step", 1)], 400, "bad_data", "invalid expression type"),
        ("/api/v1/query_exemplars", [("query", "x{"), ("start", 1), ("end", 2)], 400, "bad_data", "parse error"),
        ("/api/v1/format_query", [("query", "sum(")], 400, "bad_data", "parse error"),
        ("/api/v1/parse_query", [("query", "sum(")], 400, "bad_data", "parse error"),
        ("/api/v1/series", [], 400, "bad_data", "no match[] parameter provided"),
        ("/api/v1/series", [("match[]", "{}")], 400, "bad_data", "match[]"),
        ("/api/v1/series", [("match[]", "x"), ("start", "z")], 400, "bad_data", 'invalid parameter "start"'),
        ("/api/v1/labels", [("match[]", "1+1")], 400, "bad_data", "match[]"),
        ("/api/v1/label/%F0%9F/values", [], 400, "bad_data", "label name"),
        ("/api/v1/metadata", [("limit", "x")], 400, "bad_data", "limit"),
    ]


def endpoints_by_get_and_post(args, folder):
    """Each endpoint of Prometheus's query API by GET and POST, with Prometheus's error types and status codes."""
    shop = Shop(args, folder)
    try:
        url, now = shop.nines.url, time.time()
        wrong = []
        for path, params, post, good in table(now):
            for method in ("GET", "POST"):
                status, headers, body = ask(url, path, params, method)
                if method == "POST" and not post:
                    if status != 405 or "GET" not in headers.get("Allow", ""):
                        wrong.append(f"{method} {path}: {status}, not 405 with Allow")
                    continue
                answer = json.loads(body)
                if status != 200 or answer["status"] != "success" or not good(answer["data"]):
                    wrong.append(f"{method} {path} {params}: {status} {body[:300]}")
        for path, params, status, kind, text in mistakes(now):
            for method in ("GET", "POST"):
                if method == "POST" and not any(path == row[0] and row[2] for row in table(now)):
                    continue
                got, _, body = ask(url, path, params, method)
                answer = json.loads(body) if body.startswith(b"{") else {}
                if got != status or answer.get("status") != "error" or answer.get("errorType") != kind or text not in answer.get("error", ""):
                    wrong.append(f"{method} {path} {params}: {got} {body[:300]}, not {status} {kind} {text!r}")
        for path in ("/api/v1/nothing", "/alertmanager/api/v2/status", "/api/v1/query/more"):
            status, headers, body = ask(url, path, [])
            if status != 404 or b"404 page not found" not in body or not headers["Content-Type"].startswith("text/plain"):
                wrong.append(f"{path}: {status} {headers['Content-Type']} {body[:100]}")
        flags = shop.nines.json("/api/v1/status/flags")["data"]
        for name, value in {"query.max-samples": "5000", "query.max-depth": "20", "query.max-text": "600KiB", "query.max-points": "500",
                            "query.timeout": "20s", "query.lookback-delta": "4m", "query.max-series": "900", "query.max-memory": "96MiB",
                            "query.max-concurrency": "3", "query.threads": "3"}.items():
            if flags.get(name) != value:
                wrong.append(f"flag {name} is {flags.get(name)!r}, not {value!r}")
        status, headers, body = ask(url, "/api/v1/series", [("match[]", '{__name__=~".+"}')], headers={"Accept-Encoding": "gzip"})
        if headers.get("Content-Encoding") != "gzip" or not json.loads(gzip.decompress(body))["data"]:
            wrong.append(f"gzip: {status} {headers}")
        assert not wrong, "\n" + "\n".join(wrong)
        say(f"{len(table(now))} requests and {len(mistakes(now))} mistakes, by each method they have")
    finally:
        shop.stop()


def large_forms(args, folder):
    """A form of a megabyte is read; a query past its limit, and a body past its own, are refused with what to do."""
    shop = Shop(args, folder)
    try:
        url = shop.nines.url
        # Queries of exactly the limit, and one byte longer.
        for size, wanted in ((600 * 1024, 200), (600 * 1024 + 1, 400)):
            status, _, body = ask(url, "/api/v1/query", [("query", "shop_level" + " " * (size - 10))], "POST")
            assert status == wanted, (size, status, body[:200])
        assert json.loads(body)["errorType"] == "bad_data" and "614400" in json.loads(body)["error"], body[:300]
        # Many selectors in one form of 1 MiB and more.
        sets = [("match[]", 'shop_level{instance!="' + "x" * 8000 + str(i) + '"}') for i in range(132)]
        assert len(urllib.parse.urlencode(sets)) > 1 << 20
        status, _, body = ask(url, "/api/v1/series", sets, "POST")
        assert status == 200 and len(json.loads(body)["data"]) == 1, body[:300]
        # The body's own limit: 2 MiB pass, a byte more does not.
        for size, wanted in ((2 << 20, 200), ((2 << 20) + 1, 413)):
            form = "query=1&pad="
            request = urllib.request.Request(url + "/api/v1/query", data=(form + "x" * (size - len(form))).encode(), method="POST",
                                             headers={"Content-Type": "application/x-www-form-urlencoded"})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
            assert status == wanted, (size, status)
        assert shop.nines.value("shop_level") == 2.5
    finally:
        shop.stop()


def promtool_asks(args, folder):
    """Debian's promtool asks for an instant, a range, series and label values."""
    promtool = shutil.which("promtool")
    if not promtool:
        raise Skipped("promtool (package prometheus) is not installed")
    shop = Shop(args, folder)
    try:
        url, now = shop.nines.url, int(time.time())

        def run(*words):
            done = subprocess.run([promtool, "query", *words], capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout, done.stderr

        code, out, err = run("instant", url, "shop_level")
        assert code == 0 and "shop_level{" in out and "=> 2.5 @[" in out, (out, err)
        code, out, err = run("instant", "-o", "json", url, "vector(3)")
        assert code == 0 and json.loads(out)[0]["value"][1] == "3", (out, err)
        code, out, err = run("range", "--start", str(now - 20), "--end", str(now), "--step", "5s", url, "vector(1)")
        assert code == 0 and out.count("1 @[") == 5, (out, err)
        code, out, err = run("series", "--match", 'shop_requests_total{code="500"}', url)
        assert code == 0 and 'path="/pay"' in out and out.count("shop_requests_total") == 1, (out, err)
        code, out, err = run("labels", url, "code")
        assert code == 0 and "200" in out.split() and "500" in out.split(), (out, err)
        code, out, err = run("instant", url, "rate(")
        assert code != 0 and "parse error" in out + err, (out, err)
        code, out, err = run("series", "--match", "{", url)
        assert code != 0, (out, err)
    finally:
        shop.stop()


def prometheus_federates(args, folder):
    """Debian's Prometheus scrapes /federate and answers with the same values and labels."""
    prometheus = shutil.which("prometheus")
    if not prometheus:
        raise Skipped("prometheus is not installed")
    shop = Shop(args, folder)
    peer = None
    try:
        port = free_port()
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as f:
            f.write(f"""
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
- job_name: federate
  honor_labels: true
  metrics_path: /federate
  params: {{ 'match[]': ['{{job="shop"}}', 'shop_level'] }}
  static_configs: [{{ targets: ['127.0.0.1:{shop.nines.port}'] }}]
""")
        peer = Process("prometheus", [prometheus, f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                                      f"--web.listen-address=127.0.0.1:{port}"], folder)

        def theirs(expr):
            text = get(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expr}))
            return json.loads(text)["data"]["result"]

        wait_for("federated", lambda: theirs("shop_level") and theirs('count_over_time(shop_requests_total{code="200"}[1m]) > 3'), 60)
        assert theirs('up{job="federate"}')[0]["value"][1] == "1"
        ours = sorted(json.dumps(r["metric"], sort_keys=True) for r in shop.nines.query('{job="shop"}'))
        got = sorted(json.dumps(r["metric"], sort_keys=True) for r in theirs('{job="shop"}'))
        assert ours == got, (ours, got)
        assert theirs("shop_level")[0]["value"][1] == "2.5"
        # Each sample came with nines's own time: the counter has the same value at the same instant.
        sample = theirs('shop_requests_total{code="200"}[30s]')[0]["values"][-2]
        own = dict((v[0], v[1]) for v in shop.nines.query('shop_requests_total{code="200"}[60s]')[0]["values"])
        assert own.get(sample[0]) == sample[1], (sample, own)
        status, _, body = ask(shop.nines.url, "/federate", [("match[]", "shop_level"), ("match[]", "{")])
        assert status == 400, (status, body)
    finally:
        if peer:
            peer.kill(signal.SIGTERM)
        shop.stop()
