"""What a visitor on a cheap telephone sees of a form: the page asked for as a stranger would, and measured."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, url_for
from lxml import html as lxml_html
from werkzeug.test import Client, TestResponse

from listkeeper import store
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.signup_form import FormState
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import page_weight, phone_check
from listkeeper.rendering.page_weight import Part, Seen
from listkeeper.web.studio import form_builder, page, words
from listkeeper.web.studio.words import Said

blueprint = Blueprint("phone_check", __name__, url_prefix=page.ROOT)

_OK = 200
_KINDS = (("//link[@rel='stylesheet']/@href", "stylesheet"), ("//img/@src", "picture"))


@blueprint.get("/forms/<public_id>/phone")
def show(public_id: str) -> Response:
    """Ask this very program for the page and all it loads, without a cookie, and say what was found."""
    with store.reading() as session:
        form = form_builder.opened(session, public_id)
        spoken, address = form.language, url_for("signup_page.show", slug=form.slug)
        closed = form.state is not FormState.OPEN or form.mailing_list.state is not ListState.ACTIVE
    seen = None if closed else _seen(address, spoken)
    findings = [_not_there()] if seen is None else phone_check.check(seen)
    with store.reading() as session:
        return page.answer(
            session,
            "phone_check",
            form=form_builder.opened(session, public_id),
            findings=sorted(findings, key=lambda each: -each.severity.rank),
            weight=page_weight.weight(seen) if seen else None,
            limits=(page_weight.SENT_LIMIT, page_weight.RAW_LIMIT),
            say=_said,
            address=page.settings().site + address,
        )


def _said(finding: Finding) -> Said:
    """Say how a measurement stands; nothing is right that was not measured."""
    return words.verdict(finding.verdict) if finding.severity is Severity.INFO else words.severity(finding.severity)


def _not_there() -> Finding:
    sentence = language.text("The form is closed, so there is no page to measure.")
    return Finding("phone_no_page", Severity.UNKNOWN, language.text("Not measured"), sentence)


def _seen(address: str, spoken: str) -> Seen | None:
    # The whole program with its headers and its files, as a server would ask it; no network, no session of anybody.
    stranger = Client(current_app.wsgi_app, TestResponse, use_cookies=False)
    answer = _ask(stranger, address)
    if answer.status_code != _OK:
        return None
    whole = _part(address, "page", answer)
    tree = lxml_html.document_fromstring(whole.body, parser=lxml_html.HTMLParser(encoding="utf-8"))
    found = [(place, kind) for query, kind in _KINDS for place in tree.xpath(query)]
    parts = tuple(_part(place, kind, _ask(stranger, place)) for place, kind in found if _ours(place))
    return Seen(whole, parts, cookies="Set-Cookie" in answer.headers, spoken=spoken)


def _ours(place: str) -> bool:
    where = urlsplit(place)
    return not where.netloc and where.scheme != "data"


def _ask(stranger: Client, address: str) -> TestResponse:
    return stranger.get(address, base_url=page.settings().site, headers={"Accept-Encoding": "gzip"}, buffered=True)


def _part(address: str, kind: str, answer: TestResponse) -> Part:
    """Return an answer with what travels: the bytes of its body as they are sent, and of its headers."""
    sent = answer.get_data()
    head = len(answer.status) + sum(len(name) + len(value) + 4 for name, value in answer.headers)
    body = _unpacked(sent) if answer.headers.get("Content-Encoding") == "gzip" else sent
    return Part(address, kind, body, len(sent) + head)


def _unpacked(sent: bytes) -> bytes:
    return gzip.decompress(sent)
