"""Which letters a file is written in: told by its bytes, because no export says so.

UTF-8 proves itself. UTF-16 shows by its mark or by where its zero bytes stand.
The old one-byte tables (Windows 1250, 1251, 1252, ISO 8859-2) are told apart by
reading a sample in each of them and looking for the letters of the languages we
speak, and for what no name ever holds: signs inside words, two alphabets in one.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

UTF16 = ("utf-16-le", "utf-16-be")
_BLOCK = 1 << 20
_SAMPLE = 1 << 18
_HALF = 0.3
_TABLES = ("cp1252", "cp1250", "cp1251", "iso8859-2")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# What these languages write beyond a to z, with the share a letter is worth as a sign of its language.
_NORDIC_GERMAN = "æøåäöüßéÆØÅÄÖÜÉ"
_POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"
_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЭЮЯЁ"
_LETTERS = {
    "cp1252": frozenset(_NORDIC_GERMAN),
    "cp1250": frozenset(_POLISH + "äöüßÄÖÜ"),
    "cp1251": frozenset(_RUSSIAN),
    "iso8859-2": frozenset(_POLISH + "äöüßÄÖÜ"),
}
_WORD = re.compile(r"[^\W\d_]+")
_SIGN_IN_WORD = re.compile(r"(?<=[A-Za-z])[^\w\s.,;:@'\"()/+&|=!?#%*<>\[\]{}~^`$\\-](?=[a-z])|[\x80-\x9f]|\ufffd")
_BENT = re.compile(r"[a-zà-ÿа-я][A-ZÀ-ÞА-Я]")
# Headings that read right in one table only settle it.
_TELLING = ("imię", "prénom", "förnamn", "imie i nazwisko", "фамилия", "имя", "почта", "zgoda", "größe", "tilføjet")


def sniff(stream: BinaryIO) -> str:
    """Return the name of the codec to read a text stream with; the stream is read to its end when it must be."""
    start = stream.read(_BLOCK)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if (wide := _without_mark(start)) is not None:
        return wide
    sample = _telling_part(start, stream)
    return "utf-8" if _is_utf8(sample) else _by_letters(sample)


def _without_mark(start: bytes) -> str | None:
    """Return UTF-16 in the order its zero bytes tell: Latin text has one in every pair."""
    head = start[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(len(head) // 2, 1)
    if odd > half * _HALF and even < odd / 4:
        return "utf-16-le"
    return "utf-16-be" if even > half * _HALF and odd < even / 4 else None


def _telling_part(start: bytes, stream: BinaryIO) -> bytes:
    """Return the lines that hold more than ASCII, up to a limit; a long file may have its first one late."""
    found: list[bytes] = []
    size, block, rest = 0, start, b""
    while block and size < _SAMPLE:
        if not block.isascii() or rest:
            lines = (rest + block).split(b"\n")
            # The last line goes on in the next block; without it a letter could be cut in two.
            rest = lines.pop()[-_SAMPLE:]
            for line in lines:
                if not line.isascii():
                    found.append(line)
                    size += len(line)
        else:
            rest = block[block.rfind(b"\n") + 1 :][-_SAMPLE:]
        block = stream.read(_BLOCK)
    if rest and not rest.isascii():
        found.append(rest)
    whole = b"\n".join(found)
    return whole if len(whole) <= _SAMPLE else whole[: whole.rfind(b"\n", 0, _SAMPLE)]


def _is_utf8(sample: bytes) -> bool:
    """Return whether the sample is UTF-8, or would be but for a damaged letter here and there."""
    text = sample.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    whole = sum(1 for char in text if char > "\x7f" and char != "\ufffd")
    return damaged * 10 <= whole


def _by_letters(sample: bytes) -> str:
    """Return the one-byte table in which the sample looks most like people's names and words."""
    return max(_TABLES, key=lambda name: _score(sample, name))


def _score(sample: bytes, name: str) -> float:
    text = sample.decode(name, "replace")
    letters = _LETTERS[name]
    score = sum(2.0 if char in letters else -1.0 for char in text if char > "\x7f")
    score -= 4.0 * len(_SIGN_IN_WORD.findall(text)) + 2.0 * len(_BENT.findall(text))
    score += sum(_word_score(word) for word in _WORD.findall(text) if not word.isascii())
    low = text.lower()
    return score + 25.0 * sum(word in low for word in _TELLING)


def _word_score(word: str) -> float:
    """Judge one word: two alphabets in it are wrong, a Polish c with acute seldom stands inside a name."""
    cyrillic = sum("\u0400" <= char <= "\u04ff" for char in word)
    if 0 < cyrillic < len(word):
        return -6.0
    if cyrillic:
        # Russian words have several letters in a row; a lone one is a Nordic letter misread.
        return 1.0 if len(word) > 1 else -6.0
    inner = word[:-1].lower()
    # Danish Kjær reads as Kjćr in 1250; a Polish name ends in ć far more often than it holds one.
    return -1.5 * (inner.count("ć") - inner.count("ść") - inner.count("ćk") - inner.count("ćw"))
