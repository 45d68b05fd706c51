"""A DNS server that lies, for names below `lies.test`: run as `liar.py ADDRESS`, at port 53 of it, by UDP and TCP.

Each name is a lie of its own; what is asked is printed, a name a line. `good.test` is told the truth: 127.0.0.1.
"""

import random
import select
import socket
import struct
import sys

A, CNAME, SRV, TXT, NAPTR = 1, 5, 33, 16, 35
TRUTH = "127.0.0.1"
CUT, AUTHORITATIVE, RESPONSE, SERVER_FAILED, NO_SUCH_NAME = 0x0200, 0x0400, 0x8080, 2, 3


def name_of(labels):
    """A name as it stands in a message."""
    return b"".join(bytes([len(label)]) + label for label in labels.encode().split(b".") if label) + b"\0"


def asked(query):
    """The name and the type that a query asks for, and the question as it stands."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack(">H", query[at + 1 : at + 3])[0], query[12 : at + 5]


def record(owner, kind, data, ttl=60):
    """A resource record."""
    return name_of(owner) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def address(owner, of):
    """An A record."""
    return record(owner, A, socket.inet_aton(of))


def answer(query, question, records, flags=0, number=None):
    """A response to a query."""
    identifier = query[:2] if number is None else number
    return identifier + struct.pack(">HHHHH", RESPONSE | AUTHORITATIVE | flags, 1, len(records), 0, 0) + question + b"".join(records)


def lies(query, is_tcp):
    """What is answered, one message after the other."""
    name, kind, question = asked(query)
    print(name, kind, flush=True)
    lie = name.removesuffix(".lies.test").rpartition(".")[2]
    if name == "good.test":
        return [answer(query, question, [address(name, TRUTH)] if kind == A else [])]
    if lie not in LIES:
        return [answer(query, question, [], NO_SUCH_NAME)]
    return LIES[lie](name, kind, query, question, is_tcp)


def anothers(name, kind, query, question, is_tcp):
    """The address of another name, of which nobody asked."""
    return [answer(query, question, [address("bank.test", TRUTH), address("lies.test", TRUTH)])]


def circle(name, kind, query, question, is_tcp):
    """An alias of an alias of itself."""
    other = "b.circle.lies.test" if name == "circle.lies.test" else "circle.lies.test"
    return [answer(query, question, [record(name, CNAME, name_of(other)), record(other, CNAME, name_of(name))])]


def chain(name, kind, query, question, is_tcp):
    """Aliases that lead on for ever, each of them new."""
    return [answer(query, question, [record(name, CNAME, name_of(f"a{random.getrandbits(40):x}.chain.lies.test"))])]


def thousands(name, kind, query, question, is_tcp):
    """As many records as a message can hold, of addresses where nobody is."""
    if not is_tcp:
        return [answer(query, question, [], CUT)]
    if kind == SRV:
        return [answer(query, question, [record(name, SRV, struct.pack(">HHH", 1, 1, 5060) + name_of(f"s{n}.thousands.lies.test")) for n in range(1000)])]
    return [answer(query, question, [address(name, f"127.9.{n // 250}.{n % 250 + 1}") for n in range(1800)] if kind == A else [])]


def cut(name, kind, query, question, is_tcp):
    """Always too long for UDP, and over TCP still."""
    return [answer(query, question, [], CUT)]


def garbage(name, kind, query, question, is_tcp):
    """Bytes, lengths that lie, and a pointer to itself."""
    chance = random.Random(name)
    looping = query[:2] + struct.pack(">HHHHH", RESPONSE, 1, 5, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01" * 5
    return [chance.randbytes(300), query[:2] + chance.randbytes(300), looping, answer(query, question, [name_of(name) + b"\0\x01\0\x01\0\0\0<\xff\xff"]), b""]


def silent(name, kind, query, question, is_tcp):
    """Nothing."""
    return []


def guessing(name, kind, query, question, is_tcp):
    """Answers of other identifiers and to other questions: what who is not on the path would send."""
    other = answer(query, name_of("bank.test") + question[-4:], [address("bank.test", TRUTH)])
    return [*(answer(query, question, [address(name, TRUTH)], number=random.randbytes(2)) for _ in range(20)), other]


def nowhere(name, kind, query, question, is_tcp):
    """Addresses that stand for no host, for all, and for a group."""
    return [answer(query, question, [address(name, of) for of in ("0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1")] if kind == A else [])]


def failing(name, kind, query, question, is_tcp):
    """SERVFAIL."""
    return [answer(query, question, [], SERVER_FAILED)]


def itself(name, kind, query, question, is_tcp):
    """Services and replacements that lead to themselves."""
    if kind == SRV:
        return [answer(query, question, [record(name, SRV, struct.pack(">HHH", 1, 1, 5060) + name_of(name))])]
    if kind == NAPTR:
        data = struct.pack(">HH", 1, 1) + b"\1s\7SIP+D2U\0" + name_of(name)
        return [answer(query, question, [record(name, NAPTR, data)])]
    return [answer(query, question, [])]


LIES = {
    lie.__name__: lie for lie in (anothers, circle, chain, thousands, cut, garbage, silent, guessing, nowhere, failing, itself)
}


def serve(at):
    """Answers until it is ended."""
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((at, 53))
    streams = socket.socket()
    streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    streams.bind((at, 53))
    streams.listen(64)
    print("started", flush=True)
    while True:
        for ready in select.select([datagrams, streams], [], [])[0]:
            if ready is datagrams:
                query, source = datagrams.recvfrom(4096)
                for said in lies(query, is_tcp=False):
                    datagrams.sendto(said, source)
            else:
                serve_stream(streams.accept()[0])


def serve_stream(stream):
    """Answers one query over a connection."""
    with stream:
        stream.settimeout(1)
        try:
            query = stream.recv(4096)[2:]
            for said in lies(query, is_tcp=True):
                stream.sendall(struct.pack(">H", min(len(said), 65535)) + said[:65535])
        except (OSError, IndexError):
            return


if __name__ == "__main__":
    serve(sys.argv[1])
