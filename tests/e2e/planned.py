"""Planned work: recurrences beside dateutil's, and maintenance added and ended while the program runs."""
import datetime
import json
import os
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request

from harness import Listener, Nines, Skipped, TextServer, quick_config, quick_pager, say, wait_for

SEED = int(os.environ.get("NINES_SEED", 5545))
RULES = int(os.environ.get("NINES_RECURRENCES", 800))
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def some(rng, low, high, most=4, signed=False):
    values = rng.sample(range(low, high + 1), rng.randint(1, most))
    return ",".join(str(-v if signed and rng.random() < 0.4 else v) for v in values)


def random_rule(rng):
    """A rule that RFC 5545 allows, and that dateutil reads as the RFC does."""
    frequency = rng.choice(["YEARLY"] * 6 + ["MONTHLY"] * 4 + ["WEEKLY"] * 3 + ["DAILY"] * 3 + ["HOURLY"] * 2 + ["MINUTELY", "SECONDLY"])
    parts = {"FREQ": frequency}
    if rng.random() < 0.5:
        parts["INTERVAL"] = str(rng.choice((1, 2, 3, 5, 7, 13)))
    if rng.random() < 0.3:
        parts["BYMONTH"] = some(rng, 1, 12)
    if frequency == "YEARLY" and rng.random() < 0.35:
        # dateutil counts the last days of a year that are of the next year's week 1 from the front alone.
        parts["BYWEEKNO"] = ",".join(v for v in some(rng, 1, 51, signed=True).split(","))
    if frequency in ("YEARLY", "HOURLY", "MINUTELY") and "BYWEEKNO" not in parts and rng.random() < 0.3:
        parts["BYYEARDAY"] = some(rng, 1, 366, 8, signed=True)
    if frequency != "WEEKLY" and "BYWEEKNO" not in parts and rng.random() < 0.3:
        parts["BYMONTHDAY"] = some(rng, 1, 31, 6, signed=True)
    # Without BYDAY the RFC takes the start's weekday in those weeks, dateutil the whole weeks.
    if "BYWEEKNO" in parts or rng.random() < 0.4:
        days = rng.sample(DAYS, rng.randint(1, 3))
        if frequency == "MONTHLY" and rng.random() < 0.5:
            days = [f"{rng.choice((1, 2, 3, 4, 5, -1, -2))}{d}" for d in days]
        if frequency == "YEARLY" and "BYWEEKNO" not in parts and rng.random() < 0.5:
            days = [f"{rng.choice((1, 2, 4, 20, 53, -1, -3, -53))}{d}" for d in days]
        parts["BYDAY"] = ",".join(days)
    if rng.random() < 0.3:
        parts["BYHOUR"] = some(rng, 0, 23)
    if rng.random() < 0.2:
        parts["BYMINUTE"] = some(rng, 0, 59)
    if frequency in ("SECONDLY", "MINUTELY"):
        parts.setdefault("BYHOUR", str(rng.randint(0, 23)))
        parts.setdefault("BYMONTHDAY", str(rng.randint(1, 28)))
    if frequency == "SECONDLY" or rng.random() < 0.1:
        parts["BYSECOND"] = some(rng, 0, 59, 3)
    if frequency in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY") and len(parts) > 2 and rng.random() < 0.3:
        if any(p.startswith("BY") for p in parts):
            parts["BYSETPOS"] = some(rng, 1, 4, 2, signed=True)
    if rng.random() < 0.4:
        parts["WKST"] = rng.choice(DAYS)
    if rng.random() < 0.3:
        parts["COUNT"] = str(rng.randint(1, 40))
    elif rng.random() < 0.2:
        parts["UNTIL"] = f"20{rng.randint(24, 28)}{rng.randint(1, 12):02}15T120000"
    return ";".join(f"{k}={v}" for k, v in parts.items())


class TooLong(Exception):
    pass


def within(seconds, ask):
    """What `ask` gives, or None when it takes longer than so much processor time: dateutil looks for what never occurs until the year 9999."""
    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return ask()
    except (TooLong, ValueError, IndexError):  # it can never occur; a 53rd Monday that dateutil cannot look for
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def recurrences_as_dateutil(args, folder):
    """Thousands of random recurrence rules have the occurrences that dateutil finds."""
    try:
        from dateutil import rrule
    except ImportError as error:
        raise Skipped("python3-dateutil is not installed") from error
    rng = random.Random(SEED)
    begin, end = datetime.datetime(2024, 1, 1), datetime.datetime(2028, 1, 1)
    cases, text = [], "[builtin]\nrules = false\nslo = false\n"
    while len(cases) < RULES:
        rule = random_rule(rng)
        start = datetime.datetime(2024, 1, 1) + datetime.timedelta(days=rng.randint(0, 500), minutes=rng.randint(0, 1439))
        if "WEEKLY" in rule and "BYSETPOS" in rule:  # dateutil begins the first week with the start
            first = DAYS.index(rule.split("WKST=")[1][:2]) if "WKST=" in rule else 0
            start -= datetime.timedelta(days=(start.weekday() - first) % 7)
        span = 120 if rule.startswith(("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY")) else 1400
        to = min(end, start + datetime.timedelta(days=span))
        found = within(0.01, lambda: rrule.rrulestr(rule, dtstart=start).between(start - datetime.timedelta(seconds=1), to))
        if not found or len(found) > 3000:
            continue  # nines refuses what never occurs; what dateutil finds late is not looked for
        cases.append((rule, start, to, found))
        text += f'[[maintenance]]\nname = "{len(cases) - 1}"\neffects = ["slo_exclude"]\nstarts_at = "{start}"\nduration = "1m"\nrrule = "{rule}"\n'
    file = os.path.join(folder, "rules.toml")
    with open(file, "w") as f:
        f.write(text)
    done = subprocess.run([args.nines, "maintenance", "windows", file, "--from", begin.isoformat() + "Z", "--to", end.isoformat() + "Z", "-o", "json"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[:2000]
    windows = {}
    parse = lambda t: datetime.datetime.strptime(t, "%Y-%m-%dT%H:%M:%S.%fZ")
    for w in json.loads(done.stdout):
        windows.setdefault(w["name"], []).append((parse(w["from"]), parse(w["to"])))
    minute, total = datetime.timedelta(minutes=1), 0
    for name, (rule, start, to, found) in enumerate(cases):
        expected = []
        for at in found:  # windows that touch are one
            if expected and at <= expected[-1][1]:
                expected[-1] = (expected[-1][0], at + minute)
            else:
                expected.append((at, at + minute))
        # What begins near the end of what dateutil was asked for is cut.
        cut = to - datetime.timedelta(days=1)
        got = [w for w in windows.get(str(name), []) if w[1] < cut]
        want = [w for w in expected if w[1] < cut]
        assert got == want, (rule, start, [g for g in got if g not in want][:3], [w for w in want if w not in got][:3])
        total += len(want)
    say(f"{RULES} rules (seed {SEED}): {total} windows as dateutil finds them")


CONFIG = """
[[groups]]
name = "g"
[[groups.rules]]
alert = "Slow"
expr = "slow > 0"
labels = { service = "db" }
[[maintenance]]
name = "fixed"
matchers = ['service="web"']
starts_at = "2020-01-01 02:00:00"
duration = "1h"
rrule = "FREQ=YEARLY"
[[slos]]
name = "db"
service = "db"
objectives = [{ target_percent = 90 }]
alerting = { preset = "none" }
indicator = { boolean_metric = { metric = "up" } }
"""


def planned_while_it_runs(args, folder):
    """Maintenance is created, silences, outlives kill -9 and a reload, and is ended, from the command line."""
    slow = [0]
    pager, server = Listener(), TextServer(lambda _: f"slow {slow[0]}\n")
    nines = Nines(args.nines, folder, quick_config(folder, server.port, CONFIG + quick_pager(pager.port)))
    told = lambda: [a["status"] for p in pager.posts for a in p["body"]["alerts"]]

    def verb(*words, code=0):
        done = subprocess.run([args.nines, *words, "--server", nines.url, "-o", "json"], capture_output=True, text=True, timeout=20)
        assert done.returncode == code, (words, done)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def silenced():
        return [a["status"]["silencedBy"] for a in nines.json("/api/v2/alerts")]

    try:
        made = verb("maintenance", "create", "upgrade", 'service="db"', "--duration", "1h", "--comment", "disks", "--by", "ada")
        assert made["active"] and made["source"] == "added" and made["effects"] == ["silence", "slo_exclude", "no_remediation"], made
        assert "already" in verb("maintenance", "create", "upgrade", 'service="db"', "--duration", "1h", code=1)
        assert "whole minutes" in verb("maintenance", "create", "x", 'service="db"', "--duration", "30s", code=1)
        assert "FREQ=NEVER" in verb("maintenance", "create", "x", 'service="db"', "--duration", "1m", "--rrule", "FREQ=NEVER", code=1)
        assert "configuration's" in verb("maintenance", "end", "fixed", code=1)
        verb("maintenance", "end", "nobody", code=4)
        slow[0] = 1
        wait_for("the alert is silenced", lambda: silenced() == [["maintenance/upgrade"]], 20)
        nines.kill()
        nines.start()
        subprocess.run([args.nines, "reload", "--server", nines.url], check=True, capture_output=True, timeout=20)
        wait_for("it is still silenced", lambda: silenced() == [["maintenance/upgrade"]], 20)
        assert told() == [], told()
        listed = {m["name"]: m for m in nines.json("/api/nines/v1/maintenance")["maintenance"]}
        assert listed["upgrade"]["created_by"] == "ada" and listed["upgrade"]["comment"] == "disks" and listed["fixed"]["source"] == "configuration", listed
        foreign = urllib.request.Request(nines.url + "/api/nines/v1/maintenance", data=b"{}", method="POST", headers={"Origin": "http://elsewhere.example"})
        try:
            urllib.request.urlopen(foreign, timeout=10)
            raise AssertionError("a page of another site may plan maintenance")
        except urllib.error.HTTPError as error:
            assert error.code == 403, error
        ended = verb("maintenance", "end", "upgrade")
        assert not ended["active"] and ended["window"] is None and ended["ended_at"], ended
        assert "is over" in verb("maintenance", "end", "upgrade", code=1)
        wait_for("the alert is told", lambda: told() == ["firing"], 20)
        say("created, in force over kill -9 and reload, ended: the alert was told then and not before")

        incident = verb("incident", "list")["incidents"][0]["episode"]
        assert verb("incident", "ack", incident, "--by", "ada", "--comment", "on it", "--expires-in", "1h")["acknowledged"]["by"] == "ada"
        shown = verb("incident", "show", incident)
        assert shown["acknowledged"]["comment"] == "on it" and shown["acknowledged"]["expires_at"] > time.time() + 3500, shown
        listed = {one["episode"]: one for one in verb("incident", "list", "--open")["incidents"]}
        assert listed[incident]["acknowledged"]["by"] == "ada" and listed[incident]["state"] == "firing", listed
        try:
            raise AssertionError(urllib.request.urlopen(nines.url + "/api/nines/v1/incidents?state=closed", timeout=10).read())
        except urllib.error.HTTPError as error:
            assert error.code == 400 and b"neither open nor all" in error.read(), error
        table = subprocess.run([args.nines, "incident", "show", incident, "--server", nines.url], capture_output=True, text=True, timeout=20).stdout
        assert "ada works on Slow" in table and "on it" in table, table
        assert verb("incident", "unack", incident, "--by", "bob")["acknowledged"] is None
        verb("incident", "ack", "nobody", "--by", "ada", code=4)
        verb("incident", "ack", incident, code=2)
        say("an incident was acknowledged, shown and given back from the command line")
    finally:
        nines.kill()
        server.stop()
        pager.stop()
