"""A letter as bytes with slots: what all its readers share is rendered, encoded and made ready to sign once.

The definition is ``whole``: fill the letter, build the message, sign it. A
``Cut`` makes the very same bytes for each of many readers, and only what is
hers is put together and encoded: the lines that hold a slot, and a few fields
of the head. Whatever a cut has not reckoned with, a refusal first of all, it
leaves to ``whole``, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, lru_cache

from liquid.exceptions import LiquidError, LiquidInterrupt

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import cut_body, filling, message, told
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Reader, Sender
from listkeeper.rendering.cut_body import CutBody, Shape
from listkeeper.rendering.cut_head import CutHead
from listkeeper.rendering.header_fields import Header
from listkeeper.rendering.liquid_cut import LiquidPart
from listkeeper.rendering.live_lines import NotThisWay
from listkeeper.standards import dkim
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.plain_lines import PlainLines

_CUTS_KEPT = 16
_NOT_THIS_WAY = (Invalid, LiquidError, LiquidInterrupt, NotThisWay, UnicodeEncodeError)


def whole(  # noqa: PLR0913 - what a message is made of, each by name
    compiled: CompiledLetter,
    reader: Reader,
    *,
    sender: Sender,
    headers: Sequence[Header],
    recipient: str,
    message_id: str,
    date: datetime,
    keys: Sequence[SigningKey] = (),
) -> bytes:
    """Return the message of one reader, made from the beginning and signed with each key; raises Invalid."""
    raw = message.build(
        filling.fill(compiled, reader),
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        date=date,
        extra_headers=headers,
        edition=compiled.sha256,
    )
    return signed(raw, sender.address, recipient, keys, date)


def signed(raw: bytes, mail_from: str, rcpt_to: str, keys: Sequence[SigningKey], moment: datetime) -> bytes:
    """Return a message with a signature by each key in front of it."""
    return b"".join([*(dkim.sign(raw, mail_from, rcpt_to, key=key, now=moment) for key in keys), raw])


@lru_cache(maxsize=_CUTS_KEPT)
def cut(compiled: CompiledLetter, sender: Sender, headers: tuple[Header, ...]) -> Cut:
    """Return the cut of a letter; ``headers`` are those beside a message's usual ones that all its messages share."""
    return Cut(compiled, sender, headers)


class Cut:
    """One letter of one sender, ready for its readers."""

    def __init__(self, compiled: CompiledLetter, sender: Sender, headers: tuple[Header, ...]) -> None:
        self._compiled = compiled
        self._sender = sender
        self._headers = headers
        self._boundary = message.boundary(compiled.sha256)
        self._bodies: dict[Shape, CutBody] = {}

    @cached_property
    def _head(self) -> CutHead:
        return CutHead(self._sender, self._headers, self._boundary)

    @cached_property
    def _subject(self) -> LiquidPart:
        return cut_body.part("subject", self._compiled, filling.templates_of(self._compiled).subject)

    @cached_property
    def _preheader(self) -> LiquidPart:
        return cut_body.part("preheader", self._compiled, filling.templates_of(self._compiled).preheader)

    def _body(self, shape: Shape) -> CutBody:
        if shape not in self._bodies:
            self._bodies[shape] = CutBody(self._compiled, shape, self._boundary)
        return self._bodies[shape]

    def write(  # noqa: PLR0913 - what differs from message to message, each by name
        self,
        reader: Reader,
        *,
        own_headers: Sequence[Header],
        recipient: str,
        message_id: str,
        date: datetime,
        keys: Sequence[SigningKey] = (),
    ) -> bytes:
        """Return the message of one reader, signed with each key; raises Invalid when her data cannot be printed.

        ``own_headers`` come before those of the letter; the moment of the
        signature is the date of the message.
        """
        try:
            return self.quickly(
                reader, own_headers=own_headers, recipient=recipient, message_id=message_id, date=date, keys=keys
            )
        except _NOT_THIS_WAY:
            return whole(
                self._compiled,
                reader,
                sender=self._sender,
                headers=[*own_headers, *self._headers],
                recipient=recipient,
                message_id=message_id,
                date=date,
                keys=keys,
            )

    def quickly(  # noqa: PLR0913 - as in write
        self,
        reader: Reader,
        *,
        own_headers: Sequence[Header],
        recipient: str,
        message_id: str,
        date: datetime,
        keys: Sequence[SigningKey] = (),
    ) -> bytes:
        """Do what ``write`` does, but raise whatever happens where the slow way must speak."""
        values = told.values(self._compiled, filling.templates_of(self._compiled).profile_keys, reader)
        subject = told.line(self._subject.said(values), "subject")
        values["letter"] = {"subject": subject}
        preheader = told.line(self._preheader.said(values), "preheader")
        slots = told.slots(subject, preheader, reader)
        head, body = self._head, self._body(Shape.of(reader))
        own = head.own(recipient, subject, date, message_id, own_headers)
        live = body.live(values, slots, reader)
        raw = [*head.wire(own), b"\r\n", *body.wire(live)]
        if keys:
            names, fields = head.names(own_headers), head.relaxed(own)
            hashed = dkim.hash_of_relaxed(b"".join(body.relaxed(live)))
            raw[:0] = [dkim.header(names, fields, hashed, key, date) for key in keys]
        # No line of a head begins with a dot.
        return PlainLines(b"".join(raw)) if body.is_plain(live) else b"".join(raw)
