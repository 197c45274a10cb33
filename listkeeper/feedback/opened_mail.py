"""A mail that came in, opened as far as it is worth reading: its header, its parts, and what its texts say.

A report says what it has to say at its beginning, so a mail is read to a length
at which the longest honest report has long ended; 50 MB cost no more than one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from listkeeper.feedback import returned_message
from listkeeper.standards import dsn, mail_parts, mail_text
from listkeeper.standards.mail_parts import Fields, Part

MOST_READ = 1_048_576
_MOST_TEXTS = 4
_LONGEST_TEXT = 32_768
_LONGEST_LINE = 2_000
_ADDRESS = re.compile(r"[^\s<>\"'(),:;@\[\]]{1,128}@[A-Za-z0-9\u0080-\U0010ffff._-]{1,253}")
# A mailbox file begins each mail with a line of its own; what is piped into a program often has it as well.
_MAILBOX_LINE = re.compile(rb"\s{0,100}(?:>?From [^\r\n]{0,500}\r?\n)?")
_NOBODY = re.compile(r"\s*<?\s*>?\s*")


@dataclass(frozen=True)
class OpenedMail:
    """The header, and the parts in their order; ``envelope_from`` is None where nobody has told it."""

    fields: Fields
    parts: tuple[Part, ...]
    envelope_from: str | None = None

    def value(self, name: str) -> str:
        """Return the first header field of a name, as it stands there; empty without one."""
        return mail_parts.value(self.fields, name)

    @cached_property
    def subject(self) -> str:
        """The subject as people read it, on one line."""
        return mail_text.words(self.value("subject"))

    @cached_property
    def sender(self) -> str:
        """The address in From, empty without one."""
        found = addresses(mail_text.words(self.value("from")))
        return found[0] if found else ""

    @cached_property
    def has_null_sender(self) -> bool:
        """Whether no answer is wanted: the return path is empty, as that of every report (RFC 5321 section 4.5.5)."""
        if self.envelope_from is not None:
            return bool(_NOBODY.fullmatch(self.envelope_from))
        paths = [text for name, text in self.fields if name == "return-path"]
        return bool(paths) and bool(_NOBODY.fullmatch(paths[0]))

    @cached_property
    def reports(self) -> tuple[tuple[str, Fields], ...]:
        """What there is to read, the plain text before what is in HTML, and the header of a message that stands below.

        Nothing of the message that came back is in the first of each pair.
        """
        plain = self._text("text/plain", "multipart/")
        return tuple(read for read in (plain, self._text("text/html")) if read[0].strip() or read[1])

    def _text(self, *kinds: str) -> tuple[str, Fields]:
        found = [part for part in self.parts if part.kind.startswith(kinds) and _may_be_read(part)][:_MOST_TEXTS]
        read = [returned_message.parted(_short_lines(mail_text.text_of(part, _LONGEST_TEXT))) for part in found]
        below = next((fields for _, fields in read if fields), ())
        return "\n".join(text for text, _ in read)[:_LONGEST_TEXT], below


def opened(raw: bytes, envelope_from: str | None = None) -> OpenedMail:
    """Open a mail; reads at most 1 MiB of it and never raises."""
    begun = _MAILBOX_LINE.match(raw)
    message = raw[begun.end() if begun else 0 :][:MOST_READ]
    head, _ = mail_parts.head_and_body(message)
    return OpenedMail(mail_parts.fields(head), tuple(mail_parts.parts(message)), envelope_from)


def addresses(text: str) -> Sequence[str]:
    """Return what looks like addresses in a text, in their order."""
    return [found.strip(".'") for found in _ADDRESS.findall(text)]


def _may_be_read(part: Part) -> bool:
    # A multipart without parts is a text that lost what parted it.
    return part.kind.startswith(("text/", "multipart/")) and not dsn.is_returned(part)


def _short_lines(text: str) -> str:
    return "\n".join(line[:_LONGEST_LINE] for line in text.split("\n"))
