"""Where a report in plain text ends and the message that came back begins.

Every program has words of its own above it, and most end with its header, which
looks like no report: three fields one below the other, one of which only the
wire shows.
"""

from __future__ import annotations

import re

from listkeeper.standards import mail_parts
from listkeeper.standards.mail_parts import Fields

_WORDS = re.compile(
    r"^[\s>*=|#+-]*(?:(?:the |your )?(?:original|returned|unsent|undelivered|failed) (?:message|mail|e-mail|body)\b"
    r"(?! (?:was|is|has|could|to\b|from\b|received|header)).{0,60}$"
    r"|(?:this|below|here|included|attached) (?:\w+ )?is (?:a )?(?:the )?(?:copy|(?:first|original|message)\b)"
    r"|(?:this|below) (?:line|the next line|this line) (?:is|follows).{0,60}"
    r"|below (?:this line|the next line) is a copy"
    r"|(?:the )?(?:message |mail )?headers?(?: of the (?:original|source|undelivered) (?:message|mail))?"
    r" (?:follows?|is following|attached)"
    r"|(?:original|returned) (?:mail|message) (?:follows|as follows|attached)"
    r"|the header and top \d+ lines|the first \d+ lines of|your message reads|old message:"
    r"|copy of (?:the |your )?(?:message|mail)|included is a copy"
    r"|-+ ?(?:header of the source mail|forwarded message|begin message|message (?:header|text|body))\b.{0,40}"
    r"|(?:weitergeleitete|ursprüngliche|originale?) (?:nachricht|e-?mail|mail)|mensaje original|message d'origine"
    r"|oryginalna wiadomość|исходное сообщение"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD_LINE = re.compile(r"[!-9;-~]{2,60}:(?:[ \t]|$|\S)|[ \t]+\S")
_FIRST = re.compile(
    r"^[ \t]{0,4}(?:Received|Return-Path|Message-ID|DKIM-Signature|MIME-Version|Date|From|To|Subject|Delivered-To|"
    r"X-[A-Za-z-]{1,40}|ARC-[A-Za-z-]{1,30}|Reply-To|Authentication-Results|DomainKey-Signature|Content-Type):",
    re.IGNORECASE | re.MULTILINE,
)
_WIRE = re.compile(
    r"^[ \t]*(?:Received|Return-Path|Message-ID|MIME-Version|DKIM-Signature):", re.IGNORECASE | re.MULTILINE
)
_ENOUGH = 3
_LOOKED_AT = 12
_MOST_STARTS = 40


def parted(text: str) -> tuple[str, Fields]:
    """Return the report, and the header fields of the message that stands below it (none where there is none)."""
    header = _header_start(text)
    words = _WORDS.search(text)
    # Words at the very beginning introduce the report itself.
    ends = [place for place in (header, words.start() if words and words.start() else -1) if place > 0]
    report = text[: min(ends)] if ends else text
    return report, _fields(text[header:]) if header >= 0 else ()


def _header_start(text: str) -> int:
    """Return where a block of header fields begins, -1 where none does."""
    for number, found in enumerate(_FIRST.finditer(text)):
        if number == _MOST_STARTS:
            break
        lines = text[found.start() : found.start() + 4_000].split("\n")[:_LOOKED_AT]
        block = lines[: next((at for at, line in enumerate(lines) if not _FIELD_LINE.match(line)), len(lines))]
        if len(block) >= _ENOUGH and _WIRE.search("\n".join(block)):
            return found.start()
    return -1


def _fields(text: str) -> Fields:
    lines = text.split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    block = "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines)
    head, _ = mail_parts.head_and_body(block.encode("utf-8", "replace"))
    return mail_parts.fields(head)
