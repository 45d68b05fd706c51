"""Writes the data files that a script cuts from an RFC, or checks the committed ones against it."""

import sys

import rfc_text


def write_or_check(folder, messages):
    """Runs a cutting script: `messages()` gives the bytes by file name. Returns the exit code."""
    if sys.argv[1:] not in ([], ["--check"]):
        print(f"usage: {sys.argv[0]} [--check]", file=sys.stderr)
        return 2
    try:
        wanted = messages()
    except FileNotFoundError as missing:
        print(f"{missing.filename}: no such RFC text; set RFC_TEXTS to the folder that has it", file=sys.stderr)
        return 2

    target = rfc_text.ROOT / "crates" / "testing" / "data" / folder
    if sys.argv[1:] == []:
        target.mkdir(parents=True, exist_ok=True)
        for name, octets in wanted.items():
            (target / name).write_bytes(octets)
        print(f"{folder}: wrote {len(wanted)} messages")
        return 0

    committed = {path.name: path.read_bytes() for path in target.glob("*.dat")}
    wrong = [f"{name} is not in the RFC" for name in sorted(committed.keys() - wanted.keys())]
    wrong += [f"{name} is missing" for name in sorted(wanted.keys() - committed.keys())]
    wrong += [
        f"{name} differs from the RFC"
        for name in sorted(wanted.keys() & committed.keys())
        if wanted[name] != committed[name]
    ]
    for line in wrong:
        print(f"{folder}: {line}")
    print(f"{folder}: {len(wanted)} messages in the RFC, {len(wrong)} wrong here")
    return 1 if wrong else 0
