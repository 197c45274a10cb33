"""Files that people upload: tables in every wrapping, and one sentence for what is none."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from listkeeper.audience.importing import table_file
from listkeeper.audience.importing.text_table import BadRow
from listkeeper.foundation.errors import Invalid
from tests.makers import exports

PLAIN = "E-post,Fornavn\nåse@kunde.example,Åse\nbjørn@kunde.example,Bjørn\n"


def _rows(file: Path, part: int = 0) -> list[list[str]]:
    found = table_file.rows(table_file.parts(file)[part])
    return [row[1] for _, row in found if not isinstance(row, BadRow)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_csv_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    file = exports.write(tmp_path / "people.csv", PLAIN, encoding)
    (part,) = table_file.parts(file)
    assert part.header == ("E-post", "Fornavn")
    assert _rows(file) == [["åse@kunde.example", "Åse"], ["bjørn@kunde.example", "Bjørn"]]


def test_tabs_and_semicolons(tmp_path: Path) -> None:
    for separator in "\t;|":
        file = exports.write(tmp_path / "people.csv", PLAIN.replace(",", separator))
        assert _rows(file)[0] == ["åse@kunde.example", "Åse"]


def test_one_address_a_line_without_headings(tmp_path: Path) -> None:
    file = exports.write(tmp_path / "people.txt", "a@kunde.example\nb@kunde.example\n")
    assert table_file.parts(file)[0].header == ()
    assert _rows(file) == [["a@kunde.example"], ["b@kunde.example"]]


def test_a_workbook(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Email", "Since", "Day", "Clicks"], ["a@kunde.example", datetime(2023, 5, 1, 10, 11), datetime(2023, 5, 1), 7], ["b@kunde.example", None, None, 1.5]]  # noqa: DTZ001, E501 # fmt: skip
    file = exports.workbook(tmp_path / "people.xlsx", rows)
    assert _rows(file) == [
        ["a@kunde.example", "2023-05-01 10:11:00", "2023-05-01", "7"],
        ["b@kunde.example", "", "", "1.5"],
    ]


def test_an_archive_of_several_tables_leaves_out_what_is_none(tmp_path: Path) -> None:
    file = exports.mailchimp_zip(tmp_path, subscribed=["a@kunde.example"], cleaned=["b@kunde.example"])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("__MACOSX/._cleaned.csv", "\0\0")
        archive.writestr("readme.pdf", "%PDF")
        archive.writestr("unsubscribed_members.csv", "")
    assert [part.name.partition("_")[0] for part in table_file.parts(file)] == ["cleaned", "subscribed"]


def test_reading_goes_on_after_a_row(tmp_path: Path) -> None:
    text = "email,x\n" + "".join(
        f"p{number}@kunde.example,1\n" if number % 7 else "broken\n" for number in range(1, 50)
    )
    for file in (
        exports.write(tmp_path / "people.csv", text),
        exports.workbook(tmp_path / "people.xlsx", [line.split(",") for line in text.splitlines()]),
    ):
        part = table_file.parts(file)[0]
        whole = list(table_file.rows(part))
        assert [number for number, _ in whole] == list(range(1, 50))
        assert list(table_file.rows(part, after=30)) == whole[30:]


BOMB = b"\0" * (40 << 20)
NO_TABLES = {
    "empty": (b"", "import_empty"),
    "blank": (b"\n\n  \n", "import_empty"),
    "pdf": (b"%PDF-1.7 \xe2\xe3", "import_no_table"),
    "png": (b"\x89PNG\r\n\x1a\n....", "import_no_table"),
    "jpeg": (b"\xff\xd8\xff\xe0....", "import_no_table"),
    "html": (b"<!DOCTYPE html><html><table><tr><td>a@b.example", "import_no_table"),
    "json": (b'{"email": "a@b.example"}', "import_no_table"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "import_no_table"),
    "gzip": (b"\x1f\x8b\x08\x00....", "import_no_table"),
    "noise": (bytes(range(256)) * 20, "import_no_table"),
    "broken zip": (b"PK\x03\x04 and then nothing", "import_archive"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    data, code = NO_TABLES[name]
    file = tmp_path / "people.csv"
    file.write_bytes(data)
    with pytest.raises(Invalid) as refused:
        table_file.parts(file)
    assert refused.value.code == code
    assert "\n" not in refused.value.message


def test_an_archive_made_to_fill_the_machine_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "people.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", BOMB)
    with pytest.raises(Invalid) as refused:
        table_file.parts(file)
    assert refused.value.code == "import_bomb"


def test_a_workbook_full_of_entities_is_not_unfolded(tmp_path: Path) -> None:
    good = exports.workbook(tmp_path / "good.xlsx", [["Email"], ["a@kunde.example"]])
    laughs = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bad = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            data = source.read(part)
            if part.filename.startswith("xl/worksheets/"):
                data = (laughs + "]><worksheet>&i;</worksheet>").encode()
            target.writestr(part.filename, data)
    with pytest.raises(Invalid) as refused:
        table_file.parts(bad)
    assert refused.value.code == "import_workbook"


def test_a_locked_archive_says_so(tmp_path: Path) -> None:
    file = tmp_path / "people.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("people.csv", "email\na@b.example\n")
    data = bytearray(file.read_bytes())
    # The flag of encryption, in the local header and in the directory (APPNOTE 4.4.4).
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(bytes(data))
    with pytest.raises(Invalid) as refused:
        table_file.parts(file)
    assert refused.value.code == "import_locked"
