"""Connections that are meant to cost: thousands of half-finished handshakes, messages that never end, and who never reads."""

import os
import resource
import socket
import ssl
import time

from besieged import TIMES, Besieged
from certificate import Certificate
from messages import From, request
from process import expect, free_port

# So many files may the program open; half of them are for the connections of others (SECURITY.md).
FILES = 512
CONNECTIONS = 1000 * TIMES
# From so many addresses: of one there are 64 at most.
STRANGERS = [f"127.0.2.{number}" for number in range(1, 51)]
MOST_KIB_A_CONNECTION = 64
# A handshake has 10 s, and a message 30 s.
ALL_GONE_AFTER = 33
# Who reads nothing: of a registrar's 1 MiB waits, its places in a queue and its transactions beside, and it is closed after 10 s.
UNREAD = 4
MOST_KIB_UNREAD = 2048
CLOSED_AFTER = 13


def half_finished_handshakes_and_messages_take_no_line_and_no_file_too_many(place):
    """A thousand connections of strangers to all ports: nothing said, a ClientHello and no more, half an upgrade, half a message.
    The registrar's calls by UDP and TCP go on meanwhile, and half a minute later all of them are gone.
    """
    besieged, ports = listening(place)
    process = besieged.phone.process
    idle, files = process.resident_kib(), open_files(process)
    process.forget_peak()
    spent = process.cpu_seconds_exactly()
    begun = [handshake_broken_off(ports["tls"], STRANGERS[number % len(STRANGERS)]) for number in range(CONNECTIONS // 4)]
    expect(all(begun), f"{begun.count(False)} of {len(begun)} handshakes were not answered one after the other")
    handshake = (process.cpu_seconds_exactly() - spent) / len(begun)
    spent = process.cpu_seconds_exactly()
    began, held = time.monotonic(), []
    try:
        for number in range(CONNECTIONS):
            held += half_finished(STRANGERS[number % len(STRANGERS)], ports, number)
        took = time.monotonic() - began
        call = besieged.good_call()
        trunk = called_by_tcp(ports["tcp"])
        counters, most_files = besieged.counters(), open_files(process)
        cpu = (process.cpu_seconds_exactly() - spent) / CONNECTIONS
        peak = process.resident_kib(peak=True)
        expect(most_files <= FILES, f"{most_files} files are open, {FILES} may be")
        # A quarter of the half, and the trunk's own.
        most_held = FILES // 8 + 1
        expect(counters["connections"] <= most_held, f"{counters['connections']} connections are held, {most_held} may be")
        grown, most = peak - idle, MOST_KIB_A_CONNECTION * counters["connections"] + 4096
        expect(grown <= most, f"memory grew by {grown} KiB for {counters['connections']} connections, {most} at most was expected")
        time.sleep(max(0, began + took + ALL_GONE_AFTER - time.monotonic()))
        left = besieged.counters()["connections"]
        expect(left == 0, f"{left} connections are held after {ALL_GONE_AFTER} s")
        expect(open_files(process) <= files + 8, f"{open_files(process)} files are open, {files} were before")
    finally:
        for connection in held:
            connection.close()
    after = besieged.good_call()
    return [
        f"{CONNECTIONS} half-finished connections within {took:.1f} s: {counters['connections']} held, {counters['refused_connections']} refused,"
        f" {most_files} of {FILES} files open; {cpu * 1e6:.0f} µs a connection; memory {idle / 1024:.1f} / {peak / 1024:.1f} /"
        f" {process.resident_kib() / 1024:.1f} MiB",
        f"before, {len(begun)} handshakes by TLS begun and broken off: {handshake * 1e6:.0f} µs each",
        f"good calls meanwhile: {call * 1000:.0f} ms by UDP, {trunk * 1000:.0f} ms by TCP; {ALL_GONE_AFTER} s later none is held, {after * 1000:.0f} ms",
    ]


def listening(place, **phone):
    """A softphone that listens on every transport, and the ports by their names; so many files may it open."""
    certificate = Certificate(place)
    ports = {name: free_port() for name in ("tcp", "tls", "ws", "wss")}
    listens = "\n".join(f'listen_{name} = "127.0.0.1:{port}"' for name, port in ports.items())
    place.within = ["prlimit", f"--nofile={FILES}:{FILES}", "--"]
    besieged = Besieged(place, listens=listens, settings=certificate.shown(), **phone)
    place.within = []
    # This side needs some as well.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return besieged, ports


def half_finished(source, ports, number):
    """One connection that says a part of what it should, and no more. None where it was refused at once."""
    hello = client_hello()
    kinds = [
        ("tcp", b""),
        ("tcp", b"INVITE sip:858@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127"),
        ("tls", hello),
        ("tls", hello[:40]),
        ("wss", hello),
        ("ws", b"GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSo"),
        ("tls", b"\x16\x03\x01\xff\xff" + b"\x01" * 100),
        ("ws", b"\x81\xfe\xff\xff" * 4),
    ]
    to, said = kinds[number % len(kinds)]
    connection = connected(ports[to], source)
    try:
        connection.sendall(said)
    except OSError:
        connection.close()
        return []
    return [connection]


def handshake_broken_off(port, source):
    """Begins a handshake, waits until the server has signed its part, and goes. Returns whether it had."""
    with connected(port, source) as connection:
        connection.sendall(client_hello())
        return bool(connection.recv(4096))


def client_hello():
    """The first flight of a handshake by TLS."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def connected(port, source="127.0.0.1"):
    """A connection from an address."""
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


def called_by_tcp(port):
    """A call of the registrar's over a connection of its own, rejected. Returns how long that took."""
    began = time.monotonic()
    with connected(port) as connection:
        connection.sendall(by_tcp(connection, "INVITE", 1))
        heard = b""
        while b"SIP/2.0 486" not in heard:
            some = connection.recv(65536)
            expect(some, f"a call by TCP was not answered, but closed: {heard[:200]}")
            heard += some
    took = time.monotonic() - began
    expect(took <= 1, f"a call by TCP was answered after {took:.2f} s")
    return took


def by_tcp(connection, method, number, **fields):
    """A request of that connection."""
    return request(From(connection.getsockname()), method, number, **fields).replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")


def open_files(process):
    """How many files it has open."""
    return len(os.listdir(f"/proc/{process.child.pid}/fd"))


def who_asks_and_never_reads_is_closed_and_costs_no_more_than_is_said(place):
    """Four connections of the registrar's by TCP send OPTIONS without end and read nothing: they are not read from, and closed
    10 s later.
    """
    besieged, ports = listening(place, not_judged="memory is measured under a flood of OPTIONS")
    process = besieged.phone.process
    idle = process.resident_kib()
    process.forget_peak()
    connections = [connected(ports["tcp"]) for _ in range(UNREAD)]
    sent = sum(filled(connection) for connection in connections)
    filled_at = time.monotonic()
    call = besieged.good_call()
    peak = process.resident_kib(peak=True)
    expect(peak - idle <= UNREAD * MOST_KIB_UNREAD, f"memory grew by {peak - idle} KiB, {UNREAD * MOST_KIB_UNREAD} at most was expected")
    while besieged.counters()["connections"]:
        expect(time.monotonic() - filled_at < CLOSED_AFTER, f"{besieged.counters()['connections']} are held after {CLOSED_AFTER} s")
        time.sleep(0.2)
    closed = time.monotonic() - filled_at
    for connection in connections:
        connection.close()
    return [
        f"{UNREAD} connections sent {sent >> 10} KiB of OPTIONS and read nothing: closed {closed:.1f} s after the last was full; memory {idle / 1024:.1f} /"
        f" {peak / 1024:.1f} / {process.resident_kib() / 1024:.1f} MiB; a good call meanwhile in {call * 1000:.0f} ms"
    ]


def filled(connection):
    """Sends OPTIONS until nothing more is taken. Returns how many bytes that were."""
    connection.settimeout(0.5)
    sent = 0
    for number in range(100_000):
        try:
            connection.sendall(by_tcp(connection, "OPTIONS", number))
        except OSError:
            break
        sent += 300
    return sent


def streams_that_lie_about_their_length_are_refused(place):
    """Content-Length of gigabytes, below nothing, two that differ; headers without end, bytes that are no SIP:
    nothing is said, and the connection is closed. Where a message ends is known of one with too many headers, which
    nobody reads, and of a long one, whose body nobody keeps: the next is read. A deep multipart is a body as any other."""
    besieged, ports = listening(place)
    figures = []
    for name, said in lies().items():
        with connected(ports["tcp"]) as connection:
            connection.settimeout(1)
            heard, is_closed = heard_of(connection, said)
        if name == UNPARSED:
            expect(not is_closed and not heard, f"{name} was answered {heard}, and {'closed' if is_closed else 'kept'}")
        elif name in (WHOLE, LONG):
            expect(heard[-1:] == ["SIP/2.0 486 Busy Here"], f"{name} was answered {heard}")
        else:
            expect(is_closed and not heard, f"{name} was answered {heard}, and {'closed' if is_closed else 'kept'}")
        figures.append(f"{name}: {', '.join(heard) or 'nothing'}{', closed' if is_closed else ''}")
    for name, frames in FRAMES.items():
        with connected(ports["ws"]) as connection:
            connection.settimeout(1)
            connection.sendall(UPGRADE)
            upgraded = connection.recv(4096)
            expect(b"101 " in upgraded.split(b"\r\n")[0], f"no upgrade to WebSocket: {upgraded[:100]}")
            heard, is_closed = heard_of(connection, lambda _, frames=frames: frames)
        expect(is_closed and not heard, f"WebSocket: {name} was answered {heard}, and {'closed' if is_closed else 'kept'}")
    figures.append(f"WebSocket: {', '.join(FRAMES)}: closed")
    trunk = called_by_tcp(ports["tcp"])
    besieged.good_call()
    return [*figures, f"then a call by TCP in {trunk * 1000:.0f} ms"]


# A message like any other: what is in a body is read by nobody.
WHOLE = "400 parts within parts"
LONG = "a body of a megabyte"
UNPARSED = "10,000 header fields"


UPGRADE = b"""\
GET / HTTP/1.1\r
Host: 127.0.0.1\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Protocol: sip\r
\r
"""
MASK = b"\0\0\0\0"
# RFC 6455 section 5.2.
FRAMES = {
    "a frame of 8 exabytes": b"\x81\xff\x7f" + b"\xff" * 7 + MASK + b"INVITE",
    "a length with its highest bit set": b"\x81\xff" + b"\xff" * 8 + MASK + b"INVITE",
    "a frame that is not masked": b"\x81\x06INVITE",
    "reserved bits": b"\xf1\x86" + MASK + b"INVITE",
    "a reserved opcode": b"\x83\x86" + MASK + b"INVITE",
    "a ping of 200 bytes": b"\x89\xfe\0\xc8" + MASK + b"x" * 200,
    "a ping in parts": b"\x09\x81" + MASK + b"x",
    "what goes on with nothing": b"\x80\x86" + MASK + b"INVITE",
    "a message in 70,000 parts": b"\x01\x81" + MASK + b"I" + (b"\0\x81" + MASK + b"x") * 70_000,
    "a message in parts with nothing in them": b"\x01\x81" + MASK + b"I" + (b"\0\x80" + MASK) * 1_000_000,
    "no UTF-8": b"\x81\x82" + MASK + b"\xff\xfe",
}


def lies():
    """What is sent, by what it is."""

    def lying(**fields):
        return lambda connection: by_tcp(connection, "INVITE", 1, **fields)

    return {
        "Content-Length: 4294967296": lying(length=4294967296, body=b"v=0\r\n"),
        "Content-Length: 99999999999999999999": lying(length="99999999999999999999", body=b"v=0\r\n"),
        "Content-Length: -1": lying(length=-1, body=b"v=0\r\n"),
        "two lengths": lying(more="Content-Length: 5\n", length=0, body=b"v=0\r\n"),
        "100,000 bytes of header": lying(more=f"X: {'x' * 100_000}\n"),
        UNPARSED: lying(more="A: b\n" * 10_000),
        LONG: lying(body=b"x" * 1_000_000),
        WHOLE: lying(more='Content-Type: multipart/mixed;boundary="0"\n', body=b'--0\r\nContent-Type: multipart/mixed;boundary="0"\r\n\r\n' * 400),
        "no SIP": lambda connection: b"\0\xff" * 2000 + b"\r\n\r\n",
        "HTTP": lambda connection: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    }


def heard_of(connection, said):
    """What comes back, by its status, and whether the connection is closed."""
    heard = b""
    try:
        connection.sendall(said(connection))
        while some := connection.recv(65536):
            heard += some
        is_closed = True
    except TimeoutError:
        is_closed = False
    except OSError:
        is_closed = True
    lines = [line for line in heard.decode(errors="replace").split("\r\n") if line.startswith("SIP/2.0")]
    return lines, is_closed
