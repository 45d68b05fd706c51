"""The ways to the registrar: through a router that forgets, and through two proxies of which one dies."""

import time

from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import expect, free_port
from sipp import Calls
from translator import Translator

CALLS = 50
# The longest wait between two STUN requests, and what a lost flow takes to be registered over again.
NOTICED_WITHIN, BACK_WITHIN = 29, 3
# The binding that is lost with a router would be refreshed after an hour.
HOUR = 3600
# How long a REGISTER waits for its answer.
GIVEN_UP_AFTER = 32


def behind_a_router_that_restarts_it_is_called_again_half_a_minute_later(place):
    """Kamailio answers STUN on its SIP port: another mapped address has the line register anew."""
    port = free_port()
    kamailio = Kamailio(place, port, defines=["WITH_STUN"], expires=HOUR)
    router = Translator(port)
    try:
        account = f'{REGISTERING.format(password=PASSWORD)}\noutbound_proxy = "127.0.0.1:{router.port}"\nkeep_alive = "stun"'
        phone = Phone(place, port, account)
        phone.wait_for_state("registered", 5)
        Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
        # Once it must have been told where it is seen: what comes first is what others differ from.
        time.sleep(NOTICED_WITHIN + 1)
        before = kamailio.accepted()
        router.restart()
        restarted = time.monotonic()
        while f"@127.0.0.1:{router.seen};" not in kamailio.process.text():
            late = time.monotonic() - restarted > NOTICED_WITHIN + BACK_WITHIN + 1
            expect(not late, f"not registered from the new port {NOTICED_WITHIN + BACK_WITHIN} s after the restart")
            time.sleep(0.1)
        back = time.monotonic() - restarted
        phone.wait_for_state("registered", 2)
        Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
        sent = kamailio.accepted() - before
        expect(sent <= 2, f"{sent} REGISTERs were needed, expected 1 or 2")
    finally:
        router.close()
    return [
        f"registered from its new address {back:.1f} s after the router's restart"
        f" (bound {NOTICED_WITHIN + BACK_WITHIN} s), {CALLS} calls rejected before and after"
    ]


def through_two_proxies_it_is_called_while_one_of_them_lives(place):
    """Two Kamailios, one is killed: calls go on through the other, and `status` says what is lost."""
    ports = [free_port(), free_port()]
    first, second = (
        Kamailio(place, port, f"kamailio-{index}", defines=["WITH_OUTBOUND"])
        for index, port in enumerate(ports, start=1)
    )
    proxies = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    phone = Phone(place, ports[0], f"{REGISTERING.format(password=PASSWORD)}\noutbound_proxies = [{proxies}]")
    for kamailio, flow in (first, 1), (second, 2):
        kamailio.process.wait_for("REGISTER accepted", 5)
        expect(f"reg-id={flow}" in kamailio.process.text(), f"no reg-id {flow} in the Contact")
    phone.wait_for_state("registered", 2)
    first.process.kill()
    killed = time.monotonic()
    Calls(place, "reject", ports[1], count=CALLS, rate=50).finish_exactly(20)
    while not (line := phone.lines()[0]).get("cause"):
        expect(line["state"] == "registered", f"the line is {line['state']} while one proxy lives")
        expect(time.monotonic() - killed < GIVEN_UP_AFTER + 25, "status does not say which proxy is lost")
        time.sleep(0.5)
    told = time.monotonic() - killed
    expect(line["state"] == "registered", f"the line is {line['state']} while one proxy lives")
    Calls(place, "reject", ports[1], count=CALLS, rate=50).finish_exactly(20)
    expect(phone.process.terminate(10 + GIVEN_UP_AFTER) == 0, "ringfence did not end with 0 when asked to")
    return [f"{2 * CALLS} calls rejected through the other proxy; {told:.0f} s later status says: {line['cause']}"]
