"""Windows outlive samples: a ring of 16 MiB is given 40 days, and answers for 30, the same after kill -9."""
import json
import os
import random
import re
import subprocess
import time

from harness import Nines, get, say, wait_for

SERIES, DAYS, STEP = 30, 40, 60
HOUR, DAY = 3600, 86400


def increase(samples, start, at, length):
    """Prometheus's increase() over (at - length, at], of values one each STEP from `start` on."""
    opening = at - length
    first = (opening - start) // STEP + 1
    last = min((at - start) // STEP, len(samples) - 1)
    values = samples[first:last + 1]
    total = values[-1] - values[0]
    total += sum(a for a, b in zip(values, values[1:]) if b < a)
    sampled = STEP * (len(values) - 1)
    to_start, to_end = start + STEP * first - opening, at - (start + STEP * last)
    to_start = to_start if to_start < STEP * 1.1 else STEP / 2
    if total > 0:
        to_start = min(to_start, sampled * values[0] / total)
    to_end = to_end if to_end < STEP * 1.1 else STEP / 2
    return total * (sampled + to_start + to_end) / sampled


def seconds_of(text):
    units = {"y": 365 * DAY, "w": 7 * DAY, "d": DAY, "h": HOUR, "m": 60, "s": 1, "ms": 0.001}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)(ms|[ywdhms])", text))


def projections_agree(args, nines, data, config):
    """How long each share lasts: the same in /api/v1/status/tsdb, as a metric, and in `nines storage analyze`."""
    def told():
        page = {c["class"]: seconds_of(c["projectedRetention"]) for c in nines.json("/api/v1/status/tsdb")["data"]["retention"]}
        lines = re.findall(r'^nines_storage_class_projected_retention_seconds\{class="(\w+)"\} (\S+)$', get(nines.url + "/metrics"), re.M)
        return page, {name: float(value) for name, value in lines}

    # The metric is as old as the last look at the store, some seconds.
    page, metric = wait_for("page and metric agree", lambda: (lambda both: both if all(
        abs(both[0][c] - both[1].get(c, -1)) <= 0.01 * both[0][c] + 1 for c in both[0]) and both[0]["raw"] > 0 else None)(told()), 30)
    done = subprocess.run([args.nines, "storage", "analyze", data, "--config", config, "--json"], check=True, capture_output=True, text=True, timeout=120)
    analyzed = {c["class"]: c.get("projected_retention_seconds", 0) for c in json.loads(done.stdout)["classes"]}
    for name in ("raw", "t5m", "t1h"):
        assert page[name] > HOUR, (name, page)
        assert abs(analyzed[name] - page[name]) <= 0.02 * page[name], (name, page, metric, analyzed)
    say("   lasts, in days: " + ", ".join(f"{name} {page[name] / DAY:.1f} (analyze {analyzed[name] / DAY:.1f})" for name in ("raw", "t5m", "t1h")))


def ask(nines, expr, end):
    return nines.json("/api/v1/query_range", query=expr, start=end - 30 * DAY, end=end, step=HOUR)


def windows_answer_for_a_month(args, folder):
    """Samples of a month ago are gone, and rate, sum, min, max and a selector still answer for them; a quantile says so."""
    chance = random.Random(1)
    end = int(time.time()) // HOUR * HOUR
    start = end - DAYS * DAY
    steps = DAYS * DAY // STEP
    values = []
    for _ in range(SERIES):
        value, mine = 0, []
        for _ in range(steps):
            value = 0 if chance.random() < 0.0001 else value + chance.getrandbits(36)
            mine.append(value)
        values.append(mine)
    path = os.path.join(folder, "history.om")
    with open(path, "w") as f:
        f.write("# TYPE hits counter\n")
        for i in range(steps):
            at = start + STEP * i
            f.write("".join(f'hits_total{{i="{s}"}} {values[s][i]} {at}\n' for s in range(SERIES)))
        f.write("# EOF\n")
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "16MiB"\n')
    data = os.path.join(folder, "data")
    subprocess.run([args.nines, "storage", "import", path, "--data", data, "--config", config], check=True, capture_output=True, timeout=300)
    os.remove(path)

    nines = Nines(args.nines, folder, config)
    try:
        for life in range(2):
            answer = ask(nines, 'increase(hits_total{i="3"}[1h])', end)
            assert answer["infos"][0].startswith("PromQL info: answered from the 1h tier until"), answer["infos"]
            assert "warnings" not in answer, answer["warnings"]
            points = answer["data"]["result"][0]["values"]
            assert len(points) == 30 * 24 + 1, len(points)
            worst = 0
            for at, value in points:
                want = increase(values[3], start, int(at), HOUR)
                worst = max(worst, abs(float(value) - want) / want)
            assert worst < 1e-12, worst
            for name, of in (("max", max), ("min", min), ("sum", sum), ("count", len)):
                answer = ask(nines, f'{name}_over_time(hits_total{{i="7"}}[6h])', end)
                for at, value in answer["data"]["result"][0]["values"]:
                    last = (int(at) - start) // STEP
                    want = of(values[7][last - 6 * HOUR // STEP + 1:last + 1])
                    assert abs(float(value) - want) <= 1e-12 * want, (name, at, value, want)
            answer = ask(nines, 'hits_total{i="9"}', end)
            for at, value in answer["data"]["result"][0]["values"][:-1]:
                assert float(value) == values[9][(int(at) - start) // STEP], (at, value)
            answer = ask(nines, 'quantile_over_time(0.9, hits_total{i="3"}[1h])', end)
            assert "quantile_over_time needs them" in answer["warnings"][0], answer
            kept = {c["class"]: c for c in nines.json("/api/v1/status/tsdb")["data"]["retention"]}
            assert kept["t5m"]["bytesUsed"] > 0 and kept["t1h"]["bytesUsed"] > 0, kept
            projections_agree(args, nines, data, config)
            if life == 0:
                nines.kill()
                nines.start()
        say(f"increase() over 30 days differs by at most {worst:.1e}")
    finally:
        nines.kill()
    subprocess.run([args.nines, "verify", data], check=True, capture_output=True, timeout=120)
