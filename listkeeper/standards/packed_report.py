"""Reports as strangers send them: plain, in gzip (RFC 1952), in a ZIP archive, or in a mail; unpacked with care.

What is packed is known by its first bytes: names and media types are often
wrong. A file is unpacked piece by piece and given up at the first piece too
many, so that a file made to burst costs no more than the limits; sizes that it
states are never believed. There is one level of packing. Nothing here raises,
whatever the bytes: what cannot be unpacked is refused in words.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.foundation import language
from listkeeper.standards import mail_parts

_PIECE = 64 * 1024
# So many parts of a mail are tried: each may cost as much as there is room, and come to nothing.
_MOST_TRIED = 20
_LOCAL, _DIRECTORY, _EMPTY, _DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x07\x08"
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCKED, _SIZES_FOLLOW = 0x0001, 0x0008
_STORED, _DEFLATED = 0, 8
# Sizes after the data take 4 bytes each, or 8 in archives made for large files.
_DESCRIPTORS = (12, 20)
_GZIP_WINDOW, _BARE_WINDOW = 31, -15
_BEFORE_TEXT = b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n"
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+)?html\b", re.IGNORECASE)
_HEADER_FIELD = re.compile(rb"(?:From [^\n]*\n)?[!-9;-~]+[ \t]*:")


@dataclass(frozen=True)
class Limits:
    """What reading one report may cost; the settings may say otherwise.

    ``received``: bytes of the file or mail as it came. ``unpacked``: bytes of
    all that comes out of it. ``ratio``: how many bytes may come out for one
    that goes in (honest reports reach about 40, a bomb 1,000), judged beyond
    ``ratio_free`` bytes, because a little file may be packed very well.
    ``rows``: rows of a DMARC report, failure details of a TLS report.
    ``text``: characters of one text. ``extras``: elements that no standard
    names, and headers of a reported mail. ``days``: the longest time a report
    may be about.
    """

    received: int = 20_000_000
    unpacked: int = 20_000_000
    ratio: int = 200
    ratio_free: int = 1_000_000
    rows: int = 100_000
    text: int = 1_000
    extras: int = 200
    days: int = 366


USUAL = Limits()


@dataclass(frozen=True)
class Refusal:
    """Why something was not read: a code that never changes its meaning, and a sentence for people.

    Codes of unpacking: ``empty``, ``too_large`` (as it came, or unpacked),
    ``bomb``, ``unknown_form``, ``cut_off``, ``damaged``, ``locked``,
    ``several``, ``packing`` (a method that is not read), ``packed_twice``,
    ``no_report`` (a mail without one). The readers add their own.
    """

    code: str
    reason: str


class Refused(Exception):
    """Raised and caught inside the readers; holds the refusal that the caller gets."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, reason)


class Form(StrEnum):
    """What the first bytes say a file is."""

    XML = "xml"
    JSON = "json"
    GZIP = "gzip"
    ZIP = "zip"
    MAIL = "mail"
    WEB_PAGE = "web page"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Payload:
    """One report in the open: XML or JSON, as its first bytes say."""

    form: Form
    content: bytes


def form_of(data: bytes) -> Form:
    """Return what the bytes are by how they begin."""
    if data.startswith(b"\x1f\x8b"):
        return Form.GZIP
    if data.startswith((_LOCAL, _EMPTY)):
        return Form.ZIP
    start = data[:1024].lstrip(_BEFORE_TEXT)
    if start.startswith(b"<"):
        return Form.WEB_PAGE if _WEB_PAGE.match(start) else Form.XML
    if start.startswith((b"{", b"[")):
        return Form.JSON
    return Form.MAIL if _HEADER_FIELD.match(start) else Form.UNKNOWN


def unpack(data: bytes, limits: Limits = USUAL) -> tuple[Payload, ...] | Refusal:
    """Return what may be a report in a file or mail, at least one, or the reason why there is nothing.

    Only a mail can hold several: its parts, in their order, of which 20 are
    tried. One that cannot be unpacked is passed over when another can.
    """
    if not data.strip():
        return Refusal("empty", language.text("It is empty."))
    if len(data) > limits.received:
        return too_large(limits.received)
    if form_of(data) is Form.MAIL:
        return _of_mail(data, limits)
    found = _of_file(data, limits.unpacked, limits)
    return found if isinstance(found, Refusal) else (found,)


def _of_mail(message: bytes, limits: Limits) -> tuple[Payload, ...] | Refusal:
    found: list[Payload] = []
    refused: list[Refusal] = []
    room = limits.unpacked
    for content in _contents(message):
        one = _of_file(content, room, limits)
        if isinstance(one, Payload):
            found.append(one)
            room -= len(one.content)
        else:
            refused.append(one)
    if found:
        return tuple(found)
    nothing = Refusal("no_report", language.text("It is a mail in which there is no report."))
    return next(iter(refused), nothing)


def _contents(message: bytes) -> list[bytes]:
    """Return what in a mail may be a report, also in one that was passed on as an attachment."""
    outer = mail_parts.parts(message.lstrip())
    inner = [mail_parts.parts(part.content) for part in outer if part.kind == "message/rfc822"]
    contents = [part.content for each in (outer, *inner) for part in each]
    fitting = [content for content in contents if form_of(content) in {Form.XML, Form.JSON, Form.GZIP, Form.ZIP}]
    return fitting[:_MOST_TRIED]


def _of_file(data: bytes, room: int, limits: Limits) -> Payload | Refusal:
    form = form_of(data)
    if form in {Form.XML, Form.JSON}:
        return Payload(form, data) if len(data) <= room else too_large(limits.unpacked)
    if form not in {Form.GZIP, Form.ZIP}:
        return _unknown_form()
    content = (_of_gzip if form is Form.GZIP else _of_zip)(data, room, limits)
    if isinstance(content, Refusal):
        return content
    inner = form_of(content)
    if inner in {Form.GZIP, Form.ZIP, Form.MAIL}:
        words = language.text("What is packed in it is packed again, or is a mail. Only what lies open in it is read.")
        return Refusal("packed_twice", words)
    return Payload(inner, content) if inner in {Form.XML, Form.JSON} else _unknown_form()


def _of_gzip(data: bytes, room: int, limits: Limits) -> bytes | Refusal:
    inflated = _inflated(data, _GZIP_WINDOW, room, limits)
    if isinstance(inflated, Refusal):
        return inflated
    content, used = inflated
    # What else stands behind is filling.
    return _several() if form_of(data[used : used + 2]) is Form.GZIP else content


def _of_zip(data: bytes, room: int, limits: Limits) -> bytes | Refusal:
    """Read the one file of an archive where it stands; the directory behind it may say anything and is not used."""
    if data.startswith(_EMPTY) or len(data) < _LOCAL_HEADER.size:
        return _cut_off()
    _, _, flags, method, _, _, check, packed_size, _, *lengths = _LOCAL_HEADER.unpack_from(data)
    if flags & _LOCKED:
        return Refusal("locked", language.text("The archive is locked with a password."))
    start = _LOCAL_HEADER.size + sum(lengths)
    inflated: tuple[bytes, int] | Refusal
    if method == _DEFLATED:
        inflated = _inflated(data[start:], _BARE_WINDOW, room, limits)
    elif method == _STORED and not flags & _SIZES_FOLLOW:
        inflated = _stored(data[start : start + packed_size], packed_size, room, limits)
    else:
        return Refusal("packing", language.text("It is packed by a method that reports are not packed by."))
    if isinstance(inflated, Refusal):
        return inflated
    content, used = inflated
    return _checked(content, data[start + used :], check, follows=bool(flags & _SIZES_FOLLOW))


def _stored(content: bytes, size: int, room: int, limits: Limits) -> tuple[bytes, int] | Refusal:
    if len(content) < size:
        return _cut_off()
    return (content, size) if size <= room else too_large(limits.unpacked)


def _checked(content: bytes, rest: bytes, check: int, *, follows: bool) -> bytes | Refusal:
    """Return the content of an archive when its check sum is right and the directory comes next, no other file."""
    lengths: tuple[int, ...] = (0,)
    if follows:
        rest = rest.removeprefix(_DESCRIPTOR)
        check, lengths = int.from_bytes(rest[:4], "little"), _DESCRIPTORS
    behind = {rest[length : length + 4] for length in lengths}
    if _LOCAL in behind:
        return _several()
    if _DIRECTORY not in behind:
        return _cut_off()
    return content if zlib.crc32(content) == check else _damaged()


def _inflated(packed: bytes, window: int, room: int, limits: Limits) -> tuple[bytes, int] | Refusal:
    """Return what comes out, and how many bytes it took; never much more than there is room for is held."""
    engine = zlib.decompressobj(window)
    pieces: list[bytes] = []
    size = taken = 0
    try:
        while not engine.eof:
            left = engine.unconsumed_tail
            fed = left or packed[taken : taken + _PIECE]
            taken += 0 if left else len(fed)
            piece = engine.decompress(fed, _PIECE)
            if not piece and not fed and not engine.eof:
                return _cut_off()
            pieces.append(piece)
            size += len(piece)
            if size > room:
                return too_large(limits.unpacked)
            if size > limits.ratio_free and size > limits.ratio * (taken - len(engine.unconsumed_tail)):
                return Refusal("bomb", language.text("It is packed so densely that it can only be meant to do harm."))
    except zlib.error:
        return _damaged()
    return b"".join(pieces), taken - len(engine.unused_data)


def too_large(limit: int) -> Refusal:
    """Refuse what is larger than so many bytes."""
    megabytes = language.decimal(limit / 1_000_000)
    return Refusal("too_large", language.text("It is larger than %(megabytes)s MB.", megabytes=megabytes))


def _unknown_form() -> Refusal:
    words = language.text("It is neither XML, JSON, a gzip or ZIP file nor a mail, and so no report.")
    return Refusal("unknown_form", words)


def _cut_off() -> Refusal:
    return Refusal("cut_off", language.text("It is not whole: its end is missing."))


def _damaged() -> Refusal:
    return Refusal("damaged", language.text("It is damaged and cannot be unpacked."))


def _several() -> Refusal:
    return Refusal("several", language.text("It holds more than one file; a report comes alone."))
