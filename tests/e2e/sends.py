"""Remote write, sent: Debian's prometheus and victoria-metrics as receivers, through an outage and a kill of nines."""
import json
import math
import os
import re
import shutil
import signal
import time
import urllib.parse

from harness import Nines, Process, Skipped, TextServer, free_port, get, say, wait_for

CONFIG = """
[global]
scrape_interval = "1s"
scrape_timeout = "1s"
external_labels = {{ region = "eu" }}
[[scrape_configs]]
job_name = "t"
static_configs = [{{ targets = ["127.0.0.1:{a}", "127.0.0.1:{b}"] }}]
[[remote_write]]
name = "prometheus"
url = "http://127.0.0.1:{prometheus}/api/v1/write"
{options}
queue_config = {{ capacity = 2000, max_shards = 2, max_samples_per_send = 500, batch_send_deadline = "500ms", max_backoff = "1s" }}
[[remote_write]]
name = "victoria"
url = "http://127.0.0.1:{victoria}/api/v1/write"
queue_config = {{ batch_send_deadline = "500ms" }}
write_relabel_configs = [{{ source_labels = ["job"], regex = "t", action = "keep" }}]
"""


INFINITE = re.compile(r'(?<=[\[,])"?\+?(-?)Inf(?:inity)?"?(?=[\],])')


def program(name):
    beside = os.path.join("build", "peers", "usr", "bin", name)
    found = shutil.which(name) or (os.path.exists(beside) and os.path.abspath(beside))
    if not found:
        raise Skipped(f"{name} is not installed: apt-get install {name}")
    return found


def page(request):
    now = time.time()
    lines = ["# HELP t_rows_total Rows done.", "# TYPE t_rows_total counter"]
    lines += [f't_rows_total{{table="{i}"}} {int(now * 1000) % 10_000_000 + i}' for i in range(50)]
    lines += ["# TYPE t_odd gauge", "t_odd NaN", f"t_float {now / 3}", "t_inf +Inf"]
    if int(now) % 10 < 5:
        lines.append("t_sometimes 1")
    return "\n".join(lines) + "\n"


def key(metric):
    return tuple(sorted((n, v) for n, v in metric.items() if n != "region"))


def matrix(url, start, end, selector='{job="t"}'):
    """series -> time in ms -> value as text, of a Prometheus API."""
    query = urllib.parse.urlencode({"query": f'{selector}[{int(end - start)}s]', "time": f"{end:.3f}"})
    result = json.loads(get(f"{url}/api/v1/query?{query}"))["data"]["result"]
    return {key(row["metric"]): {round(t * 1000): float(v) for t, v in row["values"]} for row in result if "values" in row}


def exported(url, start, end):
    """The same of victoria-metrics, which gives what it stored line by line."""
    query = urllib.parse.urlencode({"match[]": '{job="t"}', "start": f"{start:.3f}", "end": f"{end:.3f}"})
    out = {}
    for line in get(f"{url}/api/v1/export?{query}").splitlines():
        row = json.loads(INFINITE.sub(r"\1Infinity", line))  # written as no JSON reader takes it
        values = {t: float("nan" if v is None else v) for t, v in zip(row["timestamps"], row["values"])}
        out.setdefault(key(row["metric"]), {}).update(values)
    return out


def missing(want, have, lossy=False):
    """What `have` lacks or has otherwise. victoria-metrics is lossy: no NaN, and decimals in place of the last bits."""
    bad = []
    for series, samples in want.items():
        for at, value in samples.items():
            if value != value and lossy:
                continue
            other = have.get(series, {}).get(at)
            same = other is not None and (repr(other) == repr(value) or lossy and math.isclose(other, value, rel_tol=1e-12))
            if not same:
                bad.append((series, at, value, other))
    return bad


def wait_for_all(what, want, read, lossy=False):
    try:
        wait_for(what, lambda: not missing(want, read(), lossy), 30, 1)
    except AssertionError:
        bad = missing(want, read(), lossy)
        raise AssertionError(f"{what}: {len(bad)} are missing or other, such as {bad[:5]}")


def sent_to_peers(args, folder):
    """An outage of 15 s and a kill of nines: two receivers have every sample that nines has, and no other."""
    prometheus, victoria = program("prometheus"), program("victoria-metrics")
    targets = [TextServer(page), TextServer(page)]
    ports = {"prometheus": free_port(), "victoria": free_port(), "a": targets[0].port, "b": targets[1].port}
    with open(os.path.join(folder, "prometheus.yml"), "w") as f:
        f.write("global: {}\n")
    with open(os.path.join(folder, "nines.toml"), "w") as f:
        f.write(CONFIG.format(options="", **ports))
    running = []
    try:
        receiver = Process("prometheus", [prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                          f"--web.listen-address=127.0.0.1:{ports['prometheus']}", "--web.enable-remote-write-receiver"], folder)
        running.append(receiver)
        running.append(Process("victoria", [victoria, f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{ports['victoria']}", "-retentionPeriod=1"],
                               folder))
        urls = [f"http://127.0.0.1:{ports[name]}" for name in ("prometheus", "victoria")]
        for url in urls:
            wait_for(url, lambda: get(url + "/-/healthy", 1), 30)
        nines = Nines(args.nines, folder, os.path.join(folder, "nines.toml"))
        running.append(nines)
        start = time.time()
        time.sleep(8)
        receiver.kill(signal.SIGTERM)
        time.sleep(15)  # the outage: more than the queue holds
        receiver.start()
        time.sleep(6)
        nines.kill(signal.SIGKILL)
        nines.start()
        time.sleep(8)
        end = time.time() - 3
        sent = 'min(nines_remote_storage_queue_highest_sent_timestamp_seconds) > ' + str(end + 1)
        wait_for("everything is sent", lambda: nines.query(sent) and not nines.query("nines_remote_storage_catching_up == 1"), 60)
        mine = matrix(nines.url, start, end)
        count = sum(map(len, mine.values()))
        assert len(mine) > 110 and count > 3000, (len(mine), count)
        wait_for_all("prometheus has it", mine, lambda: matrix(urls[0], start, end))
        all_mine = matrix(nines.url, start, end, '{__name__!=""}')
        wait_for_all("prometheus has everything", all_mine, lambda: matrix(urls[0], start, end, '{__name__!=""}'))
        say(f"  {len(all_mine)} series, {sum(map(len, all_mine.values()))} samples of every job in prometheus")
        wait_for_all("victoria-metrics has it", mine, lambda: exported(urls[1], start, end), lossy=True)
        assert not missing(matrix(urls[0], start, end), mine), "prometheus has what nines has not"
        failed = nines.value("sum(nines_remote_storage_samples_failed_total)")
        assert failed == 0, f"{failed} samples refused for good"
        described = json.loads(get(urls[0] + "/api/v1/label/region/values"))["data"]
        assert described == ["eu"], described
        page_text = get(nines.url + "/metrics")
        for name in ("samples_total", "samples_retried_total", "samples_caught_up_total", "samples_repeated_total", "position_timestamp_seconds"):
            say("  " + "; ".join(line for line in page_text.splitlines() if line.startswith("nines_remote_storage_" + name + "{")))
        say(f"  {len(mine)} series, {count} samples the same in nines, prometheus and victoria-metrics")
    finally:
        for process in reversed(running):
            process.kill()
        for target in targets:
            target.stop()
