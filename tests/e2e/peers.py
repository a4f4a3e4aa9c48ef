"""Real exporters and senders beside Debian's prometheus: nines has what prometheus has from the same source."""
import json
import math
import os
import re
import signal
import time
import urllib.parse
import urllib.request

import protobuf
import protobuf_page as message
from harness import Nginx, Nines, Process, TextServer, free_port, get, say, wait_for
from sends import exported, matrix, missing, page, program

# What comes and goes, or falls, between two scrapes of one second.
RESTLESS = re.compile("go_.*|process_.*|promhttp_metric_handler_requests_in_flight|.*_timestamp_seconds|probe_.*|scrape_.*|up|.*duration.*|"
                      "node_(?!boot|uname|dmi|os|exporter|filesystem_size|memory_MemTotal|network_info|network_mtu).*|alertmanager_(cluster|nflog|peer|silences).*|"
                      "vm_.*|nginx_connections_.*|nginxexporter_.*")
PROMETHEUS = "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n{more}scrape_configs:\n"


def start_prometheus(folder, jobs, more="", flags=(), name="prometheus"):
    """`jobs`: name -> port, or (port, path with params). Its URL and the process."""
    config = os.path.join(folder, name + ".yml")
    with open(config, "w") as f:
        f.write(PROMETHEUS.format(more=more))
        for job, where in jobs.items():
            at, path, params = where if isinstance(where, tuple) else (where, "/metrics", {})
            f.write(f"- {{job_name: {job}, metrics_path: {path}, params: {json.dumps(params)}, static_configs: [{{targets: ['127.0.0.1:{at}']}}]}}\n")
    port = free_port()
    process = Process(name, [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/{name}", "--log.level=warn",
                             f"--web.listen-address=127.0.0.1:{port}", *flags], folder)
    return f"http://127.0.0.1:{port}", process


def jobs_in_toml(jobs):
    text = ""
    for job, where in jobs.items():
        at, path, params = where if isinstance(where, tuple) else (where, "/metrics", {})
        options = ", ".join(f"{name} = {json.dumps(values)}" for name, values in params.items())
        text += (f'[[scrape_configs]]\njob_name = "{job}"\nmetrics_path = "{path}"\nparams = {{ {options} }}\n'
                 f'static_configs = [{{ targets = ["127.0.0.1:{at}"] }}]\n')
    return text


def stored(url, expr):
    """series -> value, numbers in labels as numbers."""
    result = json.loads(get(f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": expr})))["data"]["result"]
    return {tuple(sorted((k, protobuf.plain(k, v)) for k, v in one["metric"].items())): float(one["value"][1]) for one in result if "value" in one}


def with_status_page(nginx):
    """nginx with stub_status at /status."""
    nginx.kill()
    with open(nginx.config) as f:
        text = f.read()
    with open(nginx.config, "w") as f:
        f.write(text.replace("location / {", "location /status { stub_status; } location / {"))
    nginx.start()


def start_exporters(folder, running):
    """Every exporter of Debian's that the tests know, job -> where it is scraped."""
    jobs = {}

    def start(name, binary, *flags):
        jobs[name] = free_port()
        running.append(Process(name, [program(binary), *(flag.format(port=jobs[name], folder=folder) for flag in flags)], folder))

    start("node", "prometheus-node-exporter", "--web.listen-address=127.0.0.1:{port}", "--no-collector.systemd")
    start("push", "prometheus-pushgateway", "--web.listen-address=127.0.0.1:{port}")
    start("blackbox", "prometheus-blackbox-exporter", "--web.listen-address=127.0.0.1:{port}", "--config.file={folder}/blackbox.yml")
    start("alertmanager", "prometheus-alertmanager", "--web.listen-address=127.0.0.1:{port}", "--config.file={folder}/alertmanager.yml",
          "--storage.path={folder}/am", "--cluster.listen-address=")
    start("victoria", "victoria-metrics", "-httpListenAddr=127.0.0.1:{port}", "-storageDataPath={folder}/vm", "-loggerLevel=ERROR")
    nginx = Nginx(folder, free_port())
    running.append(nginx)
    with_status_page(nginx)
    wait_for("nginx's status page", lambda: get(f"http://127.0.0.1:{nginx.port}/status"))
    start("nginx", "prometheus-nginx-exporter", "-web.listen-address=127.0.0.1:{port}", f"-nginx.scrape-uri=http://127.0.0.1:{nginx.port}/status")
    jobs["probe"] = (jobs["blackbox"], "/probe", {"module": ["web"], "target": [f"http://127.0.0.1:{nginx.port}/"]})
    return jobs


def push(port):
    text = ("# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total{table=\"a\"} 7\nrows_total{table=\"\u00e9\"} 1e+15\n"
            "# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"0.5\"} 1\ntook_seconds_bucket{le=\"+Inf\"} 3\ntook_seconds_sum 4.25\ntook_seconds_count 3\n"
            "# TYPE odd gauge\nodd NaN\n")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics/job/nightly/instance/a", text.encode(), method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def exporters_as_prometheus_stores_them(args, folder):
    """Seven real exporters scraped by nines and by prometheus: the same series, and each value between two of prometheus's."""
    running = []
    try:
        with open(os.path.join(folder, "blackbox.yml"), "w") as f:
            f.write("modules: {web: {prober: http, http: {preferred_ip_protocol: ip4}}}\n")
        with open(os.path.join(folder, "alertmanager.yml"), "w") as f:
            f.write("route: {receiver: none}\nreceivers: [{name: none}]\n")
        jobs = start_exporters(folder, running)
        wait_for("pushgateway takes a push", lambda: push(jobs["push"]) is None, 20)
        peer, process = start_prometheus(folder, jobs)
        running.append(process)
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "1s"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n' + jobs_in_toml(jobs))
        nines = Nines(args.nines, folder, config)
        running.append(nines)
        for url in (peer, nines.url):
            wait_for("every exporter is up", lambda: len(stored(url, 'sum_over_time(up{job=~".+"}[10s]) >= 2')) >= len(jobs), 30)
        def all_of(url):
            return {job: stored(url, f'{{job="{job}",__name__!~"scrape_.*"}}') for job in jobs}

        compared, readings = 0, []
        for url in (peer, nines.url, peer):  # each a scrape later than the one before
            time.sleep(1.1)
            readings.append(all_of(url))
        for job in jobs:
            first, ours, later = (reading[job] for reading in readings)
            known = {s for s in first if s in later}
            lacking = [s for s in known if s not in ours]
            extra = [s for s in ours if s not in first and s not in later]
            assert not lacking and not extra, f"{job}: {len(lacking)} lack, such as {lacking[:3]}; {len(extra)} are too many: {extra[:3]}"
            for s in known:
                a, b, c = first[s], ours[s], later[s]
                if RESTLESS.fullmatch(dict(s)["__name__"]):
                    continue
                ok = min(a, c) <= b <= max(a, c) or (a != a and b != b)
                assert ok, f"{job}: {s}: {b}, prometheus {a} and then {c}"
                compared += 1
            about = {"match_target": f'{{job="{job}"}}'}
            theirs, mine = ({(m["metric"], m["type"], m["help"]) for m in
                             json.loads(get(f"{url}/api/v1/targets/metadata?" + urllib.parse.urlencode(about)))["data"]} for url in (peer, nines.url))
            assert mine == theirs, (job, sorted(mine ^ theirs)[:5])
            say(f"  {job}: {len(ours)} series, {len(theirs)} described the same")
        assert stored(nines.url, 'rows_total{exported_job="nightly",table="\u00e9"}') == stored(peer, 'rows_total{exported_job="nightly",table="\u00e9"}') != {}
        assert compared > 200, compared
        say(f"ok: {compared} values as prometheus has them")
    finally:
        for process in reversed(running):
            process.kill()


def same_histograms(ours, theirs):
    bad = protobuf.differences(protobuf.keyed(ours), protobuf.keyed(theirs))
    assert not bad, "\n".join(bad[:5])


def told():
    """A native histogram with exemplars at its classic buckets, for an exporter's page."""
    now = time.time()
    buckets = [(1, 2, message.exemplar({"trace_id": "quick"}, 0.5, now)), (math.inf, 3, message.exemplar({"trace_id": "slow", "span": "\u00e9"}, 7.5, now + 0.001))]
    return message.family("t_told", message.HISTOGRAM, [
        message.metric(message.histogram(3, 8.5, buckets, 1, (0.001, 1), ([(0, 1), (5, 1)], [1, 0])), {"path": "/pay"})], "Told of.")


def exemplars(url, selector, start, end):
    query = urllib.parse.urlencode({"query": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"})
    out = set()
    for series in json.loads(get(f"{url}/api/v1/query_exemplars?{query}"))["data"]:
        labels = tuple(sorted((k, v) for k, v in series["seriesLabels"].items() if k != "region"))
        for one in series["exemplars"]:
            out.add((labels, tuple(sorted(one["labels"].items())), float(one["value"]), round(float(one["timestamp"]), 3)))
    return out


def senders_of_debian(args, folder):
    """prometheus and vmagent send what they scrape: nines has each of their samples, histograms and exemplars of prometheus included."""
    running, exporter, target = [], protobuf.Exporter(), TextServer(page)
    exporter.body += told()
    try:
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
        nines = Nines(args.nines, folder, config)
        running.append(nines)
        write = nines.url + "/api/v1/write"
        more = f"remote_write: [{{url: '{write}', send_exemplars: true, send_native_histograms: true, queue_config: {{batch_send_deadline: 200ms}}}}]\n"
        peer, process = start_prometheus(folder, {"p": exporter.port}, more, ("--enable-feature=native-histograms,exemplar-storage",))
        running.append(process)
        store, agent = free_port(), free_port()
        running.append(Process("victoria", [program("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{store}", f"-storageDataPath={folder}/vm",
                                            "-loggerLevel=ERROR"], folder))
        with open(os.path.join(folder, "agent.yml"), "w") as f:
            f.write(PROMETHEUS.format(more="") + f"- {{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}\n")
        running.append(Process("vmagent", [program("vmagent"), f"-promscrape.config={folder}/agent.yml", f"-httpListenAddr=127.0.0.1:{agent}",
                                           f"-remoteWrite.tmpDataPath={folder}/agent", "-remoteWrite.flushInterval=200ms", f"-remoteWrite.url={write}",
                                           f"-remoteWrite.url=http://127.0.0.1:{store}/api/v1/write"], folder))
        start = time.time()
        wait_for("vmagent's samples", lambda: nines.query('count_over_time(t_float{job="t"}[1m]) >= 4'), 20)
        wait_for("prometheus's samples", lambda: nines.query('count_over_time(t_depth{job="p"}[1m]) >= 4'), 20)
        wait_for("what both have sent", lambda: len(matrix(nines.url, start, time.time() - 1.5)) > 50, 20)
        end = time.time() - 1.5
        wait_for("prometheus's newest", lambda: not missing(matrix(peer, start, end, '{job="p"}'), matrix(nines.url, start, end, '{job="p"}')), 10)
        theirs = matrix(peer, start, end, '{job="p",__name__=~"t_.*|up"}')
        assert len(theirs) > 20 and not missing(matrix(nines.url, start, end, '{job="p",__name__=~"t_.*|up"}'), theirs)
        at = f"@ {end:.3f}"
        same_histograms(nines.query(f'{{job="p",__name__=~"t_.*"}} {at}'), json.loads(get(peer + "/api/v1/query?" + urllib.parse.urlencode(
            {"query": f'{{job="p",__name__=~"t_.*"}} {at}'})))["data"]["result"])
        want = exemplars(peer, '{job="p"}', 0, time.time())
        assert want and wait_for("prometheus's exemplars", lambda: exemplars(nines.url, '{job="p"}', 0, time.time()) == want, 10)
        wait_for("victoria-metrics has vmagent's", lambda: not missing(matrix(nines.url, start, end), exported(f"http://127.0.0.1:{store}", start, end), True), 20)
        mine = matrix(nines.url, start, end)
        assert len(mine) > 50 and not missing(exported(f"http://127.0.0.1:{store}", start, end), mine, True)
        say(f"ok: {len(theirs)} series of prometheus with {len(want)} exemplars, {len(mine)} of vmagent, sample by sample")
    finally:
        for process in reversed(running):
            process.kill()
        exporter.stop()
        target.stop()


def histograms_and_exemplars_are_sent(args, folder):
    """Native histograms and exemplars by remote write: 1.0 to prometheus, 2.0 to another nines; both have what was scraped."""
    running, exporter = [], protobuf.Exporter()
    exporter.body += told()
    try:
        peer, process = start_prometheus(folder, {}, "", ("--enable-feature=native-histograms,exemplar-storage", "--web.enable-remote-write-receiver"))
        running.append(process)
        beside = os.path.join(folder, "beside")
        os.mkdir(beside)
        with open(os.path.join(beside, "nines.toml"), "w") as f:
            f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
        other = Nines(args.nines, beside, os.path.join(beside, "nines.toml"))
        running.append(other)
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "1s"\nscrape_native_histograms = true\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n'
                    + jobs_in_toml({"h": exporter.port}))
            for name, url, proto in (("one", peer, "prometheus.WriteRequest"), ("two", other.url, "io.prometheus.write.v2.Request")):
                f.write(f'[[remote_write]]\nname = "{name}"\nurl = "{url}/api/v1/write"\nprotobuf_message = "{proto}"\nsend_exemplars = true\n'
                        'send_native_histograms = true\nqueue_config = { batch_send_deadline = "200ms", max_backoff = "1s" }\n'
                        'metadata_config = { send_interval = "1s" }\n')
        wait_for("prometheus answers", lambda: get(peer + "/-/ready", 1), 20)
        start = time.time()
        nines = Nines(args.nines, folder, config)
        running.append(nines)
        wait_for("scraped", lambda: nines.query('count_over_time(up{job="h"}[1m]) >= 3'), 20)
        end = time.time() - 1
        names = '{job="h",__name__=~"t_.*"}'
        here = nines.json("/api/v1/query", query=names, time=end)["data"]["result"]
        assert sum("histogram" in one for one in here) >= 5, here
        shown = exemplars(nines.url, '{job="h"}', 0, time.time())
        assert len(shown) == 3, shown
        for url in (peer, other.url):
            wait_for(f"{url} has every float", lambda: not missing(matrix(nines.url, start, end, names), matrix(url, start, end, names)), 20)
            query = urllib.parse.urlencode({"query": names, "time": f"{end:.3f}"})
            same_histograms(here, json.loads(get(f"{url}/api/v1/query?{query}"))["data"]["result"])
            wait_for(f"{url} has the exemplars", lambda: exemplars(url, '{job="h"}', 0, time.time()) >= shown, 10)
        about = nines.json("/api/v1/metadata")["data"]
        theirs = other.json("/api/v1/metadata")["data"]
        ours = {name: rows for name, rows in about.items() if name.startswith("t_")}
        assert len(ours) >= 8 and {name: theirs.get(name) for name in ours} == ours, (ours, theirs)
        refused = nines.value("sum(nines_remote_storage_samples_failed_total)")
        assert refused == 0, f"{refused} refused: " + "\n".join(line for line in nines.process.output().splitlines() if "remote" in line)
        say(f"ok: {len(here)} series, {len(shown)} exemplars in prometheus by 1.0 and in nines by 2.0; {len(ours)} families described by 2.0")
    finally:
        for process in reversed(running):
            process.kill(signal.SIGTERM)
        exporter.stop()
