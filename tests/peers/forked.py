"""Where the softphone stands: Kamailio rings it and a second phone at once, or asks it before that phone rings."""

from kamailio import PASSWORD, Kamailio
from phone import UNLISTED, Phone
from process import expect, free_port
from sipp import Calls, SecondPhone

ACCOUNT = """\
[account.{name}]
user = "{user}"
domain = "127.0.0.1"
port = {registrar}
password = "{password}"
"""

# Two numbers that the softphone shares with the second phone. On one a 6xx is not known to stop that phone; on the other
# it captures the call.
SHARED = {"shared": "858", "captured": "859"}
PARALLEL = """\
[line.shared]
position = "parallel"
stand_aside = { hold = "3s" }

[line.captured]
position = "parallel"
capture = 603
stand_aside = "silence"
"""

REFUSAL = """\
[[rule]]
id = "with-{code}"
when = {{ caller = "+41790000{code}" }}
then = {{ reject = {{ code = {code} }} }}
"""

RULES = """\
[[rule]]
id = "elsewhere"
when = { caller = "+41790000302" }
then = { forward = { to = "sip:mailbox@127.0.0.1", how = "redirect" } }

[[rule]]
id = "otherwise"
then = "WELCOME"
"""

# One phone's alone, and what is for all phones of the number.
OWN = [403, 404, 433, 480, 486, 500, 503]
GLOBAL = [600, 603, 604, 607, 608]

REFUSALS = "\n".join(REFUSAL.format(code=code) for code in OWN + GLOBAL)

# Three numbers that the softphone is asked for, and how it says that a call is welcome.
ASKED = {"first": "857", "next": "858", "failing": "859"}
BEFORE = """\
[line.first]
position = "first"
ring = "SECOND"

[line.next]
position = "inline"
ring = 404

[line.failing]
position = "inline"
ring = 503
"""

# Who calls which number, and what the caller gets where the proxy lets a 6xx stop the second phone.
CASES = {
    **{str(code): (f"+41790000{code}", "858", 200) for code in OWN},
    **{str(code): (f"+41790000{code}", "858", code) for code in GLOBAL},
    "302": ("+41790000302", "858", 200),
    "180, and 480 after 3 s": (UNLISTED, "858", 200),
    "603 by capture": ("+41790000486", "859", 603),
    "silence": (UNLISTED, "859", 200),
}

# Calls of each case.
CALLS = 5


def a_6xx_alone_takes_a_call_from_the_other_phone(place):
    """Whatever else the softphone says, the second phone rings on and answers."""
    return ring_both(place, stops_all=True)


def where_the_proxy_heeds_no_6xx_the_other_phone_answers_every_call(place):
    """Kamailio with `disable_6xx_block`."""
    return ring_both(place, stops_all=False)


def ring_both(place, stops_all):
    """Places the calls of all cases at once. Returns what became of them."""
    finals = {case: final if stops_all else 200 for case, (_, _, final) in CASES.items()}
    captured = CALLS * sum(final != 200 for final in finals.values())
    answered = CALLS * len(CASES) - captured
    port = free_port()
    second = SecondPhone(place, CALLS * len(CASES))
    Kamailio(place, port, second=second.uri, defines=[] if stops_all else ["NO_6XX_BLOCK"])
    phone = Phone(place, port, lines=lines(SHARED, port, PARALLEL + REFUSALS + RULES.replace("WELCOME", "stand_aside")))
    phone.wait_for_state("registered", 5)

    calls = {}
    for case, (caller, called, _) in CASES.items():
        scenario, final = ("answered", None) if finals[case] == 200 else ("outcome", finals[case])
        calls[case] = Calls(place, scenario, port, CALLS, 20, caller=caller, called=called, final=final)
    for case, placed in calls.items():
        got = placed.finish(15).get(f"{finals[case]}_Recv")
        expect(got == CALLS, f"for {case} {got} callers got {finals[case]}, expected {CALLS}")
    counted = second.finish(10)
    ended = {name: counted.get(f"{name}_Recv", 0) for name in ("CANCEL", "BYE")}
    expect(ended == {"CANCEL": captured, "BYE": answered}, f"the second phone heard {ended}")

    counters = phone.status()["counters"]
    counters = {name: counters.get(name, 0) for name in ("rung", "expired", "held", "cancelled")}
    # Who stands aside does so to the end; who is silent is cancelled when the second phone answers.
    wanted = dict.fromkeys(counters, CALLS)
    expect(counters == wanted, f"the softphone counted {counters}, expected {wanted}")
    # Kamailio says in its CANCEL why: RFC 3326.
    elsewhere = phone.endings()["answered elsewhere"]
    expect(elsewhere == CALLS, f"{elsewhere} calls ended as answered by the other phone, expected {CALLS}")
    return [f"{case}: the caller gets {final}" for case, final in finals.items()] + [
        f"the second phone was cancelled {captured} times and answered {answered} calls"
    ]


def who_is_asked_first_lets_calls_pass_to_the_phone_or_refuses_them(place):
    """302 to the phone, and 404 and 503 after which the proxy rings it; 486 goes to the caller."""
    port = free_port()
    second = SecondPhone(place, CALLS * len(ASKED))
    Kamailio(place, port, second=second.uri, defines=["ASKS_FIRST"])
    configuration = BEFORE.replace("SECOND", second.uri) + REFUSALS + RULES.replace("WELCOME", "ring")
    phone = Phone(place, port, lines=lines(ASKED, port, configuration))
    phone.wait_for_state("registered", 5)
    welcome = [Calls(place, "answered", port, CALLS, 20, caller=UNLISTED, called=user) for user in ASKED.values()]
    refused = [
        Calls(place, "outcome", port, CALLS, 20, caller="+41790000486", called=user, final=486)
        for user in ASKED.values()
    ]
    for calls, final in [*((calls, 200) for calls in welcome), *((calls, 486) for calls in refused)]:
        got = calls.finish(15).get(f"{final}_Recv")
        expect(got == CALLS, f"{got} callers got {final}, expected {CALLS}")
    answered = second.finish(10).get("BYE_Recv")
    expect(answered == CALLS * len(ASKED), f"the second phone answered {answered} calls")
    return [f"{answered} calls passed on by 302, 404 and 503, {CALLS * len(ASKED)} refused before the phone rang"]


BOTH_ASIDE = """\
[line.shared]
position = "parallel"

[line.captured]
position = "parallel"
"""


def a_call_that_reaches_two_lines_is_decided_by_each(place):
    """The proxy forks to one line, and round through itself to another: two lines are two user agents."""
    port = free_port()
    Kamailio(place, port, second=f"sip:859@127.0.0.1:{port}")
    phone = Phone(place, port, lines=lines(SHARED, port, BOTH_ASIDE + RULES.replace("WELCOME", "stand_aside")))
    phone.wait_for_state("registered", 5)
    Calls(place, "outcome", port, CALLS, 20, caller=UNLISTED, final=480).finish(15)
    counters = phone.status()["counters"]
    counted = {name: counters.get(name, 0) for name in ("invites", "rung", "expired", "merged")}
    twice = {"invites": 2 * CALLS, "rung": 2 * CALLS, "expired": 2 * CALLS, "merged": 0}
    expect(counted == twice, f"of {CALLS} calls the softphone counted {counted}")
    return [f"{CALLS} calls came by two ways, and each line decided its copy"]


def lines(users, registrar, rest):
    """Accounts with these users, and the rest of a configuration."""
    accounts = (
        ACCOUNT.format(name=name, user=user, registrar=registrar, password=PASSWORD) for name, user in users.items()
    )
    return "\n".join([*accounts, rest])
