"""The composition root: the only place that wires settings, store, parts and doors together."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from listkeeper import parts, store
from listkeeper.foundation import keys, places
from listkeeper.settings import Settings
from listkeeper.web import doors


def create_app(settings: Settings) -> Flask:
    """Make the application: database, keys, parts, and every door of the web."""
    settings.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.open_folder(settings.key_folder)
    app = Flask("listkeeper", template_folder=str(places.templates()), static_folder=None)
    parts.open_all(settings)
    store.attach(app, settings, ring=parts.ring)
    with app.app_context():
        store.prepare(_engine())
    if settings.proxies:
        # Only as many hops as the owner trusts; a forged header beyond them is never read.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    doors.open_all(app, settings)
    return app


def _engine() -> Engine:
    return store.database.engine
