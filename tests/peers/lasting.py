"""What a registration lives through without a fault of the network: a night's sleep, a certificate that ends, a second phone."""

import time

from certificate import Certificate
from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import Place, expect, free_port
from sipp import Calls

CALLS = 10
HOUR = 3600
# The clocks are looked at every 2 s, and the lines return over 5.
BACK_FROM_SLEEP = 7
# The first waits after a failure are 2 s and 10 s at most.
BACK_WITHIN = 15


def after_a_nights_sleep_it_registers_again_at_once(place):
    """The clock on the wall runs ahead by eight hours and the timers do not, as after a sleep; nothing else is due for an hour."""
    port, kamailio, phone, clock = by_another_clock(place)
    before = kamailio.accepted()
    clock.write_text("+8h\n")
    woken = time.monotonic()
    while kamailio.accepted() == before:
        expect(time.monotonic() - woken < BACK_FROM_SLEEP + 1, f"no REGISTER within {BACK_FROM_SLEEP} s after the sleep")
        time.sleep(0.05)
    back = time.monotonic() - woken
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    return [f"registered again {back:.1f} s after it woke (bound {BACK_FROM_SLEEP} s), and {CALLS} calls rejected"]


def by_another_clock(place):
    """A registered softphone whose clock on the wall goes as a file says; Kamailio would be asked again after an hour."""
    port, clock = free_port(), place.folder / "clock"
    kamailio = Kamailio(place, port, expires=HOUR)
    clock.write_text("+0\n")
    # libfaketime is loaded into the softphone alone.
    faked = {"FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    settings = [f"{name}={value}" for name, value in faked.items()]
    place.within = ["env", "LD_PRELOAD=libfaketimeMT.so.1", "LD_LIBRARY_PATH=" + LIBRARIES, *settings]
    # The clock's file is read again and again.
    settings = f'[service]\nreads = ["{place.folder}"]\n'
    phone = Phone(place, port, REGISTERING.format(password=PASSWORD), settings=settings, timeless="its clock is set while it runs")
    place.within = []
    phone.wait_for_state("registered", 5)
    return port, kamailio, phone, clock


def when_the_clock_jumps_it_stays_registered_and_keeps_its_journal(place):
    """Back by a day, ahead by ten years, and back to where it was: the line is registered, one REGISTER at most is sent for each
    jump, every call is rejected, and nothing is removed from the journal for its age.
    """
    port, kamailio, phone, clock = by_another_clock(place)
    jumps = ["-1d", "+10y", "+0"]
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    for jump in jumps:
        before = kamailio.accepted()
        clock.write_text(f"{jump}\n")
        time.sleep(BACK_FROM_SLEEP + 1)
        sent = kamailio.accepted() - before
        expect(sent <= 1, f"{sent} REGISTERs after the clock was set to {jump}, expected one at most")
        phone.wait_for_state("registered", 1)
        Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    journal = phone.status()["journal"]
    expect(journal["removed"] == 0 and journal["lost"] == 0, f"calls are gone: {journal}")
    told = phone.ask("calls", "--limit", "1000").stdout.splitlines()
    expect(len(told) == (len(jumps) + 1) * CALLS, f"the journal has {len(told)} calls, expected {(len(jumps) + 1) * CALLS}")
    return [f"registered through {', '.join(jumps)}; {len(told)} calls rejected and in the journal"]


def when_a_certificate_has_ended_it_says_so_and_takes_the_next_one(place):
    """Kamailio shows one that ended yesterday, and after a restart one that has not."""
    port, tls = free_port(), Certificate(place, ended=True)
    kamailio = Kamailio(place, port, defines=["WITH_STREAMS"], tls=tls)
    valid = Certificate(place, port=tls.port, name="next")
    settings = f'[tls]\ntrust = ["{tls.certificate}", "{valid.certificate}"]\n'
    account = REGISTERING.format(password=PASSWORD) + '\ntransport = "tls"'
    phone = Phone(place, tls.port, account, settings=settings)
    cause = phone.wait_for_state("failed", 5)["cause"]
    expect("expired" in cause, f"ringfence status does not say what is wrong: {cause}")
    expect(kamailio.challenged() == 0, "Kamailio got a REGISTER")
    kamailio.process.kill()
    Kamailio(place, port, "kamailio-renewed", defines=["WITH_STREAMS"], tls=valid)
    renewed = time.monotonic()
    phone.wait_for_state("registered", BACK_WITHIN)
    back = time.monotonic() - renewed
    Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
    return [f"status said: {cause}; registered {back:.1f} s after the next one was shown"]


def two_phones_on_one_account_leave_each_other_alone(place):
    """Both register and refresh, calls ring both, and who leaves takes its own binding alone."""
    port, second = free_port(), Place(place.folder / "second", place.binary, place.audit)
    try:
        kamailio = Kamailio(place, port, defines=["CONTACTS=2"])
        account = REGISTERING.format(password=PASSWORD)
        phones = [Phone(each, port, account) for each in (place, second)]
        for phone in phones:
            phone.wait_for_state("registered", 5)
        first_of_all = kamailio.accepted()
        refreshed = time.monotonic()
        # Each refreshes a binding of 20 s.
        while kamailio.accepted() < first_of_all + 2:
            expect(time.monotonic() - refreshed < 25, "the bindings are not refreshed")
            time.sleep(0.1)
        Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
        rung = [phone.status()["counters"]["invites"] for phone in phones]
        expect(rung == [CALLS, CALLS], f"{rung} calls came to the two phones, expected {CALLS} to each")
        expect(phones[1].process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
        Calls(place, "reject", port, count=CALLS, rate=50).finish_exactly(20)
        left = phones[0].status()["counters"]["invites"]
        expect(left == 2 * CALLS, f"{left} calls came to the phone that stayed, expected {2 * CALLS}")
    finally:
        second.close()
    return [f"{CALLS} calls rang both, and {CALLS} the one that stayed"]


# Where Debian puts libfaketime, by the machine's architecture.
LIBRARIES = ":".join(f"/usr/lib/{machine}-linux-gnu/faketime" for machine in ("x86_64", "aarch64"))
