"""Data folders looked at from outside: verify, storage list, on a running, a stopped and a damaged one."""
import json
import os
import signal
import subprocess

from harness import Nines, say, wait_for

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
