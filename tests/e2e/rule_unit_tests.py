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
    root = ElementTree.parse(report).getroot()
    passing, failing = root.iter("testsuite")
    assert (passing.get("failures"), failing.get("failures")) == ("0", "1"), ElementTree.tostring(root)
    failed = {case.get("name"): len(case.findall("failure")) for case in failing.iter("testcase")}
    assert failed == {"expects what does not happen": 4} and " 4 failed" in words, (failed, words)


def chosen_and_shown(args, folder):
    """--run chooses tests by name, --diff shows what differs, --debug what is stored, unknown fields may be let pass."""
    tests, rules, report = (os.path.join(folder, name) for name in ("chosen.test.yml", "extended.yml", "chosen.xml"))
    with open(rules, "w") as f:
        f.write("groups:\n- name: g\n  owner: us\n  rules:\n  - {record: twice, expr: 2 * up, ticket: 7}\n")
    with open(tests, "w") as f:
        f.write("rule_files: [extended.yml]\nevaluation_interval: 1m\nteam: us\ntests:\n")
        for name, wanted in (("good one", 2), ("bad one", 3)):
            f.write(f"- name: {name}\n  input_series: [{{series: 'up{{a=\"b\"}}', values: 1x2}}]\n  promql_expr_test:\n"
                    f"  - {{expr: twice, eval_time: 1m, exp_samples: [{{labels: 'twice{{a=\"b\"}}', value: {wanted}}}]}}\n")
    command = [args.nines, "test", "rules", tests]
    code, words = run(command)
    assert code == 1 and 'unknown key "team" in a rule test file' in words, words
    command.append("--ignore-unknown-fields")
    code, words = run([*command, "--diff"])
    assert code == 1 and "1 passed, 1 failed" in words, words
    assert '    - twice{a="b"} 3\n    + twice{a="b"} 2\n' in words, words
    code, words = run([*command, "--run", "^good", "--run", "nobody", "--debug", "--junit", report])
    assert code == 0 and "1 passed, 0 failed" in words, words
    assert 'twice{a="b"} 2@0s 2@1m' in words and 'up{a="b"} 1@0s 1@1m' in words, words
    assert [case.get("name") for case in ElementTree.parse(report).getroot().iter("testcase")] == ["good one"]
    code, words = run([*command, "--run", "nobody"])
    assert code == 0 and "0 passed, 0 failed" in words, words
    code, words = run([*command, "--run", "^good", "--coverage"])
    assert code == 0 and f"{rules}: 1 of 1 rules tested (100.0 %)" in words, words
    code, words = run([*command, "--run", "nobody", "--coverage-threshold", "50"])
    assert code == 1 and "not tested: g: record twice" in words and "less than 50 %" in words, words
    code, words = run([*command, "--run", "("])
    assert code == 2 and "--run: " in words, words
    code, words = run([args.nines, "check", "rules", rules])
    assert code == 1 and 'unknown key "owner" in a group' in words, words
    code, words = run([args.nines, "check", "rules", "--ignore-unknown-fields", rules])
    assert code == 0, words


def cases_of(report):
    """(test, case, what went wrong) of each case of a JUnit report, where the file stands left out."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    cases = []
    for case in suite.iter("testcase"):
        wrong = [(part.tag, placeless(part.text)) for part in case]
        cases.append((placeless(case.get("classname")), placeless(case.get("name")), wrong))
    return {name: suite.get(name) for name in ("tests", "failures", "errors")}, cases


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
