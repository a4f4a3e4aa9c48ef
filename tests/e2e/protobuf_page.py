"""Writes io.prometheus.client.MetricFamily messages by hand: a target of the tests that speaks protobuf and text.

Field numbers: io/prometheus/client/metrics.proto of client_model.
"""
import struct

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while True:
        out.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def zigzag(n):
    return n << 1 if n >= 0 else (-n << 1) - 1


def whole(field, n):
    return varint(field << 3) + varint(n)


def signed(field, n):
    return whole(field, zigzag(n))


def double(field, x):
    return varint(field << 3 | 1) + struct.pack("<d", x)


def block(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def timestamp(seconds):
    return whole(1, int(seconds)) + whole(2, int(round((seconds - int(seconds)) * 1e9)))


def label(name, value):
    return block(1, name) + block(2, value)


def exemplar(labels, value, at=None):
    out = b"".join(block(1, label(*one)) for one in labels.items()) + double(2, value)
    return out if at is None else out + block(3, timestamp(at))


def counter(value, exemplar=None, created=None):
    out = double(1, value)
    if exemplar is not None:
        out += block(2, exemplar)
    return block(3, out if created is None else out + block(3, timestamp(created)))


def gauge(value):
    return block(2, double(1, value))


def untyped(value):
    return block(5, double(1, value))


def summary(count, total, quantiles, created=None):
    out = whole(1, count) + double(2, total)
    out += b"".join(block(3, double(1, q) + double(2, v)) for q, v in quantiles)
    return block(4, out if created is None else out + block(4, timestamp(created)))


def spans(field, pairs):
    return b"".join(block(field, signed(1, offset) + whole(2, length)) for offset, length in pairs)


def packed(field, values, one):
    return block(field, b"".join(one(v) for v in values)) if values else b""


def side(field, pairs, deltas, counts):
    """Spans, then the buckets: differences of whole counts, or float counts."""
    return (spans(field, pairs) + packed(field + 1, deltas, lambda d: varint(zigzag(d)))
            + packed(field + 2, counts, lambda c: struct.pack("<d", c)))


def histogram(count=0, total=0.0, buckets=(), schema=None, zero=(0.0, 0), positive=(), negative=(), floats=False,
              exemplars=(), created=None):
    """`buckets`: (upper bound, cumulative count[, exemplar]). `positive`, `negative`: (spans, deltas), or (spans, counts) of floats."""
    out = (double(4, count) if floats else whole(1, count)) + double(2, total)
    for bucket in buckets:
        body = double(4, bucket[1]) if floats else whole(1, bucket[1])
        out += block(3, body + double(2, bucket[0]) + (block(3, bucket[2]) if len(bucket) > 2 else b""))
    if schema is not None:
        out += signed(5, schema) + double(6, zero[0]) + (double(8, zero[1]) if floats else whole(7, zero[1]))
        for field, data in ((9, negative), (12, positive)):
            if data:
                out += side(field, data[0], () if floats else data[1], data[1] if floats else ())
    if created is not None:
        out += block(15, timestamp(created))
    return block(7, out + b"".join(block(16, one) for one in exemplars))


def metric(content, labels=None, time_ms=None):
    out = b"".join(block(1, label(*one)) for one in (labels or {}).items()) + content
    return out if time_ms is None else out + whole(6, time_ms)


def family(name, kind, metrics, text="", unit=""):
    out = block(1, name) + (block(2, text) if text else b"") + whole(3, kind)
    out += b"".join(block(4, one) for one in metrics) + (block(5, unit) if unit else b"")
    return varint(len(out)) + out
