#!/usr/bin/env python3
"""End to end: real targets, real log lines, the real binary. Closes with `N passed, N failed, N skipped`."""
import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback

import alert_generator
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
import protobuf
import pushes
import probes
import query_api
import query_load
import resize
import rule_api
import rule_extras
import rule_unit_tests
import scenario
import secure
import sends
import slos
import targets
import slo_budgets
import slo_imports
import tiers
from harness import Skipped, say

TESTS = (
    basics.zero_configuration,
    basics.bad_reload_changes_nothing,
    basics.reload_names_what_waits,
    basics.port_is_taken,
    host_metrics.live_host_beside_node_exporter,
    host_metrics.saved_host_beside_node_exporter,
    host_metrics.misspelt_collector_is_named,
    hostile.targets_that_misbehave,
    hostile.receiver_is_down,
    hostile.rotated_logs_lose_nothing,
    discovery.targets_come_and_go,
    discovery.thousands_of_targets_change,
    consul.consul_services_come_and_go,
    secure.tls_and_oauth2,
    targets.metadata_as_prometheus_tells_it,
    targets.scrape_now,
    targets.metrics_lint_as_promtool,
    damage.disk_is_too_small,
    damage.damaged_segment_is_skipped_and_named,
    newcomers.target_with_endless_series,
    endless.endless_series_at_default_limits,
    imports.history_is_imported,
    deletions.series_are_deleted,
    full_disk.full_disk_again_and_again,
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
    rule_unit_tests.toml_twins,
    rule_extras.beyond_prometheus,
    rule_extras.mistakes_in_rules,
    rule_api.rules_as_prometheus_lists_them,
    slo_imports.slos_of_other_tools,
    scenario.scenario,
)
# What waits for whole minutes of the wall clock: by name, or with --long.
LONG = (
    alert_generator.alert_generator_in_real_time,
    slo_budgets.budget_through_its_life,
)


def keep_logs(folder, keep):
    os.makedirs(keep, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith((".log", ".toml")):
            shutil.copy(os.path.join(folder, name), keep)
            if name == "nines.log":
                with open(os.path.join(folder, name), errors="replace") as f:
                    print(f.read()[-4000:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nines", required=True)
    parser.add_argument("--logs", default="build/tests/e2e")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("names", nargs="*", help="only these tests")
    args = parser.parse_args()
    args.nines = os.path.abspath(args.nines)
    passed = failed = skipped = 0
    for test in TESTS + (LONG if args.long or args.names else ()):
        name = test.__name__
        if args.names and name not in args.names:
            continue
        folder = tempfile.mkdtemp(prefix="nines-e2e-")
        say(f"--- {name}: {test.__doc__}")
        began = time.monotonic()
        try:
            test(args, folder)
            passed += 1
            say(f"passed: {name} ({time.monotonic() - began:.0f} s)")
        except Skipped as reason:
            skipped += 1
            say(f"skipped: {name}: {reason}")
        except Exception:
            failed += 1
            traceback.print_exc()
            say(f"FAILED: {name}")
            keep_logs(folder, os.path.join(args.logs, name))
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
