"""The softphone over TCP, TLS and WebSocket: behind Kamailio, and called by SIPp."""

import time

from certificate import Certificate, tunnel
from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, TRUNK, Phone
from process import expect, free_port
from sipp import Calls

CALLS = 50
# A connection that is lost is opened again within 3 s, and what was not to be had just then within the first back-off.
BACK_WITHIN = 15


def over_tcp_it_registers_and_rejects_and_comes_back_after_a_restart(place):
    """One connection carries REGISTER and calls; Kamailio is killed, and the line comes back by itself."""
    return rejects_and_comes_back(place, 'transport = "tcp"')


def over_tls_it_registers_and_rejects_and_comes_back_after_a_restart(place):
    """The same by TLS, with a certificate that the configuration trusts."""
    return rejects_and_comes_back(place, 'transport = "tls"', Certificate(place))


def over_websocket_it_registers_and_rejects_and_comes_back_after_a_restart(place):
    """The same by WebSocket in clear; the resource is /sip."""
    return rejects_and_comes_back(place, 'transport = "ws"\nwebsocket_path = "/sip"')


def over_wss_it_registers_and_rejects_and_comes_back_after_a_restart(place):
    """The same by WebSocket over TLS."""
    return rejects_and_comes_back(place, 'transport = "wss"\nwebsocket_path = "/sip"', Certificate(place))


def rejects_and_comes_back(place, transport, tls=None):
    """Calls go to Kamailio by UDP, and from there over the line's connection."""
    port = free_port()
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS"], tls=tls)
    settings = tls.trusted() if tls else ""
    account = f"{REGISTERING.format(password=PASSWORD)}\n{transport}"
    phone = Phone(place, tls.port if tls else port, account, settings=settings)
    phone.wait_for_state("registered", 5)
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    connections = phone.status()["counters"]["connections"]
    expect(connections == 1, f"{connections} connections, expected 1")

    kamailio.process.kill()
    lost = time.monotonic()
    cause = phone.wait_for_state("failed", 5)["cause"]
    told = time.monotonic() - lost
    expect("connection" in cause, f"ringfence status does not say what is wrong: {cause}")
    Kamailio(place, port, "kamailio-restarted", defines=["WITH_STREAMS"], tls=tls)
    restarted = time.monotonic()
    phone.wait_for_state("registered", BACK_WITHIN)
    back = time.monotonic() - restarted
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    return [
        f"{CALLS} calls rejected over one connection",
        f"told {told:.1f} s after it was lost ({cause}), registered again {back:.1f} s after Kamailio was back",
    ]


def a_certificate_that_nobody_vouches_for_is_refused(place):
    """Nothing is said to a PBX that cannot show who it is, and the state says why."""
    port, tls = free_port(), Certificate(place)
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS"], tls=tls)
    phone = Phone(place, tls.port, REGISTERING.format(password=PASSWORD) + '\ntransport = "tls"')
    cause = phone.wait_for_state("failed", 5)["cause"]
    expect("certificate" in cause, f"ringfence status does not say what is wrong: {cause}")
    expect(kamailio.challenged() == 0, "Kamailio got a REGISTER")
    return [f"status says: {cause}"]


def a_certificate_of_a_sip_domain_is_for_that_domain(place):
    """Kamailio's certificate has no DNS name, nor an address, but a SIP URI (RFC 5922); another one is for another domain."""
    port, tls = free_port(), Certificate(place, "URI:sip:127.0.0.1")
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS"], tls=tls)
    account = f'{REGISTERING.format(password=PASSWORD)}\ntransport = "tls"'
    phone = Phone(place, tls.port, account, settings=tls.trusted())
    phone.wait_for_state("registered", 5)
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    kamailio.process.kill()

    tls = Certificate(place, "URI:sip:other.example.com")
    Kamailio(place, port, "kamailio-of-another", defines=["WITH_STREAMS"], tls=tls)
    phone = Phone(place, tls.port, account, settings=tls.trusted())
    cause = phone.wait_for_state("failed", 5)["cause"]
    expect("another name (sip:other.example.com)" in cause, f"ringfence status does not say what is wrong: {cause}")
    return [f"registered; then status says: {cause}"]


def a_long_register_goes_by_tcp_and_calls_come_by_udp(place):
    """A REGISTER of 1,500 bytes is too long for UDP; Kamailio takes it by TCP, and its calls go where the Contact says."""
    counters, kamailio = registers_with_a_long_name(place, ["WITH_STREAMS"])
    expect_by_udp(counters)
    expect(counters["requests_by_tcp"] >= 2, f"{counters['requests_by_tcp']} requests by TCP, expected the challenged one and the next")
    expect(kamailio.process.count("REGISTER accepted by tcp") == kamailio.accepted(), "Kamailio got a REGISTER by UDP")
    return [f"{counters['requests_by_tcp']} REGISTERs by TCP, {CALLS} calls rejected by UDP"]


def with_outbound_a_long_register_has_calls_come_by_tcp(place):
    """The same at a Kamailio that knows RFC 5626: the connection of the REGISTER is the way to the line."""
    counters, kamailio = registers_with_a_long_name(place, ["WITH_STREAMS", "WITH_OUTBOUND"])
    expect(counters["datagrams"] == 0, f"{counters['datagrams']} datagrams, expected none")
    expect("transport=tcp;line=" in kamailio.process.text(), "Kamailio got no Contact by TCP")
    return [f"{CALLS} calls rejected over the connection of the REGISTER"]


def where_there_is_no_tcp_a_long_register_goes_by_udp(place):
    """The same at a Kamailio that listens by UDP alone: the refusal is noticed at once."""
    counters, kamailio = registers_with_a_long_name(place, [], long_by_udp=True)
    expect_by_udp(counters)
    expect(counters["requests_by_tcp"] == 0, f"{counters['requests_by_tcp']} requests by TCP")
    expect(kamailio.process.count("REGISTER accepted by udp") == kamailio.accepted(), "Kamailio got a REGISTER by TCP")
    return [f"REGISTER by UDP, {CALLS} calls rejected by UDP"]


def registers_with_a_long_name(place, defines, long_by_udp=False):
    """Registers, has calls rejected, and ends; returns what was counted before the end, and the registrar."""
    port = free_port()
    kamailio = Kamailio(place, port, defines=defines)
    phone = Phone(place, port, f'{REGISTERING.format(password=PASSWORD)}\ndisplay_name = "{"n" * 500}"', long_by_udp=long_by_udp)
    phone.wait_for_state("registered", 3)
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    counters = phone.status()["counters"]
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    return counters, kamailio


def expect_by_udp(counters):
    """Calls came by UDP."""
    expect(counters["datagrams"] >= 2 * CALLS, f"{counters['datagrams']} datagrams, expected INVITE and ACK of {CALLS} calls")


def a_trunk_calls_by_tcp(place):
    """SIPp connects to the softphone and calls: each call in a connection of its own, and all in one."""
    port = free_port()
    phone = Phone(place, free_port(), TRUNK, listens=f'listen_tcp = "127.0.0.1:{port}"')
    return rejects_a_trunk(place, phone, port)


def a_trunk_calls_by_tls(place):
    """The same by TLS. Debian builds SIPp without it, so that its connections go through a tunnel."""
    port, certificate = free_port(), Certificate(place)
    listens = f'listen_tls = "127.0.0.1:{port}"'
    phone = Phone(place, free_port(), TRUNK, listens=listens, settings=certificate.shown())
    with tunnel(certificate, port) as entrance:
        return rejects_a_trunk(place, phone, entrance, via="TLS")


def rejects_a_trunk(place, phone, port, via=None):
    """Calls in one connection, and in one each."""
    for transport in "t1", "tn":
        Calls(place, "reject", port, count=CALLS, rate=50, transport=transport, via=via).finish_exactly(20)
    counters = phone.status()["counters"]
    expect(counters["rejected"] == 2 * CALLS, f"{counters['rejected']} calls were rejected, expected {2 * CALLS}")
    expect(counters["refused_connections"] == 0, f"{counters['refused_connections']} connections were refused")
    return [f"{CALLS} calls rejected in one connection, and {CALLS} in one each"]
