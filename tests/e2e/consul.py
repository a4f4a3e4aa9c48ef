"""A server that plays Consul's HTTP API, blocking queries and all, and nines that follows it."""
import http.server
import json
import os
import signal
import threading
import time
import urllib.parse

from harness import Nines, TextServer, say, wait_for
from hostile import healthy_page


class Consul:
    """The catalog and health of services; a query with ?index= is held until something changes."""

    def __init__(self, token):
        self.changed = threading.Condition()
        self.index, self.services, self.asked, self.held, self.broken = 1, {}, [], 0, False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler):
                url = urllib.parse.urlsplit(handler.path)
                params = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                with outer.changed:
                    outer.asked.append((urllib.parse.unquote(url.path), params))
                if handler.headers.get("X-Consul-Token") != token:
                    return handler.answer(403, "Permission denied")
                path = urllib.parse.unquote(url.path)
                with outer.changed:
                    if "index" in params:
                        outer.held += 1
                        seen, wait = int(params["index"]), int(params["wait"].removesuffix("ms")) / 1000
                        outer.changed.wait_for(lambda: outer.index_of(path) > seen or outer.broken, wait)
                        outer.held -= 1
                    if outer.broken:
                        return handler.answer(500, "No cluster leader")
                    index, body = outer.index_of(path), outer.body_of(path)
                handler.answer(200, json.dumps(body), index)

            def answer(handler, status, text, index=None):
                handler.send_response(status)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(text)))
                if index is not None:
                    handler.send_header("X-Consul-Index", str(index))
                handler.end_headers()
                handler.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def index_of(self, path):
        name = path.removeprefix("/v1/health/service/")
        return self.services[name][1] if name in self.services else self.index

    def body_of(self, path):
        if path == "/v1/agent/self":
            return {"Config": {"Datacenter": "home"}}
        if path == "/v1/catalog/services":
            return {"consul": [], **{name: tags for name, (_, _, tags) in self.services.items()}}
        instances, _, tags = self.services.get(path.removeprefix("/v1/health/service/"), ([], 0, []))
        return [{"Node": {"Node": "node-1", "Address": "127.0.0.1", "Meta": {"rack": "7"}, "TaggedAddresses": {"lan": "127.0.0.1"}},
                 "Service": {"ID": f"{path[-3:]}-{port}", "Service": path[-3:], "Tags": tags, "Address": "", "Port": port, "Meta": {"version": "2"}},
                 "Checks": [{"CheckID": "serfHealth", "Status": "passing"}, {"CheckID": "own", "Status": health}]} for port, health in instances]

    def set(self, name, instances, tags=()):
        """`None` takes the service away."""
        with self.changed:
            self.index += 1
            if instances is None:
                self.services.pop(name)
            else:
                self.services[name] = (instances, self.index, list(tags))
            self.changed.notify_all()

    def set_broken(self, broken):
        with self.changed:
            self.broken = broken
            self.changed.notify_all()

    def stop(self):
        self.set_broken(True)
        self.server.shutdown()
        self.server.server_close()


def consul_services_come_and_go(args, folder):
    """Services and instances come and go in Consul: targets follow within the refresh interval, by blocking queries; failures keep them."""
    targets = [TextServer(healthy_page) for _ in range(3)]
    a, b, c = (t.port for t in targets)
    consul = Consul("opensesame")
    consul.set("web", [(a, "passing"), (b, "warning")], ["v1", "eu"])
    consul.set("api", [(c, "critical")])
    with open(os.path.join(folder, "token"), "w") as f:
        f.write("opensesame\n")
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[global]
scrape_interval = "1s"
scrape_timeout = "1s"
[storage]
budget = "64MiB"
[host]
enabled = false
[[scrape_configs]]
job_name = "all"
consul_sd_configs = [{{ server = "127.0.0.1:{consul.port}", token_file = "token", refresh_interval = "300ms" }}]
relabel_configs = [
  {{ source_labels = ["__meta_consul_service"], regex = "consul", action = "drop" }},
  {{ regex = "__meta_consul_(service|dc|health|node|tags|metadata_rack|service_metadata_version|tagged_address_lan|service_id|service_port|address)", action = "labelmap" }}]
[[scrape_configs]]
job_name = "tagged"
consul_sd_configs = [{{ server = "127.0.0.1:{consul.port}", token = "opensesame", datacenter = "home", tags = ["eu"], refresh_interval = "300ms" }}]
[[scrape_configs]]
job_name = "denied"
consul_sd_configs = [{{ server = "127.0.0.1:{consul.port}", services = ["web"], token = "wrong", datacenter = "home", refresh_interval = "300ms" }}]
""")
    nines = Nines(args.nines, folder, config)

    def ports(job):
        return sorted(int(r["metric"]["instance"].split(":")[1]) for r in nines.query(f'up{{job="{job}"}} == 1'))

    def source(job):
        return next(s for s in nines.json("/api/nines/v1/discovery")["sources"] if s["pool"] == f"scrape/{job}")

    try:
        wait_for("all instances are scraped", lambda: ports("all") == sorted([a, b, c]), 20)
        wait_for("those with the tag", lambda: ports("tagged") == sorted([a, b]), 20)
        labels = next(r["metric"] for r in nines.query('up{job="all"}') if r["metric"]["instance"] == f"127.0.0.1:{b}")
        want = {"service": "web", "dc": "home", "health": "warning", "node": "node-1", "tags": ",v1,eu,", "metadata_rack": "7", "address": "127.0.0.1",
                "service_metadata_version": "2", "tagged_address_lan": "127.0.0.1", "service_id": f"web-{b}", "service_port": str(b)}
        assert {n: labels.get(n) for n in want} == want, labels
        wait_for("the denied one is named", lambda: source("denied")["errors"], 10)
        assert source("denied")["errors"] == [f"127.0.0.1:{consul.port}/v1/health/service/web: HTTP status 403: Permission denied"], source("denied")
        wait_for("queries are held", lambda: consul.held >= 5, 20)
        asked = len([1 for path, p in consul.asked if "index" in p])
        time.sleep(1.5)
        assert len([1 for path, p in consul.asked if "index" in p]) == asked, "a query without news was not held"
        assert all(p.get("dc") == "home" and "stale" in p for path, p in consul.asked if path != "/v1/agent/self"), consul.asked[-5:]

        started = time.time()
        consul.set("web", [(a, "passing")], ["v1", "eu"])
        wait_for("an instance goes", lambda: ports("all") == sorted([a, c]) and ports("tagged") == [a], 10, 0.05)
        took = time.time() - started
        consul.set("new", [(b, "passing")], ["eu"])
        wait_for("a service comes", lambda: ports("all") == sorted([a, b, c]) and ports("tagged") == sorted([a, b]), 10)
        consul.set("api", None)
        wait_for("a service goes", lambda: ports("all") == sorted([a, b]), 10)
        consul.set_broken(True)
        wait_for("its failure is named", lambda: "No cluster leader" in " ".join(source("all")["errors"]), 10)
        time.sleep(1)
        assert ports("all") == sorted([a, b]), "a failure lost targets"
        consul.set("web", [(c, "passing")])
        consul.set_broken(False)
        wait_for("it is followed again", lambda: ports("all") == sorted([b, c]) and ports("tagged") == [b], 10)
        wait_for("nothing is wrong any more", lambda: not source("all")["errors"] and not source("tagged")["errors"], 10)
        say(f"ok: an instance was gone {took:.2f} s after Consul said so (refresh_interval 0.3 s, scrape 1 s)")
    finally:
        nines.kill(signal.SIGTERM)
        consul.stop()
        for server in targets:
            server.stop()
