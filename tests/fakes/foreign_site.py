"""A site of somebody else on loopback, by another host name, whose policy lets in nothing but our host."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bakery</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/site.css"></head>
<body><main><h1>Bakery</h1><p>The oven is warm from seven.</p>
{pasted}
</main></body></html>"""
# A site with a mind of its own: everything a block, its own colours by the scheme.
SHEET = """:root { color-scheme: light dark; }
body { margin: 0; font: 18px/1.5 Georgia, serif; color: rgb(16, 32, 48); background: rgb(250, 248, 240); }
main { padding: 1rem; max-width: 36rem; }
main > form > * { display: block; max-width: 100%; }
iframe { border: 0; }
.listkeeper input[type=email], .listkeeper button { width: 100%; box-sizing: border-box; min-height: 48px; }
.listkeeper * { font: inherit; }
@media (prefers-color-scheme: dark) { body { color: rgb(240, 235, 225); background: rgb(20, 22, 24); } }
"""


@dataclass
class ForeignSite:
    """What the site shows, and where it is."""

    origin: str
    # The one host its policy names.
    ours: str
    pages: dict[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> str:
        """No inline style or script; from elsewhere only what our host serves."""
        ours = self.ours
        return (
            f"default-src 'none'; script-src {ours}; connect-src {ours}; frame-src {ours}; form-action {ours}; "
            "style-src 'self'; img-src data:; base-uri 'none'"
        )

    def paste(self, snippet: str, path: str = "/") -> str:
        """Put a snippet on a page of the site and return the page's address."""
        self.pages[path] = PAGE.replace("{pasted}", snippet)
        return self.origin + path


@contextmanager
def standing(ours: str, host: str = "localhost") -> Iterator[ForeignSite]:
    """Open the site for a while."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = SHEET if path == "/site.css" else site.pages.get(path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/css" if path == "/site.css" else "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_said: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    site = ForeignSite(f"http://{host}:{server.server_port}", ours)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
