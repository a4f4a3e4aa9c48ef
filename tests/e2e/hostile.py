"""Targets, log files and receivers that misbehave, against the real binary."""
import gzip
import os
import signal
import socket
import threading
import time

from harness import Listener, Nines, TextServer, free_port, rss_mib, say, wait_for


class RawServer:
    """Accepts connections and lets `talk(connection)` misbehave on each, in a thread of its own."""

    def __init__(self, talk):
        self.talk, self.stopping = talk, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                connection.recv(65536)
                self.talk(connection, self.stopping)
        except OSError:
            pass  # the other side had enough, which is what it should have

    def stop(self):
        self.stopping.set()
        self.listener.close()


def head(content_type="text/plain; version=0.0.4", extra=""):
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{extra}\r\n".encode()


def garbage(connection, _):
    connection.sendall(head() + bytes(range(256)) * 64)


def endless_line(connection, stopping):
    connection.sendall(head() + b"metric{label=\"")
    while not stopping.is_set():
        connection.sendall(b"x" * 65536)


def endless_lines(connection, stopping):
    connection.sendall(head())
    n = 0
    while not stopping.is_set():
        connection.sendall(b"".join(b"endless_metric{n=\"%d\"} 1\n" % i for i in range(n, n + 2000)))
        n += 2000


def one_byte_a_second(connection, stopping):
    connection.sendall(head())
    while not stopping.is_set():
        connection.sendall(b"#")
        stopping.wait(1)


def silence(_, stopping):
    stopping.wait(600)


BOMB = gzip.compress(b"bomb_metric 1\n" * (20 << 20), 9)  # 300 KB that become 280 MB


def gzip_bomb(connection, _):
    connection.sendall(head(extra=f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n") + BOMB)


def long_status_line(connection, _):
    connection.sendall(b"HTTP/1.1 200 " + b"A" * 60000 + b"\r\n\r\n")


def hangs_up(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not an end


MISBEHAVIOUR = (garbage, endless_line, endless_lines, one_byte_a_second, silence, gzip_bomb, hangs_up)
ODD = (long_status_line,)  # an answer all the same, and an empty one


def peak_rss_mib(pid, seconds):
    end = time.monotonic() + seconds
    peak = 0.0
    while time.monotonic() < end:
        peak = max(peak, rss_mib(pid))
        time.sleep(0.1)
    return peak


def healthy_page(_request):
    return "# TYPE healthy_value gauge\nhealthy_value 1\n"


def targets_that_misbehave(args, folder):
    """Garbage, endless bodies, a gzip bomb, one byte a second, silence: up is 0 with a reason, memory stays flat."""
    servers = {talk.__name__: RawServer(talk) for talk in MISBEHAVIOUR}
    odd = {talk.__name__: RawServer(talk) for talk in ODD}
    healthy = TextServer(healthy_page)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "900ms"\n[storage]\nbudget = "64MiB"\n')
        for name, server in {**servers, **odd}.items():
            f.write(f'[[scrape_configs]]\njob_name = "{name}"\nstatic_configs = [{{ targets = ["127.0.0.1:{server.port}"] }}]\n')
        f.write(f'[[scrape_configs]]\njob_name = "healthy"\nstatic_configs = [{{ targets = ["127.0.0.1:{healthy.port}"] }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        for name in servers:
            wait_for(f"{name} is down", lambda: nines.value(f'up{{job="{name}"}}') == 0, 20)
        # Bodies up to their limit come and go all the time, and some coincide: the peaks of two equal
        # spans are compared.
        before = peak_rss_mib(nines.process.child.pid, 15)
        start = time.time()
        growth = peak_rss_mib(nines.process.child.pid, 15) - before
        up = nines.json("/api/v1/query", query='up{job="healthy"}[15s]', time=start + 15)["data"]["result"][0]["values"]
        assert len(up) >= 14 and all(v == "1" for _, v in up), up
        gaps = [b[0] - a[0] for a, b in zip(up, up[1:])]
        assert max(gaps) < 1.2, f"the healthy target was scraped {max(gaps)} s apart"
        assert growth <= 20 and before <= 150, f"memory peaked at {before:.1f} MiB and grew by {growth:.1f} MiB"
        targets = {t["labels"]["job"]: t for t in nines.json("/api/v1/targets")["data"]["activeTargets"]}
        for name in servers:
            target = targets[name]
            assert target["health"] == "down" and target["lastError"], target
            assert nines.value(f'up{{job="{name}"}}') == 0
            assert not nines.query(f'{{__name__!~"up|scrape_.*|ALERTS.*",job="{name}"}}'), f"something of {name} was kept"
            say(f"   {name}: {target['lastError'][:150]}")
        say(f"ok: memory peaked at {before:.1f} MiB and grew by {growth:.1f} MiB in 15 s, the healthy target's longest gap was {max(gaps):.3f} s")
    finally:
        nines.kill(signal.SIGTERM)
        for server in {**servers, **odd}.values():
            server.stop()
        healthy.stop()


def receiver_is_down(args, folder):
    """A page that cannot be delivered is queued, visible, tried again, survives a restart, and keeps its key."""
    port = free_port()
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[storage]
budget = "64MiB"
[global]
evaluation_interval = "1s"
[[groups]]
name = "always"
[[groups.rules]]
alert = "Always"
expr = "vector(1)"
[route]
receiver = "oncall"
group_wait = "0s"
[[receivers]]
name = "oncall"
webhook_configs = [{{ url = "http://127.0.0.1:{port}/page" }}]
""")
    nines = Nines(args.nines, folder, config)
    pager = None
    try:
        def mine():
            return [d for d in nines.json("/api/nines/v1/deliveries")["deliveries"] if d["receiver"].startswith("oncall")]

        waiting = wait_for("the delivery is queued and was tried", lambda: [d for d in mine() if d["attempts"] >= 2], 30)[0]
        assert waiting["state"] == "queued" and waiting["last_error"], waiting
        assert nines.json("/api/nines/v1/overview")["deliveries"]["queued"] >= 1
        say(f"   waiting: {waiting['last_error']}")
        nines.kill(signal.SIGKILL)
        nines.start()
        pager = Listener(port=port)
        wait_for("the page arrives once the receiver is back", lambda: pager.posts, 60)
        wait_for("it is marked as delivered", lambda: [d for d in mine() if d["state"] == "delivered"], 20)
        assert {p["headers"]["Idempotency-Key"] for p in pager.posts} == {waiting["idempotency_key"]}, pager.posts
        assert len(pager.posts) == 1, pager.posts
    finally:
        nines.kill(signal.SIGTERM)
        if pager:
            pager.stop()


def rotated_logs_lose_nothing(args, folder):
    """A log rotated by rename, then by truncation, with nines killed in between: no line is lost."""
    log = os.path.join(folder, "app.txt")
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[storage]
budget = "64MiB"
[[log_configs]]
job_name = "app"
files = ["{log}"]
""")

    def write(first, last, mode="a"):
        with open(log, mode) as f:
            f.writelines(f"line {n} of the log\n" for n in range(first, last))

    def seen(nines):
        streams = nines.json("/loki/api/v1/query_range", query='{job="app"}', limit=5000)["data"]["result"]
        return sorted(int(line.split()[1]) for stream in streams for _, line in stream["values"])

    write(0, 0)
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("the file is followed", lambda: nines.json("/api/nines/v1/tails")["tails"], 20)
        write(0, 100)
        wait_for("the first lines", lambda: seen(nines) == list(range(100)), 20)
        os.rename(log, log + ".1")
        with open(log + ".1", "a") as f:
            f.writelines(f"line {n} of the log\n" for n in range(100, 150))  # the writer still had it open
        write(150, 200)
        wait_for("the lines around a rename", lambda: seen(nines) == list(range(200)), 20)
        nines.kill(signal.SIGKILL)
        write(200, 300)
        nines.start()
        wait_for("the lines written while nines was dead", lambda: sorted(set(seen(nines))) == list(range(300)), 20)
        again = len(seen(nines)) - 300  # read after the last checkpoint, so read twice: never lost
        write(300, 350, "w")
        wait_for("the lines after a truncation", lambda: sorted(set(seen(nines))) == list(range(350)), 20)
        assert len(seen(nines)) - 350 == again <= 200, "more was repeated than followed the checkpoint"
        say(f"ok: 350 lines over a rename, a SIGKILL and a truncation; {again} repeated after the SIGKILL")
    finally:
        nines.kill(signal.SIGTERM)
