"""Series are deleted over Prometheus's admin API, as Prometheus answers."""
import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, Process, free_port, get, say, wait_for

START = 1_700_000_000


def call(url, path, method="POST", params=()):
    body = urllib.parse.urlencode(params).encode()
    request = urllib.request.Request(url + "/api/v1/admin/tsdb/" + path + ("?" + body.decode() if body else ""), data=b"", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


CALLS = (
    ("delete_series", "POST", ()),
    ("delete_series", "GET", (("match[]", "a"),)),
    ("delete_series", "POST", (("match[]", "a"), ("start", "yesterday"))),
    ("delete_series", "POST", (("match[]", "a"), ("end", "x"))),
    ("delete_series", "PUT", (("match[]", "a"), ("start", START + 300), ("end", START + 599))),
    ("delete_series", "POST", (("match[]", 'b{n="1"}'), ("match[]", "c"))),
    ("delete_series", "POST", (("match[]", "nothing"),)),
    ("delete_series", "POST", (("match[]", "b"), ("start", START + 100), ("end", START + 50))),
    ("clean_tombstones", "POST", ()),
    ("clean_tombstones", "PUT", ()),
)


def everything(url):
    found = {}
    for name in ("a", "b", "c"):
        query = urllib.parse.urlencode({"query": name + "[2h]", "time": START + 3600})
        for one in json.loads(get(url + "/api/v1/query?" + query, 60))["data"]["result"]:
            found[json.dumps(one["metric"], sort_keys=True)] = one["values"]
    window = urllib.parse.urlencode({"start": START - 10, "end": START + 7200})
    found["names"] = json.loads(get(url + "/api/v1/label/__name__/values?" + window))["data"]
    series = json.loads(get(url + "/api/v1/series?match[]={__name__=~\"a|b|c\"}&" + window))["data"]
    found["series"] = sorted(json.dumps(one, sort_keys=True) for one in series)
    return found


def shape(answer):
    """Status, and what an error says: of parse errors only where it is said."""
    status, body = answer
    if not body.startswith("{"):
        return (status,)
    said = json.loads(body)
    return status, said.get("errorType"), said.get("error", "").split(":")[0]


def series_are_deleted(args, folder):
    """delete_series and clean_tombstones answer and hide as Debian's prometheus does; kills change nothing."""
    history = os.path.join(folder, "history.om")
    with open(history, "w") as f:
        for name in ("a", "b", "c"):
            f.write(f"# TYPE {name} gauge\n")
            for n in range(3):
                f.writelines(f'{name}{{n="{n}"}} {i} {START + i * 10}\n' for i in range(360))
        f.write("# EOF\n")
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
    nines, peer = Nines(args.nines, folder, config), None
    try:
        for path in ("delete_series", "clean_tombstones", "snapshot"):
            status, body = call(nines.url, path)
            assert status == 503 and json.loads(body) == {"status": "error", "errorType": "unavailable", "error": "admin APIs disabled"}, (status, body)
        nines.kill(signal.SIGTERM)
        with open(config, "a") as f:
            f.write("[web]\nenable_admin_api = true\n")
        subprocess.run([args.nines, "storage", "import", history, "--data", os.path.join(folder, "data")], check=True, stdout=subprocess.DEVNULL)
        nines.start()
        promtool, prometheus = shutil.which("promtool"), shutil.which("prometheus")
        if promtool and prometheus:
            blocks, empty, port = os.path.join(folder, "peer"), os.path.join(folder, "peer.yml"), free_port()
            subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", history, blocks], check=True, capture_output=True)
            open(empty, "w").close()
            peer = Process("peer", [prometheus, f"--config.file={empty}", f"--storage.tsdb.path={blocks}", "--web.enable-admin-api",
                                    f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y"], folder)
            peer_url = f"http://127.0.0.1:{port}"
            wait_for("prometheus answers", lambda: "Ready" in get(peer_url + "/-/ready", 1), 30)
        for path, method, params in CALLS:
            ours = call(nines.url, path, method, params)
            if peer:
                theirs = call(peer_url, path, method, params)
                assert shape(ours) == shape(theirs), (path, method, params, ours, theirs)
                mine, its = everything(nines.url), everything(peer_url)
                if path != "clean_tombstones":  # until then Prometheus goes on listing names of which nothing is left
                    for found in (mine, its):
                        del found["names"], found["series"]
                assert mine == its, (path, method, params)
        left = everything(nines.url)
        assert len(left) == 7 and left["names"] == ["a", "b"], left.keys()
        nines.kill(signal.SIGKILL)
        nines.start()
        assert everything(nines.url) == left, "not the same after a kill"
        # The good history once more: what comes after a deletion is there.
        subprocess.run([args.nines, "storage", "import", history, "--url", nines.url], check=True, stdout=subprocess.DEVNULL)
        again = everything(nines.url)
        assert len(again) == 11 and all(len(v) == 360 for k, v in again.items() if k.startswith("{")), {k: len(v) for k, v in again.items()}
        say("ok: " + ("as Prometheus answers, and " if peer else "") + "the same after a kill; an import afterwards is seen")
    finally:
        nines.kill(signal.SIGTERM)
        if peer:
            peer.kill(signal.SIGTERM)
