"""state.db as earlier versions wrote it: everything in it is carried over."""
import os
import signal
import sqlite3
import time

from harness import Nines, TextServer, quick_config, say, wait_for

# Version 1, as it was released.
VERSION_1 = """
CREATE TABLE alerts(rule TEXT NOT NULL, labels TEXT NOT NULL, annotations TEXT NOT NULL, value REAL, firing INTEGER NOT NULL, active_at INTEGER NOT NULL,
  fired_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL, keep_firing_since INTEGER NOT NULL, last_sent_at INTEGER NOT NULL, PRIMARY KEY(rule, labels)) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries(id INTEGER PRIMARY KEY AUTOINCREMENT, idempotency_key TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL, group_key TEXT NOT NULL, payload TEXT NOT NULL,
  episodes TEXT NOT NULL, resolved INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL,
  delivered_at INTEGER NOT NULL, last_error TEXT NOT NULL) STRICT;
CREATE INDEX deliveries_queued ON deliveries(id) WHERE state = 0;
CREATE TABLE notifications(receiver TEXT NOT NULL, group_key TEXT NOT NULL, firing TEXT NOT NULL, resolved TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(receiver, group_key)) STRICT, WITHOUT ROWID;
CREATE TABLE silences(id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT NOT NULL,
  comment TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE incidents(episode TEXT PRIMARY KEY, labels TEXT NOT NULL, annotations TEXT NOT NULL, started_at INTEGER NOT NULL, fired_at INTEGER NOT NULL,
  resolved_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_started ON incidents(started_at);
CREATE TABLE incident_events(id INTEGER PRIMARY KEY AUTOINCREMENT, episode TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX incident_events_episode ON incident_events(episode, at, id);
CREATE TABLE remediation_runs(id INTEGER PRIMARY KEY AUTOINCREMENT, remediation TEXT NOT NULL, episode TEXT NOT NULL, idempotency_key TEXT NOT NULL UNIQUE, target TEXT NOT NULL,
  state INTEGER NOT NULL, intent_at INTEGER NOT NULL, acted_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, action_status INTEGER NOT NULL, output TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE INDEX remediation_runs_since ON remediation_runs(remediation, intent_at);
CREATE INDEX remediation_runs_unfinished ON remediation_runs(id) WHERE state IN (0, 1);
CREATE TABLE kill_switch(one INTEGER PRIMARY KEY CHECK(one = 1), stopped INTEGER NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE slos(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE ledger(slo INTEGER NOT NULL REFERENCES slos(id), minute INTEGER NOT NULL, good REAL, valid REAL, excluded REAL, PRIMARY KEY(slo, minute)) STRICT, WITHOUT ROWID;
CREATE TABLE key_values(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
VERSION_2 = """
CREATE TABLE ledger_blocks(slo INTEGER NOT NULL REFERENCES slos(id), last INTEGER NOT NULL, first INTEGER NOT NULL, packed BLOB NOT NULL, PRIMARY KEY(slo, last)) STRICT, WITHOUT ROWID;
"""
NEWEST = 3

CONFIG = """
[[groups]]
name = "g"
[[groups.rules]]
alert = "Slow"
expr = "slow > 0"
for = "1h"
[[slos]]
name = "shop"
service = "shop"
objectives = [{ target_percent = 90 }]
alerting = { preset = "none" }
indicator = { boolean_metric = { metric = "nothing_has_it" } }
[route]
receiver = "none"
[[receivers]]
name = "none"
"""


def rewritten(path, version, minutes):
    """The database as `version` would have it, with minutes in its ledger."""
    old = path + ".old"
    source, target = sqlite3.connect(path), sqlite3.connect(old)
    assert source.execute("PRAGMA user_version").fetchone()[0] == NEWEST, "a new version: carry this test over"
    target.executescript(VERSION_1 + (VERSION_2 if version > 1 else ""))
    tables = [row[0] for row in target.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    for table in tables:
        columns = ", ".join(row[1] for row in target.execute(f"PRAGMA table_info({table})"))
        for row in source.execute(f"SELECT {columns} FROM {table}"):
            target.execute(f"INSERT INTO {table}({columns}) VALUES ({', '.join('?' * len(row))})", row)
    target.execute("INSERT OR IGNORE INTO slos(name) VALUES ('shop')")
    for minute in minutes:
        target.execute("INSERT INTO ledger(slo, minute, good, valid, excluded) SELECT id, ?, 5, 6, 0 FROM slos WHERE name = 'shop'", (minute,))
    target.execute(f"PRAGMA user_version = {version}")
    target.commit()
    source.close()
    target.close()
    for name in (path, path + "-wal", path + "-shm"):
        if os.path.exists(name):
            os.remove(name)
    os.rename(old, path)


def older_state_is_carried_over(args, folder):
    """Databases of schema 1 and 2 are opened: alerts keep their times, silences, incidents and the ledger stand."""
    for version in (1, 2):
        here = os.path.join(folder, f"version{version}")
        os.mkdir(here)
        server = TextServer(lambda _: "slow 1\n")
        nines = Nines(args.nines, here, quick_config(here, server.port, CONFIG))
        try:
            alert = wait_for("it is pending", nines.alerts, 20)[0]
            silence = {"matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}], "createdBy": "ada", "comment": "old",
                       "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "endsAt": "2099-01-01T00:00:00Z"}
            made = nines.post("/api/v2/silences", silence)
            nines.kill(signal.SIGTERM)
            first = int(time.time()) // 60 - 20
            minutes = range(first, first + 10)
            rewritten(os.path.join(here, "data", "state.db"), version, minutes)
            nines.start()
            again = wait_for("it is pending still", nines.alerts, 20)[0]
            assert again["activeAt"] == alert["activeAt"] and again["state"] == "pending", (alert, again)
            silences = nines.json("/api/v2/silences")
            assert [s["id"] for s in silences] == [made["silenceID"]] and silences[0]["comment"] == "old", silences
            kept = nines.json("/api/nines/v1/slos/shop/minutes", start=first * 60, end=(first + 10) * 60)["minutes"]
            assert [(m["t"] // 60, m["good"], m["valid"]) for m in kept] == [(m, 5, 6) for m in minutes], kept
            assert nines.json("/api/nines/v1/slos/shop")["valid"] == 60
            assert f"schema is now version {NEWEST}" in nines.process.output(), "no migration is logged"
            nines.kill()
            nines.start()
            assert wait_for("it is there", nines.alerts, 20)[0]["activeAt"] == alert["activeAt"]
        finally:
            nines.kill()
            server.stop()
        say(f"schema {version}: alert, silence and ledger are there, also after kill -9")
