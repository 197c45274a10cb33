"""The inbox of the studio: every mail exactly as it was handed over, since none of them left this machine.

In practice mode everything lands here; otherwise the tests that somebody put here do (``test_send``).
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, request

from listkeeper import parts, store
from listkeeper.foundation import caught_mail, language
from listkeeper.foundation.caught_mail import CaughtMail
from listkeeper.foundation.errors import NotFound
from listkeeper.web import headers
from listkeeper.web.studio import page

blueprint = Blueprint("inbox", __name__, url_prefix=page.ROOT)

_PAGE = 50
_LINKS_SHOWN = 30
_LONGEST_LABEL = 80


@dataclass(frozen=True)
class Link:
    """One link of a mail."""

    label: str
    address: str


class _Links(HTMLParser):
    """Collects what a reader could click: in the frame itself links are dead, so that nothing can run there."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Link] = []
        self._address: str | None = None
        self._label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._address, self._label = dict(attrs).get("href"), []

    def handle_data(self, data: str) -> None:
        if self._address is not None:
            self._label.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._address is not None:
            if urlsplit(self._address).scheme in {"http", "https", "mailto"}:
                label = " ".join("".join(self._label).split())[:_LONGEST_LABEL]
                self.found.append(Link(label or self._address, self._address))
            self._address = None


@blueprint.get("/inbox")
def show() -> Response:
    """List the newest mails first; ``to`` shows one person's."""
    start = max(request.args.get("start", 0, type=int), 0)
    to = request.args.get("to", "").strip()
    found = caught_mail.entries(parts.practice_folder(), limit=_PAGE + 1, offset=start, to=to or None)
    with store.reading() as session:
        return page.answer(
            session,
            "inbox",
            mails=found[:_PAGE],
            to=to,
            newer=max(start - _PAGE, 0) if start else None,
            older=start + _PAGE if len(found) > _PAGE else None,
        )


@blueprint.get("/inbox/<key>")
def show_one(key: str) -> Response:
    """Show one mail with its parts, its links and its headers."""
    mail, message = _open(key)
    html, text = _body(message, "html"), _body(message, "plain")
    with store.reading() as session:
        answer = page.answer(
            session,
            "mail",
            key=key,
            mail=mail,
            subject=str(message["subject"] or ""),
            sender=str(message["from"] or ""),
            has_html=html is not None,
            text=text,
            links=_links(html)[:_LINKS_SHOWN],
            head=_head(mail.raw),
            one_click=_one_click(message),
        )
    return headers.framing(answer)


@blueprint.get("/inbox/<key>/html")
def show_html(key: str) -> Response:
    """Serve the HTML part alone, under the policy of letters."""
    html = _body(_open(key)[1], "html")
    if html is None:
        raise NotFound("no_html", language.text("This mail has no HTML part."))
    answer = make_response(html)
    answer.content_type = "text/html; charset=utf-8"
    return headers.letter(answer)


@blueprint.get("/inbox/<key>/raw")
def download(key: str) -> Response:
    """Hand out the very bytes, as a file any mail program opens."""
    answer = make_response(_open(key)[0].raw)
    answer.content_type = "message/rfc822"
    answer.headers["Content-Disposition"] = f'attachment; filename="{key}.eml"'
    return answer


def _open(key: str) -> tuple[CaughtMail, EmailMessage]:
    mail = caught_mail.read(parts.practice_folder(), key)
    return mail, message_from_bytes(mail.raw, EmailMessage, policy=SMTP)


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return None
    raw = bytes(part.get_payload(decode=True) or b"")
    charset = part.get_content_charset("utf-8")
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _head(raw: bytes) -> str:
    return raw.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")


def _links(html: str | None) -> list[Link]:
    reader = _Links()
    reader.feed(html or "")
    return reader.found


def _one_click(message: EmailMessage) -> str | None:
    """Return the path that RFC 8058's POST goes to, when the mail offers it and it is ours."""
    if "one-click" not in str(message["list-unsubscribe-post"] or "").lower():
        return None
    for offered in str(message["list-unsubscribe"] or "").split(","):
        address = offered.strip().strip("<>")
        if address.startswith(f"{page.settings().site}/"):
            return urlsplit(address).path
    return None
