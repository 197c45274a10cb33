"""Every answer of the studio: one shell, one language, one user."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import thread
from listkeeper.foundation import caught_mail, clock, language
from listkeeper.settings import Settings
from listkeeper.standards import address

ROOT = "/studio"
# Screens without an entry of their own light up the one they belong to.
_UNDER = {
    "board": "home",
    "clean_up": "lists",
    "people": "lists",
    "evidence": "lists",
    "forms": "lists",
    "form_new": "lists",
    "form_site": "lists",
    "form_builder": "lists",
    "form_publish": "lists",
    "phone_check": "lists",
    "storefront": "business",
    "list_settings": "lists",
    "trust": "lists",
    "sources": "lists",
    "questions": "lists",
    "question": "lists",
    "segments": "lists",
    "person_acts": "lists",
    "permissions": "business",
    "privacy": "business",
    "imports": "lists",
    "composer": "letters",
    "letter_document": "letters",
    "letter_feed": "letters",
    "test_send": "letters",
    "guidance": "business",
    "seeds": "business",
    "counting": "business",
    "pictures": "letters",
    "snippets": "letters",
    "departure": "letters",
    "report": "letters",
    "steering": "letters",
    "letter_archive": "letters",
    "feeds": "letters",
    "follow_ups": "letters",
    "skipped": "letters",
    "doubts": "letters",
    "notices": "letters",
    "queue": "letters",
    "bounces": "letters",
    "key": "security",
    "domain_asks": "domains",
    "domain_proof": "domains",
    "domain_reports": "domains",
    "api_keys": "business",
    "growth": "channels",
    "profit": "channels",
    "users": "business",
}
# The inbox of practice mode holds everybody's links, those that let people into the studio as well.
_FOR_EDITORS = frozenset({"home", "letters", "lists", "conversations", "security"})
_NATIVE = {
    "en": "English",
    "da": "Dansk",
    "nb": "Norsk bokmål",
    "sv": "Svenska",
    "pl": "Polski",
    "ru": "Русский",
    "de": "Deutsch",
}

_COMMAND = re.compile(r"`([^`]+)`")


def attach(app: Flask) -> None:
    """Give the studio's templates their filters."""
    app.add_template_filter(clock.as_text, "rfc3339")
    app.add_template_filter(readable, "readable")
    app.add_template_filter(as_attribute, "json_text")
    app.add_template_filter(_short_name, "hash_of")
    app.add_template_filter(_translated, "translated")
    app.add_template_filter(language.number, "grouped")
    app.add_template_filter(language.roughly, "roughly")
    app.add_template_filter(language.decimal, "decimal")
    app.add_template_filter(language.share, "share")
    app.add_template_filter(language.day, "day")
    app.add_template_filter(address.shown, "u_label")
    app.add_template_filter(_coded, "coded")


def _translated(stored: str) -> str:
    """Return a sentence of our data files in the language of the studio; a per cent sign in it is one."""
    return language.catalogue(language.current()).ugettext(stored) if stored else ""


def _coded(said: str) -> Markup:
    """Return a sentence in which a command, written between backticks as for a terminal, looks like one."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(said))))  # noqa: S704 - escaped just before


def _short_name(text: str) -> str:
    """Return a name for an element's id, alike for alike text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Way:
    """One entry of the navigation."""

    name: str
    word: str
    address: str
    icon: str
    on_phone: bool
    # How many things wait there; 0 says nothing.
    waiting: int = 0


def settings() -> Settings:
    """Return the settings of this process."""
    found: Settings = current_app.config["LISTKEEPER"]
    return found


def answer(session: Session, template: str, *, status: int = 200, **values: object) -> Response:
    """Return a screen; call it while the session is open, so that the template can follow rows."""
    return make_response(render_template(f"studio/{template}.html", **shell(session), **values), status)


def shell(session: Session) -> dict[str, Any]:
    """Return what the shell of every screen needs."""
    owner = organisation.maybe_one(session)
    spoken = language.current()
    inside = bool(current_user.is_authenticated and owner is not None)
    replies = thread.waiting(session, owner) if inside and owner is not None else 0
    return {
        "spoken": spoken,
        "direction": language.direction(spoken),
        "languages": [(code, _NATIVE[code]) for code in language.LANGUAGES],
        "owner": owner,
        "logo": logo_address(owner) if owner else None,
        "user": current_user if current_user.is_authenticated else None,
        "practice": settings().practice,
        "gate": settings().gate.value,
        "owns": inside and current_user.owns,
        "ways": ways(practice=settings().practice, owns=current_user.owns, replies=replies) if inside else [],
        "here": _UNDER.get(request.blueprint or "", request.blueprint),
    }


def ways(*, practice: bool, owns: bool, replies: int = 0) -> list[Way]:
    """Return the navigation: what a phone's bar holds, and the rest; to an editor only what opens."""
    found = [
        Way("home", language.text("Home"), url_for("home.show"), "home", on_phone=True),
        Way("letters", language.text("Letters"), url_for("letters.show"), "letter", on_phone=True),
        Way("lists", language.text("People"), url_for("lists.show"), "people", on_phone=True),
        Way(
            "conversations",
            language.text("Replies"),
            url_for("conversations.show"),
            "reply",
            on_phone=True,
            waiting=replies,
        ),
        Way("channels", language.text("Own your list"), url_for("channels.show"), "grow", on_phone=False),
        Way("inbox", language.text("Inbox"), url_for("inbox.show"), "inbox", on_phone=True),
        Way("domains", language.text("Domains"), url_for("domains.show"), "globe", on_phone=False),
        Way("business", language.text("Settings"), url_for("business.show"), "gear", on_phone=True),
        Way("security", language.text("Sign-in and keys"), url_for("security.show"), "key", on_phone=not owns),
    ]
    if not owns:
        return [way for way in found if way.name in _FOR_EDITORS]
    holds_mail = practice or caught_mail.count(parts.practice_folder()) > 0
    return found if holds_mail else [way for way in found if way.name != "inbox"]


def logo_address(owner: Organisation) -> str | None:
    """Return the address of the business's picture."""
    return url_for("brand.picture", name=owner.logo) if owner.logo else None


def back_to(endpoint: str, said: str | None = None, tone: str = "good", **values: Any) -> AnyResponse:  # noqa: ANN401
    """Return the redirect after a POST, with one sentence for the next screen."""
    if said:
        flash(said, tone)
    return redirect(url_for(endpoint, **values), 303)


def is_fragment() -> bool:
    """Tell whether htmx asks for a part of the screen."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"


def wants_json() -> bool:
    """Tell whether a script of ours asks, which reads the answer itself."""
    return request.accept_mimetypes["application/json"] > request.accept_mimetypes["text/html"]


def readable(value: datetime) -> str:
    """Return what a reader without script sees, always with its zone."""
    return f"{language.moment(value)} UTC"


def as_attribute(value: object) -> str:
    """Return JSON for an HTML attribute; Jinja's own escaping does the quoting."""
    return json.dumps(value, ensure_ascii=False)
