"""Serving the page on this machine alone."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

from mirnet_keras.web.page_files import TYPES

HOST = "127.0.0.1"
HEADERS = {
    # The page says the same of itself in a tag, but that does not bind its worker.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
        "connect-src 'self'; style-src 'self'; img-src 'self' data: blob:"
    ),
    # Browsers give threads to pages that are shut off like this.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
}


@contextlib.contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serves a folder of `build_site` while the block runs; gives its address.

    Args:
        folder: of the site.
        port: 0 takes a free one.

    Raises:
        OSError: when the port is taken.
    """
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer((HOST, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files, and nothing but files."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path):
        self.send_error(404)

    def log_message(self, format, *args):
        pass
