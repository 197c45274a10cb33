"""Bad input on the command line gets one sentence that says what happened, and changes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import running_up, typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe

pytestmark = pytest.mark.whole_program

_NOBODY = "cmp_00000000000000000000"


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def owners(session: Session) -> Cafe:
    """A business with a list, a form, two readers and a letter."""
    made = cafe.found(session)
    for name in ("anna", "bo"):
        cafe.subscribe(session, made, f"{name}@reader.example")
    cafe.draft(session, made)
    session.commit()
    return made


@pytest.fixture
def unchanged(session: Session) -> Callable[[], bool]:
    """Whether every table still has as many rows as when this was asked for first."""

    def count() -> dict[str, int]:
        session.rollback()
        tables = Table.metadata.sorted_tables
        counted = {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
        session.rollback()
        return counted

    before: list[dict[str, int]] = []

    def same() -> bool:
        now = count()
        before[:] = before or [now]
        return now == before[0]

    return same


def _letter(session: Session) -> str:
    public_id = session.scalars(select(Campaign.public_id).order_by(Campaign.id)).one()
    session.rollback()
    return public_id


def test_before_the_business_has_a_name_every_command_says_so(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("x")
    for words in (
        ("list", "create", "--name", "News"),
        ("list", "show"),
        ("form", "create", "--list", "news"),
        ("campaign", "create", "--list", "news", "--subject", "S", "--from", str(tmp_path / "x.md")),
        ("campaign", "check", _NOBODY),
        ("campaign", "send", _NOBODY, "--yes"),
        ("campaign", "status", _NOBODY),
        ("subscriber", "show", "a@b.example"),
        ("domain", "add", "b.example"),
        ("domain", "show"),
    ):
        assert type_(*words, "--json").error == "no_organisation"
        said = type_(*words)
        assert said.code == 11
        assert "listkeeper init" in said.sentence


def test_a_business_that_cannot_be_is_not_founded(type_: Type, unchanged: Callable[[], bool]) -> None:
    business = {"name": "N", "address": "A", "from": "a@b.example", "lang": "en"}
    assert unchanged()
    for wrong, code in (
        ({"name": ""}, "missing"),
        ({"name": "N" * 201}, "too_long"),
        ({"name": "N\nX-Evil: 1"}, "too_long"),
        ({"address": " \n"}, "missing"),
        ({"from": "a b@b.example"}, "address_space"),
        ({"from": "nobody"}, "address_no_at"),
        ({"from": "a@b.example\nBcc: c@d.example"}, "address_control"),
        ({"colour": "red"}, "colour"),
        ({"lang": "fr"}, "usage"),
        ({"port": "1"}, "usage"),
    ):
        words = [word for name, value in {**business, **wrong}.items() for word in (f"--{name}", value)]
        assert type_("init", *words, "--json").error == code, wrong
    assert unchanged()


def test_a_second_business_is_refused(type_: Type, owners: Cafe, unchanged: Callable[[], bool]) -> None:
    assert unchanged()
    said = type_("init", "--name", "N", "--address", "A", "--from", "a@b.example")
    assert said.code == 12
    assert "already belongs to a business" in said.sentence
    assert unchanged()


_REFUSED = (
    (("list", "create", "--name", "News"), "list_exists", 12),
    (("list", "create", "--name", " "), "missing", 10),
    (("list", "create", "--name", "N" * 300), "too_long", 10),
    (("list", "create", "--name", "N\x00"), "too_long", 10),
    (("form", "create", "--list", "nowhere"), "no_list", 11),
    (("form", "show", "--list", "nowhere"), "no_list", 11),
    (("campaign", "check", _NOBODY), "no_campaign", 11),
    (("campaign", "status", _NOBODY), "no_campaign", 11),
    (("campaign", "send", _NOBODY, "--yes"), "no_campaign", 11),
    (("campaign", "cancel", _NOBODY), "no_campaign", 11),
    (("campaign", "test", _NOBODY, "--to", "a@b.example"), "no_campaign", 11),
    (("campaign", "test", "LETTER", "--to", "nobody"), "address_no_at", 10),
    (("campaign", "test", "LETTER", "--to", "a@b.example\r\nBcc: c@d.example"), "address_control", 10),
    (("campaign", "cancel", "LETTER"), "campaign_state", 12),
    (("subscriber", "show", "nobody@here.example"), "no_subscriber", 11),
    (("subscriber", "show", "two@@here.example"), "address_several", 10),
    (("subscriber", "show", "sub_nobody"), "no_subscriber", 11),
    (("campaign", "create", "--list", "news", "--subject", "S", "--from", "/nowhere/letter.md"), "usage", 2),
    (("campaign", "create", "--list", "news", "--subject", "S", "--from", "/"), "usage", 2),
    (("campaign", "create", "--list", "news", "--subject", "S"), "usage", 2),
    (("campaign", "burn", "LETTER"), "usage", 2),
    (("campaign",), "usage", 2),
)


def test_what_does_not_exist_or_cannot_be_is_one_sentence(
    type_: Type, session: Session, owners: Cafe, unchanged: Callable[[], bool]
) -> None:
    letter = _letter(session)
    assert unchanged()
    for words, code, exit_code in _REFUSED:
        typed_words = [letter if word == "LETTER" else word for word in words]
        said = type_(*typed_words, "--json")
        assert (said.error, said.code) == (code, exit_code), words
        plain = type_(*typed_words)
        assert plain.code == exit_code
        if code != "usage":
            assert plain.sentence.endswith("."), words
        assert "Traceback" not in plain.err
    assert unchanged()


def test_a_file_that_is_no_text_is_refused(
    type_: Type, tmp_path: Path, owners: Cafe, unchanged: Callable[[], bool]
) -> None:
    file = tmp_path / "letter.md"
    words = ("campaign", "create", "--list", "news", "--subject", "S", "--from", str(file))
    assert unchanged()
    for content, code in ((b"\xff\xfe\x00binary", "not_text"), (b"nul \x00 inside", "letter_unreadable")):
        file.write_bytes(content)
        assert type_(*words, "--json").error == code
    assert unchanged()


def test_words_that_are_no_text_are_refused(type_: Type, owners: Cafe, unchanged: Callable[[], bool]) -> None:
    assert unchanged()
    # How Python hands on bytes of the command line that are not UTF-8.
    said = type_("list", "create", "--name", "N\udcff")
    assert said.code == 10
    assert said.sentence.endswith("Nothing was changed.")
    assert unchanged()


def test_a_letter_that_is_not_ready_is_not_sent(type_: Type, tmp_path: Path, session: Session, owners: Cafe) -> None:
    file = tmp_path / "letter.md"
    for subject, markdown, code in (
        ("", "Hello", "C1"),
        ("S", " ", "C2"),
        ("S", "Dear {{ subscriber.nonsense }}", "P2"),
        ("S", "Dear {{ subscriber.first_name", "P2"),
        ("S", "[x](https://x.example/{{ subscriber.first_name }})", "P3"),
    ):
        file.write_text(markdown)
        words = ("--list", "news", "--subject", subject, "--from", str(file), "--json")
        made = type_("campaign", "create", *words).json["id"]
        found = type_("campaign", "check", made, "--json")
        assert (found.code, found.json["ready"]) == (6, False)
        assert code in {row["code"] for row in found.json["findings"] if row["severity"] == "BLOCK"}
        refused = type_("campaign", "send", made, "--yes")
        assert refused.code == 12
        assert refused.sentence.endswith("Nothing was sent.")
        assert type_("campaign", "send", made, "--yes", "--json").error == "not_ready"
        assert type_("campaign", "status", made, "--json").json["state"] == "draft"
    assert session.scalars(select(Delivery)).all() == []


def test_an_empty_audience_is_found_and_nothing_is_sent(type_: Type, session: Session) -> None:
    made = cafe.found(session)
    cafe.sign_up(session, made, "pending@reader.example")
    public_id = cafe.draft(session, made).public_id
    session.commit()
    found = type_("campaign", "check", public_id, "--json")
    assert found.code == 6
    assert [row["code"] for row in found.json["findings"] if row["severity"] == "BLOCK"] == ["C3"]
    assert type_("campaign", "send", public_id, "--yes").sentence.endswith("Nothing was sent.")
    assert type_("campaign", "status", public_id, "--json").json["state"] == "draft"


def test_sending_without_a_yes_and_without_a_terminal_is_refused(type_: Type, session: Session, owners: Cafe) -> None:
    said = type_("campaign", "send", _letter(session), "--json")
    assert (said.error, said.code) == ("needs_yes", 10)
    assert "--yes" in type_("campaign", "send", _letter(session)).sentence
    assert session.scalars(select(Delivery)).all() == []


def test_a_letter_is_sent_once(type_: Type, session: Session, owners: Cafe) -> None:
    letter = _letter(session)
    assert type_("campaign", "send", letter, "--yes", "--json").json["recipients"] == 2
    again = type_("campaign", "send", letter, "--yes")
    assert again.code == 12
    assert "Nothing was sent again" in again.sentence
    assert type_("campaign", "send", letter, "--yes", "--json").error == "campaign_state"
    assert session.scalar(select(func.count()).select_from(Delivery)) == 2
    assert type_("campaign", "cancel", letter).code == 0
    assert type_("campaign", "send", letter, "--yes", "--json").error == "campaign_state"


def test_sent_by_two_at_once_it_is_sent_once(
    session: Session, owners: Cafe, settings: Settings, database: Database
) -> None:
    words = ["campaign", "send", _letter(session), "--yes", "--data", str(settings.data)]
    named = {"database_url": settings.database_url} if settings.database_url else {}
    surroundings = running_up.environment(check_links="false", **named)
    program = [sys.executable, "-m", "listkeeper.cli.main", *words]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen(program, cwd=running_up.ROOT, env=surroundings, stdout=pipe, stderr=pipe) for _ in range(2)
    ]
    said = [process.communicate(timeout=90) for process in both]
    assert sorted(process.returncode for process in both) == [0, 12], said
    assert session.scalar(select(func.count()).select_from(Delivery)) == 2


def test_too_many_tests_in_an_hour_are_refused(
    type_: Type, session: Session, owners: Cafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTKEEPER_TESTS_PER_HOUR", "2")
    words = ("campaign", "test", _letter(session), "--to", "me@cafe.example")
    assert [type_(*words).code for _ in range(3)] == [0, 0, 13]
    assert session.scalar(select(func.count()).select_from(Delivery)) == 2
