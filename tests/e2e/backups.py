"""Backups: taken of a running nines, restored elsewhere, refused when damaged or in the way."""
import json
import os
import random
import shutil
import signal
import threading
import time

from harness import Nines, TextServer, say, wait_for
from offline import run

CONFIG = """[global]
scrape_interval = "1s"
scrape_timeout = "900ms"
evaluation_interval = "1s"
[storage]
budget = "64MiB"
[host]
interval = "1s"
[[scrape_configs]]
job_name = "fast"
scrape_interval = "200ms"
scrape_timeout = "190ms"
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]
[[log_configs]]
job_name = "bulk"
files = ["{folder}/bulk.txt"]
labels = {{ app = "bulk" }}
[[log_configs]]
job_name = "shop"
files = ["{folder}/shop*.txt"]
labels = {{ app = "shop" }}
metrics = [{{ name = "shop_requests_total", type = "counter", regex = 'status=(?P<status>\\d+)', by = ["status"] }}]
[[groups]]
name = "shop"
interval = "1s"
[[groups.rules]]
record = "host:load"
expr = "node_load1"
[[groups.rules]]
alert = "Busy"
expr = 'node_load1 >= 0'
for = "2s"
labels = {{ severity = "page" }}
[[slos]]
name = "shop-availability"
service = "shop"
budgeting_method = "Occurrences"
time_window = {{ duration = "30d", is_rolling = true }}
objectives = [{{ target_percent = 99.9 }}]
indicator = {{ ratio_metric = {{ counter = true, good = 'shop_requests_total{{status!~"5.."}}', total = 'shop_requests_total' }} }}
"""
QUERIES = ("node_load1", "host:load", "sum by (status) (shop_requests_total)", 'ALERTS{alertname="Busy"}', "count(node_cpu_seconds_total)",
           "rate(node_cpu_seconds_total[15s])", "up", 'count({__name__=~".+"})', "avg_over_time(node_load1[30s])",
           "sum(noise)", 'max_over_time(noise{n="7"}[10s])')


def noise(_request):
    """Three hundred series of random values; scraped five times a second they fill pages soon."""
    return "".join(f'noise{{n="{n}"}} {random.random()}\n' for n in range(300))


class Talker:
    """Writes ten numbered lines a second into a log file until stopped."""

    def __init__(self, path):
        self.path, self.written, self.stopped = path, 0, threading.Event()
        self.thread = threading.Thread(target=self.talk, daemon=True)
        self.thread.start()

    def talk(self):
        with open(self.path, "a", buffering=1) as f:
            while not self.stopped.wait(0.1):
                f.write(f"line={self.written} status={500 if self.written % 50 == 0 else 200}\n")
                self.written += 1

    def stop(self):
        self.stopped.set()
        self.thread.join()


def answers(nines, start, end):
    """What nines says about the time from start to end."""
    out = {}
    for query in QUERIES:
        data = nines.json("/api/v1/query_range", query=query, start=start, end=end, step=1)["data"]["result"]
        out[query] = sorted((json.dumps(s["metric"], sort_keys=True), s["values"]) for s in data)
    out["series"] = sorted(json.dumps(s, sort_keys=True) for s in nines.json("/api/v1/series", **{"match[]": '{__name__=~".+"}', "start": start, "end": end})["data"])
    streams = nines.json("/loki/api/v1/query_range", query='{app="shop"}', start=int(start * 1e9), end=int(end * 1e9), limit=5000)["data"]["result"]
    out["logs"] = sorted((json.dumps(s["stream"], sort_keys=True), s["values"]) for s in streams)
    bulk = nines.json("/loki/api/v1/query", query='sum(count_over_time({app="bulk"}[15m]))', time=int(end * 1e9))["data"]["result"]
    out["bulk"] = [s["value"] for s in bulk]
    out["minutes"] = [m for m in nines.json("/api/nines/v1/slos/shop-availability/minutes", start=start - 3600, end=(end + 3) // 60 * 60)["minutes"]
                      if m["valid"] > 0]
    return out


def busy(nines):
    """State and beginning of the test's own alert."""
    return [(a["state"], a["activeAt"]) for a in nines.alerts() if a["labels"]["alertname"] == "Busy"]


def backup_of_a_running_nines(args, folder):
    """A nines that scrapes, tails and alerts is backed up, killed and restored elsewhere: the past answers alike."""
    config, data, backup = (os.path.join(folder, n) for n in ("nines.toml", "data", "backup"))
    target = TextServer(noise)
    with open(config, "w") as f:
        f.write(CONFIG.format(folder=folder, port=target.port))
    with open(os.path.join(folder, "bulk.txt"), "w") as f:
        f.writelines(f"{random.getrandbits(256):064x} line {i}\n" for i in range(30000))
    talker = Talker(os.path.join(folder, "shop.txt"))
    again = None
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("the alert fires", lambda: [a for a in nines.alerts() if a["state"] == "firing"], 60)
        wait_for("the ledger has a minute", lambda: nines.json("/api/nines/v1/slos/shop-availability")["valid"] >= 100, 170, 1)
        wait_for("half a minute of samples", lambda: nines.value("count_over_time(node_load1[2m])") >= 31, 60)
        done = run(args, "backup", backup, "--data", data)
        say("   " + done.stdout.strip())
        assert "while nines ran" in done.stdout and not done.stderr, done
        assert not os.path.exists(backup + ".partial")
        manifest = json.load(open(os.path.join(backup, "manifest.json")))
        classes = {f.get("class") for f in manifest["files"]}
        assert {"journal", "raw", "log_journal", "logs"} <= classes, classes
        end = manifest["taken_at_ms"] / 1000 - 3
        end, start = int(end), int(end) - 60
        before = answers(nines, start, end)
        active = busy(nines)
        # Nothing was missed while the backup was taken.
        assert nines.value("count_over_time(node_load1[30s])") >= 28, "the backup made collection wait"
        nines.kill(signal.SIGKILL)

        used = sum(os.stat(os.path.join(backup, n)).st_blocks * 512 for n in os.listdir(backup))
        assert used < 8 << 20, f"the backup takes {used} bytes"
        assert ", 0 damaged" in run(args, "verify", backup).stdout
        where = os.path.join(folder, "elsewhere")
        os.makedirs(where)
        done = run(args, "restore", backup, "--data", os.path.join(where, "data"))
        say("   " + done.stdout.splitlines()[0])
        assert ", 0 damaged" in run(args, "verify", "--data", os.path.join(where, "data")).stdout
        again = Nines(args.nines, where, config)
        after = answers(again, start, end)
        for what, said in before.items():
            assert said, f"{what}: nothing was there to compare"
            assert said == after[what], f"{what}: before {str(said)[:1500]}\nafter {str(after[what])[:1500]}"
        assert busy(again) == active, (active, again.alerts())
        say(f"   {len(before)} questions about 60 s before the backup answer alike, the alert fires since {active[0][1]}")

        # And it goes on: lines, samples, the ledger.
        wait_for("it goes on collecting", lambda: again.value("time() - timestamp(node_load1)") < 3, 20)
        talker.stop()
        count = talker.written

        def all_lines():
            streams = again.json("/loki/api/v1/query_range", query='{app="shop"}', start=int((start - 600) * 1e9),
                                 end=int((time.time() + 10) * 1e9), limit=5000)["data"]["result"]
            lines = {int(text.split()[0][5:]) for s in streams for _, text in s["values"]}
            return lines >= set(range(count))
        wait_for("every line is there", all_lines, 20)
        again.kill(signal.SIGKILL)
        again.start()
        assert answers(again, start, end)["node_load1"] == before["node_load1"]
        wait_for("every line is there after a kill", all_lines, 20)
        refusals(args, folder, backup, where)
    finally:
        target.stop()
        talker.stop()
        nines.kill(signal.SIGTERM)
        if again:
            again.kill(signal.SIGTERM)


def refusals(args, folder, backup, where):
    """`where` holds a running nines."""
    error = run(args, "backup", backup, "--data", os.path.join(folder, "data"), code=1).stderr
    assert "exists" in error, error
    error = run(args, "restore", backup, "--data", os.path.join(where, "data"), "--force", code=1).stderr
    assert "is in use" in error and "pid" in error, error
    error = run(args, "restore", backup, "--data", os.path.join(folder, "data"), code=1).stderr
    assert "is not empty" in error and "--force" in error, error
    run(args, "restore", os.path.join(folder, "nowhere"), "--data", os.path.join(folder, "new"), code=4)
    run(args, "backup", os.path.join(folder, "new"), "--data", os.path.join(folder, "nowhere"), code=4)
    for name in sorted(os.listdir(backup)):
        bad = os.path.join(folder, "bad")
        shutil.copytree(backup, bad)
        with open(os.path.join(bad, name), "r+b") as f:
            f.seek(os.path.getsize(os.path.join(bad, name)) // 2)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 4]))
        error = run(args, "restore", bad, "--data", os.path.join(folder, "new"), code=1).stderr
        assert name in error and "damaged" in error, error
        assert json.loads(run(args, "verify", bad, "--json", code=1).stdout)["damaged"] == 1
        assert not os.path.exists(os.path.join(folder, "new")), "a refused restore left something"
        shutil.rmtree(bad)
    say("   " + error.strip())
    # A stopped folder, restored over with --force.
    done = run(args, "backup", os.path.join(folder, "second"), "--data", os.path.join(folder, "data"))
    assert "while nines ran" not in done.stdout, done.stdout
    run(args, "restore", os.path.join(folder, "second"), "--data", os.path.join(folder, "data"), "--force")
    assert ", 0 damaged" in run(args, "verify", "--data", os.path.join(folder, "data")).stdout
