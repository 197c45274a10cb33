"""Tokens in place of passwords: asked for rightly, used until they end, renewed into their file, never told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from listkeeper.feedback import mailbox_address
from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.foundation.fetch import Answer, NotSent, Unanswered
from listkeeper.mailroom.mailbox_line import MailboxTrouble
from listkeeper.mailroom.mailbox_token import Tokens

SECRET = "wJalrXUtnFEMI+7/x"


@dataclass
class Giver:
    """Answers as scripted, and remembers what it was asked."""

    answers: list[Answer | NotSent | Unanswered]
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def post(self, origin: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | NotSent | Unanswered:
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.asked.append((f"{origin}{path}", parse_qs(body.decode(), strict_parsing=True)))
        return self.answers.pop(0)


def _gives(token: str, **more: object) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": token, "expires_in": 3599} | more).encode())


def _google(more: str = f"client_id=c&client_secret={SECRET}&refresh_token=r1") -> MailboxAddress:
    return mailbox_address.read(f"imaps://b@imap.gmail.com?oauth=google&{more}")


def test_a_password_needs_no_token() -> None:
    assert Tokens(Giver([]).post).of(mailbox_address.read("imaps://b:xyz@mail.example")) is None


def test_a_refresh_token_is_handed_in_and_the_token_used_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    giver = Giver([_gives("one"), _gives("two", expires_in=10), _gives("three")])
    tokens = Tokens(giver.post)
    assert [tokens.of(_google()) for _ in range(3)] == ["one"] * 3
    [(where, said)] = giver.asked
    assert where == "https://oauth2.googleapis.com/token"
    assert said == {
        "client_id": ["c"], "client_secret": [SECRET], "grant_type": ["refresh_token"], "refresh_token": ["r1"],
    }  # fmt: skip
    moment[0] += 3_540
    # One that lasts no minute is used once.
    assert [tokens.of(_google()) for _ in range(2)] == ["two", "three"]


def test_a_program_asks_for_itself() -> None:
    giver = Giver([_gives("one")])
    Tokens(giver.post).of(
        mailbox_address.read("imaps://b@o.example?oauth=microsoft&tenant=cafe.example&client_id=c&client_secret=s")
    )
    [(where, said)] = giver.asked
    assert where == "https://login.microsoftonline.com/cafe.example/oauth2/v2.0/token"
    assert said == {
        "client_id": ["c"], "client_secret": ["s"], "grant_type": ["client_credentials"],
        "scope": ["https://outlook.office365.com/.default"],
    }  # fmt: skip


def test_a_token_that_opened_nothing_is_asked_for_anew() -> None:
    giver = Giver([_gives("one"), _gives("two")])
    tokens = Tokens(giver.post)
    assert tokens.of(_google()) == "one"
    tokens.forget(_google())
    assert tokens.of(_google()) == "two"


def test_a_renewed_refresh_token_is_kept_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_text(json.dumps({"client_id": "c", "client_secret": SECRET, "refresh_token": "r1", "note": "ours"}))
    address = mailbox_address.read(f"imaps://b@o.example?oauth=microsoft&file={file}")
    giver = Giver([_gives("one", refresh_token="r2")])
    Tokens(giver.post).of(address)
    assert json.loads(file.read_text()) == {
        "client_id": "c", "client_secret": SECRET, "refresh_token": "r2", "note": "ours",
    }  # fmt: skip
    assert file.stat().st_mode & 0o77 == 0
    assert list(tmp_path.iterdir()) == [file]
    giver.answers.append(_gives("two"))
    Tokens(giver.post).of(address)
    assert [said["refresh_token"] for _, said in giver.asked] == [["r1"], ["r2"]]


def test_without_a_file_a_renewed_refresh_token_lives_as_long_as_the_process() -> None:
    giver = Giver([_gives("one", refresh_token="r2", expires_in=0), _gives("two")])
    tokens = Tokens(giver.post)
    for _ in range(2):
        tokens.of(_google())
    assert [said["refresh_token"] for _, said in giver.asked] == [["r1"], ["r2"]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NotSent("the web server refuses connections"), "No token came from oauth2.googleapis.com"),
        (Unanswered("no answer in time"), "No token came from oauth2.googleapis.com: no answer in time."),
        (Answer(400, {}, b'{"error": "invalid_grant"}'), "oauth2.googleapis.com gives no token: invalid_grant."),
        (Answer(400, {}, b'{"error": "Bad %s"}' % SECRET.encode()), "oauth2.googleapis.com gives no token: 400."),
        (Answer(502, {}, b"<html>"), "oauth2.googleapis.com gives no token: 502."),
        (Answer(200, {}, b"[]"), "oauth2.googleapis.com gives no token: 200."),
        (Answer(200, {}, b'{"access_token": "a\\r\\nDELE 1"}'), "oauth2.googleapis.com gives no token: 200."),
        (Answer(200, {}, b'{"access_token": 7}'), "oauth2.googleapis.com gives no token: 200."),
    ],
)
def test_whoever_gives_none_is_told_in_words(answer: Answer | NotSent | Unanswered, words: str) -> None:
    with pytest.raises(MailboxTrouble) as told:
        Tokens(Giver([answer]).post).of(_google())
    assert str(told.value).startswith(words)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"client_id": "c"}', '{"refresh_token": "r", "client_id": 7}'])
def test_a_file_that_holds_no_token_is_told_in_words(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MailboxTrouble, match="The file of the token"):
        Tokens(Giver([]).post).of(_google(f"file={file}"))
