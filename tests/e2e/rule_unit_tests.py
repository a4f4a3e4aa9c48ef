"""Unit tests of rules: the same verdict as Debian's promtool on the same files."""
import glob
import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import Skipped, say

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
