"""The memory of what block lists said: on the disk at once, and read as far as it can be."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from listkeeper.deliverability import blocklist_book
from listkeeper.deliverability.blocklist_book import Book

_ENTRY = {"at": "2026-11-23T08:00:00.000Z", "finding": {"code": "R1"}}


def test_what_is_in_the_book_is_on_the_disk(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book["zen 192.0.2.1"] = _ENTRY
    assert dict(Book(tmp_path)) == {"zen 192.0.2.1": _ENTRY}
    assert [file.name for file in tmp_path.iterdir()] == ["blocklists.json"]


def test_several_write_at_the_same_time(tmp_path: Path) -> None:
    def write(name: str) -> None:
        book = Book(tmp_path)
        for number in range(20):
            book[f"{name} {number}"] = _ENTRY

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, "abcd"))
    assert len(Book(tmp_path)) >= 20
    assert [file.name for file in tmp_path.iterdir()] == ["blocklists.json"]


def test_where_there_is_no_instance_nothing_is_made(tmp_path: Path) -> None:
    book = Book(tmp_path / "nowhere")
    book["zen 192.0.2.1"] = _ENTRY
    assert book["zen 192.0.2.1"] == _ENTRY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("held", [b"", b"\xff{", b"[]", b'{"a": 1, "b": null}', b"[" * 100_000])
def test_a_file_that_somebody_wrote_into_is_an_empty_book(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "blocklists.json").write_bytes(held)
    assert dict(Book(tmp_path)) == {}


def test_the_oldest_entries_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklist_book, "_MOST_REMEMBERED", 3)
    book = Book(tmp_path)
    for hour in range(5):
        book[f"zen {hour}"] = _ENTRY | {"at": f"2026-11-23T0{hour}:00:00.000Z"}
    assert set(json.loads((tmp_path / "blocklists.json").read_text())) == {"zen 2", "zen 3", "zen 4"}
