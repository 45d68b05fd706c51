"""SIPVicious, with which the Internet is scanned: svmap looks for SIP devices, svwar for extensions, svcrack for passwords.
They run side by side, in a network of their own, since svwar and svcrack do not let their address be chosen.
"""

from besieged import TIMES, Besieged
from network import Network
from process import expect

# Extensions that svwar tries, the line's own in their midst, and passwords that svcrack has.
TRIED = 200 * TIMES
FIRST = max(1, 858 - TRIED // 2)
EXTENSIONS = ["-e", f"{FIRST}-{FIRST + TRIED + TRIED // 10}", "--maximumtime=2"]
SCANS = {
    "svmap by OPTIONS": ["svmap", "-m", "OPTIONS"],
    "svmap by INVITE": ["svmap", "-m", "INVITE"],
    "svmap by REGISTER": ["svmap", "-m", "REGISTER"],
    "svwar by REGISTER": ["svwar", "--force", "-m", "REGISTER", *EXTENSIONS],
    "svwar by INVITE": ["svwar", "--force", "-m", "INVITE", *EXTENSIONS],
    "svcrack": ["svcrack", "-u", "858", "-r", f"1-{TRIED}"],
}
# svcrack waits 10 s for its first answer; an extension takes svwar some 12 ms on a busy machine.
PATIENCE = 30 * TIMES
STRANGER, REGISTRAR = "127.0.0.9", "127.0.0.1"


def scanners_find_nothing(place):
    """From an address that may not call: no device, no extension, no password, and not one answer."""
    besieged = surrounded(place)
    before = besieged.counters()
    for name, said in scans(besieged, STRANGER).items():
        expect(is_empty_handed(said), f"{name} found something: {said}")
        expect("method not allowed" not in said and "unknown response" not in said, f"{name} was answered: {said}")
    counted = besieged.counters()
    tried = counted["dropped_stranger"] - before["dropped_stranger"]
    came = counted["datagrams"] - before["datagrams"]
    expect(tried == came, f"of {came} datagrams {tried} are counted as a stranger's")
    # Each gives up when its first try is not answered.
    expect(tried >= len(SCANS), f"only {tried} datagrams came")
    call = besieged.good_call()
    return [f"{len(SCANS)} scans gave up after {tried} datagrams, none answered, nothing found; a good call in {call * 1000:.0f} ms"]


def scanners_at_the_registrars_address_learn_no_extension_and_no_password(place):
    """From where calls come: svmap is told that this is a user agent, and svwar and svcrack that it is no registrar."""
    besieged = surrounded(place)
    said = scans(besieged, REGISTRAR)
    for name in SCANS:
        if name.startswith("svmap"):
            expect("ringfence/" in said[name], f"{name} was not told the user agent: {said[name]}")
    for name in "svwar by REGISTER", "svwar by INVITE", "svcrack":
        expect(is_empty_handed(said[name]), f"{name} found something: {said[name]}")
    # Each INVITE is decided and rejected like any other, whatever extension is called: svwar tells none apart by it. It tries
    # one that nobody has before it begins.
    rejected = besieged.phone.status()["calls"]["rejected"]
    expect(rejected > TRIED, f"only {rejected} calls of svmap and svwar were rejected")
    call = besieged.good_call()
    return [f"svmap is told the user agent, svwar and svcrack find nothing; a good call in {call * 1000:.0f} ms"]


def surrounded(place):
    """A softphone in a network of its own, which rejects every call: nobody lies awake."""
    Network(place, "")
    return Besieged(place, otherwise='"decline"')


def scans(besieged, source):
    """Runs all scanners from an address. Returns what each said."""
    place = besieged.place
    # Whoever chooses no address of his own to come from has this one.
    route = place.start("route", ["ip", "route", "replace", "local", "127.0.0.1", "dev", "lo", "table", "local", "src", source])
    expect(route.finish(5) == 0, f"no route: {route.text()}")
    target = ["127.0.0.1", "-p", besieged.phone.port, "-x", source, "-t", "0.001"]
    running = {}
    for name, (program, *words) in SCANS.items():
        # It keeps its sessions in its home, and is not to find those of another.
        home = place.folder / name.replace(" ", "-")
        home.mkdir()
        running[name] = place.start(home.name, [program, *words, *target], {"HOME": str(home)})
    codes = {name: run.finish(PATIENCE) for name, run in running.items()}
    expect(set(codes.values()) <= {0, 1}, f"scanners ended with {codes}")
    return {name: run.text() for name, run in running.items()}


def is_empty_handed(said):
    """Whether a scanner has found nothing: it would have drawn a table."""
    return "found nothing" in said and "|" not in said
