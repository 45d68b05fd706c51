"""`ringfence doctor` beside a running line, with Kamailio over each transport, and what it says of what is wrong."""

import json
import subprocess

from certificate import Certificate
from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import expect, free_port
from translator import Translator

WAYS = {
    "udp": "",
    "tcp": 'transport = "tcp"',
    "tls": 'transport = "tls"',
    "wss": 'transport = "wss"\nwebsocket_path = "/sip"',
}


def doctor_sees_a_registered_line_by_every_transport(place):
    """The running line's binding is known as its own, and neither it nor the registrar is disturbed."""
    port, tls = free_port(), Certificate(place)
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS", "WITH_OUTBOUND"], tls=tls, expires=3600)
    told = []
    for name, account in WAYS.items():
        server = tls.port if name in ("tls", "wss") else port
        account = f"{REGISTERING.format(password=PASSWORD)}\n{account}"
        phone = Phone(place, server, account, settings=tls.trusted())
        phone.wait_for_state("registered", 5)
        before = kamailio.accepted()
        outcome = examined(phone)
        expect(outcome["ok"], f"by {name}: {outcome}")
        expect(kamailio.accepted() - before == 1, f"by {name} the bindings were not fetched once")
        expect("is this installation" in sentences(outcome), f"by {name}, its binding is not known: {outcome}")
        expect("takes the user and the password" in sentences(outcome), f"by {name}: {outcome}")
        tried = outcome["ways"][0]["facts"]["tried"][0]
        expect(tried["bindings"][0]["ours"], f"by {name}: {tried}")
        expect(tried["register"]["ok"]["seen"] == tried["local"], f"by {name}: {tried}")
        if name in ("tls", "wss"):
            chain = tried["tls"]["chain"]
            expect(chain[0]["names"] == ["127.0.0.1"], f"by {name}: {chain}")
        phone.wait_for_state("registered", 1)
        expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
        told.append(f"{name}: OPTIONS answered in {tried['options']['ok']['took_ms']} ms")
    return told


def doctor_says_what_is_wrong(place):
    """A certificate that nobody vouches for or that has ended, a wrong password, a router between: a sentence each."""
    port, tls = free_port(), Certificate(place)
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS", "WITH_STUN"], tls=tls)
    right = REGISTERING.format(password=PASSWORD)
    phone = Phone(place, tls.port, f'{right}\ntransport = "tls"')
    outcome = examined(phone, 1)
    expect("signed by itself, and not among those that are trusted" in sentences(outcome), f"untrusted: {outcome}")
    expect(kamailio.challenged() == 0, "it has spoken to a server that could not show who it is")
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")

    phone = Phone(place, port, REGISTERING.format(password="wrong horse"))
    outcome = examined(phone, 1)
    expect("does not accept this user and password" in sentences(outcome), f"wrong password: {outcome}")
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")

    router = Translator(port)
    try:
        phone = Phone(place, port, f'{right}\noutbound_proxy = "127.0.0.1:{router.port}"')
        phone.wait_for_state("registered", 5)
        expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
        outcome = examined(phone)
        expect("something between gives another port" in sentences(outcome), f"a router: {outcome}")
        expect("does not run here" in sentences(outcome), f"not running: {outcome}")
    finally:
        router.close()
    return []


def examined(phone, code=0):
    """What the doctor says of the only line."""
    command = [phone.place.binary, "doctor", "--json", "--config", phone.configuration]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    expect(answer.returncode == code, f"doctor ended with {answer.returncode}: {answer.stdout}{answer.stderr}")
    expect("horse" not in answer.stdout + answer.stderr, "the doctor shows a password")
    return json.loads(answer.stdout)


def sentences(outcome):
    """All findings in one text."""
    return "\n".join(finding["found"] for way in outcome["ways"] for finding in way["findings"])
