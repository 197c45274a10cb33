"""The first message of a letter: read by ourselves as a receiver reads it, before the rest may leave.

A signature that does not verify is the most common silent failure of all: the
rest of the letter would end among the spam, and one-click with it
(deliverability.md, rule 3). So one worker hands over one message alone; the
published key is asked for, and only then the others follow. What the DNS does
not tell is not known, which stops nobody; a signature that is wrong does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language, process
from listkeeper.standards import dkim_canonical, dkim_signature, dkim_verify
from listkeeper.standards.dkim_signature import Signature
from listkeeper.standards.dkim_verify import Result
from listkeeper.standards.dkim_verify import Verdict as Judged
from listkeeper.standards.dns import Resolver

HALTED = "first_message"
# A worker that has taken it upon itself and is gone is followed by another after this; at once if it is known to be
# dead, which only its own machine knows.
_PATIENCE = timedelta(seconds=60)
# What must be covered for one-click to count (RFC 8058 section 4), and for the message to be ours at all.
_COVERED = frozenset({"from", "subject", "to", "date", "list-unsubscribe", "list-unsubscribe-post"})
_FIELD = b"dkim-signature:"


class First(StrEnum):
    """What is known of a letter's first message."""

    LOOKING = "looking"
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    UNSIGNED = "unsigned"


_AGAIN = frozenset({First.LOOKING, First.WRONG})


@dataclass(frozen=True)
class Verdict:
    """What a first message is worth, with the reason in words."""

    first: First
    words: str


def unread(session: Session, campaign_ids: Collection[int]) -> set[int]:
    """Return the letters whose first message nobody has read yet, or somebody is reading now, or was wrong."""
    query = select(Campaign.id, Campaign.first_message).where(Campaign.id.in_(campaign_ids))
    return {row[0] for row in session.execute(query) if row[1] is None or row[1]["verdict"] in _AGAIN}


def take_up(session: Session, campaign_id: int, worker: str) -> bool:
    """Let one worker hand over a letter's first message; False while another does, or when it is done."""
    letter = session.get_one(Campaign, campaign_id)
    campaigns.lock(session, letter)
    known = letter.first_message
    if known is not None and (known["verdict"] not in _AGAIN or _is_read_by_another(known, worker)):
        return False
    letter.first_message = {"verdict": First.LOOKING, "words": "", "at": _now(), "worker": worker}
    return True


def let_go(session: Session, campaign_id: int) -> None:
    """Leave a letter's first message to the next worker: none could be written, or none was taken."""
    letter = session.get_one(Campaign, campaign_id)
    campaigns.lock(session, letter)
    letter.first_message = None


def keep(session: Session, campaign_id: int, verdict: Verdict) -> None:
    """Write down what the first message is worth; one that is wrong pauses the letter, with the reason."""
    letter = session.get_one(Campaign, campaign_id)
    campaigns.lock(session, letter)
    letter.first_message = {"verdict": verdict.first, "words": verdict.words, "at": _now()}
    if verdict.first is First.WRONG and letter.state is CampaignState.SENDING:
        campaigns.move(letter, CampaignState.PAUSED)
        letter.halted = {"code": HALTED, "words": verdict.words}


def judge(message: bytes, resolver: Resolver, now: datetime, *, signed: bool) -> Verdict:
    """Read a message as a receiver does; call it with no transaction open. ``signed``: our domain has a key in use."""
    if not signed:
        return Verdict(First.UNSIGNED, language.text("We do not sign for this domain; the mail server may."))
    judged = dkim_verify.verify(message, resolver, now)
    right = [one for one in judged if one.result is Result.PASS]
    if right and (missing := _COVERED - _covered(message, right)):
        names = ", ".join(sorted(missing))
        return Verdict(First.WRONG, language.text("The signature leaves out %(names)s.", names=names))
    if right:
        return Verdict(
            First.RIGHT, language.text("Signed for %(domain)s, and right by the published key.", domain=right[0].domain)
        )
    if not judged:
        return Verdict(First.WRONG, language.text("The message left without its signature."))
    unknown = [one for one in judged if one.result is Result.TEMPERROR]
    return Verdict(First.UNKNOWN if unknown else First.WRONG, (unknown or judged)[0].reason)


def _covered(message: bytes, right: Sequence[Judged]) -> set[str]:
    """Return the header fields that the signatures which are right cover."""
    head = message.partition(b"\r\n\r\n")[0]
    read = [dkim_signature.parse(field) for field in dkim_canonical.fields(head) if field.lower().startswith(_FIELD)]
    selectors = {(one.domain, one.selector) for one in right}
    sound = [one for one in read if isinstance(one, Signature) and (one.domain, one.selector) in selectors]
    return {name for one in sound for name in one.names}


def _now() -> int:
    return clock.in_milliseconds(clock.now())


def _is_read_by_another(known: Mapping[str, Any], worker: str) -> bool:
    """Whether another worker reads it at this moment: whoever asks again itself was torn away from it."""
    other = known.get("worker")
    looking = known["verdict"] == First.LOOKING and other != worker and not (other and process.is_dead(other))
    return looking and clock.of_milliseconds(known["at"]) + _PATIENCE > clock.now()


def of_letter(letter: Campaign) -> Verdict | None:
    """Return what the first message of a letter was worth; None while nothing is known of it."""
    known = letter.first_message
    return Verdict(First(known["verdict"]), str(known["words"])) if known is not None else None
