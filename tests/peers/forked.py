"""One of several phones of a number: Kamailio rings the softphone and a second phone at once."""

from kamailio import PASSWORD, Kamailio
from phone import Phone
from process import expect, free_port
from sipp import Calls, SecondPhone

# Two numbers that the softphone shares with the second phone. On one a 6xx is not known to reach that phone; on the
# other it captures the call.
CONFIGURATION = """\
[account.shared]
user = "858"
domain = "127.0.0.1"
port = REGISTRAR
password = "PASSWORD"

[account.captured]
user = "859"
domain = "127.0.0.1"
port = REGISTRAR
password = "PASSWORD"

[line.shared]
position = "parallel"
stand_aside = { hold = "3s" }

[line.captured]
position = "parallel"
capture = 603
stand_aside = "silence"

[[rule]]
id = "busy"
when = { caller = "+41790000486" }
then = { reject = { code = 486 } }

[[rule]]
id = "unwanted"
when = { caller = "+41790000607" }
then = { reject = { code = 607 } }

[[rule]]
id = "elsewhere"
when = { caller = "+41790000302" }
then = { forward = { to = "sip:mailbox@127.0.0.1", how = "redirect" } }

[[rule]]
id = "otherwise"
then = "stand_aside"
"""

# Who calls which number, and what the caller gets where the proxy lets a 6xx stop the second phone.
CASES = {
    "486": ("+41790000486", "858", 200),
    "302": ("+41790000302", "858", 200),
    "180, and 480 after 3 s": ("+41441234567", "858", 200),
    "607": ("+41790000607", "858", 607),
    "603 by capture": ("+41790000486", "859", 603),
    "silence": ("+41441234567", "859", 200),
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
    kamailio = Kamailio(place, port, second=second.uri, stops_all=stops_all)
    lines = CONFIGURATION.replace("REGISTRAR", str(port)).replace("PASSWORD", PASSWORD)
    phone = Phone(place, port, lines=lines)
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
    return [f"{case}: the caller gets {final}" for case, final in finals.items()] + [
        f"the second phone was cancelled {captured} times and answered {answered} calls"
    ]
