"""The practice post box keeps mails byte for byte and lets nobody out of its folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from listkeeper.foundation import caught_mail
from listkeeper.foundation.errors import NotFound

AWKWARD = (
    b"Subject: =?utf-8?b?w5hsICYgYnLDuGQ=?=\r\nX: \xff\xfe\r\n\r\n"
    b".\r\n..two dots\r\nbare\nlf and\rcr\r\n\x00\r\n\r\n\r\n"
)


def test_a_mail_comes_back_byte_for_byte_with_its_envelope(tmp_path: Path) -> None:
    key = caught_mail.write(tmp_path / "box", AWKWARD, "bounce@cafe.example", ["a@x.example", "løg@ø.example"])
    mail = caught_mail.read(tmp_path / "box", key)
    assert mail.raw == AWKWARD
    assert mail.envelope.mail_from == "bounce@cafe.example"
    assert mail.envelope.rcpt_tos == ("a@x.example", "løg@ø.example")
    assert abs(mail.received_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_empty_message_and_an_empty_return_path_are_kept(tmp_path: Path) -> None:
    key = caught_mail.write(tmp_path, b"", "", ["a@x.example"])
    assert caught_mail.read(tmp_path, key).raw == b""
    [entry] = caught_mail.entries(tmp_path)
    assert (entry.envelope.mail_from, entry.subject, entry.size) == ("", "", 0)


def test_the_newest_mail_is_listed_first_and_pages_do_not_overlap(tmp_path: Path) -> None:
    keys = []
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as traveller:
        for number in range(5):
            keys.append(caught_mail.write(tmp_path, b"Subject: %d\r\n\r\n" % number, "f@x.example", ["a@x.example"]))
            traveller.shift(1)
    assert [entry.key for entry in caught_mail.entries(tmp_path)] == keys[::-1]
    pages = [caught_mail.entries(tmp_path, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[entry.subject for entry in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"], []]
    assert caught_mail.count(tmp_path) == 5


def test_an_entry_shows_the_decoded_subject_and_the_size_of_the_message_alone(tmp_path: Path) -> None:
    caught_mail.write(tmp_path, AWKWARD, "f@x.example", ["a@x.example"])
    [entry] = caught_mail.entries(tmp_path)
    assert entry.subject == "Øl & brød"
    assert entry.size == len(AWKWARD)


def test_a_box_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert caught_mail.entries(missing) == []
    assert caught_mail.count(missing) == 0
    assert caught_mail.clear(missing) == 0
    assert not missing.exists()


def test_the_inbox_of_one_address_pages_over_its_own_mails_only(tmp_path: Path) -> None:
    for number in range(6):
        who = "Anna@x.example" if number % 2 else "bo@x.example"
        caught_mail.write(tmp_path, b"Subject: %d\r\n\r\n" % number, "f@x.example", [who])
    assert [entry.subject for entry in caught_mail.entries(tmp_path, to="anna@X.example")] == ["5", "3", "1"]
    assert [entry.subject for entry in caught_mail.entries(tmp_path, 1, 1, to="anna@x.example")] == ["3"]


def test_forgetting_an_address_removes_its_mails_and_no_others(tmp_path: Path) -> None:
    gone = caught_mail.write(tmp_path, b"1", "f@x.example", ["Anna@x.example"])
    shared = caught_mail.write(tmp_path, b"2", "f@x.example", ["bo@x.example", "anna@x.example"])
    kept = caught_mail.write(tmp_path, b"3", "f@x.example", ["joanna@x.example"])
    assert caught_mail.remove_all_of(tmp_path, "anna@x.example") == 2
    assert [entry.key for entry in caught_mail.entries(tmp_path)] == [kept]
    for key in (gone, shared):
        with pytest.raises(NotFound):
            caught_mail.read(tmp_path, key)


def test_clearing_empties_the_box(tmp_path: Path) -> None:
    for _ in range(3):
        caught_mail.write(tmp_path, b"x", "f@x.example", ["a@x.example"])
    assert caught_mail.clear(tmp_path) == 3
    assert caught_mail.entries(tmp_path) == []


@pytest.mark.parametrize("key", ["", "..", "../../keys/master-1.key", "new/x", "1763862000.M000001Rffffffffffff"])
def test_a_key_that_is_not_in_the_box_opens_nothing(tmp_path: Path, key: str) -> None:
    caught_mail.write(tmp_path / "box", b"x", "f@x.example", ["a@x.example"])
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master-1.key").write_bytes(b"secret")
    with pytest.raises(NotFound):
        caught_mail.read(tmp_path / "box", key)


def test_a_mail_read_by_another_mail_program_is_still_there(tmp_path: Path) -> None:
    key = caught_mail.write(tmp_path, b"Subject: s\r\n\r\nx", "f@x.example", ["a@x.example"])
    (tmp_path / "new" / key).rename(tmp_path / "cur" / f"{key}:2,S")
    assert caught_mail.read(tmp_path, key).raw == b"Subject: s\r\n\r\nx"
    assert [entry.key for entry in caught_mail.entries(tmp_path)] == [key]
    assert caught_mail.remove_all_of(tmp_path, "a@x.example") == 1


def test_a_torn_file_and_a_strangers_file_are_passed_over(tmp_path: Path) -> None:
    kept = caught_mail.write(tmp_path, b"whole", "f@x.example", ["a@x.example"])
    torn = caught_mail.write(tmp_path, b"torn", "f@x.example", ["a@x.example"])
    (tmp_path / "new" / torn).write_bytes(b"")
    (tmp_path / "new" / "notes.txt").write_text("not a mail")
    assert [entry.key for entry in caught_mail.entries(tmp_path)] == [kept]
    with pytest.raises(NotFound):
        caught_mail.read(tmp_path, torn)


def test_only_the_owner_of_the_process_may_read_what_is_kept(tmp_path: Path) -> None:
    key = caught_mail.write(tmp_path / "box", b"x", "f@x.example", ["a@x.example"])
    assert (tmp_path / "box").stat().st_mode & 0o077 == 0
    assert (tmp_path / "box" / "new" / key).stat().st_mode & 0o077 == 0
