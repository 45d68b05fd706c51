"""SIPp as the caller, straight to the softphone."""

import pathlib
import socket
import time

from phone import LISTED, UNLISTED, Phone
from process import expect, free_port
from sipp import Calls, without_zeros

CALLS = 200
RATE = 100

LOAD_CALLS = 40_000
LOAD_RATE = 2_000

# RFC 3261 section 17.2.1: no transaction outlives its final response by more than 64*T1.
LONGEST_TRANSACTION = 32

# Resident memory after the load, by what it was before.
MOST_MEMORY_KEPT = 2.0

SATURATED_CALLS = 100_000

BESIDE_CALLS = 20_000
BENCHES = pathlib.Path(__file__).resolve().parents[2] / "benches"


def a_486_is_repeated_until_its_ack_comes(place):
    """Timer G: at 0.5, 1.5 and 3.5 s while the ACK is withheld, and never after it."""
    phone = Phone(place, registrar=free_port())
    Calls(place, "ack-withheld", phone.port, CALLS, RATE).finish_exactly(40, Retrans_486=3)
    return [f"{CALLS} calls, each 486 sent four times in 4.5 s and not once in the 5 s after the ACK"]


def a_ringing_call_is_cancelled_by_its_caller(place):
    """180 until the CANCEL, then 200 and 487 with the To tag of the 180."""
    phone = Phone(place, registrar=free_port())
    Calls(place, "cancel", phone.port, CALLS, RATE, caller=UNLISTED).finish_exactly(30)
    return [f"{CALLS} calls rang and were cancelled"]


def a_listed_caller_is_redirected(place):
    """302 with the Contact of the configuration, for who is not listed."""
    phone = Phone(place, registrar=free_port(), otherwise='{ forward = { to = "sip:1000@127.0.0.1" } }')
    Calls(place, "redirect", phone.port, CALLS, RATE, caller=UNLISTED).finish_exactly(30)
    Calls(place, "reject", phone.port, CALLS, RATE).finish_exactly(30)
    return [f"{CALLS} unlisted calls redirected, {CALLS} listed ones rejected"]


INVITE = """\
INVITE sip:858@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP {address}:{port};branch=z9hG4bK{address}
From: <sip:{caller}@{address}>;tag=1
To: <sip:858@127.0.0.1>
Call-ID: {address}
CSeq: 1 INVITE
Max-Forwards: 70
Contact: <sip:{caller}@{address}:{port}>
Content-Length: 0

"""


def a_stranger_gets_no_answer(place):
    """An INVITE from 127.0.0.9 is dropped; the same from the registrar's address is answered."""
    phone = Phone(place, registrar=free_port())
    heard = {}
    for address in ("127.0.0.9", "127.0.0.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.bind((address, 0))
            caller.settimeout(2)
            invite = INVITE.format(address=address, port=caller.getsockname()[1], caller=LISTED)
            caller.sendto(invite.replace("\n", "\r\n").encode(), ("127.0.0.1", phone.port))
            try:
                heard[address] = caller.recv(4096).decode().split("\r\n")[0]
            except TimeoutError:
                heard[address] = None
    expect(heard["127.0.0.9"] is None, f"a stranger was answered {heard['127.0.0.9']}")
    expect(heard["127.0.0.1"] == "SIP/2.0 100 Trying", f"the registrar was answered {heard['127.0.0.1']}")
    counters = phone.status()["counters"]
    strangers = [value for name, value in counters.items() if "stranger" in name]
    expect(strangers == [1], f"the stranger is not counted: {counters}")
    return ["nothing for 127.0.0.9 in 2 s and a count of it, 100 Trying for 127.0.0.1"]


def under_a_load_of_2000_calls_a_second(place):
    """40,000 calls, each answered 100 and 486 once, and memory given back when the transactions have ended."""
    phone = Phone(place, registrar=free_port(), not_judged="it is measured, and a capture would cost")
    time.sleep(1)
    idle = phone.process.resident_kib()
    before = phone.process.cpu_seconds()
    asked_again = each_rejected_once(Calls(place, "reject", phone.port, LOAD_CALLS, LOAD_RATE))
    used = phone.process.cpu_seconds() - before
    peak = phone.process.resident_kib(peak=True)

    time.sleep(LONGEST_TRANSACTION + 1)
    after = phone.process.resident_kib()
    figures = [
        f"{LOAD_CALLS} calls at {LOAD_RATE} a second: none wrong, missing or extra; {asked_again} INVITEs repeated by SIPp",
        f"CPU {used:.2f} s, {used / LOAD_CALLS * 1e6:.1f} µs a call",
        f"resident memory {idle} KiB idle, {peak} KiB at its highest, {after} KiB {LONGEST_TRANSACTION} s after",
    ]
    expect(after <= MOST_MEMORY_KEPT * idle, f"memory is not given back: {'; '.join(figures)}")
    return figures


def with_one_core_saturated(place):
    """Server and SIPp on one core, 64 calls outstanding: none is lost. What a call costs is told beside Kamailio's, and not
    judged by a clock: benches/instructions.json has the bound.
    """
    phone = Phone(place, registrar=free_port(), not_judged="it is measured, and a capture would cost")
    before, began = phone.process.cpu_seconds(), time.monotonic()
    asked_again = each_rejected_once(saturating(place, phone.process, phone.port, "reject", SATURATED_CALLS))
    used, took = phone.process.cpu_seconds() - before, time.monotonic() - began
    cost = used / SATURATED_CALLS

    port = free_port()
    command = ["kamailio", "-DD", "-E", "-f", BENCHES / "kamailio.cfg", "-Y", place.folder, "-m", 3072]
    kamailio = place.start("kamailio", [*command, "-l", f"udp:127.0.0.1:{port}", "-A", "STATEFUL"])
    kamailio.wait_for("Listening on", 10)
    before = kamailio.cpu_seconds()
    saturating(place, kamailio, port, BENCHES / "caller", BESIDE_CALLS).finish(70)
    beside = (kamailio.cpu_seconds() - before) / BESIDE_CALLS
    figures = [
        f"{SATURATED_CALLS} calls in {took:.1f} s: none wrong, missing or extra; {asked_again} INVITEs repeated by SIPp",
        f"CPU {cost * 1e6:.1f} µs a call, Kamailio's stateful answer {beside * 1e6:.1f} µs: {cost / beside:.2f} times",
    ]
    return figures


def saturating(place, server, port, scenario, count):
    """Places calls from the server's own core."""
    server.pin(0)
    calls = Calls(place, scenario, port, count, rate=100_000, outstanding=64)
    calls.process.pin(0)
    return calls


def each_rejected_once(calls):
    """Waits for the calls: each was answered 100 and 486, and twice only where SIPp itself asked twice.

    Returns how often it did.
    """
    counted = without_zeros(calls.finish(70))
    asked_again = counted.pop("INVITE_Retrans", 0)
    repeated = sum(counted.pop(name, 0) for name in ("100_Retrans", "486_Retrans", "ACK_Retrans", "DeadCallMsgs(C)"))
    expect(repeated <= 2 * asked_again, f"{repeated} answers too many for {asked_again} repeated INVITEs")
    wanted = {name: calls.count for name in ("INVITE_Sent", "100_Recv", "486_Recv", "ACK_Sent")}
    expect(counted == wanted, f"of {calls.count} calls SIPp counted {counted}, expected {wanted}")
    return asked_again
