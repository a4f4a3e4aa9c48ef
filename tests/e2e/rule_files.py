"""Rule files good and bad: `nines check rules` gives promtool's verdicts, and says where each mistake stands."""
import os
import re
import shutil
import subprocess

from harness import Skipped, say

RULE = "{alert: A, expr: up}"


def file_of(rule=RULE, keys="", name="g"):
    return f"groups:\n- name: {name}\n{keys}  rules:\n  - {rule}\n"


def alert(keys, expr="up"):
    return file_of(f"{{alert: A, expr: {expr}, {keys}}}")


FILES = {
    "good": file_of(), "empty": "", "null": "null\n", "comment": "# x\n", "no groups": "groups: []\n", "groups null": "groups:\n", "no rules": "groups:\n- name: g\n",
    "no name": "groups:\n- rules: []\n", "name empty": file_of(name='""'), "name twice": file_of() + file_of()[8:], "key twice": file_of(keys="  interval: 1m\n  interval: 2m\n"),
    "unknown in file": "groups: []\nfoo: 1\n", "unknown in group": file_of(keys="  foo: 1\n"), "unknown in rule": alert("foo: 1"),
    "name a number": file_of(name="1"), "alert a number": file_of("{alert: 1, expr: up}"), "expr a number": file_of("{alert: A, expr: 1}"),
    "label true": alert("labels: {a: true}"), "label a number": alert("labels: {a: 1}"), "label null": alert("labels: {a: null}"), "labels null": alert("labels: "),
    "label a list": alert("labels: {a: [1]}"), "label a map": alert("labels: {a: {b: 1}}"), "labels a list": alert("labels: [a]"), "label a date": alert("labels: {a: 2026-01-01}"),
    "for bad": alert("for: 1x"), "for without unit": alert("for: 1"), "for 0": alert("for: 0"), "for negative": alert("for: -1m"), "for empty": alert('for: ""'),
    "for two units": alert("for: 1h30m"), "for wrong order": alert("for: 30m1h"), "for null": alert("for: null"),
    "interval 0": file_of(keys="  interval: 0s\n"), "interval bad": file_of(keys="  interval: x\n"), "limit": file_of(keys="  limit: 5\n"), "limit a word": file_of(keys="  limit: abc\n"),
    "expr bad": file_of('{alert: A, expr: "up =="}'), "expr missing": file_of("{alert: A}"), "expr empty": file_of('{alert: A, expr: ""}'), "expr of wrong type": file_of('{alert: A, expr: "rate(up)"}'),
    "expr a range": file_of('{alert: A, expr: "up[5m]"}'), "expr a list": file_of("{alert: A, expr: [up]}"), "expr on lines": "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up # c\n      == 0\n",
    "alert and record": file_of("{alert: A, record: b, expr: up}"), "neither": file_of("{expr: up}"), "record": file_of("{record: a:b, expr: up}"), "record with brace": file_of('{record: "a{b}", expr: up}'),
    "record for": file_of("{record: a, expr: up, for: 1m}"), "record annotations": file_of("{record: a, expr: up, annotations: {a: b}}"), "record no annotations": file_of("{record: a, expr: up, annotations: {}}"),
    "record labels": file_of("{record: a, expr: up, labels: {a: b}}"), "label __name__": alert("labels: {__name__: c}"), "label name empty": alert('labels: {"": c}'), "label alertname": alert("labels: {alertname: c}"),
    "template open": alert('annotations: {a: "{{ .x"}'), "template function": alert('annotations: {a: "{{ nofn 1 }}"}'), "template variable": alert('annotations: {a: "{{ $x }}"}'),
    "template of label": alert('labels: {a: "{{ $labels.x | nofn }}"}'), "template good": alert('annotations: {b: "{{ range query `up` }}{{ .Value }}{{ end }}"}'), "template else": alert('annotations: {b: "{{ else }}"}'),
    "rule twice": file_of() + "  - " + RULE + "\n", "record twice": "groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - {record: a, expr: up}\n", "two groups": file_of() + file_of(name="h")[8:],
    "document end": file_of() + "...\n", "two documents": file_of() + "---\n" + file_of(name="h"), "tab": "groups:\n\t- name: g\n", "no YAML": "{{{", "a list": "- a\n", "a word": "abc\n", "groups a map": "groups: {a: b}\n",
    "rules a map": "groups:\n- name: g\n  rules: {a: b}\n", "rule a word": "groups:\n- name: g\n  rules:\n  - x\n", "group a word": "groups:\n- x\n",
    "merged": "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up}\n  - <<: *a\n    alert: B\n", "alias": "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up}\n- name: h\n  rules:\n  - *a\n",
    "CRLF": file_of().replace("\n", "\r\n"), "byte order mark": "\ufeff" + file_of(), "name beyond ASCII": file_of(name="größe"), "bad UTF-8": b'groups:\n- name: "\xff"\n  rules: []\n', "Prometheus 1": "ALERT A IF up == 0\n",
    "JSON": '{"groups":[{"name":"g","interval":"30s","rules":[{"alert":"A","expr":"up","for":"1m","labels":{"a":"b"}}]}]}', "keep_firing_for": alert("keep_firing_for: 5m"),
}
# What Debian's promtool (2.42) does not know yet: verdicts are those of Prometheus 3.
NEWER = {
    "query_offset": (file_of(keys="  query_offset: 1m\n"), True), "group labels": (file_of(keys="  labels: {a: b}\n"), True), "label name": (alert('labels: {"a-b": c}'), True),
    "annotation name": (alert('annotations: {"a-b": c}'), True), "record name": (file_of('{record: "a b", expr: up}'), True), "second document bad": (file_of() + "---\nfoo: 1\n", False),
    "group of second document twice": (file_of() + "---\n" + file_of(), False), "query_offset bad": (file_of(keys="  query_offset: x\n"), False), "group label __name__": (file_of(keys="  labels: {__name__: b}\n"), False),
}


def rule_files_as_promtool(args, folder):
    """A hundred rule files, good and bad, have promtool's verdicts; what is refused is said with its line."""
    if not shutil.which("promtool"):
        raise Skipped("promtool (package prometheus) is not installed")
    paths = {}
    for name, text in {**FILES, **{name: text for name, (text, _) in NEWER.items()}}.items():
        paths[name] = os.path.join(folder, name.replace(" ", "_") + ".yml")
        with open(paths[name], "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
    ours = subprocess.run([args.nines, "check", "rules", "--no-lint", *paths.values()], capture_output=True, text=True, timeout=60)
    theirs = subprocess.run(["promtool", "check", "rules", "--lint=none", *(paths[name] for name in FILES)], capture_output=True, text=True, timeout=60, errors="replace")
    said = theirs.stdout + theirs.stderr
    wrong, bad = [], 0
    for name in {**FILES, **NEWER}:
        good = f"{paths[name]}: ok: " in ours.stdout
        if name in NEWER:
            wanted = NEWER[name][1]
        else:
            part = said.split(f"Checking {paths[name]}\n")[1].split("Checking ")[0]
            wanted = "SUCCESS" in part
        if good != wanted:
            wrong.append(name)
        if not good:
            bad += 1
            assert re.search(re.escape(paths[name]) + r":\d+:\d+: ", ours.stderr), (name, ours.stderr)
    assert not wrong and ours.returncode == 1, (wrong, ours.stderr)
    say(f"{len(FILES)} files as promtool, {len(NEWER)} as Prometheus 3; {bad} of them refused, each with its place")


SLO = """[[slos]]
name = "s"
service = "db"
objectives = [{ target_percent = 99 }]
indicator = { probe = { job = "shop" } }
exclude = ["weekly-db"]
"""
MAIN = """rule_files = ["other.toml"]
[[maintenance]]
name = "weekly-db"
effects = ["slo_exclude"]
starts_at = "2026-01-04 02:00:00"
duration = "1h"
"""


def rule_file_of_a_configuration(args, folder):
    """A rule file that names a maintenance is checked with its configuration; without one the name is a warning."""
    file, main = os.path.join(folder, "slo.toml"), os.path.join(folder, "nines.toml")
    for path, text in ((file, SLO), (main, MAIN), (os.path.join(folder, "other.toml"), SLO.replace('"s"', '"t"'))):
        with open(path, "w") as f:
            f.write(text)
    check = lambda *words, cwd=folder: subprocess.run([args.nines, "check", "rules", *words], capture_output=True, text=True, timeout=30, cwd=cwd)
    alone = check(file)
    assert alone.returncode == 0 and "ok: 0 groups, 0 rules, 1 SLOs" in alone.stdout, alone
    assert f"warning: {file}:" in alone.stderr and "must be among [[maintenance]]" in alone.stderr and "--config" in alone.stderr, alone
    for words in ((file,), ("slo.toml",), (os.path.join(folder, "other.toml"),)):
        done = check("--config", main, *words)
        assert done.returncode == 0 and f"{words[0]}: ok: 0 groups, 0 rules, 1 SLOs" in done.stdout, done
    with open(main, "w") as f:
        f.write(MAIN.replace("weekly-db", "other"))
    done = check("--config", main, file)
    assert done.returncode == 1 and "is not among [[maintenance]]" in done.stderr, done
    with open(main, "w") as f:
        f.write(MAIN)
    with open(file, "a") as f:
        f.write("targett = 1\n")
    done = check("--config", main, "slo.toml")
    assert done.returncode == 1 and "slo.toml:7:1: unknown key `targett`" in done.stderr, done
