"""The main job with real programs: nginx dies, people are paged, the remediation brings it back."""
import json
import os
import signal
import subprocess
import time

from harness import Process, free_port, get, say, wait_for
from shop import Shop


def scenario(args, folder):
    """nginx dies; the page goes out, nines is killed and started, the remediation brings nginx back."""
    shop = Shop(args, folder)
    nginx, nines, fixer = shop.nginx, shop.nines, shop.fixer
    try:
        wait_for("node_exporter is scraped", lambda: nines.value('up{job="node"}') == 1)
        assert nines.value("count(node_cpu_seconds_total{job='node'})") > 0
        wait_for("the probe succeeds", lambda: nines.value('probe_success{job="shop"}') == 1)
        shop.sell(20, 5)
        wait_for("log lines become a metric", lambda: nines.value('shop_requests_total{status="500"}') == 5)
        lines = wait_for("log lines are kept", lambda: nines.json("/loki/api/v1/query_range", query='{app="shop"} |= "broken"')["data"]["result"])
        assert sum(len(stream["values"]) for stream in lines) == 5, lines
        wait_for("the recording rule writes", lambda: nines.value("shop:up:avg") == 1)
        say("ok: scraped, probed, tailed, recorded")

        nginx.kill()
        wait_for("the alert is pending", lambda: [a for a in nines.alerts() if a["labels"]["alertname"] == "ShopDown"], 30, 0.05)
        wait_for("the alert fires", lambda: [a for a in nines.alerts() if a["state"] == "firing" and a["labels"]["alertname"] == "ShopDown"], 30, 0.05)
        wait_for("the pager was told", lambda: shop.pages("firing"), 30, 0.05)
        nines.kill(signal.SIGKILL)
        say("ok: paged, then killed with SIGKILL")
        time.sleep(1)
        nines.start()
        page = shop.pages("firing")[0]["body"]
        assert page["version"] == "4" and page["status"] == "firing" and page["receiver"] == "oncall", page
        assert page["groupLabels"] == {"alertname": "ShopDown", "service": "shop"}, page
        alert = page["alerts"][0]
        assert alert["annotations"]["summary"].endswith("does not answer") and alert["endsAt"].startswith("0001-"), page

        wait_for("the remediation was called", lambda: fixer.posts, 60)
        wait_for("the probe recovers", lambda: nines.value('probe_success{job="shop"}') == 1, 60)
        wait_for("resolved was sent", lambda: shop.pages("resolved"), 60)
        keys = {p["headers"]["Idempotency-Key"] for p in shop.pages("firing")}
        assert len(keys) == 1, f"paged with {len(keys)} keys"
        assert len({p["headers"]["Idempotency-Key"] for p in fixer.posts}) == len(fixer.posts) == 1, fixer.posts
        say("ok: remediated once, resolved, nothing paged twice")

        runs = wait_for("the action is verified", lambda: [r for r in nines.json("/api/nines/v1/remediations")["runs"] if r["state"] == "verified"], 40)
        incident = [i for i in nines.json("/api/nines/v1/incidents")["incidents"] if i["labels"]["alertname"] == "ShopDown"][0]
        assert incident["episode"] == runs[0]["episode"] and incident["state"] == "resolved", incident
        kinds = [e["kind"] for e in nines.json("/api/nines/v1/incidents/" + incident["episode"])["events"]]
        for kind in ("pending", "firing", "notified", "remediation_intent", "remediation_outcome", "verified", "resolved"):
            assert kind in kinds, f"{kind} is missing in {kinds}"
        say("ok: the whole chain stands in the incident: " + " ".join(kinds))

        slo = wait_for("the ledger has the minute", lambda: (s := nines.json("/api/nines/v1/slos/shop-availability"))["valid"] >= 25 and s, 150, 1)
        assert slo["valid"] - slo["good"] == 5, slo
        minutes = nines.json("/api/nines/v1/slos/shop-availability/minutes", start=time.time() - 900, end=time.time())["minutes"]
        assert sum(m["valid"] - m["good"] for m in minutes) == 5, minutes
        say("ok: the budget shows the loss to the minute")
        clients(args, folder, nines)
    finally:
        shop.stop()


def clients(args, folder, nines):
    """Debian's own promtool and amtool ask; Debian's own Prometheus scrapes /metrics."""
    out = subprocess.run(["promtool", "query", "instant", nines.url, "up{job='node'}"], capture_output=True, text=True, timeout=20)
    assert out.returncode == 0 and "=> 1" in out.stdout, out
    def amtool(*words):
        out = subprocess.run(["amtool", f"--alertmanager.url={nines.url}", *words], capture_output=True, text=True, timeout=20)
        assert out.returncode == 0, out
        return out.stdout

    assert "ShopDown" not in amtool("alert", "query")  # it is over
    silence = amtool("silence", "add", "alertname=ShopDown", "-a", "e2e", "-c", "a test", "-d", "10m").strip()
    assert silence in amtool("silence", "query"), silence
    amtool("silence", "expire", silence)
    assert silence not in amtool("silence", "query"), silence
    prometheus_port = free_port()
    config = os.path.join(folder, "prometheus.yml")
    with open(config, "w") as f:
        f.write(f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: nines, static_configs: [{{targets: ['127.0.0.1:{nines.port}']}}]}}]\n")
    prometheus = Process("prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/prometheus",
                                        f"--web.listen-address=127.0.0.1:{prometheus_port}"], folder)
    try:
        target = wait_for("Prometheus parses nines's /metrics", lambda: [
            t for t in json.loads(get(f"http://127.0.0.1:{prometheus_port}/api/v1/targets"))["data"]["activeTargets"] if t["health"] == "up"], 40)
        assert not target[0]["lastError"], target
    finally:
        prometheus.kill(signal.SIGTERM)
    say("ok: promtool, amtool and Prometheus speak with nines")
