"""How many instructions the inner parts take, and a call through the whole program, how long the parts take, and what cargo does for it."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from phone import Phone
from process import Place, expect, free_port
from servers import BENCHES, ROOT, flooding

CRATES = {"ringfence-wire": "parse", "ringfence-policy": "decide", "ringfence-ua": "endpoint"}
# The groups of benches that count instructions, and whose they are.
GROUPS = {"invite_benches": "ringfence-wire", "decide_benches": "ringfence-policy", "endpoint_benches": "ringfence-ua"}
RUNNER = "0.20.0"
COUNTED = BENCHES / "instructions.json"
MOST_MORE = 0.05

# Through the whole program in valgrind, which takes fifty times as long.
COUNTED_CALLS = (2_000, 6_000)
# So slowly, 64 at once would each be under way for longer than records gather, as none is at saturation.
COUNTED_AT_ONCE = 8
WHOLE = "ringfence: a rejected call, all of it"
# How often it is counted at most.
MOST_COUNTS = 3


def instructions():
    """Counts how many instructions the inner parts take, and prints it."""
    expect(shutil.which("valgrind"), "instructions cannot be counted: valgrind is missing")
    if not shutil.which("gungraun-runner"):
        # It starts valgrind and reads what that counted: what it takes to be built is most of what it takes.
        cargo("install", "gungraun-runner", "--version", RUNNER, "--locked", "--debug")
    counted = {}
    print("\n| crate | what | instructions |\n|---|---|---:|")
    # Built in one go, so that what they have in common is built once.
    packages = [word for crate in CRATES for word in ("--package", crate)]
    told = cargo("bench", *packages, "--bench", "instructions")
    for group, what, count in re.findall(
        r"^instructions::(\w+)::(\w+ ?\w*)[^\n]*\n\s+Instructions:\s+(\d+)", told, re.M
    ):
        crate, what = GROUPS[group], what.replace("_", " ").removesuffix(" trace")
        counted[f"{crate}: {what}"] = int(count)
        print(f"| {crate} | {what} | {int(count):,} |")
    return counted


def program(binary):
    """Counts the instructions of a rejected call through the whole program, all its threads, and prints it.

    The difference of two runs of unequal length: what starting and ending takes falls out. What else the machine does can
    only add to it, for fewer calls come together and threads wake more often: one that is beyond the bound is counted again.
    """
    expect(shutil.which("valgrind"), "instructions cannot be counted: valgrind is missing")
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        counts = []
        while len(counts) < MOST_COUNTS and not is_within_bounds_alone(min(counts, default=None)):
            few, many = (counting(folder / f"{len(counts)}-{calls}", binary, flood, calls) for calls in COUNTED_CALLS)
            counts.append(round((many - few) / (COUNTED_CALLS[1] - COUNTED_CALLS[0])))
    print(f"| ringfence | a rejected call, all of it | {min(counts):,} |" + (f" {counts}" if len(counts) > 1 else ""))
    return {WHOLE: min(counts)}


def is_within_bounds_alone(count):
    """Tells whether a count of the whole program is one that needs no second."""
    return count is not None and count <= json.loads(COUNTED.read_text()).get(WHOLE, count) * (1 + MOST_MORE)


def counting(folder, binary, flood, calls):
    """Runs the program in valgrind for so many calls. Returns how many instructions it took in all."""
    counted = folder.with_suffix(".callgrind")
    valgrind = f'exec valgrind --tool=callgrind --callgrind-out-file="{counted}" "{binary}" "$@"'
    wrapper = folder.with_suffix(".sh")
    wrapper.write_text(f'#!/bin/sh\n[ "$1" = run ] || exec "{binary}" "$@"\n{valgrind}\n')
    wrapper.chmod(0o700)
    place = Place(folder, wrapper)
    try:
        # What valgrind itself writes at the end would be denied to it.
        phone = Phone(place, registrar=free_port(), patience=60, settings='[service]\nsandbox = "off"\n')
        ran = subprocess.run([flood, str(phone.port), str(calls), str(COUNTED_AT_ONCE)], capture_output=True, text=True, check=True)
        expect(json.loads(ran.stdout)["calls"] == calls, f"not every call was answered: {ran.stdout}")
        # Their records are written and their ends told; what waits for a timer is the same in both runs.
        time.sleep(2)
        phone.process.terminate(60)
        return int(re.search(r"^summary: (\d+)", counted.read_text(), re.M)[1])
    finally:
        place.close()


def is_within_bounds(counted):
    """Tells whether no part takes more than it may, and says which do."""
    bounds = json.loads(COUNTED.read_text())
    grown = [what for what, count in counted.items() if count > bounds.get(what, count) * (1 + MOST_MORE)]
    for what in grown:
        print(f"{what}: {counted[what]:,} instructions, {counted[what] / bounds[what] - 1:.0%} more than {bounds[what]:,}")
    missing = sorted(bounds.keys() ^ counted.keys())
    for what in missing:
        print(f"{what}: counted on one side only; scripts/bench --keep instructions writes {COUNTED.name} anew")
    return not grown and not missing


def durations(is_quick):
    """Prints how long the inner parts take."""
    print("\n| crate | what | time | from - to |\n|---|---|---:|---:|")
    for crate, bench in CRATES.items():
        told = cargo("bench", "--package", crate, "--bench", bench, "--", *(["--quick"] if is_quick else []))
        figure = r"([\d.]+ \S+)"
        for what, low, middle, high in re.findall(rf"^(\S[^\n]*?)\s+time:\s+\[{figure} {figure} {figure}\]", told, re.M):
            print(f"| {crate} | {what} | {middle} | {low} - {high} |")


def cargo(*arguments):
    """Runs cargo and returns what it printed."""
    ran = subprocess.run(["cargo", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)
    expect(ran.returncode == 0, f"cargo {' '.join(map(str, arguments))}:\n{ran.stderr[-2000:]}")
    return ran.stdout


def build(*what):
    """Builds one program, without a word `ringfence`, and returns where cargo put it."""
    what = what or ("--package", "ringfence")
    told = cargo("build", "--release", "--locked", "--message-format", "json-render-diagnostics", *what)
    return next(message["executable"] for message in map(json.loads, told.splitlines()) if message.get("executable"))
