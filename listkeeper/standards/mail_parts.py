"""A message taken apart into the parts that hold something (RFC 5322 section 2.2, RFC 2045, RFC 2046 section 5.1).

It is read as it comes, by a reader whose work is bounded: a mail from a
stranger may be cut off, lie about what is in it, or be nested a thousandfold.
Nothing here raises, whatever the bytes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from listkeeper.standards import foreign_text

MOST_PARTS = 100
DEEPEST = 5
_LARGEST_HEAD = 256 * 1024
_MOST_FIELDS = 500
# Lines that begin as a delimiter does, most of which are none, could fill a mail.
_MOST_MARKS = 10_000
_LONGEST_VALUE = 4_000
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_PARAMETER = re.compile(r";\s*boundary\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]+))", re.IGNORECASE)
_DELIMITER = re.compile(rb"^--([^\r\n]{1,199})\r?\nContent-[A-Za-z-]{1,40}:", re.IGNORECASE | re.MULTILINE)
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
# RFC 2046 section 5.1.1 allows 70 characters.
_LONGEST_BOUNDARY = 200

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Part:
    """A part that is no multipart: its header fields, the media type it claims, its content with the encoding undone.

    Names of fields and the media type are in small letters. A message within
    the message (message/rfc822) is one part; ``parts`` takes its content as well.
    """

    fields: Fields
    kind: str
    content: bytes


def parts(message: bytes) -> list[Part]:
    """Return the parts of a message in their order: of more than 100, or deeper than 5, the rest is left out."""
    found: list[Part] = []
    for part in _parts(message, "text/plain", DEEPEST):
        found.append(part)
        if len(found) == MOST_PARTS:
            break
    return found


def fields(head: bytes) -> Fields:
    """Return the header fields of a head, names in small letters, each value on one line of at most 4,000 characters.

    Bytes that are not UTF-8 become U+FFFD; a line that is no field is passed over.
    """
    lines = _FOLD.sub("", head[:_LARGEST_HEAD].decode("utf-8", "replace")).split("\n")
    read = (_FIELD.match(line) for line in lines[:_MOST_FIELDS])
    return tuple((one[1].lower(), foreign_text.clean(one[2], _LONGEST_VALUE)) for one in read if one)


def value(of: Fields, name: str) -> str:
    """Return the first value under a name, empty when there is none."""
    return next((text for known, text in of if known == name), "")


def head_and_body(message: bytes) -> tuple[bytes, bytes]:
    """Part a message at its first empty line; without one, all of it is head."""
    # A head may be empty, and the message then begins with the empty line.
    start = 1 if message.startswith(b"\n") else 2 if message.startswith(b"\r\n") else 0
    if start:
        return b"", message[start:]
    found = _END_OF_HEAD.search(message)
    return (message[: found.start()], message[found.end() :]) if found else (message, b"")


def _parts(message: bytes, usual_kind: str, depth: int) -> Iterator[Part]:
    head, body = head_and_body(message)
    read = fields(head)
    claimed = value(read, "content-type")
    kind = claimed.partition(";")[0].strip().lower() or usual_kind
    boundary = _boundary(claimed) if kind.startswith("multipart/") else b""
    inner_kind = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    is_whole = True
    if kind.startswith("multipart/") and depth and not (boundary and b"--" + boundary in body):
        boundary = _seen_boundary(body)
    for inner in _between(body, boundary) if boundary and depth else ():
        is_whole = False
        yield from _parts(inner, inner_kind, depth - 1)
    # A multipart in which no delimiter is found counts as a part too, or there could be any number of them.
    if is_whole:
        yield Part(read, kind, _decoded(body, value(read, "content-transfer-encoding")))


def _boundary(content_type: str) -> bytes:
    found = _PARAMETER.search(content_type)
    if found is None:
        return b""
    boundary = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    return boundary.encode() if len(boundary) <= _LONGEST_BOUNDARY else b""


def _seen_boundary(body: bytes) -> bytes:
    """Return the delimiter that is used where none or another one was announced: a line above fields of content."""
    found = _DELIMITER.search(body[:_LARGEST_HEAD])
    return found[1].rstrip() if found else b""


def _between(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield what stands between the delimiter lines; the last part of a mail that was cut off ends where the mail does.

    The line end before a delimiter belongs to the delimiter.
    """
    mark = b"\n--" + boundary
    text = b"\n" + body
    begun, place = -1, text.find(mark)
    for _ in range(_MOST_MARKS):
        if place < 0:
            break
        end = text.find(b"\n", place + 1)
        rest = text[place + len(mark) : end if end >= 0 else len(text)].rstrip(b" \t\r")
        if rest in {b"", b"--"}:
            if begun >= 0:
                yield text[begun:place].removesuffix(b"\r")
            begun = end + 1 if end >= 0 and not rest else -1
            if rest or end < 0:
                return
        place = text.find(mark, place + 1) if end < 0 else text.find(mark, end)
    if begun >= 0:
        yield text[begun:]


def _decoded(body: bytes, encoding: str) -> bytes:
    match encoding.strip().lower():
        case "base64":
            # What mail servers add below the last sign is no part of it.
            signs = body.partition(b"=")[0].translate(None, _NO_BASE64)
            whole = signs[: len(signs) - 1] if len(signs) % 4 == 1 else signs
            return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case _:
            return body
