"""Rows of text tables: every good row arrives, every bad one is named, whatever stands beside it."""

from __future__ import annotations

import csv
import io
from unittest import mock

import hypothesis.strategies as st
from hypothesis import given

from listkeeper.audience.importing import text_table
from listkeeper.audience.importing.text_table import BadRow, Dialect, Flaw, Row

COMMA = Dialect(",")


def _read(text: str, dialect: Dialect = COMMA) -> list[Row | BadRow]:
    return list(text_table.rows(io.StringIO(text, newline=""), dialect))


def _cells(text: str, dialect: Dialect = COMMA) -> list[list[str]]:
    return [row[1] for row in _read(text, dialect) if not isinstance(row, BadRow)]


def test_a_quoted_cell_may_hold_lines_separators_and_quotes() -> None:
    assert _read('a,b\n"x, ""y""\nz",2\n3,4\n') == [(1, ["a", "b"]), (2, ['x, "y"\nz', "2"]), (4, ["3", "4"])]


def test_a_row_that_is_cut_short_is_listed_and_the_rest_goes_on() -> None:
    assert _read("a,b\n1,2\n3\n4,5\n6,7,8\n9,10,,\n") == [
        (1, ["a", "b"]),
        (2, ["1", "2"]),
        BadRow(3, Flaw.CELLS),
        (4, ["4", "5"]),
        BadRow(5, Flaw.CELLS),
        (6, ["9", "10"]),
    ]


def test_an_unclosed_quote_costs_one_row_and_not_the_file() -> None:
    lines = ["a,b", *(f"{number},x" for number in range(200))]
    lines[50] = '"never closed,x'
    found = _read("\n".join(lines) + "\n")
    assert [row for row in found if isinstance(row, BadRow)] == [BadRow(51, Flaw.QUOTE)]
    assert len(found) == 201


def test_an_unclosed_quote_in_the_last_row() -> None:
    assert _read('a,b\n1,2\n"3,4\n5,6') == [(1, ["a", "b"]), (2, ["1", "2"]), BadRow(3, Flaw.QUOTE), (4, ["5", "6"])]


def test_a_quote_that_another_row_closes_costs_two_rows_at_most() -> None:
    found = _cells('a,b\n"one,1\ntwo,2\n"three",3\nfour,4\n')
    assert found[0] == ["a", "b"]
    assert found[-1] == ["four", "4"]
    assert ["two", "2"] in found


def test_a_nul_and_half_a_letter_are_flaws_of_their_row() -> None:
    assert _read("a,b\n1,\0\n3,4\n") == [(1, ["a", "b"]), BadRow(2, Flaw.NUL), (3, ["3", "4"])]
    text = io.TextIOWrapper(io.BytesIO(b"a,b\n\xff,2\n3,4\n"), "utf-8", "surrogateescape", newline="")
    assert list(text_table.rows(text, COMMA)) == [(1, ["a", "b"]), BadRow(2, Flaw.LETTERS), (3, ["3", "4"])]


def test_a_line_without_an_end_is_left_out() -> None:
    found = _read("a,b\n" + "x" * 350_000 + ",1\n3,4\n")
    assert found == [(1, ["a", "b"]), BadRow(2, Flaw.LONG), (3, ["3", "4"])]


def test_line_ends_of_all_three_kinds() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert _cells(end.join(["a,b", "1,2", "3,4"])) == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_separators_and_quotes_are_sniffed() -> None:
    for separator in text_table.SEPARATORS:
        sample = "\n".join(separator.join(cells) for cells in [["mail", "name"], ["a@b.example", "Ane, B"], ["c", "d"]])
        assert text_table.sniff(sample).separator == separator
    assert text_table.sniff("'mail';'name'\n'a@b.example';'x'\n") == Dialect(";", "'")
    assert text_table.sniff("sep=;\nmail;name\na;b\n") == Dialect(";", skipped=1)
    assert text_table.sniff("a@b.example\nc@d.example\n").separator in text_table.SEPARATORS


def test_excels_line_about_the_separator_is_no_row() -> None:
    assert _cells("sep=;\nmail;name\na;b\n", Dialect(";", skipped=1)) == [["mail", "name"], ["a", "b"]]


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_TABLE = st.lists(st.lists(_CELL, min_size=3, max_size=3).filter(any), min_size=1, max_size=12)


@given(_TABLE, st.sampled_from(text_table.SEPARATORS))
def test_what_python_writes_is_read_back(table: list[list[str]], separator: str) -> None:
    # A cell of one quoted line break is one this format cannot tell from a broken row of many lines; 60 are enough.
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows(table)
    assert _cells(written.getvalue(), Dialect(separator)) == table


@given(st.text(alphabet='ab,";\n\r\t\0é', max_size=200))
def test_nothing_stops_the_reader_and_every_row_has_the_headings_width(text: str) -> None:
    found = _read(text)
    widths = {len(row[1]) for row in found if not isinstance(row, BadRow)}
    assert len(widths) <= 1
    lines = [row.line if isinstance(row, BadRow) else row[0] for row in found]
    assert lines == sorted(lines)


@given(st.text(alphabet='ab,";\n\r\t\0é\udcff', max_size=200), st.sampled_from([1, 2, 200]))
def test_lines_read_together_are_what_they_are_one_by_one(text: str, together: int) -> None:
    with mock.patch.object(text_table, "_BLOCK_LINES", together):
        found = _read(text)
    with mock.patch.object(text_table, "_plain", return_value=None):
        assert found == _read(text)
