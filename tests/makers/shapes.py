"""A café whose form stands on other people's sites: the server, the snippets, and what became of the posts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from listkeeper import store
from listkeeper.audience import allowed_origins, confirmation, signup, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.signup import Signup
from listkeeper.rendering import form_snippet
from listkeeper.settings import Settings
from tests.makers import cafe, purposes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass
class Shop:
    """The application on loopback, with one form."""

    app: Flask
    site: str
    slug: str = ""
    form: str = ""
    # While this is so, posts are taken and their answers are lost on the way.
    deaf: bool = False

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        """Lose the answer to every post for a while."""
        self.deaf = True
        try:
            yield
        finally:
            self.deaf = False

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer as the application does, but for what is lost."""
        answer = self.app(environ, start)
        if self.deaf and environ["REQUEST_METHOD"] == "POST":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("the line broke before the answer came")
        return answer

    def found(self, spoken: str = "en", *beside: str) -> dict[str, str]:
        """Found the café, with boxes for more lists if any are named, and return the snippets of its form."""
        with self.app.app_context(), store.transaction() as session:
            made = cafe.found(session, spoken=spoken, list_name={"da": "Nyt fra bageren"}.get(spoken, "News"))
            if beside:
                purposes.offer(session, made, *beside)
            self.slug, self.form = made.form.slug, made.form.public_id
            return form_snippet.all_of(signup_form.shown(session, self.slug), self.site)

    def allow(self, *origins: str) -> None:
        """Name the sites that may show the form."""
        with self.app.app_context(), store.transaction() as session:
            allowed_origins.choose(signup_form.shown(session, self.slug).form, "\n".join(origins))

    def rows(self) -> list[Signup]:
        """Return every post that was stored."""
        with self.app.app_context(), store.reading() as session:
            found = list(session.scalars(select(Signup).order_by(Signup.id)))
            session.expunge_all()
            return found

    def code(self) -> str:
        """Decide about what was posted, and return the digits of the newest mail."""
        with self.app.app_context(), store.transaction() as session:
            for row in session.scalars(select(Signup)).all():
                signup.decide(session, row.id, cafe.NO_BRAKES)
            asked = session.scalars(select(Confirmation).order_by(Confirmation.id.desc()).limit(1)).one()
            return confirmation.code_of(asked)


@contextmanager
def serving(app: Flask) -> Iterator[Shop]:
    """Serve the application on loopback."""
    shop = Shop(app, "")
    server = make_server("127.0.0.1", 0, shop, threaded=True)
    shop.site = f"http://127.0.0.1:{server.server_port}"
    settings: Settings = app.config["LISTKEEPER"]
    app.config["LISTKEEPER"] = settings.model_copy(update={"public_url": shop.site})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
