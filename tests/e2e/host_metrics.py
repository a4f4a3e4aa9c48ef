"""What nines tells of its host, beside Debian's node_exporter: the live host within two reads, and saved trees exactly."""
import os
import re
import shutil
import signal
import subprocess
import time

import host_trees
from harness import Nines, Process, Skipped, free_port, get, say, wait_for

# Collectors of node_exporter that nines does not have, by the names their series begin with.
LEFT_OUT = {
    "node_exporter_": "about node_exporter itself",
    "node_timex_": "timex: adjtimex of the kernel clock",
    "node_udp_queues": "udp_queues",
    "node_selinux_": "selinux",
    "node_(bcache|btrfs|xfs|zfs|mdadm|nfs|nfsd|ipvs|infiniband|fibrechannel|nvme|rapl|tapestats)_": "file systems and hardware of few hosts",
    "node_(cpu_frequency|cpu_scaling|cpu_core_throttles|cpu_package_throttles|power_supply|dmi|watchdog)": "cpufreq, throttling, power supplies, DMI",
    "node_disk_(ata|device_mapper|filesystem)": "udev's further properties of disks",
    "node_scrape_collector_duration_seconds": "how long each took is its own",
}
# Not from the saved trees: system calls of the live host; and what node_exporter asks the kernel for over netlink.
LIVE_ONLY = r"node_(time_|uname_|textfile_|network_receive_nohandler_)"

# What node_exporter's authors leave out today, where Debian's 1.5.0 leaves out more (lo, /run, /mnt, /media) or less (zram).
LEFT_OUT_BY_DEFAULT = (
    "--collector.netdev.device-exclude=",
    "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
    r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
)

# Gauges that move within a moment: by how much beyond the span of the two reads.
SLACK = (
    (r"node_memory_.*_bytes$", 256 << 20),
    (r"node_filesystem_(free|avail)_bytes", 256 << 20),
    (r"node_filesystem_files_free", 5000),
    (r"node_filefd_allocated", 500),
    (r"node_load", 1),
    (r"node_procs_|node_processes_", 40),
    (r"node_sockstat_|node_netstat_Tcp_CurrEstab", 300),
    (r"node_sockstat_.*_bytes", 4 << 20),
    (r"node_arp_entries|node_nf_conntrack_", 100),
    (r"node_entropy_available_bits", 256),
    (r"node_disk_io_now", 100),
    (r"node_(hwmon|thermal)_", 20),
    (r"node_time_seconds", 1),
)
# States that a moment may have and its neighbours not.
FLEETING = r"node_processes_(threads_)?state"


def left_out(name):
    return next((pattern for pattern in LEFT_OUT if re.match(pattern, name)), None)


def read_exposition(text):
    """{(name, labels without empty ones): value}, {family: type}"""
    series, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ", 3)
            types[family] = "unknown" if kind == "untyped" else kind
        elif line.startswith("node_"):
            head, value = line.rsplit(" ", 1)
            name = head.split("{", 1)[0]
            labels = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', head[len(name):])
            series[name, frozenset((k, v.replace("\\\\", "\\")) for k, v in labels if v)] = float(value)
    return series, types


def own_series(nines, at):
    answer = nines.json("/api/v1/query", query='{job="host"}', time=repr(at))["data"]["result"]
    out = {}
    for one in answer:
        labels = {k: v for k, v in one["metric"].items() if k not in ("__name__", "job", "instance")}
        if one["metric"]["__name__"].startswith("node_"):
            out[one["metric"]["__name__"], frozenset(labels.items())] = float(one["value"][1])
    return out


def exporter(folder, *flags):
    binary = shutil.which("prometheus-node-exporter") or "build/peers/usr/bin/prometheus-node-exporter"
    if not os.path.exists(binary):
        raise Skipped("prometheus-node-exporter is not installed")
    port = free_port()
    process = Process("node_exporter", [binary, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", "--collector.processes", *flags], folder)
    url = f"http://127.0.0.1:{port}/metrics"
    wait_for("node_exporter answers", lambda: get(url), 20)
    return process, url


def start_nines(args, folder, host):
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[host]\ninterval = "1s"\n' + host)
    return Nines(args.nines, folder, config)


def collected_after(nines, moment):
    """The time of nines's first collection that began after `moment`."""
    def last():
        at = nines.value("node_time_seconds")
        return at if at > moment else None
    return wait_for("a collection", last, 20, 0.05)


def misspelt_collector_is_named(args, folder):
    """A collector that does not exist, or a pattern that is none, is an error with its place and the nearest name."""
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[host]\ndisabled_collectors = ["loadavg", "netsat"]\nsystemd_unit_exclude = "(a"\n')
    check = subprocess.run([args.nines, "check", "config", config], capture_output=True, text=True)
    said = check.stdout + check.stderr
    assert check.returncode != 0 and "did you mean `netstat`" in said and "nines.toml:2:" in said and "nines.toml:3:" in said, said


def compare_presence(own, before, after, wrong):
    for key in sorted(before.keys() & after.keys(), key=lambda k: (k[0], sorted(k[1]))):
        if key[0] == "node_scrape_collector_success":
            continue  # of collectors that nines does not have, too; nines's own are looked at below
        if not left_out(key[0]) and key not in own and not re.match(FLEETING, key[0]):
            wrong.append(f"missing: {key[0]} {sorted(key[1])}")
    for key in own:
        if key not in before and key not in after and not left_out(key[0]) and not re.match(FLEETING, key[0]):
            wrong.append(f"node_exporter has no {key[0]} {sorted(key[1])}")


def compare_types(nines, own, types, wrong):
    known = nines.json("/api/v1/metadata")["data"]
    for name in sorted({key[0] for key in own}):
        if left_out(name) or name not in types:
            continue
        kind = known[name][0]["type"]
        if kind != types[name]:
            wrong.append(f"type of {name}: {kind}, node_exporter says {types[name]}")


def is_counter(name, types):
    if types.get(name) == "counter":
        return True
    return types.get(name) == "unknown" and name not in ("node_netstat_Tcp_CurrEstab", "node_netstat_Ip_Forwarding")


def compare_values(own, before, after, types, wrong):
    """Counters stand between the reads; gauges too, or within their slack."""
    compared = 0
    for key in own.keys() & before.keys() & after.keys():
        if left_out(key[0]):
            continue
        low, high = sorted((before[key], after[key]))
        slack = 0 if is_counter(key[0], types) else max((s for p, s in SLACK if re.match(p, key[0])), default=0)
        rounding = 1e-9 * max(abs(low), abs(high))
        # node_exporter keeps the kernel's small steps back from its readers, as nines does, each from its own start.
        if key[0] in ("node_cpu_seconds_total", "node_cpu_guest_seconds_total"):
            rounding += 0.05
        compared += 1
        if not low - slack - rounding <= own[key] <= high + slack + rounding:
            wrong.append(f"value of {key[0]} {sorted(key[1])}: {own[key]!r}, node_exporter {low!r} to {high!r}")
    return compared


def live_host_beside_node_exporter(args, folder):
    """The live host: names, types, labels, and values between two reads of node_exporter."""
    text = os.path.join(folder, "text")
    os.makedirs(text)
    with open(os.path.join(text, "job.prom"), "w") as f:
        f.write('# TYPE node_backup_bytes gauge\nnode_backup_bytes{set="home"} 12\n')
    node, url = exporter(
        folder, f"--collector.textfile.directory={text}", *LEFT_OUT_BY_DEFAULT)
    nines = start_nines(args, folder, f'textfile_directory = "{text}"\n')
    try:
        before, types = read_exposition(get(url))
        at = collected_after(nines, time.time())
        after, _ = read_exposition(get(url))
        own = own_series(nines, at)
        wrong = []
        compare_presence(own, before, after, wrong)
        compare_types(nines, own, types, wrong)
        compared = compare_values(own, before, after, types, wrong)
        say(f"   {len(own)} series of nines, {len(after)} of node_exporter, {compared} compared in value")
        for pattern in sorted({left_out(key[0]) for key in after} - {None}):
            names = sorted({key[0] for key in after if left_out(key[0]) == pattern and not key[0].startswith("node_scrape")})
            say(f"   left out ({LEFT_OUT[pattern]}): {', '.join(names) or pattern}")
        assert not wrong, "\n".join(wrong)
        assert compared > 200, compared
    finally:
        nines.kill(signal.SIGTERM)
        node.kill(signal.SIGTERM)


def saved_host_beside_node_exporter(args, folder):
    """A host from files, with the hardware this one lacks: every series and every value as node_exporter has it."""
    proc, sys, root = host_trees.write(folder)
    node, url = exporter(
        folder, f"--path.procfs={proc}", f"--path.sysfs={sys}", f"--path.rootfs={root}", f"--path.udev.data={root}/run/udev/data",
        "--no-collector.netdev.netlink", *LEFT_OUT_BY_DEFAULT)
    nines = start_nines(args, folder, f'proc_path = "{proc}"\nsys_path = "{sys}"\nroot_path = "{root}"\ninstance = "saved"\n')
    try:
        at = collected_after(nines, 0)
        theirs, types = read_exposition(get(url))
        own = own_series(nines, at)
        for series in (theirs, own):  # what does not come from the files, and what moves with the disk below them
            for key in [k for k in series if re.match(LIVE_ONLY, k[0]) or re.match("node_filesystem_(free|avail|files_free)", k[0])]:
                del series[key]
            for key in [k for k in series if k[0] == "node_scrape_collector_success" and dict(k[1])["collector"] in host_trees.NOT_FROM_FILES]:
                del series[key]
        wrong = []
        for key in sorted(theirs.keys() | own.keys(), key=lambda k: (k[0], sorted(k[1]))):
            if left_out(key[0]):
                continue
            mine, other = own.get(key), theirs.get(key)
            if key[0] == "node_scrape_collector_success" and mine is None:
                continue  # of a collector that nines does not have
            if mine is None or other is None or abs(mine - other) > 1e-12 * abs(other):
                wrong.append(f"{key[0]} {sorted(key[1])}: {mine!r}, node_exporter {other!r}")
        compare_types(nines, own, types, wrong)
        say(f"   {len(own)} series of nines, {len(theirs)} of node_exporter")
        assert not wrong, "\n".join(wrong)
        for name in host_trees.MUST_HAVE:
            assert any(key[0] == name for key in own), f"nobody told {name}"
    finally:
        nines.kill(signal.SIGTERM)
        node.kill(signal.SIGTERM)
