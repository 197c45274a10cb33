"""The header fields of a message, or of what a person copied out of a mail program (RFC 5322 section 2.2).

Mail programs show headers with words of their own above them, indented, quoted
with ``>``, with a blank line after each, or with the folds lost. The headers
are the first block of lines with a field that only the wire shows, and end at
the blank line below it: what follows is a stranger's text and never read.
"""

from __future__ import annotations

import codecs
import re

_MOST_BYTES = 1_048_576
_DOUBLE_SPACED = 3

_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*) ?\t?:(.*)", re.DOTALL)
# Fields that programs write on the wire and hardly ever show by themselves: where one stands, the headers are.
_WIRE = (
    "arc-authentication-results|arc-message-signature|arc-seal|authentication-results|delivered-to|dkim-signature|"
    "message-id|mime-version|received|received-spf|return-path|x-received"
)
_ON_THE_WIRE = re.compile(rf"([\s>|]*)(?:{_WIRE})\s?:", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def fields(raw: bytes) -> list[tuple[str, str]]:
    """Return name in lower case and unfolded value of each field, top first. Never raises; reads at most 1 MiB."""
    found: list[tuple[str, list[str]]] = []
    for line in _header_lines(_lines(raw[:_MOST_BYTES])):
        field = None if line[:1].isspace() else _FIELD.fullmatch(line)
        if field:
            found.append((field.group(1).lower(), [field.group(2)]))
        elif found:
            # A fold; also one whose indentation was lost on the way through a clipboard.
            found[-1][1].append(line)
    return [(name, " ".join(" ".join(value).split())) for name, value in found]


def _lines(raw: bytes) -> list[str]:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    text = raw.decode(encoding, errors="replace").replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n")
    return _without_prefix(text.split("\n"))


def _without_prefix(lines: list[str]) -> list[str]:
    """Take away the quotation marks or spaces that stand before the first field, from every line that has them."""
    first = next(filter(None, map(_ON_THE_WIRE.match, lines)), None)
    prefix = first.group(1) if first else ""
    bare = prefix.rstrip()
    return [line.removeprefix(prefix) if line.rstrip() != bare else "" for line in lines] if prefix else lines


def _header_lines(lines: list[str]) -> list[str]:
    """Return the lines of the first block that holds fields from the wire; blocks above it are the program's words."""
    if _is_double_spaced(lines):
        lines = [line for line in lines if line.strip()]
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
            continue
        if any(map(_ON_THE_WIRE.match, block)):
            return block
        block = []
    return block


def _is_double_spaced(lines: list[str]) -> bool:
    """Return whether a blank line stands between any two lines, which no real message has."""
    trimmed = "\n".join(lines).strip("\n").split("\n")
    written, blank = trimmed[::2], trimmed[1::2]
    return len(written) >= _DOUBLE_SPACED and all(map(str.strip, written)) and not any(map(str.strip, blank))
