"""The whole path without a browser: a real instance, a foreign mail server, and what arrives there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.fakes import databases, headless, running_up, smtp_sink
from tests.fakes.headless import Instance
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import Received, SmtpSink

_EVERY_MAIL = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
_EVERY_LETTER = (*_EVERY_MAIL, "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id")
# What a look must not change; the bookkeeping of the background (facts, windows) goes on all the time.
_TELLING = (
    "signup", "confirmation", "subscriber", "subscription", "consent_event", "suppression", "delivery", "campaign",
)  # fmt: skip
_LETTER = """# Blåbær & boller 🫐

Dear {{ subscriber.first_name | default: "friend" }},

the oven is warm.

.

[See what we bake](https://cafe.example/bread?a=1&b=2)
"""


@pytest.fixture(params=databases.chosen())
def place(request: pytest.FixtureRequest, smtp_sink: SmtpSink) -> Iterator[Instance]:
    """A running instance on each database, whose mail leaves for the sink."""
    with headless.instance(request.param, smtp_sink.url) as instance:
        yield instance


@pytest.fixture
def letter(tmp_path: Path) -> str:
    path = tmp_path / "letter.md"
    path.write_text(_LETTER, encoding="utf-8")
    return str(path)


def _rows(place: Instance) -> dict[str, list[str]]:
    return {name: sorted(map(repr, place.ask(f'SELECT * FROM "{name}"'))) for name in _TELLING}  # noqa: S608


def _settled(place: Instance) -> None:
    """Wait until every mail's answer is recorded."""
    until(lambda: not place.ask("SELECT id FROM delivery WHERE state IN ('queued', 'leased', 'handed', 'deferred')"))


def _finished(place: Instance) -> None:
    """Wait until no letter is under way any more."""
    until(lambda: not place.ask("SELECT id FROM campaign WHERE state = 'sending'"), seconds=100)


def _arrived(sink: SmtpSink, address: str, number: int = 1) -> Received:
    """Wait for a mail and return it."""
    until(lambda: len(sink.to(address)) >= number)
    return sink.to(address)[number - 1]


def _clean(mail: Received, headers: tuple[str, ...]) -> EmailMessage:
    """Demand a message that the strictest parser takes, with exactly one of each header."""
    parsed = BytesParser(policy=policy.strict).parsebytes(mail.content)
    assert isinstance(parsed, EmailMessage)
    assert {name: len(parsed.get_all(name, [])) for name in headers} == dict.fromkeys(headers, 1)
    for part in parsed.walk():
        assert part.defects == []
        assert all(value.defects == () for value in part.values())
    head, _, _ = mail.content.partition(b"\r\n\r\n")
    assert head.isascii()
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    assert parsed["To"].addresses[0].addr_spec == mail.rcpt_tos[0]
    assert len(mail.rcpt_tos) == 1
    assert abs(parsedate_to_datetime(parsed["Date"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert headless.text_of(mail).strip()
    assert headless.text_of(mail, "html").strip()
    return parsed


def _founded(place: Instance) -> str:
    """Name the business, make a list and a form; return the form's address."""
    named = ("--name", "Café Ø", "--address", "Havnegade 1\n1058 København", "--from", "hello@cafe.example")
    assert place.type("init", *named, "--lang", "en")["organisation"]
    assert place.type("list", "create", "--name", "News")["slug"] == "news"
    form = place.type("form", "create", "--list", "news")
    # The port of the running instance, which the command was not told.
    assert form["url"] == f"http://localhost:{place.running.port}/f/{form['slug']}"
    return str(form["url"])


def _joins(place: Instance, sink: SmtpSink, form: str, address: str) -> Received:
    """Sign up and confirm by the button; return the mail that asked."""
    assert place.post(form, email=address).status == 200
    asked = _arrived(sink, address)
    assert place.post(headless.link_in(asked, "/c/")).status == 200
    return asked


def test_sign_up_confirm_send_leave_and_send_again(place: Instance, smtp_sink: SmtpSink, letter: str) -> None:
    form = _founded(place)
    _signs_up_and_confirms(place, smtp_sink, form)
    for name in ("bo", "clara"):
        _joins(place, smtp_sink, form, f"{name}@reader.example")
    first = _sends(place, letter, "Boller på fredag", to=3)
    smtp_sink_letters = _letters(smtp_sink, "Boller på fredag")
    assert smtp_sink_letters.keys() == {f"{name}@reader.example" for name in ("anna", "bo", "clara")}
    assert len({mail.message["Message-ID"] for mail in smtp_sink_letters.values()}) == 3
    for mail in smtp_sink_letters.values():
        _demand_letter(place, mail)
    _leaves_by_one_click(place, smtp_sink_letters["bo@reader.example"])
    _sends(place, letter, "Second", to=2)
    assert _letters(smtp_sink, "Second").keys() == {"anna@reader.example", "clara@reader.example"}
    assert place.type("campaign", "status", first)["sent"] == 3


def _signs_up_and_confirms(place: Instance, sink: SmtpSink, form: str) -> None:
    assert place.get(form).status == 200
    assert place.post(form, email="Anna@Reader.EXAMPLE").status == 200
    until(lambda: bool(sink.messages))
    asked = sink.messages[0]
    assert asked.rcpt_tos == ("Anna@reader.example",)
    parsed = _clean(asked, _EVERY_MAIL)
    assert parsed["Auto-Submitted"] == "auto-generated"
    link = headless.link_in(asked, "/c/")
    assert link in headless.text_of(asked, "html").replace("&amp;", "&")
    _settled(place)
    shown = place.type("subscriber", "show", "anna@reader.example")
    assert [row["state"] for row in shown["subscriptions"]] == ["pending"]
    before = _rows(place)
    for _ in range(3):
        # A scanner, a preview and a prefetch.
        assert place.get(link).status == 200
    assert _rows(place) == before
    assert place.post(link).status == 200
    shown = place.type("subscriber", "show", "anna@reader.example")
    assert [(row["list"], row["state"]) for row in shown["subscriptions"]] == [("news", "confirmed")]
    proof = [(row["event"], row["method"], row["text_version"]) for row in shown["consent"]]
    assert proof == [("consent.requested", "form", "en-1"), ("consent.given", "button", "en-1")]
    assert "Café Ø may send me News" in shown["consent"][1]["text"]


def _sends(place: Instance, letter: str, subject: str, *, to: int) -> str:
    created = place.type("campaign", "create", "--list", "news", "--subject", subject, "--from", letter)
    made: str = created["id"]
    checked = place.type("campaign", "check", made)
    assert checked["ready"] is True
    assert place.type("campaign", "test", made, "--to", "owner@cafe.example")
    sent = place.type("campaign", "send", made, "--yes")
    assert (sent["state"], sent["recipients"]) == ("sending", to)
    _finished(place)
    status = place.type("campaign", "status", made)
    assert (status["state"], status["recipients"], status["sent"]) == ("finished", to, to)
    assert [status[name] for name in ("skipped", "deferred", "failed", "in_doubt")] == [0, 0, 0, []]
    return made


def _letters(sink: SmtpSink, subject: str) -> dict[str, Received]:
    """Return who got the letter; each got it once. The test to the owner is marked and counts for nobody."""
    until(lambda: any(mail.message["Subject"] == f"[TEST] {subject}" for mail in sink.to("owner@cafe.example")))
    found = [mail for mail in sink.messages if mail.message["Subject"] == subject]
    by_address = {mail.rcpt_tos[0].lower(): mail for mail in found}
    assert len(by_address) == len(found)
    return by_address


def _demand_letter(place: Instance, mail: Received) -> None:
    parsed = _clean(mail, _EVERY_LETTER)
    assert parsed["From"].addresses[0].addr_spec == "hello@cafe.example"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r".*<news\.cafe\.example>", parsed["List-Id"])
    plain, html = headless.text_of(mail), headless.text_of(mail, "html")
    assert "Blåbær & boller 🫐" in plain
    # A line with a dot alone ends a message on the wire; it must have been stuffed.
    assert "See what we bake" in plain
    for part in (plain, html):
        assert "Havnegade 1" in part
        assert "{{" not in part
    assert f"http://localhost:{place.running.port}/u/" in plain
    assert "style=" in html


def _leaves_by_one_click(place: Instance, mail: Received) -> None:
    url = re.fullmatch(r"<(http[^>]+)>.*", mail.message["List-Unsubscribe"])
    assert url is not None
    before = _rows(place)
    assert place.get(url[1]).status == 200
    assert _rows(place) == before
    assert place.post(url[1], **{"List-Unsubscribe": "One-Click"}).status == 200
    shown = place.type("subscriber", "show", mail.rcpt_tos[0])
    assert [row["state"] for row in shown["subscriptions"]] == ["unsubscribed"]
    assert (shown["consent"][-1]["event"], shown["consent"][-1]["method"]) == ("consent.withdrawn", "one_click")
    # A mail program that sends it twice does no harm.
    assert place.post(url[1], **{"List-Unsubscribe": "One-Click"}).status == 200
    assert len(place.type("subscriber", "show", mail.rcpt_tos[0])["consent"]) == 3


@pytest.mark.whole_program
def test_the_six_digits_confirm_on_the_page_that_is_still_open(place: Instance, smtp_sink: SmtpSink) -> None:
    form = _founded(place)
    page = place.post(form, email="dora@reader.example")
    assert page.status == 200
    visit = page.hidden("visit")
    code = headless.code_in(_arrived(smtp_sink, "dora@reader.example"))
    wrong = place.post(f"{form}/code", visit=visit, code=f"{(int(code) + 1) % 1_000_000:06d}")
    assert wrong.status == 422
    assert wrong.hidden("visit") == visit
    shown = place.type("subscriber", "show", "dora@reader.example")
    assert shown["subscriptions"][0]["state"] == "pending"
    assert place.post(f"{form}/code", visit=visit, code=f"{code[:3]} {code[3:]}").status == 200
    shown = place.type("subscriber", "show", "dora@reader.example")
    assert shown["subscriptions"][0]["state"] == "confirmed"
    assert [(row["event"], row["method"]) for row in shown["consent"]][-1] == ("consent.given", "code")


@pytest.mark.whole_program
def test_a_mail_server_that_refuses_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    port = running_up.free_port()
    path = tmp_path / "letter.md"
    path.write_text(_LETTER, encoding="utf-8")
    with headless.instance("sqlite", f"smtp://127.0.0.1:{port}") as place:
        with smtp_sink.running(port=port) as sink:
            form = _founded(place)
            _joins(place, sink, form, "anna@reader.example")
            # The question and the receipt: what came later would be taken for the letter.
            place.hurry_receipt()
            _arrived(sink, "anna@reader.example", 2)
            _settled(place)
        made = place.type("campaign", "create", "--list", "news", "--subject", "Later", "--from", str(path))["id"]
        # The line that a worker holds open would tell it at once; this is about finding nobody there.
        os.kill(place.running.of("work")[0], signal.SIGTERM)
        assert place.type("campaign", "send", made, "--yes")["recipients"] == 1
        until(lambda: bool(place.ask("SELECT id FROM incident WHERE closed_at IS NULL")))
        status = place.type("campaign", "status", made)
        assert (status["state"], status["sent"], status["waiting"]) == ("sending", 0, 1)
        [words] = status["standing_still"]
        assert f"127.0.0.1:{port}" in words
        with smtp_sink.running(port=port) as sink:
            # The next attempt would be half a minute away.
            place.ask("UPDATE delivery SET due_at = created_at WHERE state = 'queued'")
            _finished(place)
            assert [mail.rcpt_tos for mail in sink.messages] == [("anna@reader.example",)]
        status = place.type("campaign", "status", made)
        assert (status["sent"], status["standing_still"], status["in_doubt"]) == (1, [], [])
