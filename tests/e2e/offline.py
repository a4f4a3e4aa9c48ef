"""Data folders looked at from outside: verify, storage list, on a running, a stopped and a damaged one."""
import json
import os
import shutil
import signal
import subprocess
import time

from harness import Nines, Skipped, say, wait_for

CONFIG = """[global]
scrape_interval = "1s"
scrape_timeout = "900ms"
[storage]
budget = "64MiB"
[host]
interval = "1s"
[[log_configs]]
job_name = "app"
files = ["{folder}/app*.txt"]
labels = {{ app = "shop" }}
"""


def run(args, *verb, code=0):
    done = subprocess.run([args.nines, *verb], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (verb, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def contents(data):
    """Of every file but `lock`: its bytes."""
    out = {}
    for name in os.listdir(data):
        if name != "lock":
            with open(os.path.join(data, name), "rb") as f:
                out[name] = f.read()
    return out


def verify_and_list(args, folder):
    """verify and storage list on a running, a stopped and a damaged folder; neither changes a byte."""
    config, data = os.path.join(folder, "nines.toml"), os.path.join(folder, "data")
    with open(config, "w") as f:
        f.write(CONFIG.format(folder=folder))
    with open(os.path.join(folder, "app.txt"), "w") as f:
        f.writelines(f"line {i}\n" for i in range(2000))
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("some samples", lambda: nines.value("count_over_time(node_load1[1m])") >= 5, 40)
        done = run(args, "verify", "--data", data)
        assert ", 0 damaged" in done.stdout, done.stdout
        assert "a running nines writes here" in done.stderr and str(nines.process.child.pid) in done.stderr, done.stderr
        listed = json.loads(run(args, "storage", "list", "--data", data, "--json").stdout)
        assert listed["in_use"] is True and listed["damage"] == [], listed
        classes = {s["class"] for s in listed["segments"] if s["state"] != "free"}
        assert {"journal", "log_journal"} <= classes, classes
        journal = next(s for s in listed["segments"] if s.get("class") == "journal" and s["state"] == "open")
        assert journal["frames"] > 5 and journal["oldest"] < journal["newest"], journal
        say(f"   running: {done.stdout.strip()}")
    finally:
        nines.kill(signal.SIGKILL)

    before = contents(data)
    done = run(args, "verify", "--data", data)
    assert ", 0 damaged" in done.stdout and "running" not in done.stderr, done
    table = run(args, "storage", "list", "--data", data).stdout
    assert "SEGMENT" in table and "log_journal" in table and "free" in table, table
    after = contents(data)
    # SQLite's own notes about who reads are no data.
    assert {k: v for k, v in before.items() if not k.endswith("-shm")} == {k: v for k, v in after.items() if not k.endswith("-shm")}
    say(f"   stopped: {done.stdout.strip()}")

    with open(os.path.join(data, journal["segment"]), "r+b") as f:
        f.seek(8192 + 40)
        byte = f.read(1)
        f.seek(8192 + 40)
        f.write(bytes([byte[0] ^ 1]))
    done = run(args, "verify", "--data", data, code=1)
    assert f"{journal['segment']} at 8192 (journal)" in done.stdout and ", 1 damaged" in done.stdout, done.stdout
    found = json.loads(run(args, "verify", "--data", data, "--json", code=1).stdout)
    assert found["damaged"] == 1, found
    listed = json.loads(run(args, "storage", "list", "--data", data, "--json").stdout)
    assert [d["file"] for d in listed["damage"]] == [journal["segment"]], listed["damage"]
    say("   damaged: " + done.stdout.splitlines()[0])
    assert "holds no data" in run(args, "verify", "--data", os.path.join(folder, "nowhere"), code=1).stderr


def analyze_and_dump(args, folder):
    """storage analyze and dump on a running and a killed folder; promtool reads the dump, and it says what nines says."""
    config, data = os.path.join(folder, "nines.toml"), os.path.join(folder, "data")
    with open(config, "w") as f:
        f.write(CONFIG.format(folder=folder))
    with open(os.path.join(folder, "app.txt"), "w") as f:
        f.writelines(f"line {i}\n" for i in range(2000))
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("some samples", lambda: nines.value("count_over_time(node_load1[1m])") >= 8, 40)
        found = json.loads(run(args, "storage", "analyze", data, "--json", "--top", "0").stdout)
        series = nines.value('count({__name__=~".+"})')
        assert found["in_use"] and series <= found["series"] <= series + 60, (found["series"], series)
        assert found["log_streams"] == 1 and found["damaged_series"] == 0 and found["churn"]["begun"] is None, found
        cpu = next(m for m in found["metrics"] if m["name"] == "node_cpu_seconds_total")
        assert cpu["series"] == nines.value("count(node_cpu_seconds_total)"), cpu
        host = next(t for t in found["by_target"] if t["job"] == "host")
        assert host["series"] == max(t["series"] for t in found["by_target"]), found["by_target"]
        table = run(args, "storage", "analyze", "--data", data, "--top", "3")
        assert "node_cpu_seconds_total" in table.stdout and "log_journal" in table.stdout, table.stdout
        assert "a running nines writes here" in table.stderr, table.stderr
        shares = {c["class"]: c["bytes"] for c in found["classes"]}
        with open(config, "a") as f:
            f.write('\n[storage.quota]\nraw = 30\n')
        with_quota = {c["class"]: c["bytes"] for c in json.loads(run(args, "storage", "analyze", data, "--json", "--config", config).stdout)["classes"]}
        assert with_quota["raw"] < shares["raw"] and with_quota["logs"] > shares["logs"], (shares, with_quota)
        live = run(args, "storage", "dump", data, "--match", 'node_load1{job="host"}').stdout
        assert live.startswith("# TYPE node_load1 gauge\n# HELP node_load1 ") and live.endswith("# EOF\n"), live
        end = int(time.time()) - 2
        said = nines.json("/api/v1/query", query="node_load1[20s]", time=end)["data"]["result"][0]["values"]
    finally:
        nines.kill(signal.SIGKILL)

    before = contents(data)
    lock = os.stat(os.path.join(data, "lock")).st_mtime_ns
    run(args, "storage", "analyze", data)
    whole = run(args, "storage", "dump", data)
    assert "running" not in whole.stderr, whole.stderr
    after = contents(data)
    assert {k: v for k, v in before.items() if not k.endswith("-shm")} == {k: v for k, v in after.items() if not k.endswith("-shm")}
    assert lock == os.stat(os.path.join(data, "lock")).st_mtime_ns, "the lock file was written"
    some = run(args, "storage", "dump", data, "--match", "node_load1", "--to", str(end), "--from", str(end - 20)).stdout
    values = [line.split()[1:] for line in some.splitlines() if not line.startswith("#")]
    assert [(float(t), float(v)) for v, t in values if float(t) > end - 20] == [(t, float(v)) for t, v in said], (values, said)
    lines = run(args, "storage", "dump", data, "--match", "node_load1", "--format", "json").stdout.splitlines()
    one = json.loads(lines[0])
    assert len(lines) == 1 and one["metric"]["job"] == "host" and len(one["values"]) == len(one["timestamps"]) >= 8, lines
    error = run(args, "storage", "dump", data, "--match", "rate(up[5m])", code=2).stderr
    assert "not a series selector" in error, error
    run(args, "storage", "dump", data, "--from", "yesterday", code=2)
    run(args, "storage", "analyze", os.path.join(folder, "nowhere"), code=4)
    assert not os.path.exists(os.path.join(folder, "nowhere"))
    promtool_reads(folder, whole.stdout)
    imported_again(args, folder, config, whole.stdout)


def imported_again(args, folder, config, text):
    """A dump that nines itself imports into a new folder dumps the same samples again."""
    dump, new = os.path.join(folder, "again.om"), os.path.join(folder, "new")
    with open(dump, "w") as f:
        f.write(text)
    run(args, "storage", "import", dump, "--data", new, "--config", config)
    again = run(args, "storage", "dump", new).stdout

    def samples(of):
        return sorted(line for line in of.splitlines() if not line.startswith("#"))
    assert samples(again) == samples(text), (len(samples(again)), len(samples(text)))
    say(f"   {len(samples(text))} samples went through storage import")


def promtool_reads(folder, text):
    """Into blocks of a Prometheus and out again: as many samples as were dumped."""
    if not shutil.which("promtool"):
        raise Skipped("promtool is not installed")
    dump, blocks = os.path.join(folder, "dump.om"), os.path.join(folder, "blocks")
    with open(dump, "w") as f:
        f.write(text)
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", dump, blocks], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made
    os.makedirs(os.path.join(blocks, "wal"))
    out = subprocess.run(["promtool", "tsdb", "dump", blocks], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out
    dumped = sum(not line.startswith("#") for line in text.splitlines())
    read = len(out.stdout.splitlines())
    assert read == dumped, f"{dumped} samples were dumped, {read} came out of promtool"
    say(f"   {read} samples went through promtool's blocks")
