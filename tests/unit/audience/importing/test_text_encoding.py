"""The letters of a file: the languages we speak, in every table they are still written in."""

from __future__ import annotations

import io

import pytest

from listkeeper.audience.importing import text_encoding

NAMES = {
    "danish": "Email;Fornavn;By\na@x.example;Søren Kjær;Århus\nb@x.example;Åse Bøgh;Rødovre\n",
    "swedish": "E-post;Förnamn;Ort\na@x.example;Märta;Göteborg\nb@x.example;Åke;Malmö\n",
    "german": "E-Mail;Vorname;Ort\na@x.example;Jürgen;Köln\nb@x.example;Änne Groß;Gießen\n",
    "polish": "E-mail;Imię;Miasto\na@x.example;Łukasz;Łódź\nb@x.example;Małgorzata;Święcice\nc@x.example;Żaneta;Gdańsk\n",  # noqa: E501
    "russian": "Почта;Имя;Город\na@x.example;Наталья;Москва\nb@x.example;Фёдор;Тверь\n",
}


@pytest.mark.parametrize(
    ("language", "written", "read"),
    [
        ("danish", "cp1252", "cp1252"),
        ("danish", "latin-1", "cp1252"),
        ("swedish", "cp1252", "cp1252"),
        ("german", "cp1252", "cp1252"),
        ("polish", "cp1250", "cp1250"),
        ("polish", "iso8859-2", "iso8859-2"),
        ("russian", "cp1251", "cp1251"),
    ],
)
def test_one_byte_tables_are_told_apart_by_their_letters(language: str, written: str, read: str) -> None:
    data = NAMES[language].encode(written)
    assert data.decode(text_encoding.sniff(io.BytesIO(data))) == NAMES[language]
    assert text_encoding.sniff(io.BytesIO(data)) == read


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("written", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_with_and_without_its_mark(language: str, written: str) -> None:
    text = NAMES[language] if language != "russian" or written == "utf-8" else NAMES[language] + "a@b.example;x;y\n" * 9
    data = text.encode(written)
    assert data.decode(text_encoding.sniff(io.BytesIO(data))).removeprefix("\ufeff") == text


@pytest.mark.parametrize("name", ["Kjær", "Bjørn", "Åse", "Müller", "José", "Søren"])
def test_one_name_in_a_long_plain_file_is_enough(name: str) -> None:
    data = b"mail,name\n" + b"plain@x.example,Anna\n" * 80_000 + f"last@x.example,{name}\n".encode("cp1252")
    assert data.decode(text_encoding.sniff(io.BytesIO(data))).endswith(f"{name}\n")


def test_a_damaged_letter_does_not_make_a_file_something_else() -> None:
    data = b"mail,navn\n" + "a@x.example,Søren Åkjær\n".encode() * 20 + b"b@x.example,S\xf8ren\n"
    assert text_encoding.sniff(io.BytesIO(data)) == "utf-8"


def test_plain_ascii_is_utf8() -> None:
    assert text_encoding.sniff(io.BytesIO(b"mail\na@b.example\n")) == "utf-8"
