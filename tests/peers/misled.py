"""DNS that lies: no line is led anywhere by it, none takes another along, and nobody is asked without end."""

import collections
import pathlib
import sys
import time

import liar
from kamailio import PASSWORD, Kamailio
from named import LINE, RULE
from network import Network
from phone import Phone
from process import expect, free_port
from sipp import Calls

LIAR = pathlib.Path(__file__).with_name("liar.py")

WATCHED = 12
# About one lie within that time, by two lines: NAPTR, three kinds of services and two families, each twice by UDP and once by TCP,
# and a few names that the lie leads to; again with each of the two or three attempts that begin meanwhile.
MOST_QUESTIONS = 150
MOST_MEMORY = 8192


def dns_that_lies_leads_no_line_astray(place):
    """Eleven lies, each twice: with a port, and without one, so that services are asked for; and a line whose name is told right."""
    Network(place, "nameserver 127.0.0.53\noptions timeout:1 attempts:2\n")
    liars = place.start("liar", [sys.executable, LIAR, "127.0.0.53"])
    liars.wait_for("started", 5)
    port = free_port()
    kamailio = Kamailio(place, port)
    lines = [line("858", "good.test", port)]
    for lie in liar.LIES:
        lines += [line(lie, f"{lie}.lies.test"), line(f"{lie}-port", f"{lie}.lies.test", port)]
    phone = Phone(place, port, lines="\n".join([*lines, RULE]))
    idle = phone.process.resident_kib()
    time.sleep(WATCHED)
    states = {told["name"]: told for told in phone.lines()}
    good = states.pop("858")
    expect(good["state"] == "registered", f"the line whose name is told right is {good}")
    for name, told in states.items():
        # While the next attempt is under way it is told why the last one has failed.
        expect(told["state"] in ("failed", "registering"), f"line {name} is {told}")
        # To find out that nobody answers at the first of its addresses takes longer.
        expect(name.startswith("thousands") or "has no address" in told.get("cause", ""), f"line {name} is said to have failed otherwise: {told}")
    # 127.0.0.1, which some of the lies give for another name, is where Kamailio is.
    expect(kamailio.challenged() == 1, f"{kamailio.challenged()} lines have come to Kamailio, expected the good one")
    asked = collections.Counter(lie_of(question) for question in liars.text().splitlines())
    asked = {lie: asked[lie] for lie in liar.LIES}
    most = max(asked, key=asked.get)
    expect(asked[most] <= MOST_QUESTIONS, f"{asked[most]} questions about {most}: {asked}")
    grown = phone.process.resident_kib(peak=True) - idle
    expect(grown <= MOST_MEMORY, f"memory has grown by {grown} KiB")
    Calls(place, "reject", port, count=20, rate=50).finish_exactly(20)
    return [
        f"{len(liar.LIES)} lies to {len(states)} lines for {WATCHED} s: none of them registered or sent anywhere it should not, {sum(asked.values())}"
        f" questions, {asked[most]} at most about one ({most}); memory {grown} KiB more; the good line registered, 20 calls rejected"
    ]


def line(name, domain, port=None):
    """An account; without a port services are asked for."""
    return LINE.format(name=name, domain=domain, password=PASSWORD, rest=f"port = {port}" if port else "")


def lie_of(question):
    """Which lie a question was about."""
    return question.partition(" ")[0].removesuffix(".lies.test").rpartition(".")[2]
