"""An error budget from its first minute: the gate, the policy, a maintenance, a kill in between."""
import json
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from harness import Listener, Nines, TextServer, free_port, quick_config, say, wait_for

CONFIG = """
[route]
receiver = "oncall"
group_wait = "0s"
group_interval = "1s"
[[receivers]]
name = "oncall"
webhook_configs = [{{ url = "http://127.0.0.1:{hook}/page" }}]
[[receivers]]
name = "freeze"
webhook_configs = [{{ url = "http://127.0.0.1:{hook}/freeze" }}]
{maintenance}
[[slos]]
name = "shop-availability"
service = "shop"
time_window = {{ duration = "1h", is_rolling = true }}
objectives = [{{ target_percent = 90 }}]
indicator = {{ ratio_metric = {{ bad = 'shop_requests_total{{code="500"}}', total = 'shop_requests_total' }} }}
alerting = {{ preset = "none" }}
{exclude}
error_budget_policy = [
  {{ remaining_below = 0.5, actions = ["notify", "label:deploys=careful"] }},
  {{ remaining_below = 0.0, actions = ["webhook:freeze"] }},
]
"""


class Shop:
    """Ten requests at each scrape, some of which fail."""

    def __init__(self):
        self.ok = self.failed = 0
        self.failing = 0
        self.server = TextServer(self.answer)

    def answer(self, _):
        self.ok += 10 - self.failing
        self.failed += self.failing
        return f'shop_requests_total{{code="200"}} {self.ok}\nshop_requests_total{{code="500"}} {self.failed}\n'


def gate(args, nines, *more):
    done = subprocess.run([args.nines, "gate", "--server", nines.url, *more], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout


def budget_through_its_life(args, folder):
    """No data, a good minute, a bad one: gate codes and formats, policy told once over a kill -9, a maintenance excluded."""
    shop, hook = Shop(), Listener()

    def write(maintenance="", exclude=""):
        return quick_config(folder, shop.server.port, CONFIG.format(hook=hook.port, maintenance=maintenance, exclude=exclude), job="shop")

    nines = Nines(args.nines, folder, write())
    slo = lambda: nines.json("/api/nines/v1/slos/shop-availability")
    freezes = lambda: [p["body"] for p in hook.posts if p["path"] == "/freeze"]
    pages = lambda: [a["labels"] for p in hook.posts if p["path"] == "/page" for a in p["body"]["alerts"] if a["status"] == "firing"]
    try:
        assert gate(args, nines)[0] == 11
        assert gate(args, nines, "--no-data-passes")[0] == 0
        wait_for("a good minute", lambda: slo()["valid"] > 100, 150, 1)
        for form in ("text", "json", "junit", "github", "gitlab"):
            code, out = gate(args, nines, "--format", form)
            assert code == 0, (form, code, out)
        assert gate(args, nines, "nobody")[0] == 4
        assert gate(args, nines, "--service", "nobody")[0] == 4
        assert gate(args, nines, "--format", "pdf")[0] == 2
        assert subprocess.run([args.nines, "gate", "--server", f"http://127.0.0.1:{free_port()}"], capture_output=True, timeout=30).returncode == 12
        assert not freezes() and not pages()
        say("ok: without data 11, then 0 in each format; 4, 2 and 12 where there is nothing to judge")

        shop.failing = 8
        wait_for("the budget is gone", lambda: slo()["state"] == "breached", 150, 1)
        code, out = gate(args, nines, "--format", "json")
        assert code == 10 and json.loads(out)["slos"][0]["verdict"] == "blocked", out
        code, out = gate(args, nines, "--format", "junit")
        assert code == 10 and ElementTree.fromstring(out).get("failures") == "1", out
        code, out = gate(args, nines, "--format", "github")
        assert code == 10 and out.startswith("::error title=SLO shop-availability::"), out
        code, out = gate(args, nines, "--format", "gitlab")
        assert code == 10 and json.loads(out)[0]["severity"] == "blocker", out
        wait_for("the policy's messages", lambda: freezes() and pages(), 30)
        assert freezes()[0]["alerts"][0]["labels"]["remaining_below"] == "0", freezes()
        page = pages()[0]
        assert page["alertname"] == "SLOErrorBudgetPolicy" and page["deploys"] == "careful", page
        steps = slo()["policy"]
        assert [s["active"] for s in steps] == [True, True], steps
        say("ok: blocked in each format; the alert and the webhook of the policy have come")

        nines.kill()
        # A whole minute that begins a good while from now.
        start = (int(time.time()) // 60 + 2) * 60
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(start))
        write(f'[[maintenance]]\nname = "upgrade"\neffects = ["slo_exclude"]\nstarts_at = "{at}"\nduration = "1m"\n', 'exclude = ["upgrade"]')
        nines.start()
        minutes = lambda: {m["t"]: m for m in nines.json("/api/nines/v1/slos/shop-availability/minutes", start=start - 120, end=time.time())["minutes"]}
        wait_for("the minute after the maintenance", lambda: start + 60 in minutes(), 300, 1)
        rows = minutes()
        assert rows[start]["valid"] == 0 and rows[start]["excluded"] > 300, rows
        assert rows[start - 60]["excluded"] == 0 and rows[start - 60]["valid"] > 0, rows
        assert rows[start + 60]["excluded"] == 0 and rows[start + 60]["valid"] > 0, rows
        assert slo()["excluded_minutes"] == 1
        assert len(freezes()) == 1, freezes()
        say("ok: told once over a kill -9; the minute in maintenance is excluded, its neighbours are not")
    finally:
        nines.kill()
        hook.stop()
        shop.server.stop()
