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
# RFC 3261 section 17.2.1: by UDP a transaction ends 5 s after its ACK (timer I). From then on as many end as begin.
UNTIL_TRANSACTIONS_END = 6
# Of the five minutes at saturation.
HALF_MINUTES = 10


def overload(binary, is_quick):
    """Prints how many calls a server answers while more come than it can answer, none of which comes again."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, seconds = (1, 5) if is_quick else (3, 10)
    chosen = [Server(name, SERVERS[name][1]) for name in ("ringfence, no log", "kamailio stateless") if shutil.which(SERVERS[name][0])]
    print(f"\nINVITEs at a constant rate for {seconds} s, median of {rounds}. Alone: {4 * AT_ONCE} calls at once for as long, before and behind.\n")
    columns = ["INVITEs/s", "of what it answers alone", "calls answered/s", "of what it answers alone", "from - to", "486s again", "MiB"]
    print("| server | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        for server in chosen:
            runs = [stormed(server, flood, folder, binary, seconds, cores) for _ in range(rounds)]
            for storms in zip(*runs):
                sent, most, answered, goodput, again, resident = (statistics.median(column) for column in zip(*storms))
                row = f"| {server.name} | {sent:,.0f} | {most:.1f} | {answered:,.0f} | {goodput:.0%} |"
                goodputs = [of_one[3] for of_one in storms]
                print(f"{row} {min(goodputs):.0%} - {max(goodputs):.0%} | {again:,.0f} | {resident:.0f} |", flush=True)


def stormed(server, flood, folder, binary, seconds, cores):
    """Has one run of a server go through every overload. Returns for each what was sent, as a rate and of what the server can
    answer, what was answered likewise, 486s that came again, and resident memory behind it in MiB.

    What it can answer is the mean of what it answered alone before the storm and behind it: on a machine that others share
    that changes with the minutes.
    """
    rows = []
    with server.running(folder, binary, cores[0]):
        before = alone(server, flood, seconds, cores[1])
        for times in OVERLOADS:
            told = storm(server, flood, round(times * before), seconds, cores[1])
            resident = server.resident_mib()
            # What was not acknowledged is repeated, and would be heard by nobody.
            time.sleep(LONGEST_TRANSACTION)
            behind = alone(server, flood, seconds, cores[1])
            most = (before + behind) / 2
            sent, answered = (told[what] / told["seconds"] for what in ("sent", "calls"))
            rows.append((sent, sent / most, answered, answered / most, told["answered_again"], resident))
            before = behind
    return rows


def storm(server, flood, rate, seconds, core):
    """Has benches/flood.rs send so many INVITEs a second, and returns what it tells."""
    command = [flood, str(server.port), "storm", str(rate), str(seconds)]
    with pinned(core):
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def alone(server, flood, seconds, core):
    """How many calls a second a server answers that is asked for no more: for as long as a storm lasts, after as long a time, in
    which its transactions have begun to end.
    """
    warm = answered_each_second(server, flood, max(seconds, UNTIL_TRANSACTIONS_END), core, WARM_UP)
    return answered_each_second(server, flood, seconds, core, round(warm))


def answered_each_second(server, flood, seconds, core, piece):
    """Keeps calls open for some seconds. Returns how many were answered in each of them.

    benches/flood.rs is asked for so many calls at first, then for those of a second. By its own clock: between two of its runs the
    server has nothing to do.
    """
    calls = took = 0
    while took < seconds:
        told = flooded(server, flood, core, piece, 4 * AT_ONCE)
        calls, took = calls + told["calls"], took + told["seconds"]
        piece = round(calls / took)
    return calls / took


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
