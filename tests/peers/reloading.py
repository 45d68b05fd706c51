"""Everything that decides is replaced again and again while calls come."""

import collections
import itertools
import json
import os
import signal
import subprocess
import time

from from_sipp import each_rejected_once
from phone import LISTED, Phone
from process import expect, free_port
from sipp import Calls

# Two callers, one on each list, so many calls a second of each.
COMPILED = "+12025550100"
RATE = 250
CALLS = 20 * RATE

# The softphone looks at its files when nothing has happened to them for 0.2 s.
NOTICED = 0.5

POLICY = """\
[account.office]
user = "858"
domain = "127.0.0.1"
port = {registrar}
register = false

[list.numbers]
source = "text:numbers.txt"

[list.compiled]
source = "set:compiled.set"
{before}
[[rule]]
id = "numbers-{generation}"
when = {{ caller_in = "numbers" }}
then = "busy"

[[rule]]
id = "compiled-{generation}"
when = {{ caller_in = "compiled" }}
then = "busy"

[[rule]]
id = "nobody-{generation}"
then = "decline"
"""

# What a policy that is refused would do to every call, were it in force.
REFUSING = """
[[rule]]
id = "refused"
when = { source = "registrar" }
then = { reject = { code = 600 } }
"""
FAILING_TEST = """
[[test]]
call = { caller = "+41441234567" }
expect = { rule = "refused", then = "ring" }
"""


class Replaced:
    """The files of a running softphone, each of which is replaced again and again."""

    def __init__(self, place, registrar):
        self.place = place
        self.registrar = registrar
        self.generation = 0
        self.is_policy_right = True
        self.answers = {0: 0, 1: 0}
        self.home = place.folder / "etc"
        self.home.mkdir()
        self.numbers(0)
        self.compiled(0)
        self.phone = Phone(place, registrar, lines=self.policy(), not_judged="it is measured, and a capture would cost")

    def steps(self):
        """Replaces one file after the other."""
        for turn in itertools.count():
            yield self.right_policy()
            yield self.numbers(turn)
            yield self.wrong_policy('[[rule]]\nid = "refused\nthen = "ring"\n')
            yield self.right_policy()
            yield self.compiled(turn)
            yield self.wrong_policy(FAILING_TEST)
            yield self.right_policy()
            # A list whose file is spoilt stays as it was.
            yield self.swap("numbers.txt", b"nobody has a number\n")
            yield self.swap("compiled.set", (self.home / "compiled.set").read_bytes()[:-7])
            yield self.wrong_policy('[[rule]]\nid = "misspelt"\nwhen = { caler = "1" }\nthen = "ring"\n')
            yield self.numbers(turn)
            yield self.compiled(turn)

    def right_policy(self):
        """A policy that says itself which one it is."""
        self.generation += 1
        self.is_policy_right = True
        self.swap("ringfence.toml", self.phone.configured(self.policy()).encode())

    def wrong_policy(self, wrong):
        """A policy that would refuse everyone, and is itself refused. It is written in place, as some editors do."""
        self.is_policy_right = False
        self.phone.configuration.write_text(self.phone.configured(self.policy(REFUSING) + wrong))

    def policy(self, before=""):
        """Accounts, lists and rules."""
        return POLICY.format(registrar=self.registrar, generation=self.generation, before=before)

    def numbers(self, turn):
        """Another list file that has the caller."""
        rows = [f"+4144{turn % 1000:03}{row:04}" for row in range(200)]
        self.swap("numbers.txt", "\n".join([*rows, LISTED, ""]).encode())

    def compiled(self, turn):
        """Another compiled list that has the caller."""
        rows = [f"+1303555{row:04}" for row in range(100 + turn)]
        source = self.place.folder / "to-compile.txt"
        source.write_text("\n".join([*rows, COMPILED, ""]))
        self.ringfence("list", "compile", "--region", "US", "--output", self.home / "compiled.set", source)

    def swap(self, name, content):
        """Replaces a file as a whole."""
        beside = self.home / f"{name}.new"
        # The configuration is its owner's alone.
        beside.touch(mode=0o600)
        beside.write_bytes(content)
        os.replace(beside, self.home / name)

    def reload(self):
        """Asks for a reload: it is refused exactly when the policy is wrong."""
        wanted = 0 if self.is_policy_right else 1
        self.ringfence("reload", "--config", self.phone.configuration, wanted=wanted)
        self.answers[wanted] += 1

    def ringfence(self, *arguments, wanted=0):
        """Runs a verb, which ends with a code."""
        command = [self.place.binary, *(str(argument) for argument in arguments)]
        ran = subprocess.run(command, cwd=self.place.folder, capture_output=True, text=True, timeout=20, check=False)
        said = f"{ran.stdout}{ran.stderr}".strip()
        expect(ran.returncode == wanted, f"ringfence {arguments[0]} ended with {ran.returncode}, not {wanted}: {said}")
        return ran.stdout


def while_all_that_decides_is_replaced(place):
    """500 calls a second for 20 s: each has one answer and one record, and what was refused decided none of them."""
    replaced = Replaced(place, free_port())
    phone = replaced.phone
    placed = {
        "numbers": Calls(place, "reject", phone.port, CALLS, RATE),
        "compiled": Calls(place, "reject", phone.port, CALLS, RATE, caller=COMPILED),
    }
    running = [calls.process.child for calls in placed.values()]
    replacements = 0
    for way, _ in zip(itertools.cycle(["reload", "file", "reload", "signal", "reload"]), replaced.steps()):
        replacements += 1
        if way == "signal":
            phone.process.child.send_signal(signal.SIGHUP)
        if way == "reload":
            replaced.reload()
        else:
            time.sleep(NOTICED)
        if all(child.poll() is not None for child in running):
            break
    asked_again = sum(each_rejected_once(calls) for calls in placed.values())
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    generations = deciding(replaced, placed)
    expect(min(replaced.answers.values()) >= 3, f"too few reloads were taken and refused: {replaced.answers}")
    expect(len(generations) >= 3, f"only policies {sorted(generations)} decided calls")
    return [
        f"{2 * CALLS} calls, each with one answer and one record; {asked_again} INVITEs repeated by SIPp",
        f"{replacements} files replaced; `ringfence reload` took {replaced.answers[0]} and refused {replaced.answers[1]}",
        f"{len(generations)} of {replaced.generation + 1} right policies decided calls, no wrong one did",
    ]


def deciding(replaced, placed):
    """Which policies decided, by the journal: it has every call once, with its end, and none by an older policy than
    the one before it.
    """
    told = replaced.ringfence("calls", "--json", "-n", 3 * CALLS, "--config", replaced.phone.configuration)
    calls = sorted((json.loads(line) for line in told.splitlines()), key=lambda call: call["number"])
    expect(len(calls) == 2 * CALLS, f"the journal has {len(calls)} records of {2 * CALLS} calls")
    expect(len({call["call_id"] for call in calls}) == 2 * CALLS, "the journal has a call twice")
    open_ended = [call for call in calls if (call["ended"] or {}).get("how") != "acknowledged"]
    expect(not open_ended, f"{len(open_ended)} calls have no end, such as {open_ended[:1]}")
    rules = [call["rule"].rpartition("-") for call in calls]
    counted = collections.Counter(list_ for list_, _, _ in rules)
    expect(counted == dict.fromkeys(placed, CALLS), f"the rules that decided were of {dict(counted)}")
    generations = [int(generation) for _, _, generation in rules]
    expect(generations == sorted(generations), "an older policy decided after a newer one")
    return set(generations)
