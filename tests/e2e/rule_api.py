"""/api/v1/rules: the same rules listed, filtered and refused as Debian's Prometheus does, and paged as Prometheus 3 does."""
import json
import os
import shutil
import signal
import urllib.error
import urllib.parse
import urllib.request

from harness import Nines, Process, Skipped, TextServer, free_port, quick_config, say, wait_for

ALPHA = """
groups:
- name: one
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum  by(job) (up)
    labels: {team: a}
  - alert: Down
    expr: up==0
    for: 1m30s
    labels: {severity: page, team: a}
    annotations: {summary: "{{ $labels.instance }} is down"}
  - alert: High
    expr: 'load{instance="i"}>10'
    keep_firing_for: 5m
    labels: {severity: "{{ if gt $value 20.0 }}page{{ else }}warn{{ end }}"}
    annotations: {value: "{{ $value }}"}
- name: two
  interval: 1s
  limit: 7
  rules:
  - alert: Down
    expr: absent(nothing_there)
    labels: {team: b}
"""
BETA = """
groups:
- name: one
  interval: 1s
  rules:
  - alert: Broken
    expr: load + on() group_left load
  - {record: "load:double", expr: "2*load"}
"""


def ask(url, params):
    try:
        with urllib.request.urlopen(f"{url}/api/v1/rules?{urllib.parse.urlencode(params)}", timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read().decode()
        return error.code, json.loads(body) if body.startswith("{") else body


def without_times(answer):
    """What two servers can agree on: no clock, no durations of evaluations."""
    status, body = answer
    if status != 200:
        return status, body["errorType"], body["error"]
    groups = []
    for group in body["data"]["groups"]:
        rules = []
        for rule in group["rules"]:
            kept = {k: v for k, v in rule.items() if k not in ("lastEvaluation", "evaluationTime", "alerts", "lastError")}
            kept.setdefault("labels", {})  # of recording rules: Prometheus 3 writes it, 2 leaves it out when empty
            if "alerts" in rule:
                kept["alerts"] = [{k: v for k, v in alert.items() if k in ("labels", "annotations", "state", "value")} for alert in rule["alerts"] or []]
            rules.append(kept)
        if not rules:
            continue  # Prometheus 3 leaves such groups out, 2 does not
        groups.append({"name": group["name"], "file": group["file"], "interval": group["interval"], "limit": group["limit"], "rules": rules})
    return status, groups, body["data"].get("groupNextToken", "") != ""


def chosen(answer, params):
    """Of everything Prometheus lists, what Prometheus 3 would: Debian's knows no filter but type."""
    pairs = list(params.items()) if isinstance(params, dict) else params
    wanted = {name: [v for k, v in pairs if k == name] for name in ("rule_name[]", "rule_group[]", "file[]")}

    def of(name, value):
        return not wanted[name] or value in wanted[name]

    status, groups, more = answer
    kept = [{**g, "rules": [r for r in g["rules"] if of("rule_name[]", r["name"])]} for g in groups if of("rule_group[]", g["name"]) and of("file[]", g["file"])]
    return status, [g for g in kept if g["rules"]], more


TYPES = [{}, {"type": "alert"}, {"type": "record"}, {"type": "ALERT"}, {"type": "none"}]
FILTERS = [
    {"rule_name[]": "Down"}, [("rule_name[]", "Broken"), ("rule_name[]", "job:up:sum")], {"rule_name[]": "down"},
    {"rule_group[]": "one"}, {"rule_group[]": "two"}, {"type": "record", "rule_group[]": "one"}, {"rule_group[]": "three"},
]


def settled(url):
    """Every rule has been evaluated, over the target's samples."""
    status, body = ask(url, {})
    if status != 200:
        return False  # still starting
    rules = [r for g in body["data"]["groups"] for r in g["rules"]]
    return len(rules) == 6 and all(r["health"] != "unknown" for r in rules) and [r["state"] for r in rules if r["type"] == "alerting"] == ["inactive", "firing", "firing", "firing"]


def own_pages(url, files):
    """What Debian's version does not have yet: match[], exclude_alerts, pages."""
    def names(**params):
        status, body = ask(url, {k.replace("__", "[]"): v for k, v in params.items()})
        assert status == 200, body
        return [(os.path.basename(g["file"]), g["name"], [r["name"] for r in g["rules"]]) for g in body["data"]["groups"]], body["data"].get("groupNextToken")

    assert names(match__='{team="a"}') == ([("alpha.yml", "one", ["job:up:sum", "Down"])], None)
    assert names(match__='{severity=~".*page.*"}') == ([("alpha.yml", "one", ["Down", "High"])], None)
    status, body = ask(url, {"exclude_alerts": "true"})
    assert status == 200 and not any(r.get("alerts") for g in body["data"]["groups"] for r in g["rules"])
    pages, token = [], None
    while True:
        page, token = names(group_limit=1, **({"group_next_token": token} if token else {}))
        pages += page
        if not token:
            break
    assert pages == names()[0] and len(pages) == 3, pages
    for params, words in (({"group_limit": "0"}, "greater than 0"), ({"group_next_token": "x"}, "group_limit needs to be present"),
                          ({"group_limit": "1", "group_next_token": "x"}, "were rule groups changed?"),
                          ({"group_limit": "a"}, "needs to be a valid number"), ({"exclude_alerts": "x"}, "error converting exclude_alerts"),
                          ({"match[]": "{"}, "parse error")):
        status, body = ask(url, params)
        assert status == 400 and body["errorType"] == "bad_data" and words in body["error"], (params, body)


def rules_as_prometheus_lists_them(args, folder):
    """/api/v1/rules answers Debian's Prometheus's answers on the same rule files, its filters and errors included."""
    if not shutil.which("prometheus"):
        raise Skipped("prometheus is not installed")
    files = {name: os.path.join(folder, name) for name in ("alpha.yml", "beta.yml")}
    for name, text in (("alpha.yml", ALPHA), ("beta.yml", BETA)):
        with open(files[name], "w") as f:
            f.write(text)
    target = TextServer(lambda _: "load 25\n")
    with open(os.path.join(folder, "prometheus.yml"), "w") as f:
        f.write(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{files["alpha.yml"]}, {files["beta.yml"]}]
scrape_configs:
- job_name: t
  static_configs: [{{targets: ["127.0.0.1:{target.port}"], labels: {{instance: i}}}}]
""")
    config = quick_config(folder, target.port, top='rule_files = ["alpha.yml", "beta.yml"]', labels='instance = "i"', own_metrics=False)
    port = free_port()
    theirs = f"http://127.0.0.1:{port}"
    prometheus = Process("prometheus", ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                        f"--web.listen-address=127.0.0.1:{port}"], folder)
    nines = Nines(args.nines, folder, config)
    try:
        for url in (theirs, nines.url):
            wait_for(f"{url} has evaluated its rules", lambda: settled(url), 30)
        filters = FILTERS + [{"file[]": files["beta.yml"]}, {"file[]": files["alpha.yml"], "rule_group[]": "two"}, {"file[]": "beta.yml"}]
        for params in TYPES + filters:
            kind = {"type": params["type"]} if isinstance(params, dict) and "type" in params else {}
            want, got = without_times(ask(theirs, kind)), without_times(ask(nines.url, params))
            if params in filters:
                want = chosen(want, params)
            assert want == got, f"{params}:\nPrometheus {want}\nnines      {got}"
        say(f"{len(TYPES + filters)} requests answered as Prometheus answers them")
        own_pages(nines.url, files)
    finally:
        nines.kill(signal.SIGTERM)
        prometheus.kill(signal.SIGTERM)
        target.stop()
