"""What the program does without a file, with a bad one, and on a port that is taken."""
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from harness import Nines, get, say, wait_for


def zero_configuration(args, folder):
    """Without a file nines monitors its host and itself within ten seconds, and says so."""
    start = time.monotonic()
    nines = Nines(args.nines, folder)
    try:
        wait_for("host metrics", lambda: nines.query("node_load1"), 10)
        wait_for("its own metrics", lambda: nines.query('up{job="nines"}'), 25)
        wait_for("the greeting", lambda: "page        http://" in nines.process.output(), 10)
        assert time.monotonic() - start < 40
        index = get(nines.url + "/")
        assert "<script" in index and "</html>" in index, index[:200]
        rules = nines.json("/api/v1/rules")["data"]["groups"]
        assert any(r["name"] == "TargetDown" for g in rules for r in g["rules"]), rules
        assert nines.json("/api/nines/v1/slos")["slos"], "no self-SLO"
    finally:
        nines.kill(signal.SIGTERM)


def bad_reload_changes_nothing(args, folder):
    """A configuration with mistakes is refused with file:line:col, by check, by POST and by SIGHUP; what ran goes on."""
    config = os.path.join(folder, "nines.toml")
    good = '[storage]\nbudget = "64MiB"\n[[groups]]\nname = "g"\n[[groups.rules]]\nrecord = "one"\nexpr = "vector(1)"\n'
    with open(config, "w") as f:
        f.write(good)
    nines = Nines(args.nines, folder, config)
    try:
        with open(config, "w") as f:
            f.write(good.replace("vector(1)", "rate(x[5m]").replace("budget", "bugdet"))
        check = subprocess.run([args.nines, "check", "config", config], capture_output=True, text=True)
        assert check.returncode == 1 and "did you mean `budget`" in check.stderr and "parse error" in check.stderr, check
        request = urllib.request.Request(nines.url + "/-/reload", method="POST")
        try:
            urllib.request.urlopen(request, timeout=10)
            raise AssertionError("a bad configuration was loaded")
        except urllib.error.HTTPError as error:
            assert error.code == 500 and "nines.toml:2:1" in error.read().decode()
        nines.process.child.send_signal(signal.SIGHUP)
        wait_for("SIGHUP says what is wrong", lambda: nines.process.output().count("nines.toml:2:1") >= 2, 10)
        groups = nines.json("/api/v1/rules")["data"]["groups"]
        assert any(g["name"] == "g" for g in groups), groups
        with open(config, "w") as f:
            f.write(good.replace('name = "g"', 'name = "mended"'))
        nines.process.child.send_signal(signal.SIGHUP)
        wait_for("SIGHUP loads a good file", lambda: any(g["name"] == "mended" for g in nines.json("/api/v1/rules")["data"]["groups"]), 10)
    finally:
        nines.kill(signal.SIGTERM)


def reload_names_what_waits(args, folder):
    """A reload names each changed setting that waits for the next start, at every reload until then, and applies the rest."""
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n')
    nines = Nines(args.nines, folder, config)
    try:
        with open(config, "w") as f:
            f.write('[storage]\nbudget = "65MiB"\nquota = { logs = 30 }\nmax_series = 1000\n[query]\nmax_points = 7\n'
                    '[[groups]]\nname = "g"\n[[groups.rules]]\nrecord = "one"\nexpr = "vector(1)"\n')
        for _ in range(2):
            urllib.request.urlopen(urllib.request.Request(nines.url + "/-/reload", method="POST"), timeout=10)
        lines = [line for line in nines.process.output().splitlines() if "take effect at the next start" in line]
        named = "[storage] budget, [storage] quota, [storage] max_series, [query] max_points"
        assert len(lines) == 2 and all(line.endswith(named) for line in lines), lines
        assert any(g["name"] == "g" for g in nines.json("/api/v1/rules")["data"]["groups"])
        say("   " + lines[0])
    finally:
        nines.kill(signal.SIGTERM)


def port_is_taken(args, folder):
    """A second nines on the same port, or on the same data, says who holds it and what to type instead."""
    nines = Nines(args.nines, folder)
    try:
        def refused(*options):
            run = subprocess.run([args.nines, "serve", *options], capture_output=True, text=True, timeout=20)
            assert run.returncode == 1, run
            return run.stderr

        text = refused("--data", folder + "/other", "--listen", f"127.0.0.1:{nines.port}")
        say("   " + text.strip().splitlines()[-1])
        assert str(nines.process.child.pid) in text and "--listen" in text, text
        text = refused("--data", folder + "/data", "--listen", "127.0.0.1:0")
        say("   " + text.strip().splitlines()[-1])
        assert folder + "/data" in text and "--data" in text, text
    finally:
        nines.kill(signal.SIGTERM)
