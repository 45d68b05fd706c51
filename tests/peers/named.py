"""The softphone finds its registrar by name: with a DNS server, with a hosts file, and without either at first."""

import time

from kamailio import PASSWORD, Kamailio
from network import Dnsmasq, Network
from phone import Phone
from process import expect, free_port
from sipp import Calls

LINE = """\
[account.{name}]
user = "{name}"
domain = "{domain}"
password = "{password}"
{rest}
"""

RULE = """\
[[rule]]
id = "all"
then = "busy"
"""

# A try that fails at once is followed by the next within 2 and 10 s, and each asks for 2 s at most here.
BACK_WITHIN = 25
# A binding of 20 s is refreshed within 18, which is given up after 32, and tried again within 2.
MOVED_WITHIN = 18 + 32 + 2 + 3


def line(name, domain, rest=""):
    """An account of a user of Kamailio's."""
    return LINE.format(name=name, domain=domain, password=PASSWORD, rest=rest)


def records(port, host="sip1.pbx.test"):
    """What a provider publishes: NAPTR for the transport, SRV for the server, A for its address."""
    return (
        "--naptr-record=pbx.test,10,10,s,SIP+D2U,,_sip._udp.pbx.test",
        "--naptr-record=pbx.test,20,10,s,SIP+D2T,,_sip._tcp.pbx.test",
        f"--srv-host=_sip._udp.pbx.test,{host},{port},10,60",
        f"--srv-host=_sip._udp.pbx.test,away.pbx.test,{port},20,60",
        f"--host-record={host},127.0.0.1,::1",
        "--host-record=away.pbx.test,127.0.0.9",
        "--cname=alias.pbx.test,sip1.pbx.test",
        "--srv-host=_sip._udp.closed.test,.,0",
        "--host-record=closed.test,127.0.0.1",
    )


def by_naptr_srv_and_hosts_it_registers_and_rejects(place):
    """Lines of one registrar that is named in four ways, and two that have none."""
    port = free_port()
    Network(place, "nameserver 127.0.0.1\nsearch pbx.test\n", "127.0.0.1 localhost\n127.0.0.1 fritz.box\n")
    dnsmasq = Dnsmasq(place, "127.0.0.1", *records(port))
    Kamailio(place, port)
    phone = Phone(
        place,
        port,
        lines=line("858", "pbx.test")
        + line("859", "fritz.box", f"port = {port}")
        + line("860", "alias.pbx.test", f"port = {port}")
        + line("861", "sip1", f"port = {port}")
        + line("862", "closed.test")
        + line("863", "nobody.test")
        + RULE,
    )
    wanted = {"858": "registered", "859": "registered", "860": "registered", "861": "registered"}
    wanted |= {"862": "failed", "863": "failed"}
    states = wait_for_states(phone, wanted, 10)
    Calls(place, "reject", port, count=50, rate=50).finish_exactly(20)
    for name, words in {"862": "no SIP service", "863": "no address"}.items():
        expect(words in states[name]["cause"], f"line {name} is said to have failed for: {states[name]['cause']}")
    asked = dnsmasq.process.text()
    for words in "query[NAPTR] pbx.test", "query[SRV] _sip._udp.pbx.test", "query[AAAA] sip1.pbx.test":
        expect(words in asked, f"the DNS server was not asked: {words}")
    expect("fritz.box" not in asked, "the DNS server was asked for a name of the hosts file")
    return [f"registered by NAPTR and SRV, by /etc/hosts, by CNAME and by the search list; {states['862']['cause']}"]


def when_its_registrar_has_moved_it_follows_the_name(place):
    """The SRV record names another server, and the old one is dead: that is noticed with the refresh, and looked up anew."""
    old, new = free_port(), free_port()
    Network(place, "nameserver 127.0.0.1\n")
    dnsmasq, kamailio = Dnsmasq(place, "127.0.0.1", *records(old)), Kamailio(place, old)
    phone = Phone(place, old, lines=line("858", "pbx.test") + RULE)
    phone.wait_for_state("registered", 10)
    dnsmasq.process.kill()
    kamailio.process.kill()
    Dnsmasq(place, "127.0.0.1", *records(new), name="dnsmasq-after")
    successor = Kamailio(place, new, "kamailio-elsewhere")
    moved = time.monotonic()
    while successor.accepted() == 0:
        expect(time.monotonic() - moved < MOVED_WITHIN, f"not registered where it moved within {MOVED_WITHIN} s")
        time.sleep(0.1)
    back = time.monotonic() - moved
    phone.wait_for_state("registered", 2)
    Calls(place, "reject", new, count=50, rate=50).finish_exactly(20)
    return [f"registered where the name leads now {back:.0f} s after the old server died (bound {MOVED_WITHIN} s)"]


def where_no_dns_server_answers_it_comes_back_with_the_next(place):
    """The machine comes into another network: /etc/resolv.conf names another server, and nothing is restarted."""
    port = free_port()
    network = Network(place, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    Dnsmasq(place, "127.0.0.2", *records(port))
    Kamailio(place, port)
    phone = Phone(place, port, lines=line("858", "pbx.test") + RULE)
    cause = phone.wait_for_state("failed", 20)["cause"]
    expect("pbx.test has no address" in cause, f"ringfence status does not say what is wrong: {cause}")
    network.resolv_conf.write_text("nameserver 127.0.0.2\n")
    changed = time.monotonic()
    phone.wait_for_state("registered", BACK_WITHIN)
    back = time.monotonic() - changed
    Calls(place, "reject", port, count=50, rate=50).finish_exactly(20)
    return [f"registered {back:.1f} s after /etc/resolv.conf named a server that answers (bound {BACK_WITHIN} s)"]


def wait_for_states(phone, wanted, seconds):
    """Waits until each line is in its state. Returns what is said of each."""
    deadline = time.monotonic() + seconds
    while True:
        lines = {line["name"]: line for line in phone.lines()}
        if {name: line["state"] for name, line in lines.items()} == wanted:
            return lines
        expect(time.monotonic() < deadline, f"not {wanted} after {seconds} s: {lines}")
        time.sleep(0.05)
