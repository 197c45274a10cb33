"""The composition root: the only place that wires settings, store, parts and doors together."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from apiflask import APIFlask
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix

from listkeeper import __version__, parts, store
from listkeeper.foundation import idle_line, key_mark, keys, pen, places, silence
from listkeeper.foundation.errors import TryAgain
from listkeeper.settings import Settings


def create_app(settings: Settings, *, pages: bool = True) -> APIFlask:
    """Make the application: database, keys, parts, and every door of the web unless it is to have no ``pages``."""
    settings.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = _empty_app()
    parts.open_all(settings)
    store.attach(app, settings, ring=parts.ring)
    with app.app_context():
        pen.prepare(_engine())
        silence.prepare(_engine())
        idle_line.prepare(_engine())
        _open_keys(_engine(), settings.key_folder)
    if settings.proxies:
        # Only as many hops as the owner trusts; a forged header beyond them is never read.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    if pages:
        _open_doors(app, settings)
    return app


def _open_doors(app: APIFlask, settings: Settings) -> None:
    # Imported here: a command that loads a million rows has better uses for the memory that all pages take.
    from listkeeper.web import doors  # noqa: PLC0415
    from listkeeper.web.api import describing, lock  # noqa: PLC0415
    from listkeeper.web.hooks import events as hook_events  # noqa: PLC0415
    from listkeeper.web.hooks import lock as hook_lock  # noqa: PLC0415
    from listkeeper.web.public import ahead, leave_page, link_page, opened_page  # noqa: PLC0415
    from listkeeper.web.public.ahead import Ahead  # noqa: PLC0415

    doors.open_all(app, settings)
    hooks = [Ahead(begins, frozenset({"POST"}), answer) for begins, answer in hook_events.ahead_of_all(settings)]
    by_token = [page.ahead_of_all(settings.site) for page in (leave_page, link_page, opened_page)]
    ahead.attach(app, [*by_token, *hooks])
    lock.attach(app)
    hook_lock.attach(app)
    describing.attach(app, settings)


def _empty_app() -> APIFlask:
    """Make a Flask that can describe its api, and that leaves mistakes and pages to us."""
    return APIFlask(
        "listkeeper",
        title="listkeeper",
        version=__version__,
        template_folder=str(places.templates()),
        static_folder=cast("str", None),
        # No page that shows the document: APIFlask's own load from other hosts.
        docs_path=None,
        json_errors=False,
    )


def _engine() -> Engine:
    return store.database.engine


def _open_keys(engine: Engine, folder: Path) -> None:
    """Open the key folder, which must be the database's own; raises Invalid when it is another one or missing."""
    try:
        with engine.connect() as connection:
            key_mark.open_folder(connection, folder)
    except DatabaseError as problem:
        # The database is away, so it cannot say whether it needs keys that are not there: none are made.
        if not any(folder.glob("master-*.key")):
            away = problem if isinstance(problem, OperationalError) else OperationalError(None, None, problem)
            raise TryAgain("database_unavailable", store.plain(away)) from problem
        keys.open_folder(folder, may_make=False)
    finally:
        # A server that forks its workers after this must not hand them our connection.
        engine.dispose()
