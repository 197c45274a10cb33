"""An archive that was cut, changed or made up is refused in one sentence, and the database is as it was."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from listkeeper.audience.proof import ledger
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import archives, cafe
from tests.makers.archives import Files, Manifest

KINDS = databases.chosen()
Change = Callable[[Files], object]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Where the true backup comes from."""
    with machine(KINDS[0], tmp_path_factory.mktemp("source") / "data") as here:
        with here.working() as session:
            made = cafe.found(session)
            cafe.subscribe(session, made, "anna@guest.example")
        (here.data / "media").mkdir()
        (here.data / "media" / "logo.png").write_bytes(b"picture")
        assert here.type("backup", "--out", str(here.data / "true.zip")).code == 0
        yield here


@pytest.fixture(scope="module", params=KINDS)
def empty(
    request: pytest.FixtureRequest, source: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """An empty machine with the right keys; what it refuses leaves it empty for the next test."""
    with machine(request.param, tmp_path_factory.mktemp("empty") / "data") as there:
        there.takes_keys_of(source)
        yield there


@pytest.fixture
def true(source: Machine) -> Path:
    return source.data / "true.zip"


def _refused(there: Machine, archive: Path, code: str = "archive_damaged") -> str:
    answer = there.type("restore", str(archive), "--json")
    assert answer.error == code, answer
    said = there.type("restore", str(archive))
    assert said.code in {10, 12}
    assert "Nothing was changed" in said.sentence or "nothing was changed" in said.sentence
    engine = there.database.engine()
    with engine.connect() as connection:
        if inspect(connection).has_table("organisation"):
            assert connection.scalar(text("SELECT count(*) FROM organisation")) == 0
            assert connection.scalar(text("SELECT count(*) FROM ledger")) == 0
    engine.dispose()
    assert not (there.data / "media").exists()
    assert not (there.data.parent / "evil.txt").exists()
    return said.sentence


def test_what_is_no_archive(empty: Machine, tmp_path: Path, true: Path) -> None:
    for name, content in {"empty": b"", "text": b"hello", "cut": true.read_bytes()[:-200]}.items():
        (tmp_path / name).write_bytes(content)
        _refused(empty, tmp_path / name, "no_archive")
    (tmp_path / "folder").mkdir()
    _refused(empty, tmp_path / "folder", "no_archive")
    assert empty.type("restore", str(tmp_path / "nowhere.zip"), "--json").error == "no_archive"
    other = archives.packed(tmp_path / "other.zip", {"manifest.json": b'{"format":"somebody-else"}'})
    assert "not one of listkeeper's" in _refused(empty, other)
    for content in (b"no json", b"[]", b"{", b'{"format":"listkeeper-archive"}'):
        _refused(empty, archives.packed(tmp_path / "odd.zip", {"manifest.json": content}))


def test_a_bit_that_turned_on_the_way(empty: Machine, tmp_path: Path, true: Path) -> None:
    with zipfile.ZipFile(true) as parcel:
        at = parcel.getinfo("tables/subscriber.jsonl").header_offset + 150
    content = bytearray(true.read_bytes())
    content[at] ^= 0x40
    (tmp_path / "bit.zip").write_bytes(content)
    assert "tables/subscriber.jsonl" in _refused(empty, tmp_path / "bit.zip")


def _remove_row(files: Files) -> None:
    lines = files["tables/ledger.jsonl"].splitlines(keepends=True)
    files["tables/ledger.jsonl"] = b"".join(lines[:1] + lines[2:])


_BROKEN_PROMISES: dict[str, Change] = {
    "another address": lambda files: archives.row(files, "subscriber", email_send="eve@evil.example"),
    "a row less": _remove_row,
    "a table less": lambda files: files.pop("tables/ledger.jsonl"),
    "a picture more": lambda files: files.update({"media/more.png": b"x"}),
    "another picture": lambda files: files.update({"media/logo.png": b"another"}),
}


@pytest.mark.parametrize("change", _BROKEN_PROMISES.values(), ids=_BROKEN_PROMISES.keys())
def test_what_the_manifest_did_not_promise(empty: Machine, tmp_path: Path, true: Path, change: Change) -> None:
    _refused(empty, archives.changed(true, tmp_path / "changed.zip", change, honest=False))


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/evil.txt",
        "media/../../evil.txt",
        "media/.hidden",
        "media/deep/er.png",
        "tables/x.jsonl/../../evil.txt",
        "C:\\evil.txt",
        "evil.exe",
        "media/",
        "media/a\nb.png",
        "media/page.html",
        "media/logo.svg",
        "tables/NO.jsonl",
    ],
)
def test_a_file_that_would_lie_elsewhere(empty: Machine, tmp_path: Path, true: Path, name: str) -> None:
    archive = archives.changed(true, tmp_path / "path.zip", lambda files: files.update({name: b"evil"}))
    _refused(empty, archive)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_file_that_is_there_twice(empty: Machine, tmp_path: Path, true: Path) -> None:
    shutil.copyfile(true, tmp_path / "twice.zip")
    with zipfile.ZipFile(tmp_path / "twice.zip", "a") as parcel:
        parcel.writestr("tables/subscriber.jsonl", b"")
    assert "twice" in _refused(empty, tmp_path / "twice.zip")


def test_a_bomb(empty: Machine, tmp_path: Path, true: Path) -> None:
    bomb = b"\n" * (200 << 20)
    archive = archives.changed(true, tmp_path / "bomb.zip", lambda files: files.update({"tables/fact.jsonl": bomb}))
    assert archive.stat().st_size < 1 << 20
    assert "unpack" in _refused(empty, archive)


def test_a_line_without_end(empty: Machine, tmp_path: Path, true: Path) -> None:
    deep = b'{"id":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    _refused(empty, archives.changed(true, tmp_path / "deep.zip", lambda f: f.update({"tables/fact.jsonl": deep})))


_IMPOSSIBLE_ROWS: dict[str, Change] = {
    "text for a number": lambda files: archives.row(files, "organisation", id="one"),
    "true for a number": lambda files: archives.row(files, "organisation", id=True),
    "too big a number": lambda files: archives.row(files, "organisation", id=1 << 63),
    "a number for text": lambda files: archives.row(files, "organisation", legal_name=7),
    "nothing for text": lambda files: archives.row(files, "organisation", legal_name=None),
    "a zero byte": lambda files: archives.row(files, "organisation", legal_name="a\x00b"),
    "half a character": lambda files: archives.row(files, "organisation", legal_name="\ud800"),
    "a number for a boolean": lambda files: archives.row(files, "organisation", demo=1),
    "a word for a moment": lambda files: archives.row(files, "organisation", created_at="yesterday"),
    "a moment elsewhere": lambda files: archives.row(files, "organisation", created_at="2026-11-23T08:00:00.000+02:00"),
    "month thirteen": lambda files: archives.row(files, "organisation", created_at="2026-13-23T08:00:00.000000Z"),
    "an unknown state": lambda files: archives.row(files, "subscription", state="emperor"),
    "nobody's subscription": lambda files: archives.row(files, "subscription", subscriber_id=99),
    "no base64": lambda files: archives.row(files, "subject_key", wrapped="no base64!"),
    "a broken chain": lambda files: archives.row(files, "ledger", 1, prev="0" * 64),
    "a gap in the chain": lambda files: archives.row(files, "ledger", 1, seq=7),
    "a row twice": lambda files: files.update({"tables/subscriber.jsonl": files["tables/subscriber.jsonl"] * 2}),
    "a list": lambda files: files.update({"tables/subscriber.jsonl": b"[]\n"}),
    "an empty row": lambda files: files.update({"tables/subscriber.jsonl": b"{}\n"}),
    "no JSON": lambda files: files.update({"tables/subscriber.jsonl": b"not json\n"}),
    "a column more": lambda files: archives.row(files, "organisation", password="x"),
}


@pytest.mark.parametrize("change", _IMPOSSIBLE_ROWS.values(), ids=_IMPOSSIBLE_ROWS.keys())
def test_a_row_that_no_database_of_ours_holds(empty: Machine, tmp_path: Path, true: Path, change: Change) -> None:
    _refused(empty, archives.changed(true, tmp_path / "row.zip", change))


def _strange_table(said: Manifest) -> None:
    said["tables"]["sqlite_master"] = {"id": "integer"}


def _strange_column(said: Manifest) -> None:
    said["tables"]["organisation"]['legal_name" = 1; --'] = "text"


def _another_kind(said: Manifest) -> None:
    said["tables"]["organisation"]["legal_name"] = "integer"


def _unknown_kind(said: Manifest) -> None:
    said["tables"]["organisation"]["legal_name"] = "object"


def _no_column(said: Manifest) -> None:
    del said["tables"]["organisation"]["legal_name"]


_LIES: dict[str, Callable[[Manifest], object]] = {
    "a strange table": _strange_table,
    "a strange column": _strange_column,
    "another kind": _another_kind,
    "an unknown kind": _unknown_kind,
    "a column less": _no_column,
    "another version": lambda said: said.update(version=2),
    "no tables": lambda said: said.update(tables=[]),
    "no files": lambda said: said.update(files=7),
    "no moment": lambda said: said.update(made_at=None),
    "less than nothing": lambda said: said["files"]["media/logo.png"].update(bytes=-1),
    "no digest": lambda said: said["files"]["media/logo.png"].update(sha256=None),
    "words for rows": lambda said: said["files"]["media/logo.png"].update(rows="many"),
}


@pytest.mark.parametrize("change", _LIES.values(), ids=_LIES.keys())
def test_a_manifest_that_lies(empty: Machine, tmp_path: Path, true: Path, change: Callable[[Manifest], object]) -> None:
    def add(files: Files) -> None:
        if change is _strange_table:
            files["tables/sqlite_master.jsonl"] = b""

    _refused(empty, archives.changed(true, tmp_path / "lie.zip", add, change))


def test_an_archive_of_a_newer_program(empty: Machine, tmp_path: Path, true: Path) -> None:
    for revision in ("9999", "../../0001", "head"):
        archive = archives.changed(true, tmp_path / "new.zip", manifest=lambda said: said.update(revision=revision))  # noqa: B023
        _refused(empty, archive, "archive_newer")


def test_a_key_folder_of_another_instance(source: Machine, tmp_path: Path, true: Path) -> None:
    with machine(KINDS[0], tmp_path / "data") as there:
        assert "key folder" in _refused(there, true, "keys_missing")
        assert not (there.data / "keys").exists()
        # A start on the new machine before the keys were copied makes keys of its own, which bind nobody yet.
        assert there.type("link", "--json").code == 0
        _refused(there, true, "keys_missing")
        there.takes_keys_of(source)
        assert there.type("restore", str(true), "--json").code == 0
        assert there.type("list", "show", "--json").code == 0


def test_a_database_that_belongs_to_somebody(source: Machine, true: Path) -> None:
    with source.looking() as session:
        before = ledger.size(session, 1)
    said = source.type("restore", str(true), "--json")
    assert said.error == "not_empty"
    assert "Café Kardemomme" in said.out
    with source.looking() as session:
        assert ledger.size(session, 1) == before


def test_a_rehearsal_says_the_same_and_keeps_nothing(empty: Machine, true: Path) -> None:
    said = empty.type("restore", str(true), "--dry-run", "--json")
    assert said.code == 0
    assert said.json["dry_run"] is True
    assert said.json["rows"] > 10
    engine = empty.database.engine()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM organisation")) == 0
    engine.dispose()
    assert not (empty.data / "media").exists()
    assert not (empty.data / "journal").exists()


def test_no_word_is_lost_about_wrong_options(empty: Machine, true: Path) -> None:
    assert empty.type("restore", "--json").error == "restore_options"
    assert empty.type("restore", "--dry-run", "--accept", "--json").error == "restore_options"
    assert json.loads(empty.type("restore", str(true), "--what", "--json").out)["error"]["code"] == "usage"
