"""The XML of an aggregate report, section by section (RFC 7489 appendix C, RFC 9990 appendix A).

Namespaces and attributes are passed over: reports come with and without. A
section (the metadata, the policy, one record) is handed out as soon as it ends,
so a long report costs no more memory than what is kept of it. There is no DTD
and there are no entities, and what is nested too deep or never ends is given up.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # it ships no types
from defusedxml.ElementTree import ParseError, XMLParser  # type: ignore[import-untyped]  # the same

from listkeeper.foundation import language
from listkeeper.standards import foreign_text
from listkeeper.standards.packed_report import Limits, Refused

ROOT, RECORD = "feedback", "record"
_DEEPEST = 12
_MOST_OF_A_SECTION = 5_000
# Sections that are no records.
_MOST_OTHERS = 1_000
# The parser looks at an unfinished token again with each piece: few large pieces keep that cheap.
_PIECE = 1_000_000
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS = re.compile(r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|windows-125\d|cp125\d|koi8-[ru]|latin-?1|utf-16")
_NAME = 100


@dataclass(slots=True)
class Element:
    """An element: its name without the namespace, its own text, the elements in it."""

    name: str
    text: str = ""
    below: list[Element] = field(default_factory=list)

    def every(self, name: str) -> list[Element]:
        """Return the elements of a name directly in this one."""
        return [one for one in self.below if one.name == name]

    def said(self, *path: str) -> str:
        """Return the text at a path, the first of each name; empty when there is none."""
        here = self
        for name in path:
            for one in here.below:
                if one.name == name:
                    here = one
                    break
            else:
                return ""
        return here.text


def sections(xml: bytes, limits: Limits) -> Iterator[Element]:
    """Yield the elements directly below the root, each when it is whole. Raises Refused, also after some."""
    collector = _Collector(limits)
    parser = XMLParser(target=collector, forbid_dtd=True)
    try:
        for piece in _pieces(xml):
            parser.feed(piece)
            yield from collector.taken()
        parser.close()
        yield from collector.taken()
    except DefusedXmlException:
        words = language.text("It defines entities or a document type, which no report needs and which can do harm.")
        raise Refused("dtd", words) from None
    except (ParseError, ExpatError, ValueError, LookupError):
        raise Refused("not_xml", language.text("It is no well-formed XML, or it is cut off.")) from None


def _pieces(xml: bytes) -> Iterator[str]:
    """Yield the text in large pieces. A wrong byte is one wrong letter, and no reason to lose a report."""
    decoder = codecs.getincrementaldecoder(_encoding(xml))("replace")
    start = True
    for place in range(0, len(xml), _PIECE):
        text = decoder.decode(xml[place : place + _PIECE])
        # White space may not stand before the XML declaration, and often does.
        text = text.lstrip("\ufeff \t\r\n") if start else text
        start = start and not text
        yield text
    yield decoder.decode(b"", final=True)


def _encoding(xml: bytes) -> str:
    if xml.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if xml.startswith((b"<\x00", b"\x00<")):
        return "utf-16-le" if xml.startswith(b"<") else "utf-16-be"
    found = _DECLARED.match(xml)
    named = found[1].decode("ascii").lower() if found else "utf-8"
    # Whoever can write the declaration in single bytes does not write UTF-16.
    if named == "utf-16" or not _ENCODINGS.fullmatch(named):
        return "utf-8"
    try:
        return codecs.lookup(named).name
    except LookupError:
        return "utf-8"


class _Collector:
    """Takes what the parser finds and keeps the sections that are whole."""

    def __init__(self, limits: Limits) -> None:
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._whole: list[Element] = []
        self._most = limits.text
        self._length = 0
        self._size = 0
        self._others = 0

    def taken(self) -> list[Element]:
        """Return the sections that ended since this was asked last."""
        whole, self._whole = self._whole, []
        return whole

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        """Open an element. Raises Refused for a root of another kind, and for what is too deep or too long."""
        name = tag.rpartition("}")[2][:_NAME]
        depth = len(self._open)
        if not depth and name != ROOT:
            shown = foreign_text.clean(name, _NAME)
            words = language.text("It is XML, but no DMARC report: it begins with “%(name)s”.", name=shown)
            raise Refused("not_dmarc", words)
        self._size = self._size + 1 if depth > 1 else 0
        self._others += depth == 1 and name != RECORD
        if depth > _DEEPEST or self._size > _MOST_OF_A_SECTION or self._others > _MOST_OTHERS:
            raise Refused(
                "too_deep", language.text("Its XML is nested deeper, or has longer sections, than any report.")
            )
        self._open.append(Element(name))
        self._texts.append([])
        self._length = 0

    def data(self, text: str) -> None:
        """Take a piece of the text of the innermost element."""
        # White space is not counted against the limit before it is known to be that; the text is cut at the end.
        room = self._most * 4 - self._length
        if room > 0 and len(self._open) > 1:
            self._texts[-1].append(text[:room])
            self._length += len(text)

    def end(self, _tag: str) -> None:
        """Close an element; one directly below the root is a section."""
        element = self._open.pop()
        element.text = foreign_text.clean("".join(self._texts.pop()), self._most)
        depth = len(self._open)
        if depth > 1:
            self._open[-1].below.append(element)
        elif depth == 1:
            self._whole.append(element)

    def close(self) -> None:
        """Nothing is left to be done at the end."""
