"""Small jobs of the timetable: look for lost bells, settle what was left behind, forget what is past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from listkeeper import parts, store
from listkeeper.accounts import invitation, kept_answer, organisation
from listkeeper.audience import address_change, asking, lifecycle, profile, retention, signup
from listkeeper.audience.guard import breaker, mailbox
from listkeeper.audience.proof import checkpoint, kept_copy
from listkeeper.deliverability import mail_host, report_intake
from listkeeper.feedback import conversation, inbound
from listkeeper.foundation import once, outbox, throttle
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import journal, sending
from listkeeper.sending import answer_keeping, claim, witnessing


def look_for_lost_bells() -> None:
    """Ring for every lane in which something waits that no bell may have rung for."""
    with store.reading() as session:
        waiting = [lane for lane in Lane if outbox.waiting(session, lane, 1) or claim.anything_due(session, lane)]
    parts.ring(waiting)


def settle_left_behind() -> None:
    """Queue again, or put in doubt, what a dead worker held."""
    sending.recover()


def look_at_relay() -> None:
    """Ask the mail server what it offers, before the first mail asks it."""
    sending.look_at_relay()


def forget_past() -> None:
    """Delete what has served its purpose: ended brake windows, old facts, old reports, invitations nobody took up."""
    with store.transaction() as session:
        throttle.forget_past(session)
        once.forget_past(session)
        mailbox.forget_past(session)
        mail_host.forget_past(session)
        report_intake.forget_past(session)
        inbound.forget_past(session)
        kept_copy.forget_past(session)
        conversation.forget_past(session)
        outbox.forget_old(session)
        signup.forget_past(session)
        address_change.forget_over(session)
        kept_answer.forget_old(session)
        invitation.forget_over(session)


def forget_answers() -> None:
    """Delete answers that nothing used for a year, some thousand at a time, and each "rather not" that has served."""
    with store.transaction() as session:
        profile.forget_declined(session)
        waiting = answer_keeping.due(session)
    for number in waiting:
        more = True
        while more:
            with store.transaction() as session:
                more = answer_keeping.forget(session, number)


def look_at_clocks() -> None:
    """End what has run out, ask once more whom a reminder is due, and shred proof whose time is over."""
    for job in (lifecycle.end_due, retention.set_ends, retention.shred_due):
        with store.transaction() as session:
            job(session)
    with store.transaction() as session:
        asking.remind_due(session, parts.limits())


def watch_forms() -> None:
    """Defend the forms that are being abused, by what came of their questions."""
    with store.transaction() as session:
        breaker.watch(session, parts.limits())


def sign_ledger() -> None:
    """Make a checkpoint of each ledger that has grown enough, or long ago; a false one stops all sending."""
    with _true_ledger(), store.transaction() as session:
        owner = organisation.maybe_one(session)
        if owner is not None and checkpoint.is_due(session, owner.id):
            checkpoint.make(session, owner)


def mail_checkpoint() -> None:
    """Put the week's checkpoint in the post to the owner's witness mailbox, when there is one."""
    with _true_ledger(), store.transaction() as session:
        owner = organisation.maybe_one(session)
        if owner is not None:
            witnessing.mail_due(session, owner)


@contextmanager
def _true_ledger() -> Iterator[None]:
    try:
        yield
    except Conflict as problem:
        if problem.code != "ledger_forked":
            raise
        # The refusal took its own transaction back; that nothing may be sent has to stay.
        journal.compare()
