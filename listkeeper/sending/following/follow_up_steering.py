"""Switching a follow-up on, letting it stand still, and switching it off: for everybody on its line at once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.campaigns import follow_up, follow_up_check, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_entry, follow_up_pause, follow_up_settling
from listkeeper.sending.following.follow_up_run import StopWhy

_RESTORED = "restored"


def switch_on(
    session: Session, organisation: Organisation, found: FollowUp, *, site: str, practice: bool = False
) -> None:
    """Let people set out from now on, with the newest words of every step.

    Whoever is in its segment by now did not come into it, and does not set out. After a pause everybody on the line
    waits as long as was left to wait. Raises Invalid with the first thing that stands in its way, Conflict when it is
    on, or its list is closed.
    """
    follow_up.lock(session, found)
    if found.mailing_list.state is not ListState.ACTIVE:
        raise Conflict("list_closed", language.text("Its list is closed. Open the list first. Nothing was changed."))
    # Whose permission ends is written to in time, also if that began before; but where a copy of the database was put
    # back, whoever is there by now may have had the letters already.
    # Another segment than before has people in it, too, who did not come into it.
    is_new = found.state is FollowUpState.DRAFT or found.was_on_with != found.begins_with
    begins_anew = (is_new and found.trigger is Trigger.SEGMENT) or found.halted is not None
    stood_since = found.paused_at
    follow_up_check.demand_sound(session, organisation, found, site=site)
    for step in follow_up_step.steps(session, found):
        let_words_go(session, organisation, step, site=site)
    follow_up.move(found, FollowUpState.ON)
    found.was_on_with = found.begins_with
    session.flush()
    if stood_since is not None:
        follow_up_pause.make_up(session, found, stood_since)
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


def let_words_go(
    session: Session, organisation: Organisation, step: FollowUpStep, *, site: str, sha256: str | None = None
) -> Revision:
    """Let the newest words of a step go out from now on, also to those whose mail waits to leave for the first time.

    Raises as ``follow_up_step.choose_words`` does.
    """
    follow_up.lock(session, step.follow_up)
    newest = follow_up_step.choose_words(session, organisation, step, site=site, sha256=sha256)
    session.flush()
    follow_up_settling.rewrite(session, step, newest)
    return newest


def take_out(session: Session, step: FollowUpStep) -> None:
    """Take a step out of its line, and take back what waits to leave by it. Raises Conflict while it is on."""
    follow_up_step.remove(session, step)
    follow_up_settling.take_back(session, Delivery.campaign_id == step.campaign_id)


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
