"""What a server answers while more calls come than it can answer, and for minutes at saturation."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from servers import AT_ONCE, LONGEST_TRANSACTION, SERVERS, WARM_UP, Server, flooded, flooding, pinned

# So many times what a server answers when it is asked for no more than that.
OVERLOADS = (2, 5, 10)
# Of the five minutes at saturation.
HALF_MINUTES = 10


def overload(binary, is_quick):
    """Prints how many calls a server answers while more come than it can answer, none of which comes again."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, seconds = (1, 5) if is_quick else (3, 10)
    chosen = [Server(name, SERVERS[name][1]) for name in ("ringfence, no log", "kamailio stateless") if shutil.which(SERVERS[name][0])]
    print(f"\nINVITEs at a constant rate for {seconds} s, median of {rounds}.\n")
    print("| server | INVITEs/s | of what it answers alone | calls answered/s | of what it answers alone | 486s again | MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        for server in chosen:
            rows = [stormed(server, flood, folder, binary, seconds, cores) for _ in range(rounds)]
            for columns in zip(*rows):
                sent, most, answered, goodput, again, resident = (statistics.median(column) for column in zip(*columns))
                row = f"| {server.name} | {sent:,.0f} | {most:.1f} | {answered:,.0f} | {goodput:.0%} | {again:,.0f} | {resident:.0f} |"
                print(row)


def stormed(server, flood, folder, binary, seconds, cores):
    """Has one run of a server go through every overload. Returns for each what was sent, as a rate and of what the server can
    answer, what was answered likewise, 486s that came again, and resident memory behind it in MiB.
    """
    rows = []
    with server.running(folder, binary, cores[0]):
        flooded(server, flood, cores[1], WARM_UP, AT_ONCE)
        alone = flooded(server, flood, cores[1], 5 * WARM_UP, 4 * AT_ONCE)
        alone = alone["calls"] / alone["seconds"]
        for times in OVERLOADS:
            with pinned(cores[1]):
                command = [flood, str(server.port), "storm", str(round(times * alone)), str(seconds)]
                told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            sent, answered = (told[what] / told["seconds"] for what in ("sent", "calls"))
            rows.append((sent, sent / alone, answered, answered / alone, told["answered_again"], server.resident_mib()))
            # What was not acknowledged is repeated, and would be heard by nobody.
            time.sleep(LONGEST_TRANSACTION)
    return rows


def lasting(binary, is_quick):
    """Prints how many calls a second the program answers at saturation, and what memory it has, for five minutes, and the
    memory when all transactions have ended.
    """
    cores = sorted(os.sched_getaffinity(0))
    server = Server("ringfence", SERVERS["ringfence"][1])
    print(f"\n{AT_ONCE} calls at once.\n\n| half minute | calls/s | MiB |\n|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        with server.running(folder, binary, cores[0]):
            idle = server.resident_mib()
            warm = flooded(server, flood, cores[1], 5 * WARM_UP, AT_ONCE)
            piece = round(5 * warm["calls"] / warm["seconds"])
            for half_minute in range(1, (HALF_MINUTES if not is_quick else 2) + 1):
                began, calls = time.monotonic(), 0
                while time.monotonic() - began < 30:
                    calls += flooded(server, flood, cores[1], piece, AT_ONCE)["calls"]
                rate = calls / (time.monotonic() - began)
                print(f"| {half_minute} | {rate:,.0f} | {server.resident_mib():.1f} |", flush=True)
            # What is left of a busy time goes back some 40 s after it.
            time.sleep(2 * LONGEST_TRANSACTION)
            print(f"\nBefore it {idle:.1f} MiB, {2 * LONGEST_TRANSACTION} s behind it {server.resident_mib():.1f} MiB.")
