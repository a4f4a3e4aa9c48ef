"""Disks that are too small or lie."""
import os
import random
import signal
import subprocess

from harness import Nines, Skipped, get, say, wait_for


def refusal(args, data, budget, folder):
    config = os.path.join(folder, "small.toml")
    with open(config, "w") as f:
        f.write(f'[storage]\nbudget = "{budget}"\n')
    run = subprocess.run([args.nines, "serve", "--config", config, "--data", data, "--listen", "127.0.0.1:0"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1, run
    return run.stderr


def disk_is_too_small(args, folder):
    """A budget the disk cannot hold is refused at the first start, with what is free; nothing is left behind."""
    data = os.path.join(folder, "data")
    text = refusal(args, data, "4000TiB", folder)
    say("   " + text.strip().splitlines()[-1])
    assert "free" in text and "budget" in text, text
    assert not os.path.exists(data) or not [n for n in os.listdir(data) if n.startswith(("seg-", "super"))], os.listdir(data)
    if os.geteuid() != 0:
        raise Skipped("a small disk can be mounted by root only")
    mount = os.path.join(folder, "small-disk")
    os.makedirs(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", mount], capture_output=True).returncode != 0:
        raise Skipped("this machine does not let root mount a tmpfs")
    try:
        text = refusal(args, os.path.join(mount, "data"), "1GiB", folder)
        say("   " + text.strip().splitlines()[-1])
        assert "free" in text and "budget" in text, text
        left = sum(os.path.getsize(os.path.join(d, n)) for d, _, names in os.walk(mount) for n in names)
        assert left < 1 << 20, f"{left} bytes were left behind"
    finally:
        subprocess.run(["umount", mount], check=False)


def damaged_segment_is_skipped_and_named(args, folder):
    """Bytes of the ring go bad while nines is down: it starts, names the damage, keeps the rest."""
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "900ms"\n[storage]\nbudget = "64MiB"\n[host]\ninterval = "1s"\n')
    nines = Nines(args.nines, folder, config)
    data = os.path.join(folder, "data")
    try:
        wait_for("some samples", lambda: nines.value("count_over_time(node_load1[1m])") >= 12, 40)
        blocks = [os.stat(os.path.join(data, n)).st_blocks for n in sorted(os.listdir(data)) if n.startswith("seg-")]
        nines.kill(signal.SIGKILL)
        chance = random.Random(4)
        hit = 0
        for name in sorted(os.listdir(data)):
            if not name.startswith("seg-"):
                continue
            with open(os.path.join(data, name), "r+b") as f:
                body = f.read()
                end = len(body.rstrip(b"\0"))
                if end <= 9216:  # its headers are 8192
                    continue
                for _ in range(8):
                    f.seek(chance.randrange(8192, end - 1))
                    f.write(b"\xa5")
                hit += 1
        assert hit, "no segment held anything"
        nines.start()
        storage = nines.json("/api/nines/v1/storage")
        assert storage["damaged_segments"] >= 1 and storage["damage"], storage
        assert any("seg-" in line for line in storage["damage"]), storage["damage"]
        for line in storage["damage"][:4]:
            say("   " + line)
        wait_for("it is in nines's own metrics", lambda: [
            line for line in get(nines.url + "/metrics").splitlines()
            if line.startswith("nines_storage_damaged_segments ") and float(line.split()[-1]) >= 1], 20)
        wait_for("it goes on collecting", lambda: nines.value("time() - timestamp(node_load1)") < 3, 20)
        kept = nines.value("count_over_time(node_load1[5m])")
        say(f"ok: {hit} segments were hit, {kept:.0f} samples of one series are still there")
        after = [os.stat(os.path.join(data, n)).st_blocks for n in sorted(os.listdir(data)) if n.startswith("seg-")]
        assert blocks == after, "the ring changed its size on disk"
    finally:
        nines.kill(signal.SIGTERM)
