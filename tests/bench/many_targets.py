#!/usr/bin/env python3
"""Ten thousand targets on one nines: what they cost, and whether each is asked when its turn is.

    tests/bench/many_targets.py --nines build/release/nines [--targets N] [--interval S] [--minutes M] [--series N]
                                [--hung SHARE] [--garbage SHARE] [--flapping SHARE] [--json FILE]

One other process serves them all, each at an address of its own (127.A.B.C, one port on the loopback device alone, which
needs root), over connections that are kept. Hung targets accept and never answer; garbage ones answer with bytes that are no
exposition; flapping ones close the connection every other time. Everything is measured after the first two intervals:
processor time of nines from /proc, memory at both ends, and from the requests as they arrive the distance between two of one
healthy target: how far from the interval, and how many were missed. On a machine that does other work, too, much of that
is waiting for a core; how long both processes waited stands beside it.
"""
import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
from harness import Nines, rss_mib, say, wait_for  # noqa: E402

SO_BINDTODEVICE = 25


def address(number):
    return f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


def number_of(ip):
    _, a, b, c = (int(part) for part in ip.split("."))
    return (a - 1) * 62_500 + b * 250 + c - 1


class Fleet:
    """What the targets are, and when they were asked."""

    def __init__(self, args):
        self.args = args
        self.since, self.last, self.asked, self.connections = None, {}, 0, 0
        self.off, self.missed = [], 0
        self.flaps = {}
        lines = [f'fleet_requests_total{{path="/p{i}",code="{200 + i % 5}"}}' for i in range(args.series)]
        self.head = "# HELP fleet_requests_total Requests.\n# TYPE fleet_requests_total counter\n"
        self.still = "".join(f"{line} {i * 17}\n" for i, line in enumerate(lines[10:]))
        self.moving = lines[:10]

    def kind(self, number):
        share = number * 2_654_435_761 % 2**32 / 2**32
        for kind in ("hung", "garbage", "flapping"):
            if share < getattr(self.args, kind):
                return kind
            share -= getattr(self.args, kind)
        return "healthy"

    def note(self, number, now):
        self.asked += 1
        before = self.last.get(number)
        self.last[number] = now
        if self.since is None or before is None or before < self.since:
            return
        turns = max(1, round((now - before) / self.args.interval))
        self.missed += turns - 1
        self.off.append(abs(now - before - turns * self.args.interval))

    def page(self, now):
        seconds = int(now)
        body = (self.head + "".join(f"{line} {seconds * (i + 1)}\n" for i, line in enumerate(self.moving)) + self.still).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def stats(self):
        off = sorted(self.off)

        def at(share):
            return round(1000 * off[min(len(off) - 1, int(share * len(off)))], 2) if off else None

        return {"asked": self.asked, "pairs": len(off), "missed": self.missed, "connections": self.connections,
                "off_ms": {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": at(1)}}


class Target(asyncio.Protocol):
    def __init__(self, fleet):
        self.fleet, self.left = fleet, b""

    def connection_made(self, transport):
        self.transport = transport
        self.number = number_of(transport.get_extra_info("sockname")[0])
        self.kind = self.fleet.kind(self.number)
        self.fleet.connections += 1

    def connection_lost(self, _):
        self.fleet.connections -= 1

    def data_received(self, data):
        self.left += data
        if not self.left.endswith(b"\r\n\r\n"):
            return
        self.left, now = b"", time.monotonic()
        if self.kind == "healthy":
            self.fleet.note(self.number, now)
            self.transport.write(self.fleet.page(time.time()))
        elif self.kind == "garbage":
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n" + bytes(range(1, 65)))
        elif self.kind == "flapping":
            turn = self.fleet.flaps[self.number] = self.fleet.flaps.get(self.number, 0) + 1
            if turn % 2:
                self.transport.write(self.fleet.page(time.time()))
            else:
                self.transport.abort()


def serve(args, listener, pipe):
    """The other process: answers targets, and the pipe's questions."""
    async def run():
        fleet = Fleet(args)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Target(fleet), sock=listener, backlog=4096)
        over = asyncio.Event()

        def asked():
            question = pipe.recv()
            if question == "begin":
                fleet.since, fleet.asked = time.monotonic(), 0
            elif question == "stats":
                pipe.send(fleet.stats())
            else:
                over.set()

        loop.add_reader(pipe.fileno(), asked)
        await over.wait()
        server.close()

    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(run())


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid):
    """How long its threads were ready to run and the machine was not: what a busy machine adds to lateness."""
    waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                waited += int(f.read().split()[1])
        except OSError:  # it ended, or this kernel does not count
            pass
    return waited / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nines", required=True)
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--interval", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--series", type=int, default=50)
    for kind in ("hung", "garbage", "flapping"):
        parser.add_argument(f"--{kind}", type=float, default=0)
    parser.add_argument("--json")
    args = parser.parse_args()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo\0")
    listener.bind(("0.0.0.0", 0))  # of the loopback device alone
    listener.listen(4096)
    listener.setblocking(False)
    port = listener.getsockname()[1]
    pipe, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(args, listener, theirs), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory(prefix="nines-many-") as folder:
        with open(os.path.join(folder, "targets.json"), "w") as f:
            json.dump([{"targets": [f"{address(n)}:{port}" for n in range(args.targets)]}], f)
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write(f'[global]\nscrape_interval = "{args.interval}s"\nscrape_timeout = "{min(10, args.interval)}s"\n[storage]\nbudget = "1GiB"\n'
                    f'[host]\nenabled = false\n[[scrape_configs]]\njob_name = "fleet"\nfile_sd_configs = [{{ files = ["targets.json"] }}]\n')
        started = time.monotonic()
        nines = Nines(os.path.abspath(args.nines), folder, config)
        try:
            healthy = sum(Fleet(args).kind(n) == "healthy" for n in range(args.targets))
            wait_for("every target is asked", lambda: nines.value('count(up{job="fleet"})') == args.targets, 6 * args.interval, 1)
            say(f"{args.targets} targets ({healthy} healthy) asked {time.monotonic() - started:.0f} s after the start")
            time.sleep(args.interval)
            pid = nines.process.child.pid
            pipe.send("begin")
            began, cpu, memory = time.monotonic(), cpu_seconds(pid), [rss_mib(pid)]
            waited = {"nines": waited_seconds(pid), "targets": waited_seconds(server.pid)}
            while time.monotonic() - began < args.minutes * 60:
                time.sleep(5)
                memory.append(rss_mib(pid))
            took, cpu = time.monotonic() - began, cpu_seconds(pid) - cpu
            waited = {"nines": waited_seconds(pid) - waited["nines"], "targets": waited_seconds(server.pid) - waited["targets"]}
            pipe.send("stats")
            out = pipe.recv()
            # A busy machine answers such questions late.
            series, up = (wait_for("an answer", lambda: [int(nines.value(q))], 120)[0] for q in ('count({job="fleet"})', 'sum(up{job="fleet"})'))
            out |= {"targets": args.targets, "healthy": healthy, "series": series, "up": up, "seconds": round(took, 1),
                    "cpu_seconds": round(cpu, 2), "core_share": round(cpu / took, 4),
                    "waited_for_a_core_seconds": {who: round(seconds, 2) for who, seconds in waited.items()},
                    "samples_per_second_of_healthy": round(out["asked"] * args.series / took), "rss_mib": [round(m, 1) for m in (memory[0], max(memory), memory[-1])],
                    "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
            say(json.dumps(out, indent=1))
            if args.json:
                with open(args.json, "w") as f:
                    json.dump(out, f)
        finally:
            nines.kill(signal.SIGTERM)
            pipe.send("end")
            server.join(10)


if __name__ == "__main__":
    main()
