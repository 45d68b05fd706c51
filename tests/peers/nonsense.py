"""Registrars that answer nonsense: no line of theirs becomes a storm, each says what is wrong and tries again later, and the
line of a registrar in its right mind, in the same program, is registered all the while.
"""

import itertools
import random
import time

import attacker
from pbx import Pbx
from phone import Phone
from process import expect

LINE = """\
[account.{name}]
user = "{name}"
domain = "127.0.0.1"
port = {port}
password = "correct horse"
"""
RULE = """\
[[rule]]
id = "all"
then = "busy"
"""

# The state of a line that waits for an answer, and then has had none.
SILENT = None
# RFC 3261 section 17.1.2.2, timer F, and a little; what an answer decides is told long before.
GIVEN_UP, SOON = 34, 4
# Of one line until then, such as repeat no other: one attempt, challenged again and again, and the next.
MOST_REQUESTS = 8
# After silence the next attempts follow within 2 and 10 s, and a request is repeated after 4.
BACK_WITHIN = 15
MOST_MEMORY = 4096

nonces = itertools.count()


def stale(request, number):
    """Every answer to every nonce is stale, and another nonce comes."""
    return [request.challenged("stale=true", nonce=f"n{next(nonces)}")]


def other_nonce(request, number):
    """The password is never right, and another nonce comes."""
    return [request.challenged(nonce=f"n{next(nonces)}")]


def replayed(request, number):
    """The first challenge, over and over."""
    return [request.challenged("stale=true", nonce="the same")]


def proxied(request, number):
    """407 by turns with 401."""
    if number % 2:
        return [request.challenged(nonce=f"n{next(nonces)}")]
    return [request.challenged(status="407 Proxy Authentication Required", name="Proxy-Authenticate", nonce=f"n{next(nonces)}")]


def flooding(request, number):
    """A hundred challenges for each request."""
    return [request.challenged("stale=true", nonce=f"n{next(nonces)}") for _ in range(100)]


def challenging_nothing(request, number):
    """401 without a challenge."""
    return [request.answer("401 Unauthorized")]


def challenging_strangely(request, number):
    """Challenges that are none, of unknown algorithms, and of thousands of parameters."""
    strange = "Digest", "Digest ,,,=", 'Digest realm="\\', f"Digest {'a=b,' * 5000}a=b", "Basic realm=x", 'Digest realm="r", nonce="n", algorithm=ROT13'
    return [request.answer("401 Unauthorized", f"WWW-Authenticate: {strange[number % len(strange)]}")]


def of_another_call(request, number):
    """200 with another Call-ID."""
    return [request.answer("200 OK", f"Contact: {request.value('Contact')}", call_id="another")]


def of_another_number(request, number):
    """200 with another CSeq."""
    return [request.answer("200 OK", f"Contact: {request.value('Contact')}", cseq="4711 REGISTER")]


def of_another_method(request, number):
    """200 to an INVITE that was never sent."""
    return [request.answer("200 OK", f"Contact: {request.value('Contact')}", cseq="1 INVITE")]


def without_contact(request, number):
    """200 that lists no binding."""
    return [request.answer("200 OK")]


def with_anothers_contact(request, number):
    """200 that lists the binding of another alone."""
    return [request.answer("200 OK", "Contact: <sip:other@192.0.2.1>;expires=60")]


def for_ever(request, number):
    """200 for longer than there are numbers."""
    contact = request.value("Contact").partition(";expires=")[0]
    return [request.answer("200 OK", f"Contact: {contact};expires=99999999999999999999", "Expires: 99999999999999999999")]


def for_no_time(request, number):
    """200 for no time, or for less."""
    contact = request.value("Contact").partition(";expires=")[0]
    return [request.answer("200 OK", f"Contact: {contact};expires={('0', '-1')[number % 2]}", "Expires: 0")]


def ever_longer(request, number):
    """423 that wants twice as long each time."""
    return [request.answer("423 Interval Too Brief", f"Min-Expires: {3600 * 2 ** min(number + 1, 20)}")]


def in_a_circle(request, number):
    """302 to itself, and to itself by other names."""
    port = request.first.rpartition(":")[2].split(" ")[0]
    contacts = f"<sip:127.0.0.1:{port}>", f"<sip:nonsense@127.0.0.1:{port}>", f"<sip:127.0.0.1:{port};x={number}>"
    return [request.answer("302 Moved Temporarily", f"Contact: {contacts[number % 3]}")]


def globally_failing(request, number):
    """6xx."""
    return [request.answer(("600 Busy Everywhere", "603 Decline", "606 Not Acceptable", "699 Nobody Knows")[number % 4])]


def for_a_century(request, number):
    """503 for a hundred years."""
    return [request.answer("503 Service Unavailable", "Retry-After: 3155760000")]


def of_two_minds(request, number):
    """200, 403 and 401, all at once and in another order each time."""
    answers = [request.accepted(), request.answer("403 Forbidden"), request.challenged(nonce=f"n{next(nonces)}")]
    random.Random(number).shuffle(answers)
    return answers


def ever_trying(request, number):
    """100 and 183, again and again, and nothing else."""
    return [answer for _ in range(20) for answer in (request.answer("100 Trying"), request.answer("183 Session Progress"), 0.02)]


def babbling(request, number):
    """Bytes that are no SIP, and SIP that ends in its middle."""
    chance = random.Random(number)
    good = request.accepted()
    return [chance.randbytes(900), good[: len(good) // 2], good.replace(b"SIP/2.0", b"SIP/7.0"), b"SIP/2.0 999999 OK\r\n\r\n", b"\0" * 1400]


# What is told of each of them while it is so: the state of the line, and words of the cause.
NO_PASSWORD = "does not accept the user or the password"
NATURES = {
    stale: ("failed", NO_PASSWORD),
    other_nonce: ("failed", NO_PASSWORD),
    replayed: ("failed", NO_PASSWORD),
    proxied: ("failed", NO_PASSWORD),
    flooding: ("failed", NO_PASSWORD),
    challenging_nothing: ("failed", "does not say how"),
    challenging_strangely: ("failed", "authentication that is not supported"),
    # A response belongs to the request whose branch and method it has (RFC 3261 section 17.1.3), which nobody guesses.
    of_another_call: ("registered", ""),
    of_another_number: ("registered", ""),
    of_another_method: (SILENT, ""),
    # Some registrars list nothing; that of another alone is a refusal.
    without_contact: ("registered", ""),
    with_anothers_contact: ("failed", "granted nothing"),
    # As long as was asked for.
    for_ever: ("registered", ""),
    for_no_time: ("failed", "granted nothing"),
    ever_longer: ("failed", "423"),
    in_a_circle: ("failed", "redirects to where it was asked already"),
    globally_failing: ("failed", "refused: 6"),
    for_a_century: ("failed", "503"),
    # The first counts.
    of_two_minds: ("registered", ""),
    ever_trying: (SILENT, ""),
    babbling: (SILENT, "cannot be read"),
}


def registrars_that_answer_nonsense_get_no_storm_and_take_no_other_line(place):
    """All of them side by side, until those that answer nothing are given up. Then all are in their right mind."""
    pbxs = {nature: Pbx(nature) for nature in NATURES}
    good = Pbx()
    try:
        lines = [LINE.format(name=nature.__name__, port=pbx.port) for nature, pbx in pbxs.items()]
        phone = Phone(place, good.port, lines="\n".join([*lines, LINE.format(name="good", port=good.port), RULE]))
        began, idle = time.monotonic(), phone.process.resident_kib()
        time.sleep(SOON)
        for nature, (state, words) in NATURES.items():
            expect_told(phone, nature, *(("registering", "") if state is SILENT else (state, words)))
        time.sleep(max(0, GIVEN_UP - (time.monotonic() - began)))
        for nature, (state, words) in NATURES.items():
            if state is SILENT:
                expect_told(phone, nature, "failed registering", words or "did not answer within 32 s")
        asked = {nature.__name__: pbx.transactions() for nature, pbx in pbxs.items()}
        most = max(asked, key=asked.get)
        expect(asked[most] <= MOST_REQUESTS, f"the registrar that is {most} was asked {asked[most]} times: {asked}")
        expect(line_of(phone, "good")["state"] == "registered", "the line of the good registrar is lost")
        grown = phone.process.resident_kib() - idle
        expect(grown <= MOST_MEMORY, f"memory has grown by {grown} KiB")
        called = attacker.call(phone.port)
        expect("486" in called["status"], f"a good call was answered {called['status'] or 'nothing'}")
        for pbx in pbxs.values():
            pbx.answers = good.answers
        back = time.monotonic()
        for nature in (nature for nature, (state, _) in NATURES.items() if state is SILENT):
            while line_of(phone, nature.__name__)["state"] != "registered":
                expect(time.monotonic() - back < BACK_WITHIN, f"{nature.__name__}: not registered within {BACK_WITHIN} s")
                time.sleep(0.1)
        back = time.monotonic() - back
    finally:
        for pbx in (*pbxs.values(), good):
            pbx.close()
    return [
        f"{len(pbxs)} registrars for {GIVEN_UP} s: {sum(asked.values())} requests in all, {asked[most]} at most to one ({most})",
        f"memory {grown} KiB more; the good line registered all the while; those that were silent registered {back:.1f} s after they answered",
    ]


def expect_told(phone, nature, states, words):
    """What is said of a line: one of some states, why, and when it is tried again."""
    line = line_of(phone, nature.__name__)
    expect(line["state"] in states.split(), f"the line of a registrar {nature.__name__} is not {states}: {line}")
    expect(words in line.get("cause", ""), f"the line of a registrar {nature.__name__} is not said to be {words!r}: {line}")
    expect(line["state"] == "registering" or line.get("next"), f"{nature.__name__}: it is never tried again: {line}")


def line_of(phone, name):
    """What is said of one line."""
    return next(line for line in phone.lines() if line["name"] == name)
