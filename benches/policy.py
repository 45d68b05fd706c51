"""The policy that the goals are measured by: a hundred rules of all matchers, and a list of ten million numbers.

As crates/policy/benches/hundred_rules has it: 98 rules that match nobody who calls here, whatever the time of the day, then
the compiled list, then the last rule. The first million numbers of the list are those that benches/flood.rs calls from.
"""

import random
import subprocess

ENTRIES = 10_000_000
# As many callers there are, each on the list.
CALLERS = 1_000_000

# One of each matcher. Five of them are other words each time round, as in a policy that somebody would write.
MATCHERS = [
    'caller = ["+4144555{round:04}", "+4144556{round}*"]',
    'caller_in = ["friends", "family"]',
    'caller_kind = ["anonymous", "premium"]',
    'name = ["*lottery {round}*", "bank*"]',
    'country = "LI"',
    'near_list = {{ list = "family", last_digits = 2 }}',
    "like_called = {{ first_digits = 6 }}",
    'called = "+4144999{round:04}"',
    'line = "line-{round}*"',
    'group = "night"',
    'source = "anyone"',
    'verification = "failed"',
    'attestation = "C"',
    'score = {{ list = "friends", at_least = 3 }}',
    'repeat = {{ count = 100, within = "3m" }}',
    'dialed_within = "24h"',
    'answered_within = "24h"',
    'rate = {{ per = "caller", more_than = 100, within = "1m" }}',
    'hours = "22:00-06:30", diverted = true',
    'schedule = "closed", diverted = true',
    'switch = ["holiday", "party"]',
    'user_agent = ["*scanner {round}*", "/^v[0-9]+$/"]',
    "diverted = true",
    'first_time = true, name = "/spam|prize/"',
    'not = {{ caller_in = "friends" }}, any = [{{ diverted = true }}, {{ switch = "party" }}]',
]

# Beside the region, +41.
DEFAULTS = 'timezone = "Europe/Zurich"'
BEGINNING = """
[account.office]
user = "858"
domain = "127.0.0.1"
port = {registrar}
register = false

[group.night]
lines = "line-*"

[list.friends]
entries = ["+41441112233", "+4143222*", "sip:alice", "1002"]

[list.family]
entries = ["+41791234567", "079 123 45 68"]

[list.numbers]
source = "set:{numbers}"

[schedule.closed]
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["00:00-08:00", "18:00-24:00"]
except_dates = ["2026-12-25"]

[switch.holiday]

[switch.party]
"""
RULE = """
[[rule]]
id = "rule-{place}"
when = {{ {when} }}
then = "busy"
"""
LAST = """
[[rule]]
id = "listed"
when = {{ caller_in = "numbers" }}
then = "busy"
log = "{log}"

[[rule]]
id = "otherwise"
then = "ring"
"""


def lines(numbers, registrar, log):
    """The account and the rules, for a list that was compiled, with a record of each call (`call`) or a count (`counter`)."""
    matchers = [MATCHERS[place % len(MATCHERS)].format(round=place // len(MATCHERS)) for place in range(98)]
    rules = (RULE.format(place=place, when=when) for place, when in enumerate(matchers))
    return "".join([BEGINNING.format(numbers=numbers, registrar=registrar), *rules, LAST.format(log=log)])


def compiled(folder, binary):
    """Compiles the list, and returns where it is."""
    chosen = random.Random(7)
    callers = (41_790_000_000 + caller for caller in range(CALLERS))
    # Four of five in the North American plan, where complaints are published by the million.
    others = set()
    while len(others) < ENTRIES - CALLERS:
        is_american = chosen.random() < 0.8
        others.add(12_000_000_000 + chosen.randrange(7_999_999_999) if is_american else 44_200_000_000 + chosen.randrange(1_800_000_000))
    text, numbers = folder / "numbers.txt", folder / "numbers.set"
    with text.open("w") as file:
        file.writelines(f"+{number}\n" for number in (*callers, *others))
    subprocess.run([binary, "list", "compile", "--region", "CH", "--output", numbers, text], check=True, capture_output=True)
    text.unlink()
    return numbers
