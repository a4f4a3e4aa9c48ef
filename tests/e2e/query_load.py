"""Heavy queries of many people beside rules that must not wait."""
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, TextServer, say, wait_for

SERIES = 2000
CLIENTS = 20
SECONDS = 25

CONFIG = """
[global]
scrape_interval = "1s"
scrape_timeout = "1s"
[storage]
budget = "256MiB"
[query]
timeout = "30s"
[[scrape_configs]]
job_name = "fleet"
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]
[[groups]]
name = "each second"
interval = "1s"
[[groups.rules]]
record = "fleet:sum"
expr = 'sum(fleet_level)'
[[groups.rules]]
record = "fleet:rate"
expr = 'sum by (zone) (rate(fleet_work_total[30s]))'
[[groups.rules]]
alert = "FleetLow"
expr = 'fleet:sum < 0'
"""

HEAVY = (
    'sum by (zone) (rate(fleet_work_total[1m]))',
    'topk(5, quantile_over_time(0.9, fleet_level[2m]))',
    'max_over_time(sum by (zone) (rate(fleet_work_total[20s]))[1m:1s])',
    'count(fleet_level * on (n) group_left () fleet_work_total)',
)


class People:
    """Clients that each ask for the next heavy query as soon as one is answered."""

    def __init__(self, url):
        self.url, self.going, self.answers, self.took = url, True, {}, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(i,), daemon=True) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def ask(self, number):
        while self.going:
            number += 1
            now = time.time()
            form = urllib.parse.urlencode({"query": HEAVY[number % len(HEAVY)], "start": now - 120, "end": now, "step": 1}).encode()
            began = time.monotonic()
            try:
                with urllib.request.urlopen(self.url + "/api/v1/query_range", data=form, timeout=60) as answer:
                    answer.read()
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
            except OSError as error:
                status = type(error).__name__
            with self.lock:
                self.answers[status] = self.answers.get(status, 0) + 1
                self.took.append(time.monotonic() - began)

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join(timeout=60)


def rules_before_people(args, folder):
    """Twenty clients with heavy queries: a group of one second misses no evaluation, and its duration stays bounded."""
    page = []

    def answer(_):
        now = int(time.time())
        if not page or page[0] != now:
            lines = [f'fleet_level{{n="{i}",zone="{i % 7}"}} {(now * (i + 1)) % 1000}\n'
                     f'fleet_work_total{{n="{i}",zone="{i % 7}"}} {now % 100000 * (i % 13 + 1)}\n' for i in range(SERIES // 2)]
            page[:] = [now, "".join(lines)]
        return page[1]

    target = TextServer(answer)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(port=target.port))
    nines = Nines(args.nines, folder, config)
    people = None
    try:
        def group():
            groups = nines.json("/api/v1/rules")["data"]["groups"]
            return next(g for g in groups if g["name"] == "each second")

        def counted(name):
            return nines.value(f'{name}{{rule_group=~".*each second"}}')

        wait_for("rules run", lambda: nines.value("fleet:sum") > 0 and nines.query("fleet:rate"), 30)
        wait_for("some history", lambda: nines.value("count_over_time(fleet:sum[1m])") >= 8, 40)
        people = People(nines.url)
        begin = time.time()
        longest = 0.0
        latest = set()
        while time.time() < begin + SECONDS:
            shown = group()
            longest = max(longest, shown["evaluationTime"])
            latest.add(shown["lastEvaluation"])
            time.sleep(0.5)
        end = time.time()
        people.stop()
        people = people_done = people
        values = nines.json("/api/v1/query", query="fleet:sum[90s]", time=end + 2)["data"]["result"][0]["values"]
        times = [t for t, _ in values if begin + 1 <= t <= end - 1]
        gaps = [b - a for a, b in zip(times, times[1:])]
        wanted = int(end - 1 - (begin + 1))
        took = sorted(people_done.took)
        say(f"{CLIENTS} clients: {people_done.answers} answers, median {took[len(took) // 2]:.2f} s, longest {took[-1]:.2f} s; "
            f"rules: {len(times)} evaluations in {end - begin - 2:.1f} s, largest gap {max(gaps):.3f} s, longest evaluation {longest * 1000:.0f} ms")
        assert sum(people_done.answers.values()) >= CLIENTS, people_done.answers
        assert set(people_done.answers) <= {200, 422, 503}, people_done.answers
        assert len(times) >= wanted, (len(times), wanted)
        assert max(gaps) < 1.5, gaps
        assert longest < 1.0, longest
        assert len(latest) > SECONDS // 2, latest
        missed = nines.query('prometheus_rule_group_iterations_missed_total{rule_group=~".*each second"}')
        assert not missed or float(missed[0]["value"][1]) == 0, missed
        assert all(r["health"] == "ok" for r in group()["rules"]), json.dumps(group())
    finally:
        if people:
            people.stop()
        nines.kill(signal.SIGTERM)
        target.stop()
