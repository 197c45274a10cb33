"""The keys of a domain as its page shows them: which sign, how old they are, what the DNS shows, and what is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.deliverability import dkim_key, key_rotation, second_key
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.deliverability.kept_answers import KeptAnswers
from listkeeper.deliverability.key_rotation import Published, Rotation, Stage
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim_key_record import KeyRecord
from listkeeper.web.studio.words import Said


@dataclass(frozen=True)
class Shown:
    """One key: what it is, its state and what the DNS shows at its name, each as a word with its tone."""

    name: str
    kind: str
    days: int
    fingerprint: str
    state: Said
    published: Said


def of(session: Session, domain: SendingDomain, kept: KeptAnswers) -> list[Shown]:
    """Return the keys of a domain that sign, are to sign, or did so until lately."""
    named = [domain.selector, *(key.selector for key in key_rotation.asks(session, domain))]
    rows = [dkim_key.of(session, domain.id, selector) for selector in dict.fromkeys(named)]
    keys = [row for row in (*rows, second_key.of(session, domain)) if row is not None]
    seen = key_rotation.look(domain.name, [dkim_key.ours(key) for key in keys], kept)
    return [_shown(domain, key, seen[key.selector].published) for key in keys]


def _shown(domain: SendingDomain, key: DkimKey, published: Published) -> Shown:
    read = dkim_key_record.parse(key.record)
    kind = f"{read.algorithm.upper()} {read.bits}" if isinstance(read, KeyRecord) else key.algorithm
    if published is Published.UNKNOWN and key.seen_at is not None:
        # Its name is asked for by the change of keys, which notes when it was there.
        published = Published.OURS
    age = max(clock.now() - key.created_at, timedelta(0))
    name = dkim_key_record.name_of(key.selector, domain.name)
    return Shown(name, kind, age.days, key.fingerprint, _state(key), _published(published))


def _state(key: DkimKey) -> Said:
    return {
        KeyState.MADE: Said(language.text("does not sign yet")),
        KeyState.SIGNING: Said(language.text("signs your letters"), "good"),
        KeyState.RETIRED: Said(language.text("signs no more")),
        KeyState.REVOKED: Said(language.text("withdrawn")),
    }[key.state]


def _published(published: Published) -> Said:
    return {
        Published.OURS: Said(language.text("published"), "good"),
        Published.EMPTY: Said(language.text("emptied")),
        Published.NOTHING: Said(language.text("not published"), "warn"),
        Published.ANOTHER: Said(language.text("another key is published"), "bad"),
        Published.UNKNOWN: Said(language.text("not known whether it is published"), "warn"),
    }[published]


def stage(rotation: Rotation) -> str:
    """Say how far a change of keys is; the moment until which is waited, where there is one, follows."""
    return {
        Stage.RESTS: "",
        Stage.PUBLISH: language.text(
            "The next key is made. Publish its record; letters are signed with the old one until the DNS shows it."
        ),
        Stage.WAIT: language.text("The next key is published. It signs once every receiver can know it: at"),
        Stage.KEEP: language.text(
            "The new key signs. Leave the record of the old one where it is: letters under way were signed with it. "
            "Until"
        ),
        Stage.WITHDRAW: language.text(
            "The old key has had its time. Empty its record, so that nobody who ever stole it can use it."
        ),
    }[rotation.stage]
