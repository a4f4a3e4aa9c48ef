"""A backup that is slower than the ring turns: it gives up and says why, and collecting goes on."""
import os
import random
import signal
import subprocess

from harness import Nines, TextServer, say, wait_for

SERIES, TARGETS = 700, 6  # of each: what a segment of half a mebibyte has room for
CONFIG = """[global]
scrape_interval = "200ms"
scrape_timeout = "200ms"
[host]
enabled = false
[builtin]
rules = false
slo = false
[storage]
budget = "16MiB"
quota = {{ raw = 20, t1h = 9 }}
[[scrape_configs]]
job_name = "noise"
static_configs = [{{ targets = [{targets}] }}]
"""


# Made before, so that the targets are not what is slow; more of them than a page has rows.
BODIES = ["".join(f"noise{{i=\"{i}\"}} {random.getrandbits(53)}\n" for i in range(SERIES)) for _ in range(200)]


def noise(_request):
    return random.choice(BODIES)


def slow_backup_gives_up(args, folder):
    """A backup held back to a trickle while the raw ring turns ends with an error that names file, cause and remedies; no scrape is missed."""
    servers = [TextServer(noise) for _ in range(TARGETS)]
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(targets=", ".join(f'"127.0.0.1:{one.port}"' for one in servers)))
    data, backup = os.path.join(folder, "data"), os.path.join(folder, "backup")
    nines = Nines(args.nines, folder, config)
    try:
        def raw():
            return next(c for c in nines.json("/api/nines/v1/storage")["classes"] if c["name"] == "raw")

        wait_for("a full raw ring", lambda: raw()["segments_used"] >= raw()["segments"], 120)
        before = nines.value("max(timestamp(up))")
        child = subprocess.run([args.nines, "backup", backup, "--data", data, "--max-rate", "32KiB"], capture_output=True, text=True, timeout=300)
        assert child.returncode == 1, child
        assert "was used again by the running nines before it was copied" in child.stderr, child.stderr
        assert "larger budget" in child.stderr and "seg-" in child.stderr, child.stderr
        assert not os.path.exists(backup) and not os.path.exists(backup + ".partial"), os.listdir(folder)
        took = nines.value("max(timestamp(up))") - before
        assert nines.value(f"min(min_over_time(up[{max(1, int(took))}s]))") == 1
        # This ring has room for little more than the last ten seconds.
        scrapes = nines.value("min(count_over_time(up[4s]))")
        assert scrapes >= 18, f"{scrapes} scrapes in 4 s, of 20"
        say(f"ok: gave up after {took:.0f} s, {scrapes:.0f} of 20 scrapes in 4 s: {child.stderr.strip()}")
        # In its own time the same folder is backed up.
        done = subprocess.run([args.nines, "backup", backup, "--data", data], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            subprocess.run([args.nines, "verify", backup], check=True, capture_output=True, timeout=60)
        say("   without a rate: " + (done.stdout or done.stderr).strip())
    finally:
        nines.kill(signal.SIGTERM)
        for one in servers:
            one.stop()
