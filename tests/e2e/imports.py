"""A history comes from a file: into a stopped folder, into a running nines, as promtool would take it."""
import json
import math
import os
import random
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, Process, free_port, get, say, wait_for

START = 1_700_000_000
SERIES, STEPS, STEP = 120, 400, 30


def history(path):
    """OpenMetrics: counters, a gauge with odd values, a histogram with exemplars; returns what promtool keeps, by series."""
    chance = random.Random(5)
    kept = {}
    lines = ["# HELP shop_requests Requests.", "# TYPE shop_requests counter"]
    for n in range(SERIES):
        value = 0.0
        name = f'shop_requests_total{{shop="{n}",path="/a\\"b"}}'
        for i in range(STEPS):
            value = 0.0 if chance.random() < 0.01 else value + chance.randrange(50)
            at = START + i * STEP + (n % 3) * 0.125
            lines.append(f"{name} {value} {at}")
            kept.setdefault(f"{n}", []).append((at, value))
    lines += ["# TYPE shop_heat_celsius gauge", "# UNIT shop_heat_celsius celsius"]
    for i, value in enumerate(["NaN", "+Inf", "-Inf", "1e-300", "-0", "0.1"]):
        lines.append(f"shop_heat_celsius {value} {START + i * STEP}")
    lines += ["# TYPE shop_wait_seconds histogram"]
    for i in range(5):
        at = START + i * STEP
        lines += [f'shop_wait_seconds_bucket{{le="1.0"}} {i} {at} # {{trace_id="t{i}"}} 0.5 {at}', f'shop_wait_seconds_bucket{{le="+Inf"}} {i} {at}',
                  f"shop_wait_seconds_sum {i * 0.5} {at}", f"shop_wait_seconds_count {i} {at}"]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n# EOF\n")
    return kept, len([line for line in lines if not line.startswith("#")])


def selected(url, selector):
    """Every sample of the history, by labels; times are seconds."""
    query = urllib.parse.urlencode({"query": f"{selector}[{STEPS * STEP + 120}s]", "time": START + STEPS * STEP + 60})
    found = json.loads(get(url + "/api/v1/query?" + query, 60))["data"]["result"]
    return {tuple(sorted(one["metric"].items())): [(at, value) for at, value in one["values"]] for one in found}


def run(args, *more):
    done = subprocess.run([args.nines, "storage", "import", *more], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def post(url, body, **params):
    request = urllib.request.Request(url + "/api/nines/v1/import?" + urllib.parse.urlencode(params), data=body.encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def history_is_imported(args, folder):
    """OpenMetrics and Prometheus text into a stopped folder and a running nines; the samples are the peer's."""
    file = os.path.join(folder, "history.om")
    kept, samples = history(file)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
    nines = Nines(args.nines, folder, config)
    data = os.path.join(folder, "data")
    try:
        code, text = run(args, file, "--data", data)
        assert code == 1 and "a nines runs in the folder" in text and "--url" in text, (code, text)
        nines.kill(signal.SIGTERM)

        broken = os.path.join(folder, "broken.om")
        with open(broken, "w") as f:
            f.write("a 1 1700000000\nb 2\n# EOF\n")
        code, text = run(args, file, broken, "--data", data)
        assert code == 1 and "broken.om: line 2, column 1: expected a timestamp" in text and "nothing was stored" in text, (code, text)
        nowhere = os.path.join(folder, "nowhere")
        code, text = run(args, file, "--data", nowhere)
        assert code == 4 and "--config" in text and not os.path.exists(nowhere), (code, text)
        code, text = run(args, file, "--url", f"http://127.0.0.1:{free_port()}")
        assert code == 12 and "is it running?" in text, (code, text)
        size = sum(os.stat(os.path.join(data, n)).st_blocks for n in os.listdir(data))
        code, text = run(args, file, "--data", data)
        say("   " + text.strip().replace("\n", "\n   "))
        assert code == 0 and f"{samples} samples of {SERIES + 5} series" in text and f"stored: {samples} samples, 5 exemplars" in text, (code, text)
        assert size == sum(os.stat(os.path.join(data, n)).st_blocks for n in os.listdir(data)), "the folder changed its size"

        nines.start()
        answer = selected(nines.url, "shop_requests_total")
        assert len(answer) == SERIES, len(answer)
        for labels, values in answer.items():
            wanted = kept[dict(labels)["shop"]]
            assert dict(labels)["path"] == '/a"b', labels
            assert [(at, float(value)) for at, value in values] == wanted, (labels, values[:3], wanted[:3])
        everything = {**answer, **selected(nines.url, '{__name__=~"shop_heat.*|shop_wait.*"}')}
        metadata = nines.json("/api/v1/metadata")["data"]
        assert metadata["shop_requests"][0]["type"] == "counter" and metadata["shop_heat_celsius"][0]["unit"] == "celsius", metadata
        exemplars = nines.json("/api/v1/query_exemplars", query="shop_wait_seconds_bucket", start=START - 1, end=START + 3600)["data"]
        assert sum(len(one["exemplars"]) for one in exemplars) == 5, exemplars

        # The same again over HTTP, shifted by a day, in the other format; then by the client in pieces.
        lines = []
        for n in range(50):
            lines += [f'late_total{{n="{n}"}} {i} {(START + i * STEP) * 1000 + 7}' for i in range(100)]
        status, report = post(nines.url, "\n".join(lines) + "\n", format="prometheus")
        assert status == 200 and report["appended"] == 5000 and report["series"] == 50, (status, report)
        status, report = post(nines.url, "a 1 1700000000\n")
        assert status == 400 and "# EOF" in report["error"], (status, report)
        big = os.path.join(folder, "big.om")
        with open(big, "w") as f:
            f.write("# TYPE big gauge\n")
            for n in range(400):
                f.writelines(f'big{{n="{n}",padding="{"x" * 60}"}} {i} {START + i * STEP}\n' for i in range(300))
            f.write("# EOF\n")
        code, text = run(args, big, "--url", nines.url)
        assert code == 0 and "stored: 120000 samples" in text, (code, text)
        counted = nines.json("/api/v1/query", query=f"sum(count_over_time(big[{300 * STEP + 60}s]))", time=START + 300 * STEP)["data"]["result"]
        assert float(counted[0]["value"][1]) == 120000, counted
        nines.kill(signal.SIGKILL)
        nines.start()
        again = {**selected(nines.url, "shop_requests_total"), **selected(nines.url, '{__name__=~"shop_heat.*|shop_wait.*"}')}
        assert str(again) == str(everything), "not the same after a kill"

        promtool, prometheus = shutil.which("promtool"), shutil.which("prometheus")
        if promtool and prometheus:
            compare_with_prometheus(folder, file, promtool, prometheus, everything)
        say(f"ok: {samples} samples of {SERIES + 5} series came back as they were")
    finally:
        nines.kill(signal.SIGTERM)


def compare_with_prometheus(folder, file, promtool, prometheus, everything):
    blocks = os.path.join(folder, "peer")
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", file, blocks], check=True, capture_output=True, timeout=120)
    empty = os.path.join(folder, "peer.yml")
    open(empty, "w").close()
    port = free_port()
    peer = Process("peer", [prometheus, f"--config.file={empty}", f"--storage.tsdb.path={blocks}", f"--web.listen-address=127.0.0.1:{port}",
                            "--storage.tsdb.retention.time=100y"], folder)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for("prometheus answers", lambda: "Ready" in get(url + "/-/ready", 1), 30)
        theirs = {**selected(url, "shop_requests_total"), **selected(url, '{__name__=~"shop_heat.*|shop_wait.*"}')}
        assert theirs.keys() == everything.keys(), theirs.keys() ^ everything.keys()
        for labels, values in theirs.items():
            ours = everything[labels]
            assert len(ours) == len(values), (labels, len(ours), len(values))
            for (at, value), (peer_at, peer_value) in zip(ours, values):
                same = float(value) == float(peer_value) or (math.isnan(float(value)) and math.isnan(float(peer_value)))
                assert at == peer_at and same, (labels, at, value, peer_at, peer_value)
        say(f"ok: the same as Prometheus's own from promtool's blocks, {sum(map(len, theirs.values()))} samples")
    finally:
        peer.kill(signal.SIGTERM)
