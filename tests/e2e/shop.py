"""A small shop to look after: nginx, its access log, node_exporter, a pager and a fixer, all real, on loopback."""
import os
import shutil
import signal
import subprocess
import urllib.error

from harness import Listener, Nginx, Nines, Process, free_port, get

CONFIG = """
[global]
scrape_interval = "1s"
scrape_timeout = "900ms"
evaluation_interval = "1s"

[storage]
budget = "64MiB"

[[scrape_configs]]
job_name = "node"
static_configs = [{{ targets = ["127.0.0.1:{node}"], labels = {{ env = "prod" }} }}]

[[probe_configs]]
job_name = "shop"
module = "http_2xx"
static_configs = [{{ targets = ["http://127.0.0.1:{nginx}/"] }}]

[[log_configs]]
job_name = "nginx"
files = ["{access_log}"]
labels = {{ app = "shop" }}
metrics_interval = "1s"
metrics = [{{ name = "shop_requests_total", type = "counter", regex = '" (?P<status>\\d{{3}}) ', by = ["status"] }}]

[[groups]]
name = "shop"
interval = "1s"
[[groups.rules]]
alert = "ShopDown"
expr = 'probe_success{{job="shop"}} == 0'
for = "3s"
labels = {{ severity = "page", service = "shop" }}
annotations = {{ summary = "{{{{ $labels.instance }}}} does not answer" }}
[[groups.rules]]
record = "shop:up:avg"
expr = 'avg(probe_success{{job="shop"}})'

[[slos]]
name = "shop-availability"
service = "shop"
time_window = {{ duration = "30d", is_rolling = true }}
objectives = [{{ target_percent = 99.9 }}]
indicator = {{ ratio_metric = {{ counter = true, good = 'shop_requests_total{{status!~"5.."}}', total = 'shop_requests_total' }} }}

[route]
receiver = "oncall"
group_by = ["alertname", "service"]
group_wait = "1s"
group_interval = "2s"

[[receivers]]
name = "oncall"
webhook_configs = [{{ url = "http://127.0.0.1:{pager}/page", send_resolved = true }}]

[[remediations]]
name = "restart-shop"
matchers = ['alertname="ShopDown"']
mode = "auto"
trigger_after = "3s"
action = {{ webhook = {{ url = "http://127.0.0.1:{fixer}/restart", timeout = "5s" }} }}
limits = {{ cooldown = "1m", max_per_hour = 3 }}
verify = {{ expr = 'probe_success{{job="shop"}} == 1', for = "2s", timeout = "30s" }}
on_failure = {{ receiver = "oncall" }}
"""


class Shop:
    """Starts everything, nines last. `extra` is appended to the configuration."""

    def __init__(self, args, folder, extra=""):
        self.nginx = Nginx(folder, free_port())
        node_port = free_port()
        self.node = Process("node_exporter", [shutil.which("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}"], folder)
        self.pager = Listener()
        self.fixer = Listener(on_post=lambda _: self.nginx.start())
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write(CONFIG.format(node=node_port, nginx=self.nginx.port, access_log=self.nginx.access_log, pager=self.pager.port, fixer=self.fixer.port))
            f.write(extra)
        subprocess.run([args.nines, "check", "config", config], check=True, stdout=subprocess.DEVNULL)
        self.nines = Nines(args.nines, folder, config)

    def sell(self, good, bad):
        """Some requests; the bad ones answer 500."""
        for _ in range(good):
            get(f"http://127.0.0.1:{self.nginx.port}/")
        for _ in range(bad):
            try:
                get(f"http://127.0.0.1:{self.nginx.port}/broken")
            except urllib.error.HTTPError:
                pass

    def pages(self, status):
        """What the pager was told of ShopDown; the budget burns too, and pages on its own."""
        return [p for p in self.pager.posts if p["body"]["status"] == status and p["body"]["groupLabels"]["alertname"] == "ShopDown"]

    def stop(self):
        self.nines.kill(signal.SIGTERM)
        self.node.kill()
        self.nginx.kill()
        self.pager.stop()
        self.fixer.stop()
