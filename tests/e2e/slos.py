"""SLOs of every kind over one target: objectives, groups, native histograms, log lines, composites, past a kill."""
import os
import signal
import subprocess

import protobuf_page as page
from harness import Nines, wait_for
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

        nines.kill(signal.SIGKILL)
        nines.start()
        assert figures() == want, figures()
        alerts = wait_for("the groups' alert", lambda: [a for a in nines.alerts() if a["labels"].get("slo") == 'routes{route="cart"}'], 60, 0.5)
        assert alerts[0]["labels"]["route"] == "cart", alerts
        assert not [a for a in nines.alerts() if a["labels"].get("slo") == 'routes{route="pay"}']
    finally:
        nines.kill(signal.SIGTERM)
        exporter.stop()
