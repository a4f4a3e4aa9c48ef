"""What is known of targets: their metadata beside Prometheus's, a scrape out of turn, advice on what they expose."""
import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, Skipped, TextServer, free_port, get, say, wait_for
from protobuf import Prometheus

PAGE = """# HELP requests_total Requests, by code.
# TYPE requests_total counter
requests_total{code="200"} 5
# TYPE depth gauge
depth 2
# HELP only_help Says nothing of its type.
only_help 1
# HELP took_seconds Time \\\\ taken.
# TYPE took_seconds histogram
took_seconds_bucket{le="1"} 1
took_seconds_bucket{le="+Inf"} 2
took_seconds_sum 3
took_seconds_count 2
bare 1
"""


def ask(url, path, **params):
    try:
        return 200, json.loads(get(f"{url}{path}?{urllib.parse.urlencode(params)}"))
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def simplified(answer):
    status, json_ = answer
    if status != 200:
        return status, json_.get("errorType"), json_.get("error")
    return sorted(json.dumps(one, sort_keys=True) for one in json_["data"])


QUERIES = ({"match_target": '{job="a"}'}, {"match_target": '{job="b"}', "limit": 1}, {"metric": "depth"}, {"metric": "requests_total", "match_target": '{job=~"a|b"}'},
           {"metric": "none"}, {"match_target": '{job="none"}'}, {"limit": "x"}, {"limit": 0}, {"metric": "took_seconds", "limit": 1, "match_target": '{job="b"}'})


def metadata_as_prometheus_tells_it(args, folder):
    """/api/v1/targets/metadata of the same targets: Debian's prometheus and nines answer alike, after a change too."""
    said = {"text": PAGE}
    servers = [TextServer(lambda _: said["text"]) for _ in range(2)]
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "1s"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n[builtin]\nself = false\n')
        for job, server in zip("ab", servers):
            f.write(f'[[scrape_configs]]\njob_name = "{job}"\nstatic_configs = [{{ targets = ["127.0.0.1:{server.port}"] }}]\n')
    peer = Prometheus(folder, {job: server.port for job, server in zip("ab", servers)})
    nines = None
    try:
        nines = Nines(args.nines, folder, config)

        def alike():
            for query in QUERIES:
                ours, theirs = (simplified(ask(url, "/api/v1/targets/metadata", **query)) for url in (nines.url, peer.url))
                if query == {"limit": "x"}:  # the words for a number that is none are those of Go
                    ours, theirs = ours[:2], theirs[:2]
                if ours != theirs:
                    raise ValueError(f"{query}: {ours} here, {theirs} there")
            return True

        wait_for("the same answers", alike, 30)
        said["text"] = PAGE.replace("Requests, by code.", "Changed.") + "# HELP more M.\n# TYPE more gauge\nmore 1\n"
        for url in (peer.url, nines.url):
            wait_for("the change is told", lambda: any("Changed." in one for one in simplified(ask(url, "/api/v1/targets/metadata", match_target='{job="a"}'))), 30)
        wait_for("the same answers after a change", alike, 30)
        say(f"ok: {len(QUERIES)} questions are answered alike, before and after a change")
    finally:
        if nines:
            nines.kill(signal.SIGTERM)
        peer.process.kill(signal.SIGTERM)
        for server in servers:
            server.stop()


def post(url, origin=None, **params):
    request = urllib.request.Request(url, data=urllib.parse.urlencode(params).encode(), method="POST")
    if origin:
        request.add_header("Origin", origin)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape_now(args, folder):
    """A target that is scraped once an hour is scraped when somebody asks, and so is a probe; the answer says what it gave."""
    said = {"text": "m 1\n"}
    server = TextServer(lambda _: said["text"])
    instance = f"127.0.0.1:{server.port}"
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1h"\nscrape_timeout = "5s"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
        for job in ("one", "two"):
            f.write(f'[[scrape_configs]]\njob_name = "{job}"\nstatic_configs = [{{ targets = ["{instance}"] }}]\n')
        f.write(f'[[scrape_configs]]\njob_name = "closed"\nstatic_configs = [{{ targets = ["127.0.0.1:{free_port()}"] }}]\n')
        f.write(f'[[probe_configs]]\njob_name = "probe"\nmodule = "http_2xx"\nstatic_configs = [{{ targets = ["http://{instance}/"] }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        url = nines.url + "/api/nines/v1/targets/scrape"
        status, answer = post(url, pool="one", target=instance)
        target = answer["target"]
        assert (status, target["health"], target["last_samples"], target["pool"]) == (200, "up", 1, "one"), answer
        wait_for("its samples are there", lambda: nines.value('m{job="one"}') == 1, 10)
        assert not nines.query('m{job="two"}')
        said["text"] = "m{ 1\n"
        _, answer = post(url, pool="one", target=f"http://{instance}/metrics")
        assert answer["target"]["health"] == "down" and "line 1, column" in answer["target"]["last_error"], answer
        assert answer["target"]["body_start"] == "m{ 1\n", answer
        _, answer = post(url, target=next(t["url"] for t in nines.json("/api/nines/v1/targets")["targets"] if t["pool"] == "closed"))
        assert "refused" in answer["target"]["last_error"], answer
        _, answer = post(url, pool="probe", target=f"http://{instance}/")
        assert answer["target"]["health"] == "up" and answer["target"]["kind"] == "probe", answer
        wait_for("the probe's verdict", lambda: nines.value('probe_success{job="probe"}') == 1, 10)
        for want, params in ((400, {"target": instance}), (404, {"target": "nobody:1"}), (404, {"pool": "none", "target": instance}), (400, {})):
            status, text = post(url, **params)
            assert status == want, (params, status, text)
        assert post(url, "http://elsewhere.test", pool="one", target=instance)[0] == 403
        say("ok: scrapes and a probe out of turn")
    finally:
        nines.kill(signal.SIGTERM)
        server.stop()


BAD = """# HELP go_memstats_s x
# TYPE go_memstats_s gauge
go_memstats_s{le="1"} 1
go_memstats_s{le="2",quantile="3"} 1
# TYPE fooBar_counter counter
fooBar_counter{aB="1"} 1
fooBar_counter{aB="2"} 1
# HELP untyped_counter u
untyped_counter{quantile="3"} 1
# TYPE x_total gauge
x_total 1
# TYPE lat_milliseconds histogram
lat_milliseconds_bucket{aB="x",le="1"} 1
lat_milliseconds_bucket{aB="x",le="+Inf"} 1
lat_milliseconds_sum{aB="x"} 1
lat_milliseconds_count{aB="x"} 1
# TYPE summ summary
summ{quantile="0.5"} 1
summ_sum 1
summ_count 1
summ_bucket 1
# TYPE a_count gauge
a_count 1
# TYPE b_sum counter
b_sum 1
# TYPE c_bucket gauge
c_bucket 1
a:b 1
untyped_bucket 1
untyped_total 1
# TYPE dur_days gauge
dur_days 1
# TYPE empty gauge
# HELP em
em 1
# TYPE g_gauge_histogram gauge
g_gauge_histogram 1
# TYPE disk_kb gauge
disk_kb 1
# TYPE disk_kilobytes_total counter
disk_kilobytes_total 1
# TYPE thermometers_kelvins gauge
thermometers_kelvins 1
"""


def metrics_lint_as_promtool(args, folder):
    """`nines check metrics` beside `promtool check metrics`: the same lines and exit codes, of pages good, bad and broken."""
    promtool = shutil.which("promtool")
    if not promtool:
        raise Skipped("no promtool: apt-get install prometheus")
    nines = Nines(args.nines, folder)
    try:
        wait_for("host metrics", lambda: nines.query("node_load1"), 20)
        own = get(nines.url + "/metrics")
    finally:
        nines.kill(signal.SIGTERM)
    pages = {"bad": BAD, "good": "# HELP a_total x\n# TYPE a_total counter\na_total 1\n",
             "of many sizes": "# HELP took_seconds x\n# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"1\"} 1\ntook_seconds_bucket{le=\"+Inf\"} 1\n"
                              "took_seconds_sum 1\ntook_seconds_count 1\n# HELP a_total x\n# TYPE a_total counter\na_total{b=\"1\"} 1\na_total{b=\"2\"} 1\n", "empty": "", "own": own, "with metadata": PAGE,
             "broken": 'a 1\na{b="c" 1\n', "no end": "# HELP a x\na 1", "two types": "# TYPE a counter\n# TYPE a gauge\na 1\n",
             "type after samples": "a 1\n# TYPE a gauge\n", "series twice": "# HELP a x\na 1\na 2\n"}
    lines = 0
    for name, page in pages.items():
        ours, theirs = (subprocess.run([*tool, "check", "metrics", "--extended"], input=page, capture_output=True, text=True, timeout=30, check=False)
                        for tool in ([args.nines], [promtool]))
        assert ours.returncode == theirs.returncode, (name, ours, theirs)
        # promtool leaves the order of equal sizes to chance.
        assert sorted(ours.stdout.splitlines()) == sorted(theirs.stdout.splitlines()), (name, ours.stdout, theirs.stdout)
        if theirs.returncode != 1:  # the words for a broken page are each tool's own
            assert ours.stderr == theirs.stderr, (name, ours.stderr, theirs.stderr)
            lines += ours.stderr.count("\n")
    say(f"ok: {lines} findings on {len(pages)} pages are promtool's")
