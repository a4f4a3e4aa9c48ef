"""Made data for queries.py: the same series for every server, written by remote write in the order of time.

Sets: `node` 1,000 counters over 24 h; `wide` 100,000 counters over 1 h; `buckets` 10,000 classic buckets over 1 h;
`fleet` what the rules of alert_set.py look at: 100 hosts and 300 pods over 2 h. All end at the same instant.
"""
import http.client
import random
import struct
import urllib.parse

HOUR = 3600_000
MODES = ["idle", "user", "system", "iowait", "irq", "softirq", "steal", "nice"]
LES = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "1.5", "2", "2.5", "3", "4", "5", "7.5",
       "10", "30", "+Inf"]


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, body):
    return bytes([number << 3 | 2]) + varint(len(body)) + body


class Series:
    """`kind`: counter of hundredths, gauge around `base`, or constant `base`."""

    def __init__(self, name, labels, kind="counter", base=10.0, seed=0):
        pairs = sorted({"__name__": name, **labels}.items())
        self.labels = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in pairs)
        self.kind, self.base, self.random, self.total = kind, base, random.Random(seed), seed * 7919 % 100_000

    def values(self, count):
        if self.kind == "constant":
            return [float(self.base)] * count
        if self.kind == "gauge":
            steps = self.random.choices(range(-100, 101), k=count)
            return [self.base * (1 + s / 1000) for s in steps]
        total, out = self.total, []
        for step in self.random.choices(range(int(self.base * 100)), k=count):
            total += step
            out.append(total / 100)
        self.total = total
        return out


class Histogram:
    """Cumulative buckets of one instance; they grow together."""

    def __init__(self, name, labels, seed):
        self.series = [Series(name, {**labels, "le": le}) for le in LES]
        self.random = random.Random(seed)
        for one in self.series:
            one.total = 0

    def rows(self, count):
        below = [0] * count
        for one in self.series:
            now, out = one.total, []
            for i, step in enumerate(self.random.choices(range(20), k=count)):
                now += step
                below[i] += now
                out.append(float(below[i]))
            one.total = now
            yield one, out


def message(labels, times, values):
    """One TimeSeries; `times` are varints of equal length made beforehand."""
    n = len(values)
    each = [b"\x12\x10\x09"] * (3 * n)
    each[1::3], each[2::3] = values, times
    return field(1, labels + struct.pack("<" + "3sd7s" * n, *each))


def snappy(body):
    """Snappy's frame around plain bytes: literals need no compressor."""
    out = [varint(len(body))]
    for at in range(0, len(body), 1 << 16):
        piece = body[at:at + (1 << 16)]
        out += [b"\xf4", struct.pack("<H", len(piece) - 1), piece]
    return b"".join(out)


def node():
    return [Series("node_cpu_seconds_total", {"job": "node", "instance": f"h{i:03}", "cpu": "0", "mode": mode}, base=15, seed=i * 8 + m)
            for i in range(125) for m, mode in enumerate(MODES)] + \
           [Series("up", {"job": "node", "instance": f"h{i:03}"}, "constant", 1) for i in range(125)]


def wide(series):
    return [Series("http_requests_total", {"job": "api", "instance": f"w{i:04}", "path": f"/v1/{n // 5}", "code": "200 201 404 500 503".split()[n % 5]},
                   base=3, seed=i * 100 + n) for i in range(series // 100) for n in range(100)]


def buckets():
    return [Histogram("request_seconds_bucket", {"job": "shop", "instance": f"b{i:03}"}, i) for i in range(500)]


def fleet():
    from alert_set import host_metrics, pod_metrics
    out = []
    for i in range(100):
        out += [Series(name, {"job": "node-exporter", "instance": f"n{i:03}", **labels}, kind, base, i)
                for name, labels, kind, base in host_metrics()]
    for i in range(300):
        where = {"job": "kube-state-metrics", "instance": "ksm", "namespace": f"team{i % 12}"}
        out += [Series(name, {**where, **labels}, kind, base, i) for name, labels, kind, base in pod_metrics(i)]
    return out


class Sender:
    def __init__(self, url):
        self.parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=300)

    def send(self, body):
        self.connection.request("POST", self.parts.path, body, {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
                                                                "X-Prometheus-Remote-Write-Version": "0.1.0"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{self.parts.geturl()}: {answer.status} {text[:300]!r}")


def write(urls, end, interval, wide_series, say):
    """Writes all sets up to `end` (ms). Half an hour at a time, since servers take nothing much older than they have."""
    senders = [Sender(url) for url in urls]
    sets = [("node", node(), 24 * HOUR, interval), ("wide", wide(wide_series), HOUR, interval),
            ("buckets", buckets(), HOUR, interval), ("fleet", fleet(), 2 * HOUR, 2 * interval)]
    written = {name: 0 for name, *_ in sets}
    slot = HOUR // 2
    for begin in range(end - 24 * HOUR, end, slot):
        for name, all_series, length, gap in sets:
            if begin < end - length:
                continue
            times = [b"\x10" + varint(t) for t in range(begin + gap, begin + slot + 1, gap)]
            body, size = [], 0

            def flush():
                nonlocal body, size
                packed = snappy(b"".join(body))
                for sender in senders:
                    sender.send(packed)
                body, size = [], 0

            for one in all_series:
                rows = one.rows(len(times)) if isinstance(one, Histogram) else [(one, one.values(len(times)))]
                for series, values in rows:
                    piece = message(series.labels, times, values)
                    body.append(piece)
                    size += len(piece)
                    written[name] += len(values)
                if size > 4_000_000:
                    flush()
            if body:
                flush()
        if (begin - end) % (4 * HOUR) == 0:
            say(f"  written up to {(end - begin) // HOUR} h before the end")
    return written
