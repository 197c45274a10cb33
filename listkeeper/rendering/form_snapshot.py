"""A sign-up form as somebody saw it, in one file: the page's own template, that version's words, no way to send it.

The words and the look are those stored with the version and named by its hash,
drawn by the page template of this release. What the business shows beside its
forms today (hours, telephone, links) is no part of a version, and not in the copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from listkeeper.audience import signup_form
from listkeeper.audience.forms.form_design import Design
from listkeeper.audience.proof import dossier
from listkeeper.audience.proof.certificate import Controller, ShownForm
from listkeeper.foundation import clock, language, places
from listkeeper.rendering import colour, look, shop_facts
from listkeeper.rendering.paper import certificate_words
from listkeeper.rendering.shop_facts import Link, ShopFacts

_LINK = re.compile(r"<link\b[^>]*>")
_FORM = re.compile(r"<form\b[^>]*>")
_COPIED = ".copied { padding: .75rem 1rem; text-align: center; overflow-wrap: anywhere; }\n"


# The stylesheet of the public pages, as those who filled in a form had it.
_STYLESHEET = Path(__file__).resolve().parent.parent / "web" / "static" / "public.css"


@cache
def _environment() -> Environment:
    """Return an environment for the public pages outside the web: they get values and no request."""
    made = Environment(
        loader=FileSystemLoader(places.templates()), autoescape=True, auto_reload=False, extensions=["jinja2.ext.i18n"]
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made


def _gettext(message: str) -> str:
    return language.catalogue(language.current()).ugettext(message)


def _ngettext(one: str, many: str, number: int) -> str:
    return language.catalogue(language.current()).ungettext(one, many, number)


def page_of(shown: signup_form.ShownForm) -> str:
    """Return the page of a version, also of one that is about to be published: what ``signup_form.publish`` checks."""
    version, form, organisation = shown.version, shown.form, shown.organisation
    values = ShownForm(
        sha256=version.sha256,
        public_id=form.public_id or "",
        slug=form.slug,
        language=form.language,
        version=version.version,
        title=version.title,
        thank_you=version.thank_you,
        least_age=version.least_age or 0,
        published_at=clock.in_milliseconds(version.published_at),
        text=dossier.shown_text(shown.text),
        second_text=dossier.shown_text(shown.second) if shown.second else None,
        notice_sha256=version.notice_sha256 or "",
        design=version.design or {},
        further=tuple(dossier.shown_text(offer.text) for offer in shown.further),
    )
    return render(dossier.controller(organisation), values, organisation.brand_colour).decode()


@dataclass(frozen=True)
class Beside:
    """What stands around a form today and is no part of a version: only the preview of a draft shows it."""

    shop: ShopFacts = shop_facts.NOTHING
    sisters: tuple[Link, ...] = ()
    # The address of a picture.
    logo: str | None = None


def render(controller: Controller, form: ShownForm, brand_colour: str, *, draft: Beside | None = None) -> bytes:
    """Return the page. The same values make the same bytes.

    Without ``draft`` it is a copy of what was published, and says so.
    """
    beside = draft or Beside()
    with language.using(form.language) as spoken:
        page = (
            _environment()
            .get_template("public/signup.html")
            .render(
                spoken=spoken,
                direction=language.direction(spoken),
                business=_business(controller, beside.logo),
                asset=lambda _name: "",
                url_for=lambda _endpoint, **_places: "#",
                form=_words(form, beside),
                action="",
                typed="",
                wrong="",
                hidden=(),
            )
        )
        note = (
            ""
            if draft
            else language.text(
                "A copy of the form, version %(number)s, published %(moment)s. Nothing can be sent from here.",
                number=form.version,
                moment=certificate_words.moment(form.published_at),
            )
        )
    return _standing_alone(page, note, form, brand_colour).encode()


def _words(form: ShownForm, beside: Beside) -> SimpleNamespace:
    text, second, design = form.text, form.second_text, Design.of(form.design)
    return SimpleNamespace(
        slug=form.slug,
        language=form.language,
        version=form.version,
        title=form.title,
        intro=design.intro,
        gets=design.gets,
        frequency=design.frequency,
        answers=design.answers,
        # A figure of that day was no part of what was published.
        promise="",
        purposes=[("", each.body) for each in (text, *form.further)] if form.further else [],
        consent=text.body,
        withdrawal="\n".join(dict.fromkeys(each.withdrawal for each in (text, *form.further))),
        age_statement=text.age_statement,
        button=text.button_label,
        second=second.body if second else "",
        second_consent=" ".join(second.sentences) if second else "",
        least_age=form.least_age,
        notice="#" if form.notice_sha256 else "",
        shop=beside.shop,
        sisters=beside.sisters,
    )


def _business(controller: Controller, logo: str | None) -> SimpleNamespace:
    parts = urlsplit(controller.website)
    shown = f"{parts.hostname or ''}{parts.path}".removeprefix("www.").rstrip("/")
    return SimpleNamespace(
        name=controller.name,
        legal_name=controller.name,
        postal_address=controller.postal_address,
        stylesheet="",
        logo=logo,
        website=controller.website,
        website_name=shown,
    )


def _standing_alone(page: str, note: str, form: ShownForm, brand_colour: str) -> str:
    """Return the page with its styles inside, its form inert, and a line that says what it is."""
    policy = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
    style = f"<style>\n{_style(form, brand_colour)}</style>"
    bare = _FORM.sub("<form inert>", _LINK.sub("", page))
    banner = (
        Markup('<p role="note" class="small copied">{}<br>SHA-256 {}</p>').format(note, form.sha256) if note else ""
    )
    with_head = bare.replace("</head>", f"{policy}{style}</head>", 1)
    lines = with_head.replace("<body>", f"<body>\n{banner}", 1).splitlines()
    return "\n".join(line for line in lines if line.strip()) + "\n"


def _style(form: ShownForm, brand_colour: str) -> str:
    """Return the stylesheets as the public pages load them, one after the other."""
    design = Design.of(form.design)
    accent = look.accent_of(design, colour.checked(brand_colour))
    sheets = (_STYLESHEET.read_text(encoding="utf-8"), look.css(design.look, accent, design.button_ink), _COPIED)
    return "\n".join(sheets)
