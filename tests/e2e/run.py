#!/usr/bin/env python3
"""End to end: real targets, real log lines, the real binary. Closes with `N passed, N failed, N skipped`.

Most tests wait more than they work, so several run at once, each in a process of its own with its own folder and ports, and
what one printed comes out whole when it ends. Those that judge times or memory (ALONE) run by themselves afterwards. One that
failed beside others runs once more, alone: that verdict counts, and the closing lines name it.
"""
import argparse
import concurrent.futures
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import alert_generator
import alertmanagers
import backups
import basics
import consul
import damage
import deletions
import discovery
import endless
import exemplars
import full_disk
import host_metrics
import hostile
import imports
import lapped
import lines
import newcomers
import offline
import old_state
import peers
import planned
import protobuf
import pushes
import probes
import query_api
import query_load
import relabelled
import resize
import rule_api
import rule_extras
import rule_files
import rule_unit_tests
import scenario
import secure
import sends
import slos
import targets
import slo_budgets
import slo_imports
import systemd_units
import tiers
import ways
from harness import SLOT, Skipped, say

SKIPPED = 77  # the exit code of a skipped test, as automake has it

TESTS = (
    full_disk.full_disk_again_and_again,  # these two take longest: begun first, all end soonest
    rule_extras.beyond_prometheus,
    basics.zero_configuration,
    basics.bad_reload_changes_nothing,
    basics.reload_names_what_waits,
    basics.port_is_taken,
    host_metrics.live_host_beside_node_exporter,
    host_metrics.saved_host_beside_node_exporter,
    host_metrics.misspelt_collector_is_named,
    systemd_units.unit_states_of_a_real_systemd,
    hostile.targets_that_misbehave,
    hostile.receiver_is_down,
    hostile.rotated_logs_lose_nothing,
    discovery.targets_come_and_go,
    discovery.dns_names_become_targets,
    discovery.thousands_of_targets_change,
    consul.consul_services_come_and_go,
    secure.tls_and_oauth2,
    ways.ways_to_a_target,
    targets.metadata_as_prometheus_tells_it,
    relabelled.relabelled_as_prometheus,
    targets.scrape_now,
    targets.metrics_lint_as_promtool,
    damage.disk_is_too_small,
    damage.damaged_segment_is_skipped_and_named,
    newcomers.target_with_endless_series,
    endless.endless_series_at_default_limits,
    imports.history_is_imported,
    deletions.series_are_deleted,
    resize.budget_shrinks_and_grows,
    exemplars.exemplars_survive_a_kill,
    lines.statsd_and_graphite_lines,
    pushes.pushes_as_pushgateway_keeps_them,
    pushes.line_protocol_as_victoria_metrics_names_it,
    pushes.otlp_metrics_arrive,
    pushes.chunked_and_zstd,
    protobuf.protobuf_as_prometheus_reads_it,
    protobuf.text_and_protobuf_of_one_target,
    sends.sent_to_peers,
    peers.exporters_as_prometheus_stores_them,
    peers.senders_of_debian,
    peers.histograms_and_exemplars_are_sent,
    slos.slos_of_every_kind,
    tiers.windows_answer_for_a_month,
    offline.verify_and_list,
    offline.analyze_and_dump,
    backups.backup_of_a_running_nines,
    lapped.slow_backup_gives_up,
    query_api.endpoints_by_get_and_post,
    query_api.large_forms,
    query_api.promtool_asks,
    query_api.prometheus_federates,
    query_load.rules_before_people,
    probes.same_as_blackbox_exporter,
    probes.prometheus_probes_through_nines,
    rule_unit_tests.same_verdicts_as_promtool,
    rule_unit_tests.chosen_and_shown,
    rule_unit_tests.toml_twins,
    rule_unit_tests.replay_of_a_known_history,
    rule_extras.mistakes_in_rules,
    rule_files.rule_files_as_promtool,
    rule_files.rule_file_of_a_configuration,
    alertmanagers.alerts_reach_a_real_alertmanager,
    old_state.older_state_is_carried_over,
    planned.recurrences_as_dateutil,
    planned.planned_while_it_runs,
    rule_api.rules_as_prometheus_lists_them,
    slo_imports.slos_of_other_tools,
    scenario.scenario,
)
# What waits for whole minutes of the wall clock: by name, or with --long.
LONG = (
    alert_generator.alert_generator_in_real_time,
    slo_budgets.budget_through_its_life,
)


# What judges its own times or memory: nothing else may take the processors meanwhile.
ALONE = {
    discovery.thousands_of_targets_change,
    hostile.targets_that_misbehave,
    endless.endless_series_at_default_limits,
    query_load.rules_before_people,
}


def keep_logs(folder, keep):
    os.makedirs(keep, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith((".log", ".toml")):
            shutil.copy(os.path.join(folder, name), keep)
            if name == "nines.log":
                with open(os.path.join(folder, name), errors="replace") as f:
                    print(f.read()[-4000:])


def run_here(test, args):
    """One test in this process; the exit code of a process that ran it: 0 passed, 1 failed, 77 skipped."""
    name, folder, code = test.__name__, tempfile.mkdtemp(prefix="nines-e2e-"), 0
    say(f"--- {name}: {test.__doc__}")
    began = time.monotonic()
    try:
        test(args, folder)
        say(f"passed: {name} ({time.monotonic() - began:.0f} s)")
    except Skipped as reason:
        say(f"skipped: {name}: {reason}")
        code = SKIPPED
    except Exception:
        traceback.print_exc(file=sys.stdout)
        say(f"FAILED: {name}")
        keep_logs(folder, os.path.join(args.logs, name))
        code = 1
    shutil.rmtree(folder, ignore_errors=True)
    return code


def run_apart(test, args, slots):
    """One test in a process of its own; its exit code and what it printed."""
    slot = slots.get()
    argv = [sys.executable, os.path.abspath(__file__), "--nines", args.nines, "--logs", args.logs, "--here", test.__name__]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              env={**os.environ, SLOT: str(slot)}, check=False)
    finally:
        slots.put(slot)
    return done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--logs", default="build/tests/e2e")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("--jobs", type=int, default=3, help="tests at once")
    parser.add_argument("--here", action="store_true", help="in this process, one after another")
    parser.add_argument("names", nargs="*", help="only these tests")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    known = {test.__name__: test for test in TESTS + LONG}
    wrong = [name for name in args.names if name not in known]
    if wrong:
        sys.exit(f"no test {', '.join(wrong)}; there are: {', '.join(known)}")
    tests = [known[name] for name in args.names] or list(TESTS + (LONG if args.long else ()))
    if args.here or len(tests) == 1:
        codes = {test.__name__: run_here(test, args) for test in tests}
        if args.here and len(tests) == 1:
            sys.exit(codes[tests[0].__name__])
    else:
        codes = run_many(tests, args)
    skipped = list(codes.values()).count(SKIPPED)
    failed = [name for name, code in codes.items() if code not in (0, SKIPPED)]
    for name in failed:
        say(f"FAILED: {name}")
    print(f"{len(codes) - len(failed) - skipped} passed, {len(failed)} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


def run_many(tests, args):
    """The exit codes of all of them, by name."""
    slots, codes = queue.Queue(), {}
    for slot in range(args.jobs):
        slots.put(slot)

    def run(jobs, some):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = {pool.submit(run_apart, test, args, slots): test.__name__ for test in some}
            for done in concurrent.futures.as_completed(running):
                codes[running[done]], text = done.result()
                say(text.rstrip("\n"))

    beside = [test for test in tests if test not in ALONE]
    run(args.jobs, beside)
    again = [test for test in beside if codes[test.__name__] not in (0, SKIPPED)]
    run(1, again + [test for test in tests if test in ALONE])
    for test in again:
        say(f"failed beside others, alone {'passed' if codes[test.__name__] == 0 else 'too'}: {test.__name__}")
    return codes


if __name__ == "__main__":
    main()
