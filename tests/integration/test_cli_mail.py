"""`listkeeper mail read`: files, folders, mailboxes and standard input, one JSON object a mail, also without keys."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from listkeeper.foundation import keys
from listkeeper.sending import return_path
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.typed import Said, Type

_BOUNCE = (
    b"From: MAILER-DAEMON@mx.guest.example\nTo: hello@shop.example\nSubject: failure notice\n\n"
    b"Hi. This is the qmail-send program at mx.guest.example.\n\n<freja@guest.example>:\n"
    b"Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
    b"Return-Path: <b@bounce.shop.example>\nReceived: from a.example\nMessage-ID: <1@shop.example>\n\nFrom us\n"
)
_BEGINS = b"From sender@guest.example Mon Nov 23 08:00:00 2026\n"
_REPLY = b"From: Ole <ole@guest.example>\nSubject: Re: buns\n\nLovely!\n"


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of mails, with one in a folder of its own and one that is hidden."""
    place = tmp_path / "mails"
    (place / "more").mkdir(parents=True)
    (place / "a.eml").write_bytes(_BOUNCE)
    (place / "more" / "b.eml").write_bytes(_REPLY)
    (place / ".hidden").write_bytes(_REPLY)
    return place


def _kinds(said: Said) -> list[tuple[str, str]]:
    return [(told["file"], told["kind"]) for told in map(json.loads, said.out.splitlines())]


def test_one_object_a_mail_on_a_line_of_its_own(type_: Type, folder: Path, tmp_path: Path) -> None:
    said = type_("mail", "read", str(folder), str(folder / "a.eml"), "--json")
    assert said.code == 0
    a, b = str(folder / "a.eml"), str(folder / "more" / "b.eml")
    assert _kinds(said) == [(a, "bounce"), (b, "reply"), (a, "bounce")]
    (told, *_) = map(json.loads, said.out.splitlines())
    (one,) = told["recipients"]
    assert (one["address"], one["class"], one["permanent"]) == ("freja@guest.example", "invalid_address", True)
    assert told["message_id"] == "1@shop.example"
    assert told["token_valid"] is None
    # Nothing is made where there is no instance.
    assert not (tmp_path / "nothing").exists()


def test_a_mailbox_file(type_: Type, tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(_BEGINS + _BOUNCE + b"\n" + _BEGINS + _REPLY + b"\nFrom us too\n\n")
    assert _kinds(type_("mail", "read", str(box), "--json")) == [(f"{box}:1", "bounce"), (f"{box}:2", "reply")]


def test_a_mail_in_a_mailbox_may_be_of_any_size(type_: Type, tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(_BEGINS + _REPLY + b"long line " * 500_000 + b"\n\n" + _BEGINS + _BOUNCE)
    assert _kinds(type_("mail", "read", str(box), "--json")) == [(f"{box}:1", "reply"), (f"{box}:2", "bounce")]


@pytest.mark.parametrize("words", [(), ("-",)])
def test_standard_input(type_: Type, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(_BOUNCE)))
    assert _kinds(type_("mail", "read", *words, "--json")) == [("-", "bounce")]


def test_what_cannot_be_opened_is_named_and_the_rest_is_read(type_: Type, folder: Path) -> None:
    said = type_("mail", "read", str(folder / "none"), str(folder / "a.eml"), "--json")
    assert said.code == 10
    assert _kinds(said) == [(str(folder / "a.eml"), "bounce")]
    assert said.err.strip() == f"{folder / 'none'}: It cannot be read: No such file or directory."


def test_people_read_lines(type_: Type, folder: Path) -> None:
    lines = type_("mail", "read", str(folder)).out.splitlines()
    assert lines[0] == f"{folder / 'a.eml'}: bounce (form qmail), about <1@shop.example>"
    assert lines[1].startswith("  freja@guest.example: invalid_address, for good [5.1.1]  ")
    assert lines[2] == f"{folder / 'more' / 'b.eml'}: reply (person)"


def test_nothing_of_a_stranger_acts_on_the_terminal(type_: Type, tmp_path: Path) -> None:
    evil = "\u009b2J\u202e\u2028\x1b"
    file = tmp_path / "x.eml"
    file.write_bytes(
        _BOUNCE.replace(b"<freja@", f"<{evil}freja@".encode()).replace(b"<1@", f"<{evil}1@".encode()).replace(
            b"no mailbox", f"{evil} no mailbox".encode()
        )
    )  # fmt: skip
    for words in (("--json",), ()):
        said = type_("mail", "read", str(file), *words)
        assert said.code == 0
        assert not set("\u009b\u202e\u2028\x1b") & set(said.out)


@pytest.mark.usefixtures("_no_settings_from_outside")
def test_with_an_instance_its_keys_prove_whose_mail_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    keys.open_folder(settings.key_folder)
    ours = return_path.of_delivery("bounce.shop.example", 7)
    local, _, domain = ours.partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    for name, address in (("ours", ours), ("forged", forged)):
        (tmp_path / name).write_bytes(_BOUNCE.replace(b"hello@shop.example", address.encode()))
    type_ = typed.typing(monkeypatch, settings)
    said = type_("mail", "read", str(tmp_path / "ours"), str(tmp_path / "forged"), "--json")
    assert [json.loads(line)["token_valid"] for line in said.out.splitlines()] == [True, False]
