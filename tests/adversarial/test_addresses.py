"""Cases 9 and 12: what is no address is no row anywhere, and two mailboxes are never taken for one, nor one for two."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.standards import address
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, exports, imports, programs
from tests.makers.imports import Court
from tests.makers.own import Guest
from tests.makers.programs import code_of
from tests.makers.works import HER, Works

# Each with the place where a mail program, a shell or a server would stumble.
NO_ADDRESSES = {
    "CRLF and a header": "anna@guest.example\r\nBcc: thief@elsewhere.example",
    "a bare LF": "anna@guest.example\nthief@elsewhere.example",
    "a bare CR": "anna@guest.example\rRCPT TO:<thief@elsewhere.example>",
    "%0a": "anna@guest.example%0aBcc:thief@elsewhere.example",
    "%0d%0a within": "anna%0d%0aRCPT@guest.example%0d%0a",
    "NUL": "anna@guest.example\x00.elsewhere.example",
    "a tab": "anna\t@guest.example",
    "a vertical tab": "anna\x0b@guest.example",
    "NEL": "anna\x85@guest.example",
    "LINE SEPARATOR": "anna@guest.example\u2028thief",
    "a comma": "anna@guest.example,thief@elsewhere.example",
    "a semicolon": "anna@guest.example;thief@elsewhere.example",
    "angle brackets": "Anna <anna@guest.example>",
    "brackets alone": "<anna@guest.example>",
    "a route": "<@elsewhere.example:anna@guest.example>",
    "two at signs": "anna@guest.example@elsewhere.example",
    "a quoted local part": '"anna@guest.example"@elsewhere.example',
    "a comment": "anna(thief)@guest.example",
    "an address literal": "anna@[127.0.0.1]",
    "a bare host": "anna@localhost",
    "a percent route": "anna%guest.example@elsewhere.example%",
    "an uucp path": "elsewhere!anna@guest.example!",
    "zero width": "an\u200bna@guest.example",
    "right to left": "anna\u202e@guest.example",
    "a lone surrogate's letter": "anna\ufffe@guest.example",
    "65 letters": "a" * 65 + "@guest.example",
    "33 letters of two bytes": "ø" * 33 + "@guest.example",
    "10 KB": "a" * 10_000 + "@guest.example",
    "10 KB of domain": "anna@" + "a." * 5_000 + "example",
    "255 bytes": "a" * 60 + "@" + "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + ".example.example",
    "a dot at the end": "anna.@guest.example",
    "two dots": "an..na@guest.example",
    "a space": "an na@guest.example",
    "a template": "{{7*7}}@guest.example{{7*7}}",
    "nothing": "",
    "spaces": "   ",
}


def test_case_09_no_address_reaches_a_row_a_mail_or_a_header(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    """By the form, by the entry to one's own page, by a program, as a new address and as one never to write to."""
    shop = programs.program(works.app)
    form = works.read(lambda session: imports.Court.house(session).form.public_id)
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    own = guest.enter()
    before, mails = attack.state(works.app), len(smtp_sink.messages)
    for name, typed in NO_ADDRESSES.items():
        for path in ("/f/news", "/me", f"{own}/address"):
            answer = client.post(path, data={"email": typed})
            assert answer.status_code in {413, 422}, f"{name} at {path}"
            assert "Bcc" not in str(answer.headers)
            assert "<anna" not in answer.text, f"{name} at {path}"
        for path, body in (
            ("/signups", {"form": form, "address": typed}),
            ("/suppressions", {"address": typed, "reason": "manual"}),
            ("/subscribers/lookup", {"address": typed}),
        ):
            answer = shop.post(path, body)
            assert answer.status_code in {400, 422}, f"{name} at {path}"
            assert code_of(answer)
    works.work(Lane.URGENT, 2)
    assert attack.changed(before, attack.state(works.app)) == set()
    assert len(smtp_sink.messages) == mails


def test_case_09_a_file_keeps_none_of_them(app: Flask, database: Database, tmp_path: Path) -> None:
    """Each is listed with its reason, the rest of the file goes on, and no person is made of one."""
    court = imports.opened(app, tmp_path)
    bad = [typed for typed in NO_ADDRESSES.values() if typed.strip() and "\x00" not in typed]
    lines = [{"Email": typed, "OPTIN_TIME": exports.ASKED, "CONFIRM_TIME": exports.CONFIRMED} for typed in [*bad, HER]]
    file = exports.write(tmp_path / "people.csv", exports.table(["Email", "OPTIN_TIME", "CONFIRM_TIME"], lines))
    counts, judged = court.judge(file)
    assert {outcome for shown, outcome, _reason in judged if shown != HER} == {"rejected"}
    made = court.load(file)
    assert counts == made.counts
    assert (made.counts["rejected"], made.counts["new"]) == (len(bad), 1)
    assert court.states() == {HER: "confirmed"}


# Case 12

DISTINCT = {
    "long s": ("ſara@guest.example", "sara@guest.example"),
    "dotted capital I": ("İnci@guest.example", "inci@guest.example"),
    "dotless i": ("ınci@guest.example", "inci@guest.example"),
    "sharp s": ("straße@guest.example", "strasse@guest.example"),
    "a ligature": ("ﬁlip@guest.example", "filip@guest.example"),
    "full width": ("ａnna@guest.example", "anna@guest.example"),
    "Cyrillic a": ("аnna@guest.example", "anna@guest.example"),
    "Greek o": ("bο@guest.example", "bo@guest.example"),
    "capital O with stroke": ("Øl@guest.example", "øl@guest.example"),
    "domain with sharp s": ("anna@faß.example", "anna@fass.example"),
    "domain in Cyrillic": ("anna@ехаmрlе.example", "anna@example.example"),
    "dots elsewhere than at Gmail": ("an.na@guest.example", "anna@guest.example"),
    "a tag": ("anna+news@guest.example", "anna@guest.example"),
}
ONE = {
    "NFD and NFC": (unicodedata.normalize("NFD", "søren.blåbær@guest.example"), "søren.blåbær@guest.example"),
    "NFD domain": (unicodedata.normalize("NFD", "anna@blåbær.example"), "anna@blåbær.example"),
    "A-label and U-label": ("anna@xn--blbr-roah.example", "anna@blåbær.example"),
    "full-width domain": ("anna@ｇｕｅｓｔ.example", "anna@guest.example"),
    "ideographic full stop": ("anna@guest。example", "anna@guest.example"),
    "capitals": ("ANNA@GUEST.EXAMPLE", "anna@guest.example"),
    "the Kelvin sign in a domain": ("anna@\u212aaffe.example", "anna@kaffe.example"),
    "spaces around": ("  anna@guest.example  ", "anna@guest.example"),
}


def _brought(court: Court, name: str, addresses: list[str]) -> dict[str, int]:
    lines = [{"Email": typed, "OPTIN_TIME": exports.ASKED, "CONFIRM_TIME": exports.CONFIRMED} for typed in addresses]
    table = exports.table(["Email", "OPTIN_TIME", "CONFIRM_TIME"], lines)
    return court.load(exports.write(court.folder / name, table)).counts


def test_case_12_two_mailboxes_that_look_alike_stay_two(app: Flask, database: Database, tmp_path: Path) -> None:
    """Nobody gets another's consent, and nobody's objection silences another."""
    court = imports.opened(app, tmp_path)
    everybody = sorted({typed for pair in DISTINCT.values() for typed in pair})
    counts = _brought(court, "alike.csv", everybody)
    assert counts["new"] == len(everybody)
    assert counts.get("unchanged", 0) == counts.get("updated", 0) == 0
    assert len(_keys(app)) == len(everybody)
    shop = programs.program(app)
    for name, (one, other) in DISTINCT.items():
        assert address.parse(one).key != address.parse(other).key, name
        assert shop.post("/suppressions", {"address": one, "reason": "objection"}).status_code == 201
    silenced = {_sent(one) for one, _ in DISTINCT.values()}
    untouched = {_sent(other) for _, other in DISTINCT.values()} - silenced
    states = court.states()
    assert {states[sent] for sent in silenced} == {"unsubscribed"}
    assert {states[sent] for sent in untouched} == {"confirmed"}
    assert len(untouched) >= 8


def test_case_12_two_spellings_of_one_mailbox_are_one(app: Flask, database: Database, tmp_path: Path) -> None:
    """Who objected under one spelling is not brought back under the other, and nobody is kept twice."""
    court = imports.opened(app, tmp_path)
    first, second = ([pair[number] for pair in ONE.values()] for number in (0, 1))
    people = len({address.parse(typed).key for typed in second})
    assert _brought(court, "first.csv", first)["new"] == people
    again = _brought(court, "second.csv", second)
    assert {name: count for name, count in again.items() if not name.startswith("remark:")} == {
        "unchanged": len(second)
    }
    assert len(_keys(app)) == people
    shop = programs.program(app)
    for typed in second:
        assert shop.post("/suppressions", {"address": typed, "reason": "complaint"}).status_code == 201
    assert set(court.states().values()) == {"complained"}
    # In another order, or it would be the first file again, of which nothing is read a second time.
    assert _brought(court, "third.csv", sorted(first))["suppressed"] == len(first)
    assert set(court.states().values()) == {"complained"}


def _keys(app: Flask) -> set[str]:
    with app.app_context(), store.reading() as session:
        return set(session.scalars(select(Subscriber.suppression_key)))


def _sent(typed: str) -> str:
    return address.parse(typed).send


def test_case_12_the_form_asks_one_mailbox_once_by_any_spelling(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    pairs = [pair for pair in ONE.values() if not address.parse(pair[1]).needs_smtputf8]
    for typed in [*(one for one, _ in pairs), *(other for _, other in pairs)]:
        assert client.post("/f/news", data={"email": typed}).status_code == 200
    works.work(Lane.URGENT, 8)
    mailboxes = {_sent(other) for _, other in pairs}
    assert {found.lower() for found in attack.standing(works.app, works.list_id)} == mailboxes
    assert [len(kept.rcpt_tos) for kept in smtp_sink.messages] == [1] * len(mailboxes)
