"""The softphone behind Kamailio, and what happens to the cable between them."""

import time

from apart import PBX, PHONE, Cable
from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import expect, free_port
from sipp import Calls

# Eleven requests within 32 s, then the next attempt: what loses three in ten of both directions loses all of them once
# in 1,600 times.
REGISTERED_WITHIN = 80
# RFC 3261 section 17.2.1, timer H.
LONGEST_TRANSACTION = 32
# It is looked every 2 s, the lines return over 3, and what is lost just then is sent again.
BACK_WITHIN = 8
CALLS = 10


def where_every_tenth_packet_is_lost_it_registers_and_rejects(place):
    """Both directions, each packet by itself."""
    return where_packets_are_lost(place, 10)


def where_three_packets_in_ten_are_lost_it_registers_and_rejects(place):
    """The same, worse."""
    return where_packets_are_lost(place, 30)


def where_packets_are_lost(place, percent):
    """Requests and responses are repeated until they get through."""
    cable, port = Cable(place), free_port()
    lost_by = cable.loses(percent)
    Kamailio(place, port, reached_at=PBX, defines=["ABSORBS_ALL"])
    phone, began = softphone(place, cable, port), time.monotonic()
    phone.wait_for_state("registered", REGISTERED_WITHIN)
    took = time.monotonic() - began
    # A 486 is repeated for so long: within ten seconds all of its first five may be lost.
    Calls(place, "reject", port, count=CALLS, rate=50, patience=LONGEST_TRANSACTION).finish_exactly(50)
    return [f"registered within {took:.1f} s and {CALLS} calls rejected with {percent} % lost (by {lost_by})"]


def when_its_address_changes_it_says_so_and_registers_again(place):
    """The interface is given another address, as after the move to another network."""
    cable, port = Cable(place), free_port()
    kamailio = Kamailio(place, port, reached_at=PBX)
    phone = softphone(place, cable, port)
    phone.wait_for_state("registered", 5)
    changed = time.monotonic()
    other = "10.99.0.3"
    cable.at("phone", f"ip addr add {other}/24 dev phone; ip addr del {PHONE}/24 dev phone; ip addr replace {other}/24 dev phone")
    kamailio.process.wait_for(f"@{other}:", BACK_WITHIN)
    phone.wait_for_state("registered", BACK_WITHIN)
    back = time.monotonic() - changed
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    log = phone.process.text()
    expect("our address is" in log, f"the log does not say what was wrong: {log[-500:]}")
    return [f"registered at its new address {back:.1f} s after it changed (bound {BACK_WITHIN} s), and {CALLS} calls rejected"]


def when_its_network_goes_it_says_so_and_comes_back_with_it(place):
    """The cable is pulled out, and plugged in again."""
    cable, port = Cable(place), free_port()
    kamailio = Kamailio(place, port, reached_at=PBX)
    phone = softphone(place, cable, port)
    phone.wait_for_state("registered", 5)
    cable.at("phone", "ip link set phone down")
    cause = phone.wait_for_state("failed", 5)["cause"]
    expect("unreachable" in cause, f"ringfence status does not say what is wrong: {cause}")
    before = kamailio.accepted()
    cable.at("phone", "ip link set phone up")
    returned = time.monotonic()
    phone.wait_for_state("registered", BACK_WITHIN)
    back = time.monotonic() - returned
    expect(kamailio.accepted() > before, "Kamailio has accepted no further REGISTER")
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    return [f"told ({cause}), registered {back:.1f} s after the network was back (bound {BACK_WITHIN} s), {CALLS} calls rejected"]


def softphone(place, cable, port):
    """The softphone at its end, listening on all addresses; what is started next is at the registrar's end again."""
    place.within = cable.ends["phone"]
    phone = Phone(place, port, REGISTERING.format(password=PASSWORD), domain=PBX, listen="0.0.0.0")
    place.within = cable.ends["pbx"]
    return phone
