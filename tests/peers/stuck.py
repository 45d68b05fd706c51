"""Servers of lists that do not let go: they accept and say nothing, drip, or never end. Calls and registration do not wait."""

import socket
import ssl
import threading
import time

from besieged import Besieged
from certificate import openssl
from process import expect, free_port

# docs/reference/list-sources.md: not all of it within 30 s, or more than 64 MiB.
GIVEN_UP = 34
# Of one list that is being read, and a little.
MOST_MIB = 64 + 8
ENTRIES = 1000

LIST = """\
[list.{name}]
source = "https://127.0.0.1:{port}/{name}.txt"
private = true
ca = "{authority}"
"""
RULE = """\
[[rule]]
id = "{name}"
when = {{ caller_in = "{name}" }}
then = "decline"
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def good(stream):
    """A list."""
    rows = "".join(f"+4144555{row:04}\n" for row in range(ENTRIES)).encode()
    stream.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(rows), rows))


def mute(stream):
    """Nothing, once TLS is there."""
    wait(stream)


def dripping(stream):
    """A byte every few seconds."""
    stream.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    for _ in range(30):
        time.sleep(3)
        stream.sendall(b"+")


def endless(stream):
    """Rows without end, as fast as they are taken."""
    stream.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"+41445550000\n" * 5000
    while True:
        stream.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))


def boastful(stream):
    """A length of gigabytes, and then nothing."""
    stream.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n+4144")
    wait(stream)


def babbling(stream):
    """A head that never ends, faster than anybody's patience."""
    stream.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        stream.sendall(b"X-More: and more\r\n" * 100)


def deaf(stream):
    """Not even TLS: it is accepted and left."""


KINDS = good, mute, dripping, endless, boastful, babbling, deaf

# What `status` says of each.
TOLD = {
    "mute": "no whole answer within 30s",
    "dripping": "no whole answer within 30s",
    "endless": "found more",
    "boastful": "found more",
    "babbling": "the answer broke off",
    "deaf": "no connection",
}


def wait(stream):
    """Until the other side goes."""
    while stream.recv(4096):
        pass


class Server:
    """A server at 127.0.0.1 that treats every connection alike."""

    def __init__(self, kind, certificate, key):
        self.kind = kind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        self.held = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        """Accepts until it is closed."""
        while True:
            try:
                stream = self.socket.accept()[0]
            except OSError:
                return
            self.held.append(stream)
            if self.kind is not deaf:
                threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        """One connection."""
        try:
            with self.context.wrap_socket(stream, server_side=True) as secure:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += secure.recv(4096)
                self.kind(secure)
        except OSError:
            return

    def close(self):
        """Ends it, and what it holds."""
        self.socket.close()
        for stream in self.held:
            stream.close()


def authority(folder):
    """An authority's certificate, and a server's that it signed, with its key."""
    certificate, key, request_ = folder / "server.pem", folder / "server.key", folder / "server.csr"
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(["req", "-x509", *curve, "-days", "2", "-subj", "/CN=authority", "-keyout", ca_key, "-out", ca])
    openssl(["req", *curve, "-subj", "/CN=lists", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", request_])
    openssl(["x509", "-req", "-in", request_, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out", certificate])
    return ca, certificate, key


def servers_of_lists_that_do_not_let_go_keep_no_call_waiting(place):
    """Seven lists from seven servers, of which one is good: it counts at once, and each of the others is given up."""
    ca, certificate, key = authority(place.folder)
    servers = {kind.__name__: Server(kind, certificate, key) for kind in KINDS}
    try:
        settings = "".join(LIST.format(name=name, port=server.port, authority=ca) for name, server in servers.items())
        rules = "".join(RULE.format(name=name) for name in servers)
        place.within = ["env", f"XDG_CACHE_HOME={place.folder}"]
        began = time.monotonic()
        besieged = Besieged(place, settings=settings + rules)
        place.within = []
        started = time.monotonic() - began
        process = besieged.phone.process
        slowest = 0
        while time.monotonic() - began < GIVEN_UP:
            slowest = max(slowest, besieged.good_call())
            time.sleep(1)
        sources = besieged.phone.status()["sources"]
        peak, after = process.resident_kib(peak=True) / 1024, process.resident_kib() / 1024
    finally:
        for server in servers.values():
            server.close()
    told = {source["list"]: source for source in sources["lists"]}
    expect(told["good"]["rows"] == ENTRIES, f"the good list is {told['good']}")
    for name, words in TOLD.items():
        expect(words in (told[name].get("error") or ""), f"of the list {name} it is said: {told[name]}")
        expect(told[name]["next"], f"the list {name} is never asked for again: {told[name]}")
    expect(peak <= after + MOST_MIB, f"memory was {peak:.1f} MiB at its highest, and is {after:.1f}")
    line = besieged.phone.lines()[0]
    expect(line["state"] == "registered", f"the line is {line}")
    return [
        f"registered and answering {started:.1f} s after the start; calls meanwhile rejected within {slowest * 1000:.0f} ms; the good list counts, the other"
        f" {len(TOLD)} are told; memory {peak:.1f} MiB at its highest, {after:.1f} after"
    ]
