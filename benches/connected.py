"""The caller of `scripts/bench connections`: calls over one connection that is kept, in clear or by TLS.

It keeps some calls open all the time, sends what is due at once, and is the bound itself: the server's CPU a call is
what is measured, not how many calls it could take.
"""

import socket
import ssl

SDP = (
    "v=0\r\no=- 763177212 429111000 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 8653 RTP/AVP 8 0 3 101 9\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:9 G722/8000\r\na=fmtp:9 bitrate=64000\r\na=sendrecv\r\n"
)
# Longer than a server takes that is not lost.
PATIENCE = 32


class Connection:
    """One connection to a server on 127.0.0.1, by TLS where a certificate is to be shown."""

    def __init__(self, port, certificate=None):
        plain = socket.create_connection(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if certificate:
            context = ssl.create_default_context(cafile=certificate)
            plain = context.wrap_socket(plain, server_hostname="127.0.0.1")
        plain.settimeout(PATIENCE)
        self.socket, self.transport = plain, "TLS" if certificate else "TCP"
        self.begun = 0

    def call(self, count, at_once):
        """Places so many calls, and returns when each was answered 486 and that was acknowledged."""
        head = f"sip:858@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{self.transport} 127.0.0.1:5099;branch=z9hG4bK%s;rport\r\n"
        head += "Max-Forwards: 70\r\nFrom: <sip:+41791234567@127.0.0.1>;tag=%s\r\nTo: %s\r\nCall-ID: %s@127.0.0.1\r\nCSeq: 1 "
        invite = f"INVITE {head}INVITE\r\nContact: <sip:+41791234567@127.0.0.1:5099;transport={self.transport.lower()}>\r\n"
        invite += f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
        ack = f"ACK {head}ACK\r\nContent-Length: 0\r\n\r\n"
        last, answered, rest = self.begun + count, 0, b""
        due = [self.invite(invite) for _ in range(min(at_once, count))]
        while True:
            self.socket.sendall("".join(due).encode())
            if answered == count:
                return
            *responses, rest = (rest + self.socket.recv(1 << 18)).split(b"\r\n\r\n")
            if not responses and not rest:
                raise ConnectionError(f"the server closed the connection after {answered} of {count} calls")
            due = []
            for response in responses:
                if not response.startswith(b"SIP/2.0 486 "):
                    continue
                answered += 1
                headers = dict(line.split(": ", 1) for line in response.decode().split("\r\n")[1:])
                number = headers["Call-ID"].partition("@")[0]
                due.append(ack % (number, number, headers["To"], number))
                if self.begun < last:
                    due.append(self.invite(invite))

    def invite(self, template):
        """The INVITE of the next call."""
        self.begun += 1
        number = f"{self.socket.getsockname()[1]}-{self.begun}"
        return template % (number, number, "<sip:858@127.0.0.1>", number)
