"""Pages of tests/pages in headless Chromium, from a server of their own."""

import contextlib
import functools
import http.server
import json
import pathlib
import queue
import shutil
import threading
import urllib.parse

from process import Failed, expect

PAGES = pathlib.Path(__file__).resolve().parents[1] / "pages"

# A microphone that beeps, and nobody to ask for leave to use it. Root, as on a build machine, has no sandbox.
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
CHROMIUM += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

# What a page does takes a second; a machine that builds beside it is slow to start a browser.
PATIENCE = 60


def calls_of_a_page(place, library, certificate, port, numbers):
    """Has a page call `wss://127.0.0.1:PORT` from each of the numbers. Returns what it tells of each."""
    folder = bundled(place, library)
    trusted = [f"--user-data-dir={folder}/profile", f"--ignore-certificate-errors-spki-list={certificate.fingerprint()}"]
    asked = urllib.parse.urlencode([("port", port), *(("from", number) for number in numbers)])
    with served(folder) as server:
        page = f"http://127.0.0.1:{server.server_address[1]}/?{asked}"
        place.start(f"chromium-{library}", [*CHROMIUM, *trusted, page])
        try:
            told = server.told.get(timeout=PATIENCE)
        except queue.Empty:
            raise Failed(f"the page told nothing within {PATIENCE} s") from None
    expect("error" not in told, f"the page says: {told.get('error')}")
    return told


def bundled(place, library):
    """A folder with the page, its script and the library as one file."""
    folder = place.folder / library
    folder.mkdir()
    shutil.copy(PAGES / "page.html", folder / "index.html")
    bundler = place.start(
        "esbuild",
        [PAGES / "node_modules/.bin/esbuild", PAGES / "calls.js", "--bundle", "--log-level=warning"]
        + [f"--outfile={folder}/calls.js", f"--alias:library={PAGES}/{library}.js"],
    )
    expect(bundler.finish(PATIENCE) == 0, "the page's script could not be bundled")
    return folder


@contextlib.contextmanager
def served(folder):
    """A server of a folder's files on a port of 127.0.0.1, with a queue of what the pages tell it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, directory=folder)) as server:
        server.told = queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Pages(http.server.SimpleHTTPRequestHandler):
    """Files, and JSON that a page tells."""

    def do_POST(self):
        self.server.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""
