"""StatsD and Graphite: lines over real sockets, UDP and TCP, and what nines stored of them."""
import os
import socket
import time

from harness import Nines, free_port, say, wait_for

CONFIG = """
[host]
enabled = false
[statsd]
listen = "127.0.0.1:{statsd}"
interval = "500ms"
[graphite]
listen = "127.0.0.1:{graphite}"
"""


def udp(port, text):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), ("127.0.0.1", port))


def tcp(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        s.sendall(text.encode())


def statsd_and_graphite_lines(args, folder):
    """Counters, gauges, timers and sets by UDP and TCP; Graphite's lines with tags; garbage harms nobody."""
    statsd, graphite = free_port(), free_port()
    config = os.path.join(folder, "lines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(statsd=statsd, graphite=graphite))
    nines = Nines(args.nines, folder, config)
    try:
        exchange(nines, statsd, graphite)
    finally:
        nines.kill()


def exchange(nines, statsd, graphite):
    udp(statsd, "shop.orders:3|c\nshop.orders:2|c|@0.5\nshop.queue:12|g\nshop.queue:-2|g\n")
    tcp(statsd, "shop.orders:5|c\nshop.took:250|ms|#route:/buy\nshop.who:anna|s\nshop.who:bert|s\nshop.who:anna|s\n")
    udp(statsd, "no line of theirs\nshop.bad:x|c\n")
    now = int(time.time())
    tcp(graphite, f"rack.temperature 21.5 {now}\nrack.power;room=north 340 {now}\n")
    udp(graphite, f"rack.fan 900 {now}\n")
    tcp(graphite, "half a line\n")
    wait_for("StatsD's counter is 3 + 2/0.5 + 5", lambda: nines.value('{__name__=~"shop_orders.*"}') == 12, 20)
    wait_for("the gauge was lowered", lambda: nines.value("shop_queue") == 10, 10)
    wait_for("two members of the set", lambda: nines.value("max_over_time(shop_who[1m])") == 2, 10)
    wait_for("one timing, in its route", lambda: nines.value('{__name__=~"shop_took.*_count", route="/buy"}') == 1, 10)
    wait_for("Graphite's line", lambda: nines.value('{__name__="rack.temperature"}') == 21.5, 10)
    wait_for("Graphite's tags", lambda: nines.value('{__name__="rack.power", room="north"}') == 340, 10)
    wait_for("Graphite over UDP", lambda: nines.value('{__name__="rack.fan"}') == 900, 10)
    wait_for("refused lines are counted", lambda: nines.value(
        "nines_statsd_lines_refused_total + on() nines_graphite_samples_refused_total") >= 3, 30)
    say("stored: StatsD's counter, gauge, set and timing, Graphite's three lines")
