"""Exemplars: from a target's page through the store, and past a kill, to query_exemplars."""
import os
import signal
import time

from harness import Nines, TextServer, wait_for

PAGE = """# HELP shop_requests Requests.
# TYPE shop_requests counter
shop_requests_total{{path="/pay"}} {count} # {{trace_id="t{count}"}} 0.75 {time:.3f}
# TYPE shop_seconds histogram
# UNIT shop_seconds seconds
shop_seconds_bucket{{le="1.0"}} {count}
shop_seconds_bucket{{le="+Inf"}} {count} # {{trace_id="slow",span_id="s"}} 7.5
shop_seconds_sum {count}
shop_seconds_count {count}
# EOF
"""


class Exporter:
    """A target that speaks OpenMetrics, with an exemplar of a new trace at each scrape."""

    def __init__(self):
        self.count = 0
        self.accepted = ""
        self.server = TextServer(self.page, "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.port, self.stop = self.server.port, self.server.stop

    def page(self, request):
        self.count += 1
        self.accepted = request.headers.get("Accept", "")
        return PAGE.format(count=self.count, time=time.time())


def exemplars_survive_a_kill(args, folder):
    """Exemplars of a scraped page are answered by query_exemplars, the same after kill -9."""
    exporter = Exporter()
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[storage]
budget = "64MiB"
max_exemplars = 100
[[scrape_configs]]
job_name = "shop"
scrape_interval = "1s"
scrape_timeout = "1s"
static_configs = [{{ targets = ["127.0.0.1:{exporter.port}"] }}]
""")
    nines = Nines(args.nines, folder, config)
    try:
        def found(expr="rate(shop_requests_total[1m]) > 0 or shop_seconds_bucket"):
            return nines.json("/api/v1/query_exemplars", query=expr)["data"]

        wait_for("three exemplars", lambda: len(found()) == 2 and len(found()[0]["exemplars"]) >= 3, 20)
        assert "openmetrics" in exporter.accepted, exporter.accepted
        exporter.stop()
        wait_for("the target is gone", lambda: nines.value('up{job="shop"}') == 0, 20)
        before = found()
        total, bucket = before
        assert total["seriesLabels"]["__name__"] == "shop_requests_total", before
        assert total["seriesLabels"]["job"] == "shop" and total["seriesLabels"]["path"] == "/pay", before
        traces = [e["labels"]["trace_id"] for e in total["exemplars"]]
        assert traces == [f"t{n}" for n in range(1, len(traces) + 1)], before
        assert all(e["value"] == "0.75" for e in total["exemplars"]), before
        times = [e["timestamp"] for e in total["exemplars"]]
        assert times == sorted(times) and abs(times[0] - time.time()) < 60, before
        # One without a time of its own is the same at each scrape.
        assert bucket["seriesLabels"]["le"] in ("+Inf", "inf"), before
        assert [e["labels"] for e in bucket["exemplars"]] == [{"span_id": "s", "trace_id": "slow"}], before
        one = nines.json("/api/v1/query_exemplars", query="shop_requests_total", start=times[1], end=times[1])["data"]
        assert [e["labels"]["trace_id"] for e in one[0]["exemplars"]] == ["t2"], one
        for _ in range(2):
            nines.kill()
            nines.start()
            assert found() == before, (found(), before)
        own = nines.json("/api/v1/query_exemplars", query='{job="nobody"}')
        assert own == {"status": "success", "data": []}, own
    finally:
        nines.kill(signal.SIGTERM)
