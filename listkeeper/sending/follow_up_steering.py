"""Switching a follow-up on, letting it stand still, and switching it off: for everybody on its line at once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.campaigns import follow_up, follow_up_check, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Trigger
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict
from listkeeper.sending import follow_up_entry, follow_up_settling
from listkeeper.sending.follow_up_run import StopWhy

_RESTORED = "restored"


def switch_on(
    session: Session, organisation: Organisation, found: FollowUp, *, site: str, practice: bool = False
) -> None:
    """Let people set out from now on, with the newest words of every step.

    Whoever is in its segment by now did not come into it, and does not set out. Raises Invalid with the first thing
    that stands in its way, Conflict when it is on, or its list is closed.
    """
    follow_up.lock(session, found)
    if found.mailing_list.state is not ListState.ACTIVE:
        raise Conflict("list_closed", language.text("Its list is closed. Open the list first. Nothing was changed."))
    # Whose permission ends is written to in time, also if that began before; but where a copy of the database was put
    # back, whoever is there by now may have had the letters already.
    comes_into = found.state is FollowUpState.DRAFT and found.trigger is Trigger.SEGMENT
    begins_anew = comes_into or found.halted is not None
    follow_up_check.demand_sound(session, organisation, found, site=site)
    for step in follow_up_step.steps(session, found):
        follow_up_step.choose_words(session, organisation, step, site=site)
    follow_up.move(found, FollowUpState.ON)
    session.flush()
    if begins_anew:
        follow_up_entry.remember_those_there(session, found, practice=practice)


def pause(session: Session, found: FollowUp) -> None:
    """Let nothing of it leave until it is switched on again; everybody on the line stands where they are."""
    follow_up.move(follow_up.lock(session, found), FollowUpState.PAUSED)


def switch_off(session: Session, found: FollowUp) -> int:
    """End it for everybody on the line; what waits to leave stays home. Returns for how many it ended."""
    follow_up.move(follow_up.lock(session, found), FollowUpState.DRAFT)
    return follow_up_settling.stop_all(session, found, StopWhy.SWITCHED_OFF)


def archive(session: Session, found: FollowUp) -> None:
    """Put away one that is off; what it did stays to be read. Raises Conflict while it is on."""
    follow_up.move(follow_up.lock(session, found), FollowUpState.ARCHIVED)


def close_those_of_closed_lists(session: Session) -> int:
    """End what runs on lists that were closed or merged into others; return for how many people."""
    query = (
        select(FollowUp)
        .join(MailingList, MailingList.id == FollowUp.list_id)
        .where(FollowUp.state.in_((FollowUpState.ON, FollowUpState.PAUSED)), MailingList.state != ListState.ACTIVE)
    )
    ended = 0
    for found in session.scalars(query.order_by(FollowUp.id)).all():
        follow_up.move(follow_up.lock(session, found), FollowUpState.DRAFT)
        ended += follow_up_settling.stop_all(session, found, StopWhy.LIST_CLOSED)
    return ended


def hold_all(session: Session) -> None:
    """Let every follow-up stand still after a copy of the database was put back, and end it for who was on the line.

    What was due since the copy was made may have left: nobody is sent it again blindly.
    """
    query = select(FollowUp).where(FollowUp.state.in_((FollowUpState.ON, FollowUpState.PAUSED)))
    for found in session.scalars(query.order_by(FollowUp.id)).all():
        follow_up_settling.stop_all(session, found, StopWhy.RESTORED)
        if found.state is FollowUpState.ON:
            follow_up.move(found, FollowUpState.PAUSED)
        found.halted = {"code": _RESTORED}
