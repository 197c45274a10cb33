"""The head of a letter, cut once: the fields that all its messages share, and room for the few that differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from listkeeper.rendering import header_fields, message
from listkeeper.rendering.content import Sender
from listkeeper.rendering.header_fields import Header
from listkeeper.standards import dkim_canonical


class CutHead:
    """The fields of one letter of one sender. Raises Invalid when one of them cannot be written."""

    def __init__(self, sender: Sender, headers: Sequence[Header], boundary: str) -> None:
        shared = (
            header_fields.sender(sender.name, sender.address),
            header_fields.reply_to(sender.reply_to) if sender.reply_to else "",
            "".join((
                *header_fields.further(headers),
                header_fields.folded("MIME-Version", "1.0"),
                message.content_type("multipart/alternative", boundary),
            )),
        )  # fmt: skip
        self._wire = [field.encode() for field in shared]
        self._relaxed = [list(map(dkim_canonical.relaxed_field, dkim_canonical.fields(each))) for each in self._wire]
        more = [name.lower() for name, _ in headers]
        self._taken = header_fields.OURS.union(more)
        self._first = ("from", "to", *(["reply-to"] if sender.reply_to else []), "subject", "date", "message-id")
        self._last = (*more, "mime-version", "content-type")

    def own(
        self, recipient: str, subject: str, date: datetime, message_id: str, headers: Sequence[Header]
    ) -> list[bytes]:
        """Return the fields that are a message's own: To, then the others."""
        fields = (
            header_fields.recipient(recipient),
            header_fields.subject(subject),
            header_fields.date(date),
            header_fields.message_id(message_id),
            *header_fields.further(headers, self._taken),
        )
        return [field.encode() for field in fields]

    def names(self, headers: Sequence[Header]) -> tuple[str, ...]:
        """Return the names of all fields of a message in their order, in small letters; ``headers`` are its own."""
        return (*self._first, *(name.lower() for name, _ in headers), *self._last)

    def wire(self, own: Sequence[bytes]) -> list[bytes]:
        """Return all fields as they travel."""
        sender, reply_to, rest = self._wire
        to, *others = own
        return [sender, to, reply_to, *others, rest]

    def relaxed(self, own: Sequence[bytes]) -> list[bytes]:
        """Return all fields in the form that is signed, one by one."""
        sender, reply_to, rest = self._relaxed
        to, *others = map(dkim_canonical.relaxed_field, own)
        return [*sender, to, *reply_to, *others, *rest]
