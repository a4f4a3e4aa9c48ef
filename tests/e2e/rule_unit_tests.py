"""Unit tests of rules: the same verdict as Debian's promtool on the same files, and the same in YAML and TOML."""
import glob
import json
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from harness import Nines, Skipped, say

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rule_tests")


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def same_verdicts_as_promtool(args, folder):
    """`nines test rules` passes and fails the files that promtool passes and fails."""
    if not shutil.which("promtool"):
        raise Skipped("promtool (package prometheus) is not installed")
    files = sorted(glob.glob(os.path.join(FILES, "*.test.yml")))
    assert len(files) >= 7, files
    verdicts = set()
    for file in files:
        theirs, their_words = run(["promtool", "test", "rules", file])
        ours, our_words = run([args.nines, "test", "rules", file])
        say(f"{os.path.basename(file)}: promtool {theirs}, nines {ours}")
        assert (theirs == 0) == (ours == 0), f"{file}\n{their_words}\n{our_words}"
        verdicts.add(ours)
    assert verdicts == {0, 1}, verdicts
    report = os.path.join(folder, "junit.xml")
    code, words = run([args.nines, "test", "rules", "--junit", report] +
                      [os.path.join(FILES, name) for name in ("passing.test.yml", "failing.test.yml")])
    assert code == 1, words
    suite = ElementTree.parse(report).getroot()
    failed = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert len(failed) == int(suite.get("failures")) == 4, ElementTree.tostring(suite)
    assert f"{int(suite.get('tests')) - 4} passed, 4 failed" in words, words


def cases_of(report):
    """(test, case, what went wrong) of each case of a JUnit report, where the file stands left out."""
    suite = ElementTree.parse(report).getroot()
    cases = []
    for case in suite.iter("testcase"):
        wrong = [(part.tag, placeless(part.text)) for part in case]
        cases.append((placeless(case.get("classname")), placeless(case.get("name")), wrong))
    return {name: suite.get(name) for name in ("name", "tests", "failures")}, cases


def placeless(text):
    return re.sub(r"\S*/(\w+)\.test\.(yml|toml)(:\d+)*", r"\1", text)


def toml_twins(args, folder):
    """A test file says the same in TOML as in YAML: verdict, words, differences and JUnit report."""
    twins = sorted(glob.glob(os.path.join(FILES, "*.test.toml")))
    names = [os.path.basename(twin)[:-len(".toml")] for twin in twins]
    assert {"passing.test", "failing.test", "evaluation_error.test"} <= set(names), names
    for name in names:
        said = {}
        for form in ("yml", "toml"):
            report = os.path.join(folder, f"{name}.{form}.xml")
            code, words = run([args.nines, "test", "rules", "--junit", report, os.path.join(FILES, f"{name}.{form}")])
            said[form] = code, placeless(words), cases_of(report)
        if name == "unknown_key.test":  # names the key as its language quotes it
            assert said["yml"][0] == said["toml"][0] == 1 and "did you mean `tests`" in said["toml"][1], said
            continue
        assert said["yml"] == said["toml"], f"{name}:\n{said['yml']}\n{said['toml']}"
        say(f"{name}: the same in both, exit code {said['toml'][0]}")
    mistakes = os.path.join(folder, "mistakes.test.toml")
    with open(mistakes, "w") as f:
        f.write('rule_files = ["shop.yml"]\n[[tests]]\nintervall = "1m"\n[[tests.promql_expr_test]]\neval_time = 60\n')
    code, words = run([args.nines, "test", "rules", mistakes])
    assert code == 1 and f"{mistakes}:3:1: unknown key `intervall` in [[tests]]; did you mean `interval`?" in words, words
    assert f"{mistakes}:5:13: `eval_time` in [[promql_expr_test]] must be a duration" in words and "needs an `expr`" in words, words


def replay_of_a_known_history(args, folder):
    """`nines test rules --replay` lists what would have fired over imported history, with times and values."""
    end = int(time.time()) // 3600 * 3600 - 3600
    begin = end - 2 * 3600
    high = ((begin + 600, begin + 1500), (begin + 3600, begin + 3660), (begin + 5400, end + 60))  # the second is too short
    lines = ["# TYPE load gauge"]
    for at in range(begin, end + 1, 15):
        stretch = next((i for i, (a, b) in enumerate(high) if a <= at < b), None)
        lines.append(f'load{{host="a"}} {1 if stretch is None else 20 + stretch} {at}')
        lines.append(f'load{{host="b"}} 1 {at}')
    history, rules = os.path.join(folder, "history.om"), os.path.join(folder, "rules.yml")
    with open(history, "w") as f:
        f.write("\n".join(lines) + "\n# EOF\n")
    with open(rules, "w") as f:
        f.write("groups:\n- name: g\n  interval: 1m\n  rules:\n  - {alert: High, expr: load > 10, for: 5m, annotations: {at: '{{ $value }}'}}\n")
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n[builtin]\nrules = false\nslo = false\nself = false\n')
    nines = Nines(args.nines, folder, config)
    try:
        code, words = run([args.nines, "storage", "import", "--url", nines.url, history])
        assert code == 0, words
        stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
        asked = [args.nines, "test", "rules", "--replay", "3h", "--until", stamp(end), "--server", nines.url, rules]
        done = subprocess.run([*asked, "-o", "json"], capture_output=True, text=True, timeout=60)
        found = [a for a in json.loads(done.stdout) if "firedAt" in a]
        expected = [(begin + 600, begin + 900, begin + 1500, 20), (begin + 5400, begin + 5700, None, 22)]
        got = [(a["activeAt"], a["firedAt"], a.get("resolvedAt"), float(a["value"]), a["labels"]["host"]) for a in found]
        assert got == [(stamp(a), stamp(f), r and stamp(r), v, "a") for a, f, r, v in expected], got
        assert [a["annotations"]["at"] for a in found] == ["20", "22"], found
        table = subprocess.run(asked, capture_output=True, text=True, timeout=60).stdout
        assert "2 alerts would have fired: High 2" in table and stamp(begin + 900)[:19] in table, table
    finally:
        nines.kill()
    say("two of three stretches fired, at their times and with their values; the one below `for` did not")
