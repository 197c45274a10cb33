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
from functools import cache

from apiflask import APIFlask
from flask import Blueprint, Flask, request
from flask_login import current_user

from listkeeper.foundation import language
from listkeeper.rendering.pictures import picture_file
from listkeeper.settings import Settings
from listkeeper.web import asset, headers, problems
from listkeeper.web.studio import sign_in

DOORS = ("public", "studio", "api", "hooks")

# Endpoints without a lock. Everything else needs a login, a key or a signature.
OPEN = frozenset(
    {
        "static",
        # How to talk to the api, which is no secret; the api itself asks for a key.
        "openapi.spec",
        "landing.show",
        "health.show",
        "health.ready",
        "ledger_key.show",
        "brand.stylesheet",
        "brand.picture",
        "hosted.stylesheet",
        # A text by its hash: published words, and no secret.
        "text_page.show",
        # What is done with people's data: published words too.
        "notice_page.show",
        # A short link to a form; all it adds is one to a number.
        "short_link.follow",
        # How to keep our mail in the first place; it knows nobody.
        "inbox_help.show",
        "inbox_help.show_one",
        "signup_page.show",
        "signup_page.receive",
        "signup_page.confirm_by_code",
        # The same form on somebody else's page: in a frame, and as a component with its script.
        "form_frame.show",
        "form_frame.receive",
        "form_frame.confirm_by_code",
        "embed.show",
        "embed.receive",
        "embed.confirm_by_code",
        "embed.preflight",
        "embed_script.component",
        "embed_script.frame",
        "confirm_page.show",
        "confirm_page.confirm",
        "confirm_page.show_not_me",
        "confirm_page.refuse",
        # A link of a letter, by a token; all it adds is one visit.
        "link_page.follow",
        "link_page.show_unseen",
        "opened_page.show",
        "leave_page.show",
        "leave_page.leave",
        "leave_page.undo",
        "leave_page.leave_everything",
        "leave_page.fewer",
        "leave_page.pause",
        "leave_page.resume",
        "leave_page.tell_reason",
        "preferences_page.show",
        "preferences_page.save",
        "preferences_page.pause",
        "preferences_page.resume",
        "preferences_page.untrack",
        "preferences_page.send_link",
        "why_page.show",
        # A question: its link names who is asked what, and ends by itself.
        "question_page.show",
        "question_page.answer",
        # A person's own page: its address holds the secret of a visit that her own mailbox opened.
        "entry_page.show",
        "entry_page.receive",
        "entry_page.show_link",
        "entry_page.use_link",
        "own_page.show",
        "own_page.show_list",
        "own_page.save",
        "own_page.pause",
        "own_page.resume",
        "own_page.track",
        "own_page.count",
        "own_page.untrack",
        "own_page.leave",
        "own_page.leave_everything",
        "own_page.object_to_marketing",
        "own_page.restrict",
        "own_page.change_address",
        "own_page.download",
        "own_given.show",
        "own_answers.show",
        "own_answers.take_back",
        "own_history.show",
        "own_history.messages",
        "own_history.receipt",
        "erase_page.show",
        "erase_page.ask_again",
        "erase_page.erase",
        "address_page.show",
        "address_page.confirm",
        "address_page.show_cancel",
        "address_page.cancel",
        "web_view.show",
        # What is out of order, for whoever looks.
        "status_page.show",
        "status_page.show_one",
        # What was sent to everybody, where its owner shows it to anybody: it names no reader.
        "archive_page.show",
        "archive_page.show_letter",
        "archive_page.feed",
        "guidance_picture.show",
        "inbox_done.show",
        "inbox_done.done",
        "tap_page.show",
        "tap_page.press",
        "poll_page.show",
        "poll_page.answer",
        "renew_page.show",
        "renew_page.renew",
        "own_page.renew",
        # The way into the studio: pages that ask who is there, and in which language.
        "entrance.show",
        "entrance.enter",
        "joining.show",
        "joining.join",
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
# But for a whole list, and for the pictures of letters, which only somebody who is signed in may bring.
_LARGEST_UPLOADS = {"imports.bring": 256 * 1024 * 1024, "pictures.bring": picture_file.LIMIT + 64 * 1024}


def open_all(app: APIFlask, settings: Settings) -> None:
    """Open every door that exists, with its headers, its words, its files and its answers to mistakes."""
    app.config |= {"LISTKEEPER": settings, "MAX_CONTENT_LENGTH": _LARGEST_BODY}
    give_words(app)
    asset.attach(app)
    headers.attach(app, settings.site)
    problems.attach(app)
    # Before the lock, which reads the form to look for its token.
    app.before_request(_make_room)
    sign_in.attach(app, settings)
    for door in DOORS:
        for blueprint in blueprints(door):
            # APIFlask asks every blueprint whether it belongs into the document, and only its own kind can answer.
            vars(blueprint)["enable_openapi"] = door == "api"
            app.register_blueprint(blueprint)


def _make_room() -> None:
    most = _LARGEST_UPLOADS.get(request.endpoint or "")
    if most is not None and current_user.is_authenticated:
        request.max_content_length = most


def give_words(app: Flask) -> None:
    """Let templates say ``_("…")`` and ``ngettext(…)`` in the language of the moment."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: language.catalogue(language.current()).ugettext(message),
        lambda one, many, number: language.catalogue(language.current()).ungettext(one, many, number),
        newstyle=True,
    )


@cache
def blueprints(door: str) -> tuple[Blueprint, ...]:
    """Return the pages of one door, in the order of their names; looked for once in a process."""
    name = f"listkeeper.web.{door}"
    if importlib.util.find_spec(name) is None:
        return ()
    package = importlib.import_module(name)
    names = [found.name for found in pkgutil.iter_modules(package.__path__, f"{name}.")]
    found = (getattr(importlib.import_module(name), "blueprint", None) for name in names)
    return tuple(blueprint for blueprint in found if isinstance(blueprint, Blueprint))
