"""A target brings new series without end: it is cut off and named, nobody else suffers."""
import os
import signal
import threading
import time

from harness import Nines, TextServer, get, rss_mib, say, wait_for

PER_SCRAPE = 50_000
NEIGHBOURS = 5


class Endless:
    """Exposes PER_SCRAPE series that nobody has seen at each scrape."""

    def __init__(self):
        self.brought, self.lock = 0, threading.Lock()
        self.server = TextServer(self.page)

    def page(self, _request):
        with self.lock:
            first = self.brought
            self.brought += PER_SCRAPE
        return "".join(f'user_requests_total{{user="u{n}",path="/a/{n % 100}"}} 1\n' for n in range(first, first + PER_SCRAPE))


def quiet_page(_request):
    return "# TYPE quiet gauge\nquiet 1\n"


def target_with_endless_series(args, folder):
    """Half a million new series in some seconds meet the limits: memory and the neighbours' scrapes stay as they are."""
    endless, quiet = Endless(), [TextServer(quiet_page) for _ in range(NEIGHBOURS)]
    config = os.path.join(folder, "nines.toml")
    quiet_targets = ", ".join(f'"127.0.0.1:{one.port}"' for one in quiet)
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "900ms"\n[host]\nenabled = false\n'
                '[storage]\nbudget = "512MiB"\nmax_series_per_target = 8000\nmax_series_per_metric = 6000\n'
                f'[[scrape_configs]]\njob_name = "quiet"\nstatic_configs = [{{ targets = [{quiet_targets}] }}]\n'
                f'[[scrape_configs]]\njob_name = "endless"\nscrape_interval = "2s"\nscrape_timeout = "2s"\n'
                f'static_configs = [{{ targets = ["127.0.0.1:{endless.server.port}"] }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("the neighbours", lambda: nines.value("count(quiet)") == NEIGHBOURS)
        wait_for("the first of the endless series", lambda: endless.brought >= 3 * PER_SCRAPE)
        time.sleep(2)
        before, peak, began = rss_mib(nines.process.child.pid), 0.0, endless.brought
        end = time.monotonic() + 60
        while endless.brought < began + 500_000 and time.monotonic() < end:
            peak = max(peak, rss_mib(nines.process.child.pid))
            time.sleep(0.1)
        brought = endless.brought - began
        assert brought >= 500_000, f"only {brought} series were brought"
        kept = nines.value("count(count_over_time(user_requests_total[5m]))")
        assert kept <= 6000, f"{kept} series of the metric"
        assert peak - before <= 40 and peak <= 250, f"memory was {before:.1f} MiB and peaked at {peak:.1f} MiB"
        gaps = nines.value("min(count_over_time(quiet[20s]))")
        assert gaps >= 18, f"a neighbour was scraped {gaps} times in 20 s"
        refused = [line for line in get(nines.url + "/metrics").splitlines() if line.startswith("nines_storage_series_refused_total{")]
        assert any('limit="max_series_per_metric"' in line and float(line.split()[-1]) >= 500_000 for line in refused), refused
        log = nines.process.output()
        assert "max_series_per_metric is 6000" in log and "user_requests_total{" in log, log[-2000:]
        say(f"ok: {brought} new series brought, {kept:.0f} kept, memory {before:.1f} -> {peak:.1f} MiB, a neighbour's scrapes in 20 s: {gaps:.0f}")
        for line in log.splitlines():
            if "refused, the first" in line:
                say("   " + line[:300])
                break
    finally:
        nines.kill(signal.SIGTERM)
        for one in (endless.server, *quiet):
            one.stop()
