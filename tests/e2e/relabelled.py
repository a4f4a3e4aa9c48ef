"""Relabelling of targets and samples beside Debian's prometheus, and the endpoint that shows its steps."""
import json
import os
import signal

from harness import Nines, TextServer, get, say, wait_for
from peers import start_prometheus, stored

RULES = [
    {"source_labels": ["__meta_filepath"], "regex": ".*/(.*)\\.json", "target_label": "file"},
    {"source_labels": ["zone", "rack"], "separator": "-", "target_label": "__tmp_place"},
    {"source_labels": ["__tmp_place"], "target_label": "place", "replacement": "at_${1}"},
    {"source_labels": ["__address__"], "modulus": 4, "target_label": "__tmp_shard", "action": "hashmod"},
    {"source_labels": ["__tmp_shard"], "target_label": "shard"},
    {"regex": "tag_(.+)", "action": "labelmap"},
    {"regex": "tag_.+", "action": "labeldrop"},
    {"source_labels": ["zone"], "target_label": "zone", "action": "uppercase"},
    {"source_labels": ["team"], "target_label": "team", "action": "lowercase"},
    {"source_labels": ["state"], "regex": "off", "action": "drop"},
    {"source_labels": ["place"], "regex": "at_.+-.+", "action": "keep"},
    {"source_labels": ["empty"], "target_label": "rack", "regex": "(.+)"},
    {"source_labels": ["path"], "target_label": "__metrics_path__", "regex": "(.+)"},
    {"source_labels": ["nothing"], "target_label": "rack2", "replacement": ""},
    {"source_labels": ["want"], "target_label": "have", "action": "keepequal"},
    {"source_labels": ["twin"], "target_label": "place", "action": "dropequal"},
]
METRIC_RULES = [
    {"source_labels": ["__name__", "kind"], "regex": "a_total;drop", "action": "drop"},
    {"source_labels": ["__name__"], "regex": "b_(.*)", "target_label": "__name__", "replacement": "c_$1"},
    {"regex": "secret|kind", "action": "labeldrop"},
]
PAGE = 'a_total{kind="keep",secret="s"} 1\na_total{kind="drop"} 2\nb_depth{kind="x"} 3\n# TYPE d gauge\nd 4\n'


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def relabelled_as_prometheus(args, folder):
    """Every action on targets and samples: prometheus's labels, its dropped targets, and each step at the debugger's endpoint."""
    site = TextServer(lambda request: PAGE)
    at = f"127.0.0.1:{site.port}"
    groups = [
        {"targets": [at, "127.0.0.1:1"], "labels": {"zone": "eu", "rack": "r1", "team": "Shop", "tag_tier": "web", "__meta_own": "m"}},
        {"targets": ["127.0.0.1:2"], "labels": {"zone": "eu", "rack": "r2", "state": "off"}},
        {"targets": ["127.0.0.1:3"], "labels": {"team": "ops"}},
        {"targets": ["127.0.0.1:4"], "labels": {"zone": "us", "rack": "r3", "path": "/other", "tag_instance": "named", "twin": "x"}},
        {"targets": ["127.0.0.1:5"], "labels": {"zone": "us", "rack": "r4", "want": "1"}},
        {"targets": ["127.0.0.1:6"], "labels": {"zone": "us", "rack": "r5", "want": "1", "have": "1"}},
        {"targets": ["127.0.0.1:7"], "labels": {"zone": "us", "rack": "r6", "twin": "at_us-r6"}},
    ]
    # 2.42 has no keepequal and dropequal; what they drop is said below.
    old = [rule for rule in RULES if rule.get("action") not in ("keepequal", "dropequal")]
    file = os.path.join(folder, "web.json")
    with open(file, "w") as f:
        json.dump(groups, f)
    job = {"job_name": "r", "scrape_interval": "1s", "scrape_timeout": "1s", "file_sd_configs": [{"files": [file]}], "metric_relabel_configs": METRIC_RULES}
    more = ""
    peer, process = start_prometheus(folder, {}, more)
    process.kill(signal.SIGTERM)
    with open(os.path.join(folder, "prometheus.yml"), "w") as f:
        json.dump({"scrape_configs": [{**job, "relabel_configs": old}]}, f)
    config = os.path.join(folder, "nines.toml")

    def tables(one):
        return "[[scrape_configs]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in one.items())
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n' + tables({**job, "relabel_configs": old})
                + tables({**job, "job_name": "all", "relabel_configs": RULES, "keep_dropped_targets": 2}))
    process.start()
    nines = Nines(args.nines, folder, config)
    try:
        def targets(url, pool):
            data = json.loads(get(url + "/api/v1/targets"))["data"]
            # 2.42 spoils discoveredLabels while it relabels: only the address is looked at beside it.
            active = sorted(json.dumps([t["labels"], t["scrapeUrl"]], sort_keys=True) for t in data["activeTargets"] if t["scrapePool"] == pool)
            dropped = sorted(t["discoveredLabels"]["__address__"] for t in data["droppedTargets"] if t["discoveredLabels"]["job"] == pool)
            return active, dropped

        wait_for("prometheus has the targets", lambda: len(targets(peer, "r")[0]) >= 5, 20)
        wait_for("nines has the targets", lambda: len(targets(nines.url, "r")[0]) >= 5, 10)
        for ours, theirs in zip(targets(nines.url, "r"), targets(peer, "r")):
            assert ours == theirs, "\n".join(sorted(set(ours) ^ set(theirs)))
        discovered = [t["discoveredLabels"] for t in nines.json("/api/v1/targets")["data"]["activeTargets"] if t["scrapePool"] == "r"]
        given = {"__meta_filepath": file, "__metrics_path__": "/metrics", "__scheme__": "http", "__scrape_interval__": "1s", "__scrape_timeout__": "1s", "job": "r"}
        want = [{**given, **group["labels"], "__address__": address} for group in groups for address in group["targets"]]
        assert all(one in want for one in discovered) and len(discovered) == 6, discovered
        names = '{job="r",__name__!~"up|scrape_.*|ALERTS.*"}'  # nines has alerts of its own
        wait_for("prometheus has the samples", lambda: len(stored(peer, names)) == 3, 20)
        wait_for("nines has prometheus's samples", lambda: stored(nines.url, names) == stored(peer, names), 10)

        # Of six that relabelling drops two are shown, and all are counted.
        active, dropped = wait_for("the other job", lambda: (t := targets(nines.url, "all"))[0] and t, 10)
        assert len(active) == 4 and len(dropped) == 2, (active, dropped)
        count = nines.json("/api/v1/targets")["data"]["droppedTargetCounts"]
        assert count == {"all": 4, "r": 2}, count
        labels = {"__address__": "127.0.0.1:2", "__meta_filepath": file, "zone": "eu", "rack": "r2", "state": "off"}
        steps = nines.json("/api/v1/targets/relabel_steps", scrapePool="r", labels=json.dumps(labels))["data"]["steps"]
        assert [i for i, s in enumerate(steps) if not s["keep"]] == [9] and steps[9]["output"] == {}, steps
        assert steps[1]["output"]["__tmp_place"] == "eu-r2" and steps[0]["output"]["file"] == "web", steps[:2]
        say(f"ok: {len(targets(peer, 'r')[0])} targets, {len(targets(peer, 'r')[1])} dropped, 3 series as prometheus has them; {len(steps)} steps shown")
    finally:
        nines.kill(signal.SIGTERM)
        process.kill(signal.SIGTERM)
        site.stop()
