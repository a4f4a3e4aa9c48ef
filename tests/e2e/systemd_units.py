"""States of units of a real systemd, booted beside this machine's own in namespaces of its own."""
import os
import subprocess

from harness import Nines, Process, Skipped, free_port, get, say, wait_for
from sends import program

SYSTEMD = "/lib/systemd/systemd"
UNITS = {
    "all.target": "[Unit]\nWants=good.service bad.service once.service slow.service tick.timer listen.socket\nDefaultDependencies=no\nAllowIsolate=yes\n",
    "good.service": "[Service]\nType=exec\nExecStart=/bin/sleep 1000\n",
    "bad.service": "[Service]\nExecStart=/bin/false\n",
    "once.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "slow.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\nTimeoutStartSec=infinity\n",
    "tick.timer": "[Timer]\nOnActiveSec=100000\n",
    "tick.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "listen.socket": "[Socket]\nListenStream=/run/listen.sock\n",
    "listen.service": "[Service]\nExecStart=/bin/sleep 1000\n",
}
# Everything but the test's folder is read-only there, and /run is another one.
BOOT = """#!/bin/sh
set -e
mount --make-rprivate /
mount --bind {folder} {folder}
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/lock
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=nines SYSTEMD_UNIT_PATH={folder}/units
exec {systemd} --system --unit=all.target --log-target=console
"""


class Booted:
    """systemd as process 1 of namespaces of its own; run() starts a program in them."""

    def __init__(self, folder):
        if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
            raise Skipped("a systemd of its own needs root and Debian's systemd")
        self.folder = folder
        os.mkdir(os.path.join(folder, "units"))
        for name, text in UNITS.items():
            text = text if name == "all.target" else "[Unit]\nDefaultDependencies=no\n" + text
            with open(os.path.join(folder, "units", name), "w") as f:
                f.write(text)
        script = os.path.join(folder, "boot.sh")
        with open(script, "w") as f:
            f.write(BOOT.format(folder=folder, systemd=SYSTEMD))
        os.chmod(script, 0o755)
        self.outer = Process("systemd", ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--mount-proc", script], folder)
        try:
            wait_for("process 1 is systemd", self.find, 10)
            wait_for("systemd answers", lambda: "good.service" in self.ask("list-units", "--no-legend", "--state=active", "good.service"), 10)
        except AssertionError as error:
            said = self.outer.output()
            self.outer.kill()
            raise Skipped(f"systemd does not boot in namespaces here: {said.strip()[-200:]}") from error

    def find(self):
        path = f"/proc/{self.outer.child.pid}/task/{self.outer.child.pid}/children"
        with open(path) as f:
            self.inner = f.read().split()[0]
        with open(f"/proc/{self.inner}/comm") as f:
            return f.read().strip() == "systemd"

    def inside(self, *argv):
        return ["nsenter", "-t", self.inner, "-m", "-p", "-C", *argv]

    def ask(self, *words):
        done = subprocess.run(self.inside("systemctl", "--no-pager", *words), capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr

    def stop(self):
        self.outer.kill()  # and with process 1 everything goes


def families(text):
    """An empty label is none, as for Prometheus."""
    return {line.rpartition(" ")[0].replace(',type=""', ""): float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("node_systemd_")}


def ours(nines):
    out = {}
    for one in nines.query('{__name__=~"node_systemd_.*",job="host"}'):
        labels = ",".join(f'{k}="{v}"' for k, v in sorted(one["metric"].items()) if k not in ("__name__", "job", "instance"))
        out[one["metric"]["__name__"] + ("{" + labels + "}" if labels else "")] = float(one["value"][1])
    return out


def unit_states_of_a_real_systemd(args, folder):
    """systemd with services that run, fail, start and are done: the states are node_exporter's, before and after a change."""
    systemd = Booted(folder)
    try:
        port = free_port()
        Process("node_exporter", systemd.inside(program("prometheus-node-exporter"), "--collector.disable-defaults", "--collector.systemd",
                                                "--collector.systemd.private", f"--web.listen-address=127.0.0.1:{port}"), folder)
        config = os.path.join(folder, "nines.toml")
        with open(config, "w") as f:
            f.write('[storage]\nbudget = "64MiB"\n[host]\nenabled = true\ninterval = "1s"\n')

        class Inside(Nines):
            def __init__(self):
                self.port = free_port()
                self.url = f"http://127.0.0.1:{self.port}"
                self.process = Process("nines", systemd.inside(args.nines, "serve", "--data", os.path.join(folder, "data"), "--listen",
                                                               f"127.0.0.1:{self.port}", "--config", config), folder)
                self.wait_ready()

        nines = Inside()
        wait_for("node_exporter answers", lambda: families(get(f"http://127.0.0.1:{port}/metrics")), 10)

        def compare():
            theirs, mine = families(get(f"http://127.0.0.1:{port}/metrics")), ours(nines)
            # node_exporter counts every unit it was told of, and of timers and sockets more than we do.
            want = {k: v for k, v in theirs.items() if k.startswith(("node_systemd_unit_state{", "node_systemd_units{", "node_systemd_version", "node_systemd_system_running"))}
            have = {k: mine.get(k) for k in want}
            extra = [k for k in mine if k not in theirs]
            if have == want and not extra:
                return want
            compare.last = [(k, have[k], want[k]) for k in want if have[k] != want[k]], extra
            return None

        compare.last = None
        try:
            want = wait_for("the states are node_exporter's", compare, 10)
        except AssertionError as error:
            raise AssertionError(compare.last) from error

        def state(unit):
            return [one["metric"]["state"] for one in nines.query(f'node_systemd_unit_state{{name="{unit}"}} == 1')]

        expected = {"good.service": "active", "bad.service": "failed", "once.service": "active", "slow.service": "activating", "tick.timer": "active",
                    "tick.service": "inactive", "listen.socket": "active"}
        assert {unit: state(unit) for unit in expected} == {unit: [s] for unit, s in expected.items()}, {unit: state(unit) for unit in expected}
        systemd.ask("stop", "good.service")
        systemd.ask("reset-failed", "bad.service")
        wait_for("the changes show", lambda: state("good.service") == ["inactive"] and state("bad.service") == ["inactive"], 10)
        try:
            wait_for("and are node_exporter's", compare, 10)
        except AssertionError as error:
            raise AssertionError(compare.last) from error
        say(f"ok: {len(want)} series of {len(want) // 5} units as node_exporter has them")
    finally:
        systemd.stop()
