"""A copy of a letter: all that one reader's message is made of but her address, which the gate names last.

Values, not rows: it is written after the transaction has ended, and a row would
open the database again in the middle of the conversation with a server. What
all copies of a letter share is put together once a window (``Edition``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

from listkeeper.audience import unsubscribe
from listkeeper.foundation import clock, signing
from listkeeper.rendering import filling, guidance, mime_slots, trial_letter
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AskedQuestion, Filled, Reader
from listkeeper.rendering.mime_slots import Cut
from listkeeper.sending import message_name, own_link
from listkeeper.sending.counted_copy import NOT_COUNTED, Counted, CountedCopy
from listkeeper.sending.delivery import AnyDelivery
from listkeeper.sending.house import Headers, House
from listkeeper.sending.prepared import Prepared
from listkeeper.standards import list_headers
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.list_headers import Header

# Of the four links that are a reader's own in each letter.
_PURPOSES = (unsubscribe.PURPOSE, "preferences", "web-view", "why")


class About(NamedTuple):
    """What a campaign is about, as the gate asks: some permissions cover that alone."""

    category: str | None = None
    important: bool = False
    topic: str | None = None


class Told(NamedTuple):
    """What is hers alone in a copy: her words, why she gets it, what it asks her, and how it is counted."""

    language: str
    profile: Mapping[str, str]
    reason: str
    asked: AskedQuestion | None = None
    counted: Counted = NOT_COUNTED


@dataclass(frozen=True, eq=False)
class Edition:
    """One letter of one business to one list."""

    ours: House
    compiled: CompiledLetter
    purpose: str
    headers: tuple[Header, ...]
    about: About
    # A trial letter says in its subject that it is one.
    trial: bool = False

    @cached_property
    def cut(self) -> Cut:
        """The letter, cut at its slots."""
        return mime_slots.cut(self.compiled, self.ours.sender, self.headers)

    @cached_property
    def keys(self) -> tuple[SigningKey, ...]:
        """What its copies are signed with."""
        return self.ours.signer.keys if self.ours.signer else ()


class Copy:
    """One reader's copy of an edition."""

    __slots__ = ("_edition", "_guidance", "_message_id", "_number", "_row", "_told")

    def __init__(self, edition: Edition, row: AnyDelivery, told: Told) -> None:
        self._edition = edition
        self._told = told
        self._number = row.id
        self._row = own_link.Whose(row.id, row.subscriber_id, row.list_id)
        self._guidance = row.guidance
        self._message_id = message_name.of(row.id, edition.ours.domain)

    def prepared(self, counted: CountedCopy | None = None) -> Prepared:
        """Return it as a message that can be written as soon as the gate names the address."""
        edition = self._edition
        sha256, mail_from, about = edition.compiled.sha256, edition.ours.mail_from(self._number), edition.about
        signed = bool(edition.keys)
        says = (sha256, mail_from, self._message_id, edition.purpose)
        return Prepared(*says, self.write, *about, None, "", signed, counted)

    def write(self, recipient: str) -> bytes:
        """Return the message, signed: the quick way."""
        edition, reader = self._edition, self.reader(recipient)
        return edition.cut.write(
            reader,
            own_headers=(list_headers.list_unsubscribe(reader.unsubscribe_url, reader.unsubscribe_mailto),),
            recipient=recipient,
            message_id=self._message_id,
            date=clock.now(),
            keys=edition.keys,
        )

    def filled(self, recipient: str) -> tuple[Filled, Headers]:
        """Return the letter and the headers that are its own, for a message that is no copy like the others."""
        edition, reader = self._edition, self.reader(recipient)
        filled = filling.fill(edition.compiled, reader)
        own = list_headers.list_unsubscribe(reader.unsubscribe_url, reader.unsubscribe_mailto)
        return trial_letter.marked(filled) if edition.trial else filled, [own, *edition.headers]

    def reader(self, recipient: str) -> Reader:
        """Return the person it is filled for. Without an address nobody is asked to keep our letters anywhere."""
        site, told = self._edition.ours.site, self._told
        leave, choices, page, why = (signing.token(purpose, self._number) for purpose in _PURPOSES)
        return Reader(
            recipient,
            told.language,
            told.profile,
            f"{site}/u/{leave}",
            self._edition.ours.leaving_by_mail(self._number),
            f"{site}/p/{choices}",
            f"{site}/w/{page}",
            f"{site}/y/{why}",
            told.reason,
            guidance.seen(self._guidance, recipient),
            told.asked,
            told.counted.address,
            partial(own_link.address, site, self._row),
            told.counted.unseen,
        )

    def looking(self) -> Reader:
        """Return whoever looks at it in a browser: without an address, and asked nothing."""
        return self.reader("")._replace(own=partial(own_link.looked_at, self._edition.ours.site, self._row))
