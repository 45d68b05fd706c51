"""A certificate for 127.0.0.1, and TLS in front of a peer that speaks none."""

import asyncio
import base64
import contextlib
import hashlib
import queue
import ssl
import subprocess
import threading

from process import free_port


class Certificate:
    """A certificate for 127.0.0.1 that is its own authority, and a port to show it at."""

    def __init__(self, place, host="IP:127.0.0.1", port=None, name="pbx", ended=False):
        self.certificate = place.folder / f"{name}.pem"
        self.key = place.folder / f"{name}.key"
        self.port = port or free_port()
        openssl(
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", "/CN=pbx", "-addext", f"subjectAltName={host}", "-addext", "basicConstraints=critical,CA:FALSE"]
            + ["-keyout", self.key, "-out", self.certificate],
            # One that is made so long ago has ended yesterday.
            ["faketime", "-f", "-3d"] if ended else [],
        )

    def trusted(self):
        """The settings of a softphone that trusts it."""
        return f'[tls]\ntrust = ["{self.certificate}"]\n'

    def shown(self):
        """The settings of a softphone that shows it."""
        return f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'

    def fingerprint(self):
        """The SHA-256 of its public key in base64, by which Chromium is told to trust it."""
        pem = openssl(["x509", "-in", self.certificate, "-noout", "-pubkey"])
        key = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
        return base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextlib.contextmanager
def tunnel(certificate, onward):
    """A port of 127.0.0.1 whose connections go on to another port by TLS, where that shows the certificate."""
    context = ssl.create_default_context(cafile=certificate.certificate)
    opened = queue.Queue()

    async def carry(reader, writer):
        there = await asyncio.open_connection("127.0.0.1", onward, ssl=context, server_hostname="127.0.0.1")
        await asyncio.gather(hand_on(reader, there[1]), hand_on(there[0], writer))

    async def run():
        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        over = asyncio.Event()
        opened.put((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), over))
        await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    port, loop, over = opened.get()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def hand_on(reader, writer):
    """Hands on what comes until no more does, and then says so."""
    # Who ends a call's connection does not wait for the other side.
    with contextlib.suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


def openssl(arguments, within=()):
    """Runs openssl and returns what it prints."""
    return subprocess.run([*within, "openssl", *arguments], check=True, capture_output=True, text=True).stdout
