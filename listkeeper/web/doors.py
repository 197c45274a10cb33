"""The doors: which pages exist, which of them anybody may open, and what all of them share.

A page is a module of ``web/<door>/`` with a ``blueprint``. The test of the
locked doors walks the URL map and fails for every endpoint that is neither in
``OPEN`` nor behind the lock of its door, so opening one is a change here that
a reviewer sees.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator

from flask import Blueprint, Flask

from listkeeper.foundation import language
from listkeeper.settings import Settings
from listkeeper.web import asset, headers, problems
from listkeeper.web.studio import sign_in

DOORS = ("public", "studio", "api", "hooks")

# Endpoints without a lock. Everything else needs a login, a key or a signature.
OPEN = frozenset(
    {
        "static",
        "landing.show",
        "health.show",
        "brand.stylesheet",
        "brand.picture",
        "signup_page.show",
        "signup_page.receive",
        "signup_page.confirm_by_code",
        "confirm_page.show",
        "confirm_page.confirm",
        "confirm_page.show_not_me",
        "confirm_page.refuse",
        "leave_page.show",
        "leave_page.leave",
        "leave_page.undo",
        "preferences_page.show",
        "web_view.show",
        # The way into the studio: pages that ask who is there, and in which language.
        "entrance.show",
        "entrance.enter",
        "speech.choose",
        "key.login",
        "key.logout",
        "key.wan_signin",
        "key.wan_signin_response",
        "key.two_factor_token_validation",
        "key.two_factor_rescue",
        "key.tf_select",
        "key.mf_recovery",
    }
)
# A picture is the largest thing anybody sends; the pages for strangers take far less.
_LARGEST_BODY = 8 * 1024 * 1024


def open_all(app: Flask, settings: Settings) -> None:
    """Open every door that exists, with its headers, its words, its files and its answers to mistakes."""
    app.config |= {"LISTKEEPER": settings, "MAX_CONTENT_LENGTH": _LARGEST_BODY}
    give_words(app)
    asset.attach(app)
    headers.attach(app, settings.site)
    problems.attach(app)
    sign_in.attach(app, settings)
    for door in DOORS:
        for blueprint in blueprints(door):
            app.register_blueprint(blueprint)


def give_words(app: Flask) -> None:
    """Let templates say ``_("…")`` and ``ngettext(…)`` in the language of the moment."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: language.catalogue(language.current()).ugettext(message),
        lambda one, many, number: language.catalogue(language.current()).ungettext(one, many, number),
        newstyle=True,
    )


def blueprints(door: str) -> Iterator[Blueprint]:
    """Yield the pages of one door, in the order of their names."""
    name = f"listkeeper.web.{door}"
    if importlib.util.find_spec(name) is None:
        return
    package = importlib.import_module(name)
    for found in pkgutil.iter_modules(package.__path__, f"{name}."):
        blueprint = getattr(importlib.import_module(found.name), "blueprint", None)
        if isinstance(blueprint, Blueprint):
            yield blueprint
