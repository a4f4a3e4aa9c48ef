"""Files of Sloth, Pyrra and OpenSLO: imported, checked, and at work in a running nines."""
import os
import subprocess

from harness import Nines, say

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "app", "cli", "imports")
# kind, file, SLOs, exit code: 3 when some are left out
IMPORTS = (("sloth", "sloth", 7, 3), ("sloth", "sloth_kubernetes", 2, 3), ("pyrra", "pyrra", 3, 0), ("openslo", "openslo", 4, 3))


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def slos_of_other_tools(args, folder):
    """`nines import sloth|pyrra|openslo`: the output passes `check rules` and `check config`, and its SLOs are served."""
    names = 0
    for kind, name, slos, code in IMPORTS:
        got, toml, notes = run(args.nines, "import", kind, os.path.join(FILES, name + ".yml"))
        assert got == code, (name, got, notes)
        assert toml.count("[[slos]]") == slos, toml
        assert f"{slos} SLOs converted" in notes, notes
        for line in notes.splitlines()[:-1]:
            assert line.startswith(os.path.join(FILES, name + ".yml") + ":"), line
        path = os.path.join(folder, name + "_slos.toml")
        with open(path, "w") as f:
            f.write(toml)
        got, out, errors = run(args.nines, "check", "rules", "--no-lint", path)
        assert got == 0 and f"{slos} SLOs" in out, (out, errors)
        names += slos
    say(f"ok: {names} SLOs of {len(IMPORTS)} files are imported and checked")

    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('rule_files = ["*_slos.toml"]\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n[builtin]\nslo = false\n')
    # The same name in two files is a mistake that is said.
    got, out, errors = run(args.nines, "check", "config", config)
    assert got == 0, errors
    nines = Nines(args.nines, folder, config)
    try:
        served = {s["name"] for s in nines.json("/api/nines/v1/slos")["slos"]}
        assert len(served) == names, served
        assert {"requests", "shop-errors", "queue-age"} <= served, served
        alerts = [rule["name"] for group in nines.json("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        assert {"ShopErrors", "ErrorBudgetBurn", "SLOBurnRate"} <= set(alerts), alerts
        say(f"ok: {len(served)} imported SLOs at work, {len(alerts)} rules")
    finally:
        nines.kill()

    bad = os.path.join(folder, "bad.yml")
    with open(bad, "w") as f:
        f.write("version: prometheus/v1\nservice: shop\nslos:\n- name: a\n  objective: 990\n")
    got, out, errors = run(args.nines, "import", "sloth", bad)
    assert got == 1 and out == "", (got, out)
    assert f"{bad}:5:14: `objective` must be above 0 and at most 100" in errors, errors
    assert f"{bad}:4:3: `sli` is missing" in errors, errors
    assert run(args.nines, "import", "sloth", os.path.join(folder, "none.yml"))[0] == 1
    assert run(args.nines, "import", "nagios", bad)[0] == 2
    say("ok: mistakes are named with their place, nothing is printed then")
