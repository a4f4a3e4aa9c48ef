"""Targets that come and go: target files, an HTTP service, DNS."""
import json
import os
import signal
import time

from dns_server import DnsServer
from harness import Nines, TextServer, free_port, get, say, wait_for
from hostile import healthy_page


class Listing:
    """A small HTTP SD service."""

    def __init__(self):
        self.groups, self.asked = [], []
        self.server = TextServer(self.page, "application/json")
        self.url = f"http://127.0.0.1:{self.server.port}/targets"

    def page(self, request):
        self.asked.append(dict(request.headers))
        return json.dumps(self.groups)


def replace(path, text):
    with open(path + ".tmp", "w") as f:
        f.write(text)
    os.rename(path + ".tmp", path)


def instances(nines, job):
    return sorted(r["metric"]["instance"] for r in nines.query(f'up{{job="{job}"}} == 1'))


def source(nines, pool):
    return next(s for s in nines.json("/api/nines/v1/discovery")["sources"] if s["pool"] == pool)


def targets_come_and_go(args, folder):
    """A target file is edited and broken, an HTTP service and DNS change: targets follow, the others keep their pace."""
    targets = [TextServer(healthy_page) for _ in range(3)]
    a, b, c = (f"127.0.0.1:{t.port}" for t in targets)
    listing = Listing()
    listing.groups = [{"targets": [a], "labels": {"zone": "one"}}]
    port = a.split(":")[1]
    dns = DnsServer({("_http._tcp.nines.test", "SRV"): [f"0 0 {port} 127.0.0.1"], ("web.nines.test", "A"): ["127.0.0.1"]})
    os.mkdir(os.path.join(folder, "sd"))
    file = os.path.join(folder, "sd", "web.json")
    replace(file, json.dumps([{"targets": [a], "labels": {"env": "prod"}}]))
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[global]
scrape_interval = "500ms"
scrape_timeout = "400ms"
[storage]
budget = "64MiB"
[[scrape_configs]]
job_name = "file"
[[scrape_configs.file_sd_configs]]
files = ["sd/*.json", "sd/*.toml"]
[[scrape_configs]]
job_name = "http"
http_sd_configs = [{{ url = "{listing.url}", refresh_interval = "500ms" }}]
[[scrape_configs]]
job_name = "srv"
dns_sd_configs = [{{ names = ["_http._tcp.nines.test"], servers = ["127.0.0.1:{dns.port}"], refresh_interval = "500ms" }}]
relabel_configs = [{{ source_labels = ["__meta_dns_srv_record_target"], target_label = "record" }}]
[[probe_configs]]
job_name = "probe"
dns_sd_configs = [{{ names = ["web.nines.test"], type = "A", port = {port}, servers = ["127.0.0.1:{dns.port}"], refresh_interval = "500ms" }}]
""")
    nines = Nines(args.nines, folder, config)
    try:
        for job in ("file", "http", "srv", "probe"):
            wait_for(f"{job} is up", lambda: instances(nines, job) == [a], 20)
        assert nines.query('up{job="file"}')[0]["metric"]["env"] == "prod"
        assert nines.query('up{job="http"}')[0]["metric"]["zone"] == "one"
        assert nines.query('up{job="srv"}')[0]["metric"]["record"] == "127.0.0.1."
        wait_for("the probe", lambda: nines.value('probe_success{job="probe"}') == 1, 20)
        assert listing.asked[0]["X-Prometheus-Refresh-Interval-Seconds"] == "0.5", listing.asked[0]

        started = time.time()
        replace(file, json.dumps([{"targets": [a, b], "labels": {"env": "prod"}}]))
        wait_for("the file's new target", lambda: instances(nines, "file") == sorted([a, b]), 10, 0.05)
        seen = time.time() - started
        with open(os.path.join(folder, "sd", "more.toml"), "w") as f:
            f.write(f'[[static_configs]]\ntargets = ["{c}"]\n')
        wait_for("a new file's target", lambda: instances(nines, "file") == sorted([a, b, c]), 10)
        replace(file, '[{"targets": ["')
        error = wait_for("the broken file is named", lambda: source(nines, "scrape/file")["errors"], 10)[0]
        assert "web.json: line 1, column" in error, error
        time.sleep(1.2)
        assert instances(nines, "file") == sorted([a, b, c]), "a broken file lost its last good targets"
        assert 'prometheus_sd_refresh_failures_total{mechanism="file"} 1' in get(nines.url + "/metrics")
        os.remove(file)
        wait_for("a removed file's targets go", lambda: instances(nines, "file") == [c], 10)

        listing.server.status = 500
        listing.groups = []
        wait_for("the service's failure is named", lambda: source(nines, "scrape/http")["errors"], 10)
        assert instances(nines, "http") == [a]
        listing.server.status, listing.groups = 200, [{"targets": [b, c]}]
        wait_for("the service's new targets", lambda: instances(nines, "http") == sorted([b, c]), 10)

        dns.table[("_http._tcp.nines.test", "SRV")].append(f"0 0 {b.split(':')[1]} 127.0.0.1")
        wait_for("the name's second record", lambda: instances(nines, "srv") == sorted([a, b]), 10)
        dns.table[("_http._tcp.nines.test", "SRV")] = 2
        wait_for("the server's failure is named", lambda: source(nines, "scrape/srv")["errors"], 10)
        assert instances(nines, "srv") == sorted([a, b])
        dns.table[("_http._tcp.nines.test", "SRV")] = 3
        wait_for("a name that is gone has no targets", lambda: not instances(nines, "srv"), 10)
        say(f"ok: an edited file was scraped {seen:.2f} s later (interval 0.5 s); last error: {error}")
    finally:
        nines.kill(signal.SIGTERM)
        dns.stop()
        for server in targets + [listing.server]:
            server.stop()


def dns_names_become_targets(args, folder):
    """Names of each type that dns_sd_configs knows are asked of a DNS server: their records are targets, with their labels."""
    target = TextServer(healthy_page)
    port = target.port
    # name, type, records -> instance, labels besides __meta_dns_name
    names = {
        "A": ("a.nines.test", ["127.0.0.1"], f"127.0.0.1:{port}", {}),
        "AAAA": ("six.nines.test", ["::1"], f"[::1]:{port}", {}),
        "SRV": ("_m._tcp.nines.test", [f"0 0 {port} localhost"], f"localhost:{port}",
                {"__meta_dns_srv_record_target": "localhost.", "__meta_dns_srv_record_port": str(port)}),
        "MX": ("mx.nines.test", ["10 localhost"], f"localhost:{port}", {"__meta_dns_mx_record_target": "localhost."}),
        "NS": ("ns.nines.test", ["localhost"], f"localhost:{port}", {"__meta_dns_ns_record_target": "localhost."}),
    }
    dns = DnsServer({(name, kind): records for kind, (name, records, _, _) in names.items()})
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "500ms"\nscrape_timeout = "400ms"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n')
        for kind, (name, _, _, _) in names.items():
            own_port = "" if kind == "SRV" else f"port = {port}, "
            f.write(f'[[scrape_configs]]\njob_name = "{kind}"\ndns_sd_configs = [{{ names = ["{name}"], type = "{kind}", {own_port}'
                    f'servers = ["127.0.0.1:{dns.port}"], refresh_interval = "1s" }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        def active(kind):
            return [t for t in nines.json("/api/v1/targets")["data"]["activeTargets"] if t["scrapePool"] == kind]

        for kind, (name, _, instance, labels) in names.items():
            wait_for(f"the target of {kind}", lambda: active(kind), 30)
            [one] = active(kind)
            assert one["labels"]["instance"] == instance, one
            assert one["scrapeUrl"] == f"http://{instance}/metrics", one
            found = {n: v for n, v in one["discoveredLabels"].items() if n.startswith("__meta_dns")}
            assert found == {"__meta_dns_name": name, **labels}, found
            if kind != "AAAA":  # nobody need listen there
                wait_for(f"{kind} is up", lambda: active(kind)[0]["health"] == "up", 30)
        # An address more is a target more.
        dns.table[("a.nines.test", "A")] = ["127.0.0.1", "127.0.0.2"]
        wait_for("the second address", lambda: len(active("A")) == 2, 30)
        say(f"ok: {', '.join(names)} records became targets, {dns.asked} questions asked")
    finally:
        nines.kill(signal.SIGTERM)
        dns.stop()
        target.stop()


def thousands_of_targets_change(args, folder):
    """Half of 4000 discovered targets are exchanged: no turn of those that stay is lost."""
    stay = TextServer(healthy_page)
    address = f"127.0.0.1:{stay.port}"
    closed = free_port()
    file = os.path.join(folder, "many.json")

    def write(generation):
        dead = [{"targets": [f"127.0.0.1:{closed}"], "labels": {"n": str(n), "g": str(generation if n % 2 else 0)}} for n in range(4000)]
        replace(file, json.dumps(dead + [{"targets": [address]}]))

    write(1)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "256MiB"\n[[scrape_configs]]\njob_name = "many"\nscrape_interval = "30s"\nscrape_timeout = "5s"\n'
                f'file_sd_configs = [{{ files = ["{file}"] }}]\n'
                '[[scrape_configs]]\njob_name = "beside"\nscrape_interval = "200ms"\nscrape_timeout = "150ms"\n'
                f'static_configs = [{{ targets = ["{address}"] }}]\n')
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("all targets are there", lambda: source(nines, "scrape/many")["targets"] == 4001, 20)
        wait_for("the one beside is scraped", lambda: nines.value('up{job="beside"}') == 1, 20)
        start = time.time()
        for generation in range(2, 7):
            before = source(nines, "scrape/many")["last_refresh"]
            write(generation)
            wait_for("the change is taken", lambda: source(nines, "scrape/many")["last_refresh"] != before, 10, 0.05)
            time.sleep(1)
        # Written once a second or so: what is not there yet is no gap.
        end = time.time() - 1.5
        values = nines.json("/api/v1/query", query=f'up{{job="beside"}}[{int(end - start)}s]', time=end)["data"]["result"][0]["values"]
        gaps = sorted(y[0] - x[0] for x, y in zip(values, values[1:]))
        assert gaps[-1] < 0.7, f"{gaps[-1]} s between two scrapes of a target that stayed"
        say(f"ok: 5 changes of 2000 of 4001 targets; the longest gap of a 0.2 s target was {gaps[-1]:.3f} s")
    finally:
        nines.kill(signal.SIGTERM)
        stay.stop()
