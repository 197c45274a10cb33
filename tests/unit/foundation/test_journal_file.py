"""The journal only grows, loses nothing it acknowledged, survives a torn line, and is nobody else's to read."""

from __future__ import annotations

import multiprocessing
import os
import resource
from pathlib import Path

import pytest

from listkeeper.foundation import journal_file
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.journal_file import Line

_LINE: Line = {"kind": "erased", "org": "org_1", "subject": "ab" * 16, "seq": 7, "at": 1_795_000_000_000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "journal"
    journal_file.begin(made)
    return made


def _kinds(folder: Path) -> list[object]:
    return [line["kind"] for line in journal_file.read(folder)]


def test_lines_are_canonical_and_come_back_in_order(folder: Path) -> None:
    journal_file.append(folder, [_LINE, {"kind": "checkpoint", "note": "a\nb – ü", "size": 3}])
    assert _kinds(folder) == ["journal", "erased", "checkpoint"]
    second, third = journal_file.path_in(folder).read_bytes().splitlines()[1:]
    assert second == (
        b'{"at":1795000000000,"kind":"erased","org":"org_1","seq":7,"subject":"abababababababababababababababab"}'
    )
    assert third == '{"kind":"checkpoint","note":"a\\nb – ü","size":3}'.encode()
    assert [line["size"] for line in journal_file.read(folder, having='"kind":"checkpoint"')] == [3]


def test_it_has_one_identity_for_ever(folder: Path, tmp_path: Path) -> None:
    known = journal_file.identity(folder)
    assert known
    assert journal_file.begin(folder, "another") == known
    assert journal_file.begin(tmp_path / "new", "given") == "given"
    assert journal_file.identity(tmp_path / "nowhere") is None


@pytest.mark.parametrize("torn", [b'{"kind":"era', b'{"kind":"erased"}', b"\x00" * 70_000, b"x" * 200_000])
def test_a_torn_last_line_is_ignored_and_then_cut_off(folder: Path, torn: bytes) -> None:
    journal_file.append(folder, [_LINE])
    with journal_file.path_in(folder).open("ab") as file:
        file.write(torn)
    assert _kinds(folder) == ["journal", "erased"]
    journal_file.append(folder, [{"kind": "checkpoint"}])
    assert _kinds(folder) == ["journal", "erased", "checkpoint"]
    assert torn not in journal_file.path_in(folder).read_bytes()


@pytest.mark.parametrize("bad", [b"no json\n", b"[1]\n", b'{"a":\n'])
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_read_past_it(folder: Path, bad: bytes) -> None:
    with journal_file.path_in(folder).open("ab") as file:
        file.write(bad)
    journal_file.append(folder, [_LINE])
    with pytest.raises(Invalid, match="Line 2 of the journal") as problem:
        list(journal_file.read(folder))
    assert problem.value.code == "journal_damaged"


def test_a_struck_line_leaves_no_trace_and_moves_no_other(folder: Path) -> None:
    lines: list[Line] = [{"kind": "suppressed", "key": key, "scope": "all"} for key in ("aa", "bb", "aab", "aa")]
    journal_file.append(folder, lines)
    before = journal_file.path_in(folder).read_bytes()
    assert journal_file.strike(folder, "key", "aa") == 2
    after = journal_file.path_in(folder).read_bytes()
    assert len(after) == len(before)
    assert b'"aa"' not in after
    assert _kinds(folder) == ["journal", "struck", "suppressed", "suppressed", "struck"]
    assert after.splitlines()[2:4] == before.splitlines()[2:4]
    assert journal_file.strike(folder, "key", "aa") == 0
    journal_file.append(folder, [_LINE])
    assert _kinds(folder)[-1] == "erased"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602])
def test_a_journal_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    assert not journal_file.is_open_to_others(folder)
    journal_file.path_in(folder).chmod(mode)
    before = journal_file.path_in(folder).read_bytes()
    assert journal_file.is_open_to_others(folder)
    for attempt in (lambda: list(journal_file.read(folder)), lambda: journal_file.append(folder, [_LINE])):
        with pytest.raises(Invalid) as problem:
            attempt()
        assert problem.value.code == "journal_readable"
    assert journal_file.path_in(folder).read_bytes() == before


def test_it_is_made_closed_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal_file.begin(tmp_path / "journal")
    finally:
        os.umask(before)
    assert not journal_file.is_open_to_others(tmp_path / "journal")


def _write_many(folder: Path, writer: int) -> None:
    for number in range(100):
        journal_file.append(folder, [{"kind": "erased", "writer": writer, "seq": number}])


def test_writers_take_turns(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(folder, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = list(journal_file.read(folder, having='"writer"'))
    assert len(lines) == 400
    for writer_number in range(4):
        assert [line["seq"] for line in lines if line["writer"] == writer_number] == list(range(100))


def _fill_up(folder: Path) -> None:
    size = journal_file.path_in(folder).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, size + 1000))
    try:
        journal_file.append(folder, [_LINE] * 100)
    except OSError:
        os._exit(7)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_batch_that_does_not_fit_on_the_disk_leaves_no_half_of_itself(folder: Path) -> None:
    before = journal_file.path_in(folder).read_bytes()
    process = multiprocessing.get_context("fork").Process(target=_fill_up, args=(folder,))
    process.start()
    process.join()
    assert process.exitcode == 7
    assert journal_file.path_in(folder).read_bytes() == before
