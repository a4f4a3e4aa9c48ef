"""A target brings 5 million new series a minute, all limits at their defaults: it is cut off and named, nobody else suffers."""
import os
import signal
import threading
import time

from harness import Nines, TextServer, get, rss_mib, say, wait_for

PER_SCRAPE = 83_333  # a second
NEIGHBOURS = 5
SECONDS = 40
# A gibibyte of budget: what the text of one scrape, a full layout and the pages of both need, and what nines has without any of it.
RSS_MIB_MAX = 300


class Endless:
    """Pages are made ahead and by number, so that making them costs nothing while nines is watched: only 60 seconds' worth differ."""

    def __init__(self):
        self.asked, self.lock = 0, threading.Lock()
        self.head = "".join(f'user_requests_total{{path="/a/{n % 100}",user="u{n:05d}-@@@@"}} 1\n' for n in range(PER_SCRAPE))
        self.server = TextServer(self.page)

    def page(self, _request):
        with self.lock:
            self.asked += 1
            number = self.asked
        return self.head.replace("@@@@", f"{number:04d}")


def quiet_page(_request):
    return "# TYPE quiet gauge\nquiet 1\n"


def endless_series_at_default_limits(args, folder):
    """5 million new series a minute at default limits: the target is named on its page, in the log and as a metric; up, gaps and memory of the rest stay."""
    endless, quiet = Endless(), [TextServer(quiet_page) for _ in range(NEIGHBOURS)]
    config = os.path.join(folder, "nines.toml")
    targets = ", ".join(f'"127.0.0.1:{one.port}"' for one in quiet)
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "1s"\n[host]\nenabled = false\n[storage]\nbudget = "1GiB"\n'
                f'[[scrape_configs]]\njob_name = "quiet"\nstatic_configs = [{{ targets = [{targets}] }}]\n'
                f'[[scrape_configs]]\njob_name = "endless"\nstatic_configs = [{{ targets = ["127.0.0.1:{endless.server.port}"] }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("the neighbours", lambda: nines.value("count(quiet)") == NEIGHBOURS)
        wait_for("the first of the endless series", lambda: endless.asked >= 3)
        pid, peak, began, since = nines.process.child.pid, 0.0, endless.asked, time.monotonic()
        while time.monotonic() < since + SECONDS:
            peak = max(peak, rss_mib(pid))
            time.sleep(0.1)
        brought = (endless.asked - began) * PER_SCRAPE
        per_minute = brought / (time.monotonic() - since) * 60
        mine = f'instance="127.0.0.1:{endless.server.port}"'
        kept = nines.value("count(count_over_time(user_requests_total[5m]))")
        assert nines.value(f"up{{{mine}}}") == 1
        assert nines.value('min(min_over_time(up{job="quiet"}[30s]))') == 1
        gaps = nines.value("min(count_over_time(quiet[20s]))")
        assert gaps >= 18, f"a neighbour was scraped {gaps} times in 20 s"
        assert peak <= RSS_MIB_MAX, f"memory peaked at {peak:.1f} MiB"
        # Named: on its page, in the log, as a metric.
        page = nines.json("/api/v1/targets")["data"]["activeTargets"]
        one = next(t for t in page if t["labels"]["job"] == "endless")
        assert one["health"] == "up" and "samples refused by a limit of the store" in one["lastError"], one
        assert all(not t["lastError"] for t in page if t["labels"]["job"] == "quiet"), page
        log = nines.process.output()
        cut = [line for line in log.splitlines() if "target cut off" in line]
        assert len(cut) == 1 and str(endless.server.port) in cut[0] and "user_requests_total{" in cut[0], cut
        lines = [line for line in get(nines.url + "/metrics").splitlines() if line.startswith("nines_scrape_target_samples_refused_total{")]
        assert len(lines) == 1 and mine in lines[0] and float(lines[0].split()[-1]) > PER_SCRAPE, lines
        say(f"ok: {per_minute / 1e6:.2f} million new series a minute brought, {kept:.0f} kept, memory at most {peak:.0f} MiB, a neighbour's scrapes in 20 s: {gaps:.0f}")
        say("   " + one["lastError"][:200])
    finally:
        nines.kill(signal.SIGTERM)
        for one in (endless.server, *quiet):
            one.stop()
