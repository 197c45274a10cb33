"""A test of a letter into the inbox of the studio: the very message, written and signed as any, that leaves nowhere.

It is a delivery as any other, of class test, and asks the gate as any other.
Only it never waits in the queue, whose workers would hand it to a mail server:
it is in the hands of this process from the start, laid into the folder between
two transactions, and settled.
"""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import caught_mail, clock, language, log, process
from listkeeper.foundation.errors import Forbidden, ListkeeperError, TryAgain
from listkeeper.sending import batch, composing, envelope, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Outcome, Rejected, Reply
from listkeeper.sending.handing_over.way import PRACTICE
from listkeeper.sending.prepared import Ready

_LEASED_FOR = timedelta(minutes=5)
_KEPT = 250
_log = log.get(__name__)


class Kept(NamedTuple):
    """What came of it: the key of the mail in the folder, or why there is none."""

    outcome: Outcome
    key: str
    problem: ListkeeperError | None = None


def begin(  # noqa: PLR0913 - whose letter, for whom, from where, and under which limits
    session: Session,
    organisation: Organisation,
    campaign: Campaign,
    typed: str,
    *,
    site: str,
    per_hour: int,
    back_to: str | None = None,
) -> Ready:
    """Mark the newest revision as handed over, as a test for an address, in this transaction.

    ``back_to`` is the setting ``return_path``. Raises Invalid when it is no address, Forbidden past the hour's limit
    or when the gate refuses.
    """
    made = planning.test_of(session, organisation, campaign, typed, site=site, per_hour=per_hour)
    made.occasion = f"inbox-{made.occasion}"
    made.state, made.worker, made.lease_until = DeliveryState.LEASED, process.me(), clock.now() + _LEASED_FOR
    session.add(made)
    session.flush()
    return _handed(session, made, site, back_to)


def _handed(session: Session, made: Delivery, site: str, back_to: str | None) -> Ready:
    ready = batch.hand_out(
        session,
        [made.id],
        process.me(),
        prepare=composing.preparer(site, back_to),
        carries_smtputf8=True,
        practice=True,
        way=PRACTICE.name,
    )
    if not ready:
        raise Forbidden("test_refused", made.reply_text or _refused())
    return ready[0]


def _refused() -> str:
    return language.text("No mail may go to this address: its owner said so, or was erased. Nothing was written.")


def keep(ready: Ready, folder: Path) -> Kept:
    """Write the message and lay it into the folder; no transaction is open meanwhile."""
    message = ready.prepared
    try:
        sealed = envelope.seal(
            ready.grant, ready.delivery_id, message.template_sha256, message.mail_from, message.compose
        )
        key = caught_mail.write(folder, sealed.content, sealed.mail_from, [sealed.rcpt_to])
    except ListkeeperError as problem:
        # This message cannot be written.
        return Kept(Rejected(Reply(0, problem.message)), "", problem)
    except OSError as problem:
        _log.error("inbox_test.not_kept", reason=errno.errorcode.get(problem.errno or 0, "unknown"))
        return Kept(Rejected(Reply(0, "the folder cannot be written to")), "", _not_written())
    return Kept(Accepted(Reply(_KEPT, f"2.0.0 kept as {key}")), key)


def end(session: Session, ready: Ready, kept: Kept) -> None:
    """Settle it, in a transaction of its own."""
    batch.record(session, {ready.delivery_id: kept.outcome}, worker=process.me())


def _not_written() -> TryAgain:
    sentence = language.text("The inbox of the studio cannot be written to; its disk may be full. Nothing was kept.")
    return TryAgain("inbox_not_written", sentence)
