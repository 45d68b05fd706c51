"""The softphone as an extension of Kamailio, with digest authentication."""

import time

from kamailio import LONGEST_EXPIRES, PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import expect, free_port
from sipp import Calls

# A registrar that forgot a binding learns it from the next refresh, which comes before the binding expires.
BACK_WITHIN = LONGEST_EXPIRES

# One without credentials, one with them; a registrar's second "no" is believed.
MOST_REGISTERS = 3


def registers_and_rejects_and_comes_back_after_a_restart(place):
    """REGISTER, 401, REGISTER, 200; calls through the proxy get 486; then Kamailio is killed and started anew."""
    port = free_port()
    kamailio = Kamailio(place, port)
    began = time.monotonic()
    phone = Phone(place, port, REGISTERING.format(password=PASSWORD))
    kamailio.process.wait_for("REGISTER accepted", 5)
    took = time.monotonic() - began
    expect(kamailio.challenged() == 1, f"registered after {kamailio.challenged()} challenges, expected 1")
    phone.wait_for_state("registered", 2)
    Calls(place, "reject", port, count=50, rate=50).finish_exactly(20)

    kamailio.process.kill()
    time.sleep(1)
    restarted = time.monotonic()
    kamailio = Kamailio(place, port, "kamailio-restarted")
    kamailio.process.wait_for("REGISTER accepted", BACK_WITHIN)
    back = time.monotonic() - restarted
    Calls(place, "reject", port, count=50, rate=50).finish_exactly(20)

    before = kamailio.accepted()
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    kamailio.process.wait_for("Expires: 0", 2)
    expect(kamailio.accepted() == before + 1, "ringfence sent more than one REGISTER to take its binding away")
    return [
        f"registered within {took:.2f} s of the start, 50 calls rejected through the proxy",
        f"registered again {back:.1f} s after the registrar's restart (bound {BACK_WITHIN} s), 50 calls rejected",
        "took its own binding away when it ended",
    ]


def after_a_kill_the_new_binding_takes_the_place_of_the_old(place):
    """A registrar that keeps one binding refuses a second phone, and knows this one again by its instance-id."""
    port = free_port()
    kamailio = Kamailio(place, port, defines=["WITH_OUTBOUND"])
    phone = Phone(place, port, REGISTERING.format(password=PASSWORD))
    phone.wait_for_state("registered", 5)
    phone.process.kill()
    phone.port = free_port()
    phone.configuration.write_text(phone.configured(phone.written))
    killed = time.monotonic()
    phone.run()
    phone.wait_for_state("registered", 5)
    back = time.monotonic() - killed
    Calls(place, "reject", port, count=50, rate=50).finish_exactly(20)
    expect(kamailio.accepted() == 2, f"Kamailio accepted {kamailio.accepted()} REGISTERs, expected 2")
    return [f"registered at another port {back:.1f} s after it was killed, and 50 calls rejected there"]


def a_wrong_password_is_said_and_never_becomes_a_storm(place):
    """The state says bad credentials, and the registrar is left alone."""
    port = free_port()
    kamailio = Kamailio(place, port)
    phone = Phone(place, port, REGISTERING.format(password="wrong"))
    kamailio.process.wait_for("REGISTER challenged", 5)
    time.sleep(8)
    expect(kamailio.accepted() == 0, "Kamailio accepted a wrong password")
    registers = kamailio.challenged()
    expect(2 <= registers <= MOST_REGISTERS, f"{registers} REGISTERs in 8 s, expected 2 to {MOST_REGISTERS}")
    cause = phone.wait_for_state("failed", 1)["cause"]
    expect("credentials" in cause or "password" in cause, f"ringfence status does not say what is wrong: {cause}")
    return [f"{registers} REGISTERs in 8 s; status says: {cause}"]
