"""A router between the softphone and its registrar: what comes in on its inner port goes out from another, and back."""

import select
import socket
import threading


class Translator:
    """Translates the datagrams of one phone, as consumer routers do, until it is closed."""

    def __init__(self, server):
        self.server = ("127.0.0.1", server)
        self.inner = bound()
        self.outer = bound()
        self.phone = None
        self.is_closed = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def port(self):
        """Where the phone takes its registrar to be."""
        return self.inner.getsockname()[1]

    @property
    def seen(self):
        """Where the registrar sees the phone."""
        return self.outer.getsockname()[1]

    def restart(self):
        """Forgets where the phone was seen: it is seen at another port from now on, and reached at the old one no more."""
        old, self.outer = self.outer, bound()
        old.close()

    def run(self):
        """Passes on what comes, in both directions."""
        while not self.is_closed:
            outer = self.outer
            try:
                for source in readable(self.inner, outer):
                    datagram, sender = source.recvfrom(65536)
                    if source is self.inner:
                        self.phone = sender
                        self.outer.sendto(datagram, self.server)
                    elif self.phone:
                        self.inner.sendto(datagram, self.phone)
            except (OSError, ValueError):
                # The outer socket was closed meanwhile, or nobody listens there.
                continue

    def close(self):
        """Ends it."""
        self.is_closed = True
        self.thread.join()
        self.inner.close()
        self.outer.close()


def readable(*sockets):
    """Those of some sockets that have something to read within a tenth of a second. Their numbers may be beyond what select() takes:
    other tests hold thousands of files open."""
    poll, by_number = select.poll(), {each.fileno(): each for each in sockets}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(100)]


def bound():
    """A UDP socket of 127.0.0.1."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made
