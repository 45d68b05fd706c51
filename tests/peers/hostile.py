"""Floods of datagrams by strangers, by forged sources, and by those who may call: the softphone lives, keeps its line and
answers a good call right afterwards. What an attack took is told as a row: name, packets, answers, memory before, at its
highest and after in MiB, CPU a packet, and how soon a good call was answered then.
"""

import json
import sys
import time

from attacker import ACCEPTED
from besieged import ATTACKER, TIMES, Besieged
from network import Network
from process import expect

STRANGER = "127.0.0.9"
REGISTRAR = "127.0.0.1"
# The first of 60,000 addresses, none of them known.
STRANGERS = "127.1.0.1"

COUNT = 2000
FLOODS = "memory is measured under floods, of which a capture leaves out what there is no time for"
# The messages of a few transactions, each damaged otherwise: which of them an answer is to cannot be seen.
DAMAGED = "damaged requests share transactions"
# So many datagrams a second are several times what is read, or as many as can be sent.
OVERWHELMING = 2_000_000
SECONDS = 5
SETTLING = 0.5
# What one flood may add to the resident memory, in KiB. A stranger's leaves nothing but what the buffers of a batch of
# datagrams have been filled with for the first time, and those of the log.
MOST_OF_STRANGERS = 4096
# A transaction and its response, a call's facts and its record, each for the 32 s that an INVITE waits for its ACK.
MOST_OF_A_CALL = 8
# RFC 3261 section 17.2.1, timer H, and a little.
FORGOTTEN_AFTER = 35


def floods_by_strangers_are_dropped_unanswered(place):
    """INVITE, REGISTER, OPTIONS, responses with guessed branches, mutilated and oversize messages, and what is no SIP: not one is
    answered, and each is counted as dropped.
    """
    besieged = Besieged(place, not_judged=FLOODS)
    kinds = "INVITE", "REGISTER", "OPTIONS", "responses", "malformed", "no SIP", "oversized"
    return [by_strangers(besieged, kind, COUNT if kind != "oversized" else COUNT // 10) for kind in kinds]


def by_strangers(besieged, kind, count):
    """One flood from an address that nobody knows."""
    took = besieged.flood(f"{kind} by a stranger", kind, count, STRANGER, MOST_OF_STRANGERS)
    expect(not took.answers, f"a stranger was answered: {took}")
    expect_dropped(took)
    return took


def expect_dropped(took):
    """Whatever came was counted as one of the kinds that are dropped, or never came in."""
    counted = took.counted
    dropped = sum(number for name, number in counted.items() if name.startswith("dropped_") or name == "keep_alives")
    expect(dropped == took.tried, f"{dropped} of {took.tried} datagrams are counted as dropped: {counted}")
    expect(counted["invites"] == 0, f"{counted['invites']} calls came in: {counted}")


def strangers_who_overwhelm_it_keep_no_call_of_the_registrar_away(place):
    """INVITEs, as many as a core can send, of which the system takes away unread what there is no time for. Meanwhile calls come through the registrar as ever,
    and the line is registered.
    """
    besieged = Besieged(place, not_judged=FLOODS)
    before, cpu = besieged.counters(), besieged.phone.process.cpu_seconds_exactly()
    command = ["overwhelm", besieged.phone.port, "INVITE", OVERWHELMING * SECONDS, OVERWHELMING, STRANGER]
    attacker = place.start("attacker-overwhelming", [sys.executable, ATTACKER, *command])
    # Until it is known how much there is room for, calls are lost in what waits to be read, and repeated.
    time.sleep(SETTLING)
    calls = []
    while attacker.child.poll() is None:
        calls.append(besieged.good_call())
        time.sleep(0.1)
    expect(attacker.child.returncode == 0, f"the attacker ended with {attacker.child.returncode}: {attacker.text()[-800:]}")
    said = json.loads(attacker.text())
    after = besieged.counters()
    used = besieged.phone.process.cpu_seconds_exactly() - cpu
    expect(after["overloads"] > before["overloads"], f"no overload was noticed: {after}")
    expect(len(calls) >= SECONDS, f"{len(calls)} calls could be made in {said['took']:.1f} s")
    states = [line["state"] for line in besieged.phone.lines()]
    expect(states == ["registered"], f"the line is {states}")
    read = after["datagrams"] - before["datagrams"]
    expect(read < said["sent"], f"{read} of {said['sent']} datagrams were read: nothing was taken away")
    figures = f"{said['sent'] / said['took']:,.0f} INVITEs a second for {said['took']:.1f} s: {read / said['sent']:.1%} of them read"
    return [f"{figures}, {used:.1f} s of CPU; {len(calls)} calls meanwhile, the slowest in {max(calls) * 1000:.0f} ms"]


def floods_from_forged_sources_are_dropped_unanswered(place):
    """Each datagram from another address that nobody knows, made whole by hand; in a network of its own."""
    Network(place, "")
    besieged = Besieged(place, not_judged=FLOODS)
    figures = []
    for kind in "mixed", "responses":
        took = besieged.flood(f"{kind} from 60,000 forged sources", kind, COUNT, STRANGERS, MOST_OF_STRANGERS, does="spoof")
        expect_dropped(took)
        figures.append(took)
    return figures


def a_flood_by_the_registrar_costs_what_its_calls_cost_and_is_forgotten(place):
    """INVITEs that nobody acknowledges, OPTIONS, REGISTER, other methods, and what is mutilated: each is answered for what it is, memory is
    bounded by what was asked for, and 35 s later nothing is left.
    """
    # What the damage made an unlisted caller's would ring, and wait for longer.
    besieged = Besieged(place, otherwise='"decline"', not_judged=f"{FLOODS}; {DAMAGED}")
    figures = [by_the_registrar(besieged, kind) for kind in ("OPTIONS", "REGISTER")]
    for took, answer in zip(figures, ("200 OK", "405 Method Not Allowed")):
        expect(set(took.answers) == {f"SIP/2.0 {answer}"}, f"expected {answer} alone: {took}")
    others = by_the_registrar(besieged, "other methods")
    # An ACK is answered by nothing, CANCEL and BYE belong to no call, and what is left is not taken, or not known.
    expect(set(others.by_status()) == {"405", "481", "501"}, f"expected 405, 481 and 501: {others}")
    figures.append(others)
    calls = by_the_registrar(besieged, "INVITE", rate=1500)
    arrived = calls.tried - calls.counted["dropped_by_system"]
    expect(calls.counted["invites"] == arrived, f"{calls.counted['invites']} calls of {arrived} that came: {calls}")
    expect(set(calls.answers) == {"SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"}, f"expected 100 and 486: {calls}")
    figures.append(calls)
    # What is damaged may still be a call, and a call of 65 KB keeps as much.
    for kind, count, most in ("malformed", COUNT, MOST_OF_A_CALL), ("responses", COUNT, 0), ("oversized", COUNT // 10, 64):
        took = by_the_registrar(besieged, kind, count, most_of_each=most)
        expect_no_good_answers(took)
        figures.append(took)
    time.sleep(FORGOTTEN_AFTER)
    counters = besieged.counters()
    expect(counters["transactions"] == 0, f"{counters['transactions']} transactions are left after {FORGOTTEN_AFTER} s")
    expect(counters["undecided_calls"] == 0, f"{counters['undecided_calls']} undecided calls are left")
    besieged.good_call()
    return [*figures, f"{FORGOTTEN_AFTER} s later no transaction is left, and {besieged.phone.process.resident_kib() // 1024} MiB"]


def by_the_registrar(besieged, kind, count=COUNT, most_of_each=MOST_OF_A_CALL, rate=5000):
    """One flood from where calls come; each datagram may keep so many KiB."""
    most = MOST_OF_STRANGERS + count * TIMES * most_of_each
    return besieged.flood(f"{kind} by the registrar", kind, count, REGISTRAR, most, rate=rate)


def expect_no_good_answers(took):
    """Responses are not answered, nor is a call accepted."""
    if "responses" in took.name:
        expect(not took.answers, f"responses were answered: {took}")
    expect(ACCEPTED not in took.answers, f"a call was accepted: {took}")
