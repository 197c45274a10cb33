"""Cases 10 and 11: what strangers and files say stays data: no header, no template, no markup, no link."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from email.message import EmailMessage
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import planning
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.makers import cafe, exports, programs
from tests.makers.cafe import Cafe
from tests.makers.imports import PROVEN, Court
from tests.makers.works import HER, SITE, Works

THIEF = "thief@elsewhere.example"
INJECTIONS = (
    f"x\r\nBcc: {THIEF}",
    f"x\nTo: {THIEF}\n\n<h1>Buy now</h1>",
    f"x\r\n\r\nBuy at https://elsewhere.example/{THIEF}",
    f"x%0d%0aBcc:%20{THIEF}",
    f"x\u2028Bcc: {THIEF}",
    f"=?utf-8?q?x=0d=0aBcc:_{THIEF}?=",
    "x\x00\x0b\x0c\x85y",
    "{{ 7 * 7 }}{% raw %}<script>alert(1)</script>",
)
FIELDS = (
    "name", "first_name", "last_name", "FNAME", "subject", "from", "reply_to", "s", "source", "ref", "utm_source",
    "utm_medium", "utm_campaign", "utm_content", "utm_term", "key", "title", "list", "language",
)  # fmt: skip
INNOCENT = "inger@guest.example"


_OWN_HEADERS = {"message-id", "date", "to", "content-type"}


def _same_for_all(kept: Received) -> tuple[list[tuple[str, str]], list[str]]:
    """Return headers and parts of a mail, with what is each mail's own taken out: recipient, links, digits."""
    headers = [(name, _anonymous(str(value))) for name, value in kept.message.items()]
    parts = [_anonymous(part.get_content()) for part in kept.message.walk() if part.get_content_maintype() == "text"]
    assert len(parts) == 2
    return [header for header in headers if header[0].lower() not in _OWN_HEADERS], parts


def _anonymous(text: str) -> str:
    return re.sub(r"\b\d{3}\s?\d{3}\b", "CODE", re.sub(r"/([cn])/[\w-]{22}", r"/\1/SECRET", text))


def test_case_10_nothing_a_stranger_types_reaches_the_mail_that_asks(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    """By every field of the form and of the api, in every dress of a line break: the mail is an innocent one's."""
    works.post(INNOCENT)
    works.work(Lane.URGENT, 2)
    shop = programs.program(works.app)
    form = works.read(lambda session: Court.house(session).form.public_id)
    taken = len(INJECTIONS)
    for number, words in enumerate(INJECTIONS):
        here = {"REMOTE_ADDR": f"198.51.100.{number + 1}"}
        fields = dict.fromkeys(FIELDS, words) | {"email": f"guest-{number}@guest.example"}
        answer = client.post("/f/news", query_string={"s": words, "utm_source": words}, data=fields, environ_base=here)
        assert answer.status_code == 200
        utm = dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"), words)
        body = {"form": form, "address": f"shop-{number}@guest.example", "source": words[:80], "utm": utm}
        # What PostgreSQL cannot store is refused in words; the rest is taken.
        taken += shop.post("/signups", body, environ_base=here).status_code == 202
    works.work(Lane.URGENT, 4)
    [innocent], others = smtp_sink.to(INNOCENT), [kept for kept in smtp_sink.messages if INNOCENT not in kept.rcpt_tos]
    assert len(others) == taken > 1.5 * len(INJECTIONS)
    for kept in others:
        assert len(kept.rcpt_tos) == 1
        assert _same_for_all(kept) == _same_for_all(innocent)
        assert THIEF.encode() not in kept.content


def test_case_10_a_name_with_a_line_break_makes_no_header(works: Works, smtp_sink: SmtpSink) -> None:
    """Not even when it stands in the database: of the list, of the sender, of the business."""

    def name_it(session: Session, house: Cafe) -> None:
        house.mailing_list.name = f"News\r\nBcc: {THIEF}"
        house.organisation.from_name = f"Café\r\nBcc: {THIEF}\r\n\r\n"
        house.organisation.legal_name = f"Café\nReply-To: {THIEF}"

    works.write(name_it)
    works.post(HER)
    works.work(Lane.URGENT, 2)
    [row] = works.deliveries()
    assert row.state is DeliveryState.FAILED
    assert smtp_sink.messages == smtp_sink.refused == []
    assert "RCPT" not in {step for step, _ in smtp_sink.commands}


def test_case_10_the_owners_doors_take_no_line_break_either(works: Works) -> None:
    """A name is one line, or refused in words; whichever it is, nothing else is stored."""
    for words in INJECTIONS:
        for act in (_name_a_list, _name_the_business, _name_the_sender):
            with contextlib.suppress(Invalid, Conflict):
                works.write(partial(act, words))
    lists, business = works.read(_names)
    assert len(lists) > 3
    assert all(name.isprintable() for name in (*lists, *business))


def _names(session: Session) -> tuple[list[str], list[str]]:
    owner = organisation.only_one(session)
    return [row.name for row in session.scalars(select(MailingList))], [owner.legal_name, owner.from_name]


def _name_a_list(words: str, session: Session, house: Cafe) -> None:
    mailing_list.create(session, house.organisation, name=words)


def _describe(session: Session, house: Cafe, **named: str) -> None:
    given: dict[str, Any] = {"legal_name": "Café", "from_name": "Café", **named}
    organisation.describe(
        house.organisation, postal_address="Havnegade 1", from_address="hello@cafe.example", brand_colour="#000000",
        website=None, **given,
    )  # fmt: skip


def _name_the_business(words: str, session: Session, house: Cafe) -> None:
    _describe(session, house, legal_name=words)


def _name_the_sender(words: str, session: Session, house: Cafe) -> None:
    _describe(session, house, from_name=words)


# Case 11

PAYLOADS = {
    "a sum": "{{ 7191 * 7 }}",
    "a filter": "{{ 'a' | append: 'PWNED' | upcase }}",
    "a loop": "{% for i in (1..3) %}PWNED{% endfor %}",
    "the configuration": "{{ config.items() }}{{ self.__class__.__mro__ }}",
    "a comment": "{# PWNED #}{% comment %}",
    "half a tag": "}}{% endraw %}{{",
    "a script": "<script>document.title='PWNED'</script>",
    "an event": "<img src=x onerror=alert(1)>",
    "out of an attribute": '"\'><a href="https://elsewhere.example" style="position:fixed">win</a>',
    "a link": "[win](https://elsewhere.example/win)",
    "a scheme": "javascript:alert(1)",
    "an entity": "&lt;script&gt;&#x3c;b&#x3e;",
    "a formula": '=HYPERLINK("https://elsewhere.example")',
    "our own tag": "{{ links.unsubscribe }}",
    "a token": "\ue000lk1\ue001 %(name)s ${name} %s {0}",
    "another way round": "\u202eanna\u202c",
}
LETTER = """# Buns

Dear {{ subscriber.first_name | default: "friend" }}, [the menu](https://cafe.example/menu) is here.

**{{ subscriber.city }}**
"""


class _Seen(HTMLParser):
    """What a mail program makes of a letter: its tags with their attributes, and the words a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...], str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        link = re.sub(r"/([a-z])/[A-Za-z0-9_-]{20,}", r"/\1/SECRET", dict(attrs).get("href") or "")
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs)), link))

    def handle_data(self, data: str) -> None:
        self.words += data


def _start(works: Works, subject: str) -> int:
    started: list[int] = []

    def act(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, subject=subject, markdown=LETTER)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        started.append(letter.id)

    works.write(act)
    return started[0]


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def test_case_11_a_profile_is_words_and_nothing_else(works: Works, smtp_sink: SmtpSink, tmp_path: Path) -> None:
    """Each payload as name and as town of a person who was brought by a file; one plain person is the measure."""
    lines = [
        {"Email": f"guest-{number}@guest.example", "First Name": words, "City": words, "OPTIN_TIME": exports.ASKED,
         "CONFIRM_TIME": exports.CONFIRMED}
        for number, words in enumerate(["Freja", *PAYLOADS.values()])
    ]  # fmt: skip
    header = ["Email", "First Name", "City", "OPTIN_TIME", "CONFIRM_TIME"]
    court = Court(works.app, tmp_path, works.list_id)
    file = exports.write(tmp_path / "people.csv", exports.table(header, lines))
    claims = replace(PROVEN, columns=("First Name", "City"))
    assert court.load(file, claims).counts["new"] == len(lines)
    subject = 'For {{ subscriber.first_name | default: "you" }}'
    letter = _start(works, subject)
    works.drain()
    said = works.progress(letter)
    [measure] = smtp_sink.to("guest-0@guest.example")
    plain = _Seen(_part(measure.message, "html"))
    assert "Freja" in plain.words
    for number, (name, words) in enumerate(PAYLOADS.items(), 1):
        [kept] = smtp_sink.to(f"guest-{number}@guest.example")
        mail = kept.message
        assert set(mail.keys()) == set(measure.message.keys()), name
        # Not one tag, attribute or address more than in the letter of somebody called Freja.
        seen = _Seen(_part(mail, "html"))
        assert seen.tags == plain.tags, name
        shown = _one_line(words)
        assert shown in _one_line(seen.words), name
        assert shown in _one_line(_part(mail, "plain")), name
        assert _one_line(str(mail["Subject"])) == f"For {shown}", name
        assert "50337" not in kept.content.decode(), name
    assert (said.sent, said.skipped) == (len(lines), 0)
