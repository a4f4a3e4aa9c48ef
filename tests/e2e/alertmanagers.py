"""Alerts sent to Debian's real Alertmanager: found in a file, behind a path and a password, relabelled."""
import base64
import json
import os
import shutil
import signal
import time
import urllib.request

from harness import Listener, Nines, Process, Skipped, TextServer, free_port, get, quick_config, say, wait_for

CONFIG = """
[[groups]]
name = "g"
[[groups.rules]]
alert = "Slow"
expr = "slow > 0"
annotations = {{ summary = "{{{{ $value }}}}" }}
[[groups.rules]]
alert = "Quiet"
expr = "slow > 0"
[alerting]
alert_relabel_configs = [{{ action = "labeldrop", regex = "replica" }}]
[[alerting.alertmanagers]]
path_prefix = "/am"
timeout = "3s"
file_sd_configs = [{{ files = ["{targets}"], refresh_interval = "1s" }}]
relabel_configs = [{{ source_labels = ["wanted"], regex = "no", action = "drop" }}]
alert_relabel_configs = [{{ source_labels = ["alertname"], regex = "Quiet", action = "drop" }}]
basic_auth = {{ username = "nines", password = "secret" }}
"""


def bcrypt(password):
    """Alertmanager takes bcrypt alone; glibc's crypt has it on Debian."""
    try:
        import crypt
        return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    except (ImportError, AttributeError, OSError):
        return None


def alerts_reach_a_real_alertmanager(args, folder):
    """Firing and resolved reach Alertmanager, which is found in a file, and its own webhook."""
    program = shutil.which("prometheus-alertmanager")
    if not program:
        raise Skipped("prometheus-alertmanager is not installed")
    slow, hook = [1], Listener()
    server, port = TextServer(lambda _: f"slow {slow[0]}\n"), free_port()
    files = {name: os.path.join(folder, name) for name in ("am.yml", "web.yml", "targets.json")}
    with open(files["am.yml"], "w") as f:
        f.write(f"route: {{receiver: r, group_wait: 0s, group_interval: 1s}}\nreceivers: [{{name: r, webhook_configs: [{{url: 'http://127.0.0.1:{hook.port}/'}}]}}]\n")
    hashed = bcrypt("secret")
    with open(files["web.yml"], "w") as f:
        f.write(f"basic_auth_users: {{nines: '{hashed}'}}\n" if hashed else "")
    config = quick_config(folder, server.port, CONFIG.format(targets=files["targets.json"]), more_global='external_labels = { replica = "1", region = "eu" }')
    peer = Process("alertmanager", [program, f"--config.file={files['am.yml']}", f"--web.config.file={files['web.yml']}", f"--storage.path={folder}/am",
                                    f"--web.listen-address=127.0.0.1:{port}", "--web.route-prefix=/am", "--cluster.listen-address="], folder)

    def there():
        request = urllib.request.Request(f"http://127.0.0.1:{port}/am/api/v2/alerts", headers={"Authorization": "Basic " + base64.b64encode(b"nines:secret").decode()})
        with urllib.request.urlopen(request, timeout=3) as answer:
            return json.loads(answer.read())

    told = lambda: [(a["status"], a["labels"]) for p in hook.posts for a in p["body"]["alerts"]]
    nines = None
    try:
        wait_for("Alertmanager answers", lambda: there() == [], 30)
        nines = Nines(args.nines, folder, config)
        wait_for("it fires", lambda: len(nines.alerts()) == 2, 20)
        assert nines.json("/api/v1/alertmanagers")["data"]["activeAlertmanagers"] == []
        with open(files["targets.json"] + ".new", "w") as f:
            json.dump([{"targets": [f"127.0.0.1:{port}"]}, {"targets": ["127.0.0.1:1"], "labels": {"wanted": "no"}}], f)
        os.rename(files["targets.json"] + ".new", files["targets.json"])
        url = f"http://127.0.0.1:{port}/am/api/v2/alerts"
        wait_for("it is found", lambda: nines.json("/api/v1/alertmanagers")["data"]["activeAlertmanagers"] == [{"url": url}], 20)
        slow[0] = 0
        wait_for("it is over", lambda: nines.alerts() == [], 20)
        slow[0] = 2
        alert = wait_for("Alertmanager has it", there, 30)[0]
        assert alert["labels"] == {"alertname": "Slow", "instance": f"127.0.0.1:{server.port}", "job": "t", "region": "eu"}, alert
        assert alert["annotations"] == {"summary": "2"} and alert["generatorURL"].startswith("http"), alert
        ends = time.mktime(time.strptime(alert["endsAt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        assert 200 < ends - time.time() < 260, alert  # four times the resend delay of a minute
        wait_for("its webhook hears it", lambda: ("firing", alert["labels"]) in told(), 20)
        slow[0] = 0
        wait_for("its webhook hears the end", lambda: ("resolved", alert["labels"]) in told(), 20)
        assert all(labels["alertname"] == "Slow" and "replica" not in labels for _, labels in told()), told()
        metrics = get(nines.url + "/metrics")
        assert f'prometheus_notifications_sent_total{{alertmanager="{url}"}}' in metrics and "prometheus_notifications_alertmanagers_discovered 1" in metrics
    finally:
        if nines:
            nines.kill(signal.SIGTERM)
        peer.kill(signal.SIGTERM)
        server.stop()
        hook.stop()
    say("found in a file, behind a path" + (" and a password" if hashed else "") + ": firing and resolved arrived, relabelled")
