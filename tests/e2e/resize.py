"""The budget of a folder changes between two starts."""
import os
import signal

from harness import Nines, say, wait_for

MIB = 1 << 20


def write_config(path, budget):
    with open(path, "w") as f:
        f.write(f'[global]\nscrape_interval = "1s"\nscrape_timeout = "900ms"\n[storage]\nbudget = "{budget}MiB"\n[host]\ninterval = "1s"\n')


def on_disk(data):
    return sum(os.stat(os.path.join(data, name)).st_blocks * 512 for name in os.listdir(data))


def budget_shrinks_and_grows(args, folder):
    """A folder of 64 MiB is started with 20 MiB, then with 96 MiB: what was collected stays, du follows."""
    config, data = os.path.join(folder, "nines.toml"), os.path.join(folder, "data")
    write_config(config, 64)
    nines = Nines(args.nines, folder, config)
    try:
        wait_for("some samples", lambda: nines.value("count_over_time(node_load1[5m])") >= 6, 40)
        kept = nines.value("count_over_time(node_load1[5m])")
        for budget, sig in ((20, signal.SIGKILL), (96, signal.SIGTERM), (64, signal.SIGKILL)):
            nines.kill(sig)
            write_config(config, budget)
            nines.start()
            now = nines.value("count_over_time(node_load1[5m])")
            assert now >= kept, f"{kept} samples were there, {now} are left with {budget} MiB"
            kept = now
            used = on_disk(data)
            assert (budget - budget // 16 - 3) * MIB <= used <= budget * MIB, f"{used} bytes on disk with a budget of {budget} MiB"
            status = nines.json("/api/nines/v1/storage")
            assert status["budget_bytes"] == budget * MIB, status
            say(f"ok: {budget} MiB, {used / MIB:.1f} MiB on disk, {now:.0f} samples of one series")
        for line in nines.process.output().splitlines():
            if "the budget is" in line:
                say("   " + line)
        assert "the budget is smaller" in nines.process.output()
    finally:
        nines.kill(signal.SIGTERM)
