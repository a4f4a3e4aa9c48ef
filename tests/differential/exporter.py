"""Series with what goes wrong in life: resets, gaps, ends, histograms. The same at every scrape of one moment."""
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import TextServer  # noqa: E402


def page(seconds):
    """What is exposed `seconds` after the start."""
    out = []
    t = int(seconds * 10)
    for job in range(3):
        for path in ("/", "/api", "/img"):
            key = f'shard="{job}",path="{path}"'
            speed = 1 + job * 2 + len(path)
            out.append(f"hits_total{{{key}}} {(t * speed) % (400 + 90 * job)}")  # starts anew now and then
            if (t // 25 + job + len(path)) % 4:  # comes and goes
                out.append(f"queue_depth{{{key}}} {round(20 * math.sin(t / 9 + speed), 3)}")
            total = 0
            for le in ("0.1", "0.5", "1", "5", "+Inf"):
                total += (t * speed) // (3 if le in ("0.5", "1") else 7)
                out.append(f'lag_seconds_bucket{{{key},le="{le}"}} {total}')
            out.append(f"lag_seconds_sum{{{key}}} {t * speed * 0.31:.3f}")
            out.append(f"lag_seconds_count{{{key}}} {total}")
        out.append(f'build_info{{shard="{job}",version="1.{job}"}} 1')
        out.append(f'odd_value{{shard="{job}",kind="special"}} {("NaN", "+Inf", "-Inf")[(t // 30 + job) % 3]}')
        out.append(f'odd_value{{shard="{job}",kind="plain"}} {job - 1}')
    return "\n".join(out) + "\n"


class Exporter(TextServer):
    """Serves one page per quarter second to everybody, so that two scrapers of it differ by little."""

    def __init__(self):
        started = time.time()
        super().__init__(lambda _request: page(time.time() - started))
