"""What rules have beyond Prometheus's, through the whole program: a rule file in TOML, real scrapes, pages out."""
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from harness import Listener, Nines, TextServer, quick_config, quick_pager, say, wait_for

LOGS = """
[[log_configs]]
job_name = "app"
files = ["{log}"]
labels = {{ app = "shop" }}
"""

REPEATED = """
[[route.routes]]
matchers = ['alertname="Worked"']
repeat_interval = "2s"
"""

RULES = """
[[groups]]
name = "extras"

[[groups.rules]]
alert = "Hysteresis"
expr = "load > 10"
resolve_expr = "load < 5"
annotations = { value = "{{ $value }}" }

[[groups.rules]]
alert = "Silent"
expr = "vanishing > 100"
on_no_data = "alert"

[[groups.rules]]
alert = "Kept"
expr = "vanishing > 0"
on_no_data = "keep"

[[groups.rules]]
alert = "Gone"
expr = "vanishing > 0"

[[groups.rules]]
alert = "Broken"
expr = "pair_a > on (instance) pair_b"
on_error = "alert"

[[groups.rules]]
alert = "BrokenKept"
expr = "pair_a + on (instance) pair_b > 0"

[[groups.rules]]
alert = "BrokenEnds"
expr = "pair_a + on (instance) pair_b > 0"
on_error = "ok"

[[groups.rules]]
alert = "Flapping"
expr = "restless > 0"
flap_detection = { high = 0.3, low = 0.25 }

[[groups.rules]]
alert = "Parent"
expr = "parent > 0"

[[groups.rules]]
alert = "Child"
expr = "child > 0"
depends_on = ['alertname="Parent"']
equal = ["instance"]

[[groups.rules]]
alert = "Panics"
type = "logql"
expr = 'sum by (app) (count_over_time({app="shop"} |= "panic" [30s])) > 1'

[[groups.rules]]
record = "shop:lines:30s"
type = "logql"
expr = 'sum(count_over_time({app="shop"} [30s]))'

[[groups.rules]]
alert = "Worked"
expr = "worked > 0"
"""


class Target:
    def __init__(self):
        self.values = {"load": 0, "vanishing": 1, "pair_a": 1, "pair_b": 1, "parent": 0, "child": 0, "worked": 0}
        self.restless = False
        self.twice = False
        self.scrapes = 0

    def page(self, _request):
        lines = [f"{name} {value}" for name, value in self.values.items()]
        self.scrapes += 1
        lines.append(f"restless {self.scrapes % 2 if self.restless else 0}")
        if self.twice:
            lines += ['pair_a{n="2"} 1', 'pair_b{n="2"} 1']
        return "\n".join(lines) + "\n"


class World:
    def __init__(self, args, folder):
        self.target, self.pager = Target(), Listener()
        self.server = TextServer(self.target.page)
        self.log = os.path.join(folder, "app.log")
        open(self.log, "w").close()
        rest = LOGS.format(log=self.log) + quick_pager(self.pager.port, REPEATED)
        config = quick_config(folder, self.server.port, rest, top='rule_files = ["extras.toml"]', labels='instance = "i"')
        with open(os.path.join(folder, "extras.toml"), "w") as f:
            f.write(RULES)
        self.nines = Nines(args.nines, folder, config)

    def stop(self):
        self.nines.kill(signal.SIGTERM)
        self.server.stop()
        self.pager.stop()

    def state(self, name):
        """{reason or "": state} of the active alerts of a rule."""
        return {a["labels"].get("reason", ""): a["state"] for a in self.nines.alerts() if a["labels"]["alertname"] == name}

    def told(self, name):
        """What the pager heard of an alert, in order: firing, resolved."""
        return [a["status"] for post in self.pager.posts for a in post["body"]["alerts"] if a["labels"]["alertname"] == name]

    def becomes(self, name, state, seconds=20):
        wait_for(f"{name} is {state or 'over'}", lambda: self.state(name) == state, seconds, 0.1)

    def evaluations(self):
        groups = wait_for("rules are loaded", lambda: self.nines.json("/api/v1/rules")["data"]["groups"], 10, 0.05)
        return groups[0]["lastEvaluation"]

    def pass_evaluations(self, n):
        for _ in range(n):
            before = self.evaluations()
            wait_for("an evaluation", lambda: self.evaluations() != before, 10, 0.05)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.nines.url + path, data=body and json.dumps(body).encode(), method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def hysteresis(w):
    w.target.values["load"] = 11
    w.becomes("Hysteresis", {"": "firing"})
    w.target.values["load"] = 7
    wait_for("7 is stored", lambda: w.nines.value("load") == 7, 20)
    w.pass_evaluations(3)
    assert w.state("Hysteresis") == {"": "firing"}, w.state("Hysteresis")
    w.target.values["load"] = 4
    w.becomes("Hysteresis", {})
    wait_for("its end is told", lambda: w.told("Hysteresis")[-1:] == ["resolved"], 20)
    say("resolve_expr: fired at 11, held at 7, ended at 4")


def no_data(w):
    w.becomes("Kept", {"": "firing"})
    w.becomes("Gone", {"": "firing"})
    w.becomes("Silent", {})  # before the first scrape there was no data either
    told = w.told("Silent").count("firing")
    del w.target.values["vanishing"]
    w.becomes("Silent", {"no_data": "firing"})
    w.becomes("Gone", {})
    w.pass_evaluations(2)
    assert w.state("Kept") == {"": "firing"}
    wait_for("Silent is paged", lambda: w.told("Silent").count("firing") > told, 15)
    w.target.values["vanishing"] = 1
    w.becomes("Silent", {})
    say("on_no_data: a stand-in for alert, held for keep, ended for ok")


def errors(w):
    w.becomes("BrokenKept", {"": "firing"})
    w.becomes("BrokenEnds", {"": "firing"})
    w.becomes("Broken", {})
    w.target.twice = True
    w.becomes("Broken", {"error": "firing"})
    w.becomes("BrokenEnds", {})
    w.pass_evaluations(2)
    assert w.state("BrokenKept") == {"": "firing"}
    rules = {r["name"]: r for r in w.nines.json("/api/v1/rules")["data"]["groups"][0]["rules"]}
    for name in ("Broken", "BrokenKept", "BrokenEnds"):
        assert rules[name]["health"] == "err" and "duplicate" in rules[name]["lastError"], rules[name]
    w.target.twice = False
    w.becomes("Broken", {})
    say("on_error: a stand-in for alert, held for keep, ended for ok")


def dependencies(w):
    w.target.values["parent"] = 1
    wait_for("Parent is paged", lambda: w.told("Parent") == ["firing"], 20)
    w.target.values["child"] = 1
    w.becomes("Child", {"": "firing"})
    w.pass_evaluations(4)
    assert w.told("Child") == [], w.told("Child")
    inhibited = [a for a in w.nines.json("/api/v2/alerts") if a["labels"]["alertname"] == "Child"]
    assert inhibited and inhibited[0]["status"]["inhibitedBy"], inhibited
    w.target.values["parent"] = 0
    wait_for("Child is paged when what explains it is over", lambda: w.told("Child") == ["firing"], 15)
    w.target.values["child"] = 0
    say("depends_on: the child kept quiet while its parent fired")


def logs(w):
    with open(w.log, "a") as f:
        f.write("all is well\nkernel panic\nanother panic\n")
    w.becomes("Panics", {"": "firing"})
    alert = next(a for a in w.nines.alerts() if a["labels"]["alertname"] == "Panics")
    assert alert["labels"]["app"] == "shop" and float(alert["value"]) == 2, alert
    wait_for("lines are recorded", lambda: w.nines.value("shop:lines:30s") == 3, 20)
    wait_for("Panics is paged", lambda: w.told("Panics")[:1] == ["firing"], 20)
    say("type = logql: 2 panics of 3 lines fired an alert and a recorded series")


def flaps(w):
    w.target.restless = True
    wait_for("it flaps", lambda: w.nines.query('ALERTS_FLAPPING{alertname="Flapping"}'), 45, 0.2)
    wait_for("the newest of it is told", lambda: w.told("Flapping")[-1:] == ["firing"], 20)
    told = len(w.told("Flapping"))
    w.nines.kill()
    w.nines.start()
    w.becomes("Flapping", {"": "firing"}, 5)  # as soon as rules are loaded, whatever is scraped
    w.pass_evaluations(2)
    assert w.nines.query('ALERTS_FLAPPING{alertname="Flapping"}'), "the history is lost"
    for _ in range(12):
        w.pass_evaluations(1)
        assert w.state("Flapping") == {"": "firing"}
    # A page that was under way when the process died may come twice; an end must not.
    assert w.told("Flapping")[told:] in ([], ["firing"]), (told, w.told("Flapping"))
    w.target.restless = False
    w.becomes("Flapping", {}, 40)
    wait_for("its end is told", lambda: w.told("Flapping")[-1:] == ["resolved"], 20)
    say(f"flap_detection: held over a kill -9 and {12} evaluations, then ended")


def acknowledged(w):
    w.target.values["worked"] = 1
    wait_for("it is told again and again", lambda: w.told("Worked")[:3] == ["firing"] * 3, 30)
    alert = next(a for a in w.nines.alerts() if a["labels"]["alertname"] == "Worked")
    path = f"/api/nines/v1/incidents/{alert['incident']}"
    assert w.call("POST", path + "/acknowledgement", {"comment": "x"})[0] == 400
    assert w.call("POST", path + "/acknowledgement", {"by": "ada", "expires_in": "soon"})[0] == 400
    assert w.call("POST", "/api/nines/v1/incidents/none/acknowledgement", {"by": "ada"})[0] == 404
    status, said = w.call("POST", path + "/acknowledgement", {"by": "ada", "comment": "on it", "expires_in": "1h"})
    assert status == 200 and said["acknowledged"]["by"] == "ada" and said["acknowledged"]["expires_at"] > time.time() + 3500, said
    time.sleep(1)  # one that was under way
    heard = len(w.told("Worked"))
    w.pass_evaluations(5)
    assert len(w.told("Worked")) == heard, "told again although somebody works on it"
    w.nines.kill()
    w.nines.start()
    w.pass_evaluations(6)
    assert len(w.told("Worked")) == heard, "the acknowledgement did not survive"
    incident = w.nines.json(path)
    assert incident["acknowledged"]["by"] == "ada", incident
    assert "ada works on Worked" in " ".join(e["text"] for e in incident["events"]), incident
    status, said = w.call("DELETE", path + "/acknowledgement?by=bob")
    assert status == 200 and said["acknowledged"] is None, said
    wait_for("it is told again", lambda: len(w.told("Worked")) > heard, 20)
    assert w.call("POST", path + "/acknowledgement", {"by": "ada"})[0] == 200
    w.target.values["worked"] = 0
    wait_for("its end is told", lambda: w.told("Worked")[-1:] == ["resolved"], 20)
    say("an acknowledgement stopped repetitions, over a kill -9 too, until it was taken back")


def advice(w, nines, folder):
    file = os.path.join(folder, "advice.toml")
    with open(file, "w") as f:
        f.write("""[[groups]]
name = "g"
[[groups.rules]]
alert = "Misspelt"
expr = 'load{instanse="i"} > 1'
for = "1m"
[[groups.rules]]
alert = "Grouped"
expr = 'sum by (zone) (load) > 1'
for = "1m"
[[groups.rules]]
alert = "Template"
expr = 'load > 1'
for = "1m"
annotations = { summary = "{{ $labels.instance }} in {{ $labels.zone }}" }
[[groups.rules]]
alert = "Missing"
expr = 'nothing_here > 1'
for = "1m"
[[groups.rules]]
alert = "Wide"
expr = 'count({__name__=~".*_total"}) > 1'
for = "1m"
[[groups.rules]]
alert = "Sound"
expr = 'load{instance="i"} > 1'
for = "1m"
""")
    done = subprocess.run([nines, "check", "rules", "--server", w.nines.url, file], capture_output=True, text=True, timeout=30)
    said = {}
    for line in done.stdout.splitlines()[1:]:
        said[line.split(": ")[1]] = said.get(line.split(": ")[1], "") + line
    assert "load is there, but none of it has instanse=" in said["Misspelt"], said
    assert 'absent-label: groups by "zone"' in said["Grouped"] and "$labels.zone" in said["Template"], said
    assert "dead-selector" in said["Missing"] and "reads every series" in said["Wide"] and "Sound" not in said, said
    say(f"check rules --server: {len(said)} of 6 rules were given advice")


def beyond_prometheus(args, folder):
    """resolve_expr, on_no_data, on_error, depends_on, LogQL rules, flap_detection and acknowledgements do what they say, in the whole program."""
    w = World(args, folder)
    try:
        wait_for("the target is scraped", lambda: w.nines.query("load"), 20)
        advice(w, args.nines, folder)
        for step in (hysteresis, no_data, errors, dependencies, logs, flaps, acknowledged):
            step(w)
    finally:
        w.stop()


def mistakes_in_rules(args, folder):
    """A bad value of a rule's key is named with its file and place, and a reload with one changes nothing."""
    bad = {
        'on_no_data = "kep"': ('7:14', 'did you mean "keep"?'),
        'on_error = 1': ('7:12', "`on_error`"),
        'flap_detection = { high = 0.1, low = 0.2 }': ('7:18', "0 < low < high < 1"),
        'resolve_expr = "up =="': ('7:16', "resolve_expr"),
        'depends_on = ["="]': ('7:14', "depends_on"),
        'equal = ["instance"]': ('7:9', "depends_on"),
        'type = "sql"': ('7:8', '"promql", "logql"'),
    }
    for line, (place, words) in bad.items():
        file = os.path.join(folder, "bad.toml")
        with open(file, "w") as f:
            f.write(f'[[groups]]\nname = "g"\n\n[[groups.rules]]\nalert = "A"\nexpr = "up"\n{line}\n')
        done = subprocess.run([args.nines, "check", "rules", file], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and f"{file}:{place}: " in done.stderr and words in done.stderr, (line, done)
