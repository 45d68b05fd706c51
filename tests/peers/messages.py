"""What is sent to the softphone by those who mean it no good, as bytes, and as many as are asked for."""

import pathlib
import random

DATA = pathlib.Path(__file__).resolve().parents[2] / "crates" / "testing" / "data"
LISTED = "+41791234567"

REQUEST = """\
{method} sip:{called}@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{mark}{number}
From: {caller};tag=f{mark}{number}
To: <sip:{called}@127.0.0.1>
Call-ID: {mark}{number}
CSeq: 1 {method}
Max-Forwards: 70
Contact: <sip:caller@{host}:{port}>
{more}Content-Length: {length}

"""


class From:
    """Who sends: the address that stands in the messages, and a mark that no other sender has."""

    def __init__(self, address, mark=None):
        self.host, self.port = address
        self.mark = mark or f"{random.getrandbits(48):x}"


def request(sender, method, number, called="858", caller=f"<sip:{LISTED}@127.0.0.1>", more="", body=b"", length=None):
    """A request like any other. `more` is further header fields, a line each."""
    length = len(body) if length is None else length
    fields = vars(sender) | {"method": method, "number": number, "called": called, "caller": caller, "length": length}
    return REQUEST.format(more=more, **fields).replace("\n", "\r\n").encode() + body


def requests(method):
    """Requests of one method, each of a call of its own."""
    return lambda sender, count: (request(sender, method, number) for number in range(count))


METHODS = "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "SUBSCRIBE", "NOTIFY", "MESSAGE", "INFO", "REFER", "PUBLISH", "NONSENSE"


def others(sender, count):
    """Every other method in turn, of calls that are not there."""
    return (request(sender, METHODS[number % len(METHODS)], number) for number in range(count))


def mixed(sender, count):
    """INVITE, REGISTER and OPTIONS in turn."""
    return (request(sender, ("INVITE", "REGISTER", "OPTIONS")[number % 3], number) for number in range(count))


def responses(sender, count):
    """Answers to requests that nobody sent: the branches are guesses, as are the other identifiers."""
    statuses = "200 OK", "401 Unauthorized", "301 Moved Permanently", "486 Busy Here", "100 Trying"
    for number in range(count):
        method = ("REGISTER", "OPTIONS", "INVITE")[number % 3]
        asked = request(sender, method, number, more="Expires: 3600\r\n").decode()
        _, _, rest = asked.partition("\r\n")
        yield f"SIP/2.0 {statuses[number % len(statuses)]}\r\n{rest}".encode()


PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b";", b",", b":", b"=", b'"', b"\\", b"<", b">", b"*", b"%", b"@", b"[", b"\xff"]
PIECES += [b"0", b"-1", b"99999999999999999999", b";tag=", b"\r\n\r\n"]


def malformed(sender, count):
    """The messages of RFC 4475 and RFC 5118 and some of ours, each with damage done to it: the same every time."""
    chance = random.Random(3261)
    originals = [file.read_bytes() for rfc in ("rfc4475", "rfc5118") for file in sorted((DATA / rfc).glob("*.dat"))]
    originals += [request(sender, method, 0) for method in ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER")]
    for _ in range(count):
        yield mutilated(chance.choice(originals), originals, chance)


def mutilated(original, others, chance):
    """Does damage to a message, one to five times."""
    message = bytearray(original)
    for _ in range(chance.randint(1, 5)):
        start = chance.randint(0, len(message))
        end = min(len(message), start + chance.randint(0, 60))
        match chance.randrange(6):
            case 0:
                del message[start:]
            case 1:
                del message[start:end]
            case 2:
                message[start:start] = chance.choice(PIECES)
            case 3:
                message[start:end] = message[start:end] * chance.randint(1, 40)
            case 4:
                other = chance.choice(others)
                cut = chance.randrange(len(other))
                message[start:end] = other[cut : cut + 60]
            case _:
                if start < len(message):
                    message[start] ^= 1 << chance.randrange(8)
    return bytes(message[:65_000])


LONGEST = 65_507


def oversized(sender, count):
    """Bodies that fill a datagram, lengths that are not theirs, and parts within parts."""
    kinds = long_body, wrong_length, two_lengths, deep, many_headers
    return (kinds[number % len(kinds)](sender, number) for number in range(count))


def long_body(sender, number):
    """As much as a datagram can hold."""
    head = len(request(sender, "INVITE", number, length=LONGEST))
    return request(sender, "INVITE", number, body=b"v" * (LONGEST - head), length=LONGEST - head)


def wrong_length(sender, number):
    """A Content-Length of gigabytes, below nothing, and of no number."""
    length = ("4294967296", "99999999999999999999999", "-1", "+5", "0x10", "1e3", "")[number // 5 % 7]
    return request(sender, "INVITE", number, body=b"v=0\r\n", length=length)


def two_lengths(sender, number):
    """Two that differ."""
    return request(sender, "INVITE", number, more="Content-Length: 5\n", body=b"v=0\r\n", length=4000)


def deep(sender, number, depth=400):
    """A multipart in a multipart, and so on."""
    more = 'Content-Type: multipart/mixed;boundary="0"\n'
    body = b"".join(
        b'--%d\r\nContent-Type: multipart/mixed;boundary="%d"\r\n\r\n' % (level, level + 1) for level in range(depth)
    )
    return request(sender, "INVITE", number, more=more, body=body)


def many_headers(sender, number):
    """Ten thousand header fields, and one with ten thousand values."""
    if number // 5 % 2:
        return request(sender, "INVITE", number, more=f"Supported: {'a,' * 10_000}a\n")
    return request(sender, "INVITE", number, more="A: b\n" * 10_000)


def no_sip(sender, count):
    """What else comes to a port: STUN, line ends, nothing at all, RTP, TLS and HTTP."""
    stun = b"\x21\x12\xa4\x42" + b"transaction!"
    kinds = [b"\0\x01\0\0" + stun, b"\x01\x01\0\x0c" + stun + b"\0\x20\0\x08\0\x01\xde\xad\xbe\xef\xca\xfe", b"\x01\x11\0\0" + stun]
    kinds += [b"\r\n\r\n", b"\r\n", b"", b"\0", b"\x80\0" + b"\0" * 170, b"\x16\x03\x01\0\xf0" + b"\x01" * 240, b"GET / HTTP/1.1\r\n\r\n"]
    return (kinds[number % len(kinds)] for number in range(count))


FLOODS = {
    "INVITE": requests("INVITE"),
    "REGISTER": requests("REGISTER"),
    "OPTIONS": requests("OPTIONS"),
    "other methods": others,
    "mixed": mixed,
    "responses": responses,
    "malformed": malformed,
    "oversized": oversized,
    "no SIP": no_sip,
}
