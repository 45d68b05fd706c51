"""A registrar of the test's own, by UDP: it answers whatever the test wants, right or wrong, and keeps what it was asked."""

import itertools
import socket
import threading
import time

from process import free_port


class Request:
    """One request, as it came."""

    def __init__(self, message, source):
        self.at = time.monotonic()
        self.message = message
        self.source = source
        head, _, self.body = message.partition(b"\r\n\r\n")
        self.first, *fields = head.decode("utf-8", "replace").split("\r\n")
        self.method = self.first.split(" ")[0]
        self.fields = [tuple(field.partition(": ")[::2]) for field in fields]

    def value(self, name, otherwise=""):
        """The first value of a header field."""
        return next((value for field, value in self.fields if field.lower() == name.lower()), otherwise)

    def answer(self, status, *more, **instead):
        """A response: Via, From, To, Call-ID and CSeq as RFC 3261 has them, unless the test has others instead (`call_id=`)."""
        names = {"via": "Via", "from_": "From", "to": "To", "call_id": "Call-ID", "cseq": "CSeq"}
        told = {key: self.value(name) for key, name in names.items()}
        if not status.startswith("100"):
            told["to"] += ";tag=pbx"
        told |= instead
        head = [f"{names[key]}: {value}" for key, value in told.items()]
        return "\r\n".join([f"SIP/2.0 {status}", *head, *more, "Content-Length: 0", "", ""]).encode("utf-8", "surrogateescape")

    def accepted(self, expires=60):
        """200, with the Contact that was asked for."""
        return self.answer("200 OK", f"Contact: {self.value('Contact').partition(';expires=')[0]};expires={expires}")

    def challenged(self, *parameters, status="401 Unauthorized", name="WWW-Authenticate", nonce="n"):
        """401 with a challenge."""
        digest = ", ".join(['Digest realm="127.0.0.1"', f'nonce="{nonce}"', *parameters])
        return self.answer(status, f"{name}: {digest}")


class Pbx:
    """It answers each request with what a function of it and its number gives: datagrams, and times to wait between them."""

    def __init__(self, answers=lambda request, number: [request.accepted()]):
        self.answers = answers
        self.requests = []
        self.port = free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.settimeout(0.1)
        self.is_closed = False
        self.heard = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Answers until it is closed. What is no request is kept as it is."""
        numbers = itertools.count()
        while not self.is_closed:
            try:
                message, source = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            if message.startswith(b"SIP/2.0"):
                self.heard.append(message)
            elif message.strip():
                request = Request(message, source)
                self.requests.append(request)
                for answer in self.answers(request, next(numbers)):
                    if isinstance(answer, bytes):
                        self.socket.sendto(answer, source)
                    else:
                        time.sleep(answer)

    def transactions(self):
        """How many requests there were that no other request repeats."""
        return len({request.value("Via") for request in self.requests})

    def close(self):
        """Ends it."""
        self.is_closed = True
        self.thread.join()
        self.socket.close()
