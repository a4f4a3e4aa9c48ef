"""An alert generator as the specification of the Prometheus compliance project has it, in real time: Prometheus's rules file
as it is, samples by remote write 1.0, alerts out to what plays Alertmanager. The whole specification stands, with compressed
time, in tests/unit/rules/notify/alert_generator_test.cc."""
import datetime
import os
import signal
import sys
import threading
import time

from harness import Listener, Nines, say, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from query_data import Sender, Series, message, snappy, varint  # noqa: E402

RULES = """
# Groups of the specification's cases, at one evaluation a second.
groups:
- name: PendingAndFiringAndResolved
  interval: 1s
  rules:
  - alert: PendingAndFiringAndResolved_SimpleAlert
    expr: pending_and_firing{rulegroup="PendingAndFiringAndResolved"} > 10
    for: 4s
    labels:
      foo: bar
      severity: '{{ if gt $value 20.0 }}page{{ else }}warn{{ end }}'
    annotations:
      description: 'SimpleAlert is firing at {{ printf "%.1f" $value }} on {{ $labels.instance }}'
- name: PendingAndResolved
  interval: 1s
  rules:
  - alert: PendingAndResolved_SimpleAlert
    expr: 'pending_only > 10'
    for: 1h
- name: ZeroFor
  interval: 1s
  rules:
  - alert: ZeroFor_SimpleAlert
    expr: zero_for > 10
    labels: {instance: '{{ $labels.instance }}:{{ $externalLabels.region }}', region: own}
    annotations: {url: '{{ $externalURL }}'}
- name: Order
  interval: 1s
  rules:
  - record: order:doubled
    expr: zero_for * 2
  - alert: Order_SecondSeesFirst
    expr: order:doubled > 20 and on() ALERTS{alertname="ZeroFor_SimpleAlert"}
"""

CONFIG = """
rule_files = ["rules.yaml"]
[global]
external_labels = {{ region = "eu", cluster = "c1" }}
[storage]
budget = "64MiB"
[web]
external_url = "http://nines.example/base"
[builtin]
rules = false
slo = false
self = false
[host]
enabled = false
[[alerting.alertmanagers]]
static_configs = [{{ targets = ["127.0.0.1:{port}"] }}]
"""


class Writer(threading.Thread):
    """Remote write 1.0 of the newest value of every series, five times a second."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.sender = Sender(url + "/api/v1/write")
        self.values, self.stopping, self.broken = {}, threading.Event(), None
        self.labels = {}

    def set(self, name, value, **labels):
        self.labels[name] = Series(name, labels).labels
        self.values[name] = value

    def run(self):
        try:
            while not self.stopping.wait(0.2):
                now = [b"\x10" + varint(int(time.time() * 1000))]
                body = b"".join(message(self.labels[n], now, [float(v)]) for n, v in list(self.values.items()))
                if body:
                    self.sender.send(snappy(body))
        except BaseException as error:  # told by the test's end
            self.broken = error


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def alert_generator_in_real_time(args, folder):
    """Prometheus's rules file, remote write 1.0 in, /api/v2/alerts out: states, series, APIs and payloads agree, resending and ends included."""
    receiver = Listener()
    with open(os.path.join(folder, "rules.yaml"), "w") as f:
        f.write(RULES)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(CONFIG.format(port=receiver.port))
    nines = Nines(args.nines, folder, config)
    writer = Writer(nines.url)
    firing = "PendingAndFiringAndResolved_SimpleAlert"

    def heard(name):
        return [(post["at"], alert) for post in receiver.posts for alert in post["body"] if alert["labels"]["alertname"] == name]

    def states(name):
        alerts = [a for a in nines.alerts() if a["labels"]["alertname"] == name]
        rule = next(r for g in nines.json("/api/v1/rules", **{"rule_name[]": name})["data"]["groups"] for r in g["rules"])
        series = [s["metric"]["alertstate"] for s in nines.query(f'ALERTS{{alertname="{name}"}}')]
        return [a["state"] for a in alerts], rule["state"], series

    def agree(name, state):
        return states(name) == ([state], state, [state])

    try:
        writer.set("pending_and_firing", 5, rulegroup="PendingAndFiringAndResolved", instance="a")
        writer.set("pending_only", 5)
        writer.set("zero_for", 5, instance="z")
        writer.start()
        wait_for("samples arrive", lambda: nines.value("zero_for") == 5, 15)
        assert states(firing) == ([], "inactive", []), states(firing)

        begin = time.time()
        writer.set("zero_for", 11, instance="z")
        writer.set("pending_and_firing", 15, rulegroup="PendingAndFiringAndResolved", instance="a")
        writer.set("pending_only", 15)
        wait_for("ZeroFor is sent", lambda: heard("ZeroFor_SimpleAlert"), 5, 0.05)
        at, alert = heard("ZeroFor_SimpleAlert")[0]
        assert at - begin < 2.5, at - begin
        assert alert["labels"] == {"alertname": "ZeroFor_SimpleAlert", "instance": "z:eu", "region": "own", "cluster": "c1"}, alert
        assert alert["annotations"] == {"url": "http://nines.example/base"}, alert
        assert alert["generatorURL"].startswith("http://nines.example/base/graph?g0.expr=zero_for"), alert
        starts, ends = seconds(alert["startsAt"]), seconds(alert["endsAt"])
        assert begin - 0.01 <= starts <= at and abs(ends - starts - 240) < 0.01, alert
        assert receiver.posts[0]["path"] == "/api/v2/alerts", receiver.posts[0]["path"]

        wait_for("pending everywhere", lambda: agree(firing, "pending"), 5, 0.05)
        active = seconds(next(a for a in nines.alerts() if a["labels"]["alertname"] == firing)["activeAt"])
        assert not heard(firing)
        wait_for("firing everywhere", lambda: agree(firing, "firing"), 10, 0.05)
        wait_for("it is sent", lambda: heard(firing), 5, 0.05)
        at, alert = heard(firing)[0]
        assert 4 <= seconds(alert["startsAt"]) - active < 5.1, (alert, active)
        assert alert["labels"] == {"alertname": firing, "foo": "bar", "severity": "warn", "rulegroup": "PendingAndFiringAndResolved",
                                   "instance": "a", "region": "eu", "cluster": "c1"}, alert
        assert alert["annotations"]["description"] == "SimpleAlert is firing at 15.0 on a", alert
        api = next(a for a in nines.alerts() if a["labels"]["alertname"] == firing)
        assert api["value"] == "1.5e+01" and api["labels"]["foo"] == "bar" and "region" not in api["labels"], api
        wait_for("what a later rule of the same group sees", lambda: heard("Order_SecondSeesFirst"), 5)
        assert agree("PendingAndResolved_SimpleAlert", "pending") and not heard("PendingAndResolved_SimpleAlert")
        say("pending, firing and their series, APIs and payloads agree")

        writer.set("pending_only", 5)
        wait_for("inactive everywhere", lambda: states("PendingAndResolved_SimpleAlert") == ([], "inactive", []), 5, 0.05)
        ended = time.time()
        writer.set("pending_and_firing", 5, rulegroup="PendingAndFiringAndResolved", instance="a")
        wait_for("its end is sent", lambda: len(heard(firing)) == 2, 5, 0.05)
        _, last = heard(firing)[1]
        assert last["startsAt"] == alert["startsAt"] and ended - 0.01 <= seconds(last["endsAt"]) <= time.time(), last
        wait_for("inactive everywhere", lambda: states(firing) == ([], "inactive", []), 5, 0.05)

        wait_for("it is sent again", lambda: len(heard("ZeroFor_SimpleAlert")) == 2, 75, 0.1)
        (first, _), (second, again) = heard("ZeroFor_SimpleAlert")
        assert 60 < second - first < 63, second - first
        assert seconds(again["startsAt"]) == starts and abs(seconds(again["endsAt"]) - second - 240) < 2, again
        wait_for("its end is sent again", lambda: len(heard(firing)) == 3, 15, 0.1)
        assert heard(firing)[2][1]["endsAt"] == last["endsAt"]
        assert not heard("PendingAndResolved_SimpleAlert"), "what never fired was sent"
        say(f"sent again after {second - first:.1f} s, the end too")
        assert writer.broken is None, writer.broken
    finally:
        writer.stopping.set()
        nines.kill(signal.SIGTERM)
        receiver.stop()
