"""SLOs of every kind over one target: objectives, groups, native histograms, log lines, composites, past a kill."""
import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import protobuf_page as page
from harness import Nines, free_port, wait_for
from protobuf import Exporter

CONFIG = """
[storage]
budget = "64MiB"

[[scrape_configs]]
job_name = "shop"
scrape_interval = "1s"
scrape_timeout = "1s"
scrape_native_histograms = true
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]

[[log_configs]]
job_name = "app"
files = ["{log}"]
labels = {{ app = "shop" }}

[[slos]]
name = "requests"
service = "shop"
objectives = [{{ target_percent = 99.9, display_name = "gold" }}, {{ target_percent = 50, alerting = {{ preset = "none" }} }}]
indicator = {{ ratio_metric = {{ bad = 'shop_requests_total{{code="500"}}', total = 'shop_requests_total' }} }}

[[slos]]
name = "routes"
service = "shop"
group_by = ["route"]
max_groups = 2
objectives = [{{ target_percent = 99 }}]
indicator = {{ ratio_metric = {{ good = 'shop_requests_total{{code!="500"}}', total = 'shop_requests_total' }} }}

[[slos]]
name = "latency"
service = "shop"
objectives = [{{ target_percent = 95 }}]
indicator = {{ latency_metric = {{ histogram = 'shop_seconds', threshold = 2, native = true }} }}

[[slos]]
name = "lines"
service = "shop"
objectives = [{{ target_percent = 95 }}]
indicator = {{ log_lines = {{ bad = '{{app="shop"}} |= "error"', total = '{{app="shop"}}' }} }}

[[slos]]
name = "shop"
service = "shop"
objectives = [{{ target_percent = 95 }}]
indicator = {{ composite = {{ members = [{{ slo = "requests-0", weight = 3 }}, {{ slo = "latency" }}] }} }}

[[slos]]
name = "idle"
service = "nobody"
objectives = [{{ target_percent = 95 }}]
indicator = {{ boolean_metric = {{ metric = 'nobody_has_it' }} }}

[[groups]]
name = "shop"
interval = "1s"
[[groups.rules]]
alert = "ShopFails"
expr = 'shop_requests_total{{code="500"}} > 0'
labels = {{ service = "shop" }}
"""


def body(step):
    """(route, code, pod) -> requests, and 30 quick and 10 slow observations a step."""
    counts = {("cart", "200", "a"): 90, ("cart", "500", "b"): 10, ("pay", "200", "a"): 50, ("pay", "500", "b"): 0}
    out = page.family("shop_requests_total", page.COUNTER, [
        page.metric(page.counter(1000 + n * step), {"route": route, "code": code, "pod": pod}) for (route, code, pod), n in counts.items()])
    quick, slow = 5 + 30 * step, 5 + 10 * step  # buckets (1, 2] and (2, 4]
    out += page.family("shop_seconds", page.HISTOGRAM, [
        page.metric(page.histogram(quick + slow, 1.0, (), 0, (1e-9, 0), ([(1, 2)], [quick, slow - quick])))])
    return out


def every_verb(args, nines):
    """Each `nines slo` verb in each output, and `nines gate` with each format and exit code."""
    def run(*words, server=nines.url):
        done = subprocess.run([args.nines, *words, "--server", server], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    verbs = (["list"], ["status", "requests-0"], ["status", "routes"], ["burn", "requests-0"], ["report"], ["simulate", "requests-0", "--errors", "50", "--for", "1h"],
             ["simulate", "--target", "95", "--preset", "pyrra"], ["contributors", "requests-0"])
    for verb in verbs:
        for output in ("table", "json", "csv"):
            code, out, errors = run("slo", *verb, "-o", output)
            assert code == 0 and out and not errors, (verb, output, code, out, errors)
            if output == "json":
                json.loads(out)
    simulated = json.loads(run("slo", "simulate", "requests-0", "--errors", "50", "--for", "1h", "-o", "json")[1])
    assert [row["fires_after_seconds"] for row in simulated["alerts"]] == [120, 300, 540, 540], simulated  # 60 * 14.4 * 0.001 / 0.5 minutes, and one more
    code, out, _ = run("slo", "rebuild", "requests-0")
    assert code == 0 and "counted again from" in out, out
    for verb in ("status", "burn", "contributors", "rebuild", "simulate"):
        assert run("slo", verb, "nobody")[0] == 4, verb
    nowhere = f"http://127.0.0.1:{free_port()}"
    for verb in (["list"], ["status", "requests-0"], ["simulate", "requests-0"], ["report"]):
        assert run("slo", *verb, server=nowhere)[0] == 12, verb
    assert run("slo", "simulate", "--errors", "101")[0] == 2
    gates = ((["requests-1"], 0), (["requests-0"], 10), (["requests"], 10), (["routes"], 10), (["idle"], 11), (["idle", "--no-data-passes"], 0),
             (["nobody"], 4), (["--service", "nobody"], 11), (["--service", "none"], 4), (["requests-1", "--min-remaining", "99.5"], 10),
             (["requests-1", "--max-burn", "0.001"], 10))
    seen = set()  # exit codes: each in every format once
    for words, want in gates:
        for form in ("text",) if want in seen else ("text", "json", "junit", "github", "gitlab"):
            seen.add(want)
            code, out, errors = run("gate", *words, "--format", form)
            assert code == want and not errors, (words, form, code, out, errors)
            if form == "json":
                assert json.loads(out)["exit_code"] == want, out
            elif form == "gitlab":
                json.loads(out)
            elif form == "junit":
                ElementTree.fromstring(out)
    assert run("gate", "--format", "pdf")[0] == 2
    assert run("gate", server=nowhere)[0] == 12


def slos_of_every_kind(args, folder):
    """Each event is counted once by every kind of SLO; API and command line tell who spent the budget, past kill -9."""
    exporter = Exporter()
    exporter.body = body(0)
    log = os.path.join(folder, "app.log")
    open(log, "w").close()
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(port=exporter.port, log=log))
    nines = Nines(args.nines, folder, config)

    def slo(name):
        return next(s for s in nines.json("/api/nines/v1/slos")["slos"] if s["name"] == name)

    def cli(*words):
        out = subprocess.run([args.nines, "slo", *words, "--server", nines.url], capture_output=True, text=True, timeout=20)
        assert out.returncode == 0, out
        return out.stdout

    try:
        wait_for("the target is scraped", lambda: nines.value("count(shop_requests_total)") == 4, 20)
        exporter.body = body(1)
        with open(log, "a") as f:
            f.write("fine\nan error\nfine\n")
        wait_for("what happened is scraped", lambda: nines.value('shop_requests_total{code="500",route="cart"}') == 1010, 20)
        wait_for("the ledger has it", lambda: slo("requests-0")["valid"] == 150, 130, 0.5)
        wait_for("the composite has it", lambda: slo("shop")["valid"] >= 1 and slo("shop")["good"] < slo("shop")["valid"], 10)

        def figures():
            return {s["name"]: (s["valid"], s["good"]) for s in nines.json("/api/nines/v1/slos")["slos"] if s["service"] == "shop" and s["name"] != "shop"}

        want = {"requests-0": (150, 140), "requests-1": (150, 140), 'routes{route="cart"}': (100, 90), 'routes{route="pay"}': (50, 50),
                "latency": (40, 30), "lines": (3, 2)}
        assert figures() == want, figures()
        assert abs((slo("shop")["valid"] - slo("shop")["good"]) - (1 - (3 * 140 / 150 + 30 / 40) / 4)) < 1e-9, slo("shop")
        gold = slo("requests-0")
        assert (gold["definition"], gold["objective"], gold["state"], gold["unit"]) == ("requests", "gold", "breached", "events"), gold
        assert slo("requests-1")["state"] == "ok" and slo("shop")["unit"] == "minutes"
        assert slo("latency")["indicator"]["type"] == "latency_native" and slo("latency")["indicator"]["counting"] == "exact"
        assert slo('routes{route="cart"}')["group"] == {"route": "cart"}
        routes = nines.json("/api/nines/v1/slos/routes")
        assert routes["grouped"]["groups"] == 2 and routes["grouped"]["refused"] == 0 and len(routes["slos"]) == 2, routes

        who = nines.json("/api/nines/v1/contributors", slo="requests-0")
        pod = next(one for one in who["labels"] if one["label"] == "pod")
        assert [(v["value"], v["bad"], v["share"]) for v in pod["values"]] == [("b", 10, 1)], who
        incident = wait_for("the incident has a cost", lambda: [
            i for i in nines.json("/api/nines/v1/slos/requests-0/incidents")["incidents"] if i["incident"]["labels"]["alertname"] == "ShopFails"], 20)
        assert all(i["cost"]["valid"] <= 150 for i in incident), incident
        episode = nines.json("/api/nines/v1/incidents/" + incident[0]["incident"]["episode"])
        assert {c["slo"] for c in episode["costs"]} >= {"requests-0", "latency", "shop"}, episode
        assert 'routes{route="cart"}' in cli("list") and 'routes{route="pay"}' in cli("status", "routes")
        text = cli("status", "requests-0")
        assert "breached" in text and "ShopFails" in text and "pod" in text, text
        assert cli("contributors", "requests-0", "--by", "route").split()[-5:-3] == ["route", "cart"], cli("contributors", "requests-0", "--by", "route")
        assert "## shop (shop)" in cli("report")

        every_verb(args, nines)

        nines.kill(signal.SIGKILL)
        nines.start()
        assert figures() == want, figures()
        alerts = wait_for("the groups' alert", lambda: [a for a in nines.alerts() if a["labels"].get("slo") == 'routes{route="cart"}'], 60, 0.5)
        assert alerts[0]["labels"]["route"] == "cart", alerts
        assert not [a for a in nines.alerts() if a["labels"].get("slo") == 'routes{route="pay"}']
    finally:
        nines.kill(signal.SIGTERM)
        exporter.stop()
