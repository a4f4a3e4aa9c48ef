"""The disk under nines is filled by somebody else, again and again."""
import os
import signal
import subprocess
import time

from harness import Listener, Nines, Skipped, TextServer, say, wait_for

CYCLES = 100
CONFIG = """
[global]
scrape_interval = "100ms"
scrape_timeout = "100ms"
evaluation_interval = "200ms"
[storage]
budget = "48MiB"
[[scrape_configs]]
job_name = "counted"
static_configs = [{{ targets = ["127.0.0.1:{target}"] }}]
[[groups]]
name = "g"
interval = "200ms"
[[groups.rules]]
alert = "Asked"
expr = 'asked == 1'
[route]
receiver = "oncall"
group_wait = "100ms"
group_interval = "200ms"
[[receivers]]
name = "oncall"
webhook_configs = [{{ url = "http://127.0.0.1:{pager}/page", send_resolved = true }}]
"""


class Counted:
    """A target whose every answer has a number of its own."""

    def __init__(self):
        self.served, self.asked = 0, 0
        self.server = TextServer(self.page)
        self.port = self.server.port

    def page(self, _request):
        self.served += 1
        return f"# TYPE served counter\nserved {self.served}\nasked {self.asked}\n"


def fill(path):
    """Writes until not a byte is left; returns how many there were."""
    with open(path, "wb", buffering=0) as f:
        for block in (b"\xa5" * (1 << 20), b"\xa5" * 4096, b"\xa5"):
            try:
                while True:
                    f.write(block)
            except OSError:
                pass
        return f.tell()


def full_disk_again_and_again(args, folder):
    """100 times somebody else fills the disk and frees it: no sample is lost, it starts on the full disk, it pages."""
    if os.geteuid() != 0:
        raise Skipped("a small disk can be mounted by root only")
    mount = os.path.join(folder, "disk")
    os.makedirs(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", mount], capture_output=True).returncode != 0:
        raise Skipped("this machine does not let root mount a tmpfs")
    target, pager, nines = Counted(), Listener(), None
    filler, data = os.path.join(mount, "somebody-else"), os.path.join(mount, "data")
    try:
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write(CONFIG.format(target=target.port, pager=pager.port))
        # Its log lies on the disk that is filled: losing lines is all that may do.
        os.symlink(mount, os.path.join(folder, "there"))
        nines = Nines(args.nines, os.path.join(folder, "there"), config)
        wait_for("the first samples", lambda: nines.value("count_over_time(served[1h])") >= 3)
        restarts, pages = 0, 0
        for cycle in range(CYCLES):
            taken = fill(filler)
            assert cycle or taken > 4 << 20, f"the disk was full from the start: {taken}"
            target.asked = 1 - target.asked
            wanted = "firing" if target.asked else "resolved"
            before = target.served
            if cycle % 10 == 4:
                nines.kill(signal.SIGKILL)
                nines.start()
                restarts += 1
            if cycle % 10 == 9:
                nines.kill(signal.SIGTERM)
                fill(filler + "-2")
                nines.start()
                restarts += 1
            wait_for("the page", lambda: [p for p in pager.posts[pages:] if p["body"]["status"] == wanted], 20, 0.02)
            pages = len(pager.posts)
            wait_for("it goes on collecting", lambda: target.served > before + 2, 20, 0.02)
            if cycle % 2:
                for name in (filler, filler + "-2"):
                    if os.path.exists(name):
                        os.remove(name)
        time.sleep(0.3)
        served, kept = target.served, nines.value("count_over_time(served[1h])")
        lost = served - kept
        # A scrape under way when nines was killed was answered and not accepted; one may be under way now.
        assert lost <= restarts + 2, f"{served} answers, {kept} samples"
        log = nines.process.output()
        for line in log.splitlines():
            if "level=error" in line or "level=warn" in line:
                say("   " + line)
        assert "unrecorded" not in log, "a page was sent without its record"
        used = sum(os.stat(os.path.join(data, name)).st_blocks * 512 for name in os.listdir(data))
        assert used <= 48 << 20, f"{used} bytes of {48 << 20}"
        say(f"ok: {CYCLES} cycles, {restarts} starts on a full disk, {served} scrapes answered, {kept:.0f} kept, {pages} pages, {used / (1 << 20):.2f} MiB on disk")
    finally:
        if nines:
            nines.kill(signal.SIGTERM)
        pager.stop()
        target.server.stop()
        subprocess.run(["umount", "-l", mount], check=False)
