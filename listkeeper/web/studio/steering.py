"""Steering a letter under way: pause, go on, stop for good, try once more. Whoever may send may do these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.schedule import AT_ONCE, Leaving
from listkeeper.campaigns.trial import Arm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import planning, steering
from listkeeper.sending.trying import trial
from listkeeper.web.studio import composer, member, page

blueprint = Blueprint("steering", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")

# Does one thing to the letter and says what was done.
Act = Callable[[Session, Campaign], str]


def steered(public_id: str, action: str, act: Act, endpoint: str = "departure.progress") -> AnyResponse:
    """Do one thing to a letter, write down who did it, and go back to its page; what cannot be is said there."""
    try:
        with store.transaction() as session:
            letter = composer.opened(session, public_id)
            said = act(session, letter)
            audit_log.record(session, letter.organisation_id, member.present().actor, action, public_id)
    except (Conflict, Invalid) as problem:
        return page.back_to("departure.progress", problem.message, "bad", public_id=public_id)
    return page.back_to(endpoint, said, public_id=public_id)


@blueprint.post("/undo")
def undo(public_id: str) -> AnyResponse:
    """Take back what was ordered and has not begun: a draft again."""

    def act(session: Session, letter: Campaign) -> str:
        schedule.take_back(session, letter)
        return language.text("Taken back. It is a draft again, and nothing was sent.")

    return steered(public_id, "campaign.taken_back", act, "composer.show")


@blueprint.post("/now")
def send_now(public_id: str) -> AnyResponse:
    """Do not wait any longer: what was ordered leaves now, also when its time passed unseen."""
    return _ordered_again(public_id, AT_ONCE, language.text("It leaves now."))


@blueprint.post("/reschedule")
def reschedule(public_id: str) -> AnyResponse:
    """Choose another moment for what was ordered."""
    with store.reading() as session:
        zone = storefront.zone_of(session, organisation.only_one(session))
    try:
        moment = schedule.read(request.form.get("at", ""), zone)
    except Invalid as problem:
        return page.back_to("departure.progress", problem.message, "bad", public_id=public_id)
    return _ordered_again(public_id, Leaving(moment), language.text("It leaves at the new time."))


def _ordered_again(public_id: str, leaves: Leaving, said: str) -> AnyResponse:
    settings = page.settings()

    def act(session: Session, letter: Campaign) -> str:
        if letter.state not in schedule.ORDERED:
            # A second press: the first one has sent it, or somebody took it back.
            raise Conflict("not_waiting", language.text("This letter is not waiting to leave. Nothing was changed."))
        owner = organisation.only_one(session)
        site, practice = settings.site, settings.rehearsing
        # Another moment is another moment for each reader too.
        kept = replace(leaves, each_zone=letter.each_zone and leaves.at is not None)
        planning.send_campaign(session, owner, letter, site=site, practice=practice, leaves=kept)
        return said

    return steered(public_id, "campaign.started" if leaves == AT_ONCE else "campaign.scheduled", act)


@blueprint.post("/pause")
def pause(public_id: str) -> AnyResponse:
    """Let nothing more leave until somebody presses the other button."""

    def act(session: Session, letter: Campaign) -> str:
        steering.pause(session, letter)
        return language.text("Paused. Whoever has it has it; everybody else waits until you go on.")

    return steered(public_id, "campaign.paused", act)


@blueprint.post("/resume")
def resume(public_id: str) -> AnyResponse:
    """Go on where it stood."""

    def act(session: Session, letter: Campaign) -> str:
        steering.resume(session, letter)
        return language.text("It goes on where it stood.")

    return steered(public_id, "campaign.resumed", act)


@blueprint.post("/release")
def release(public_id: str) -> AnyResponse:
    """Let everybody else have what a few got first."""

    def act(session: Session, letter: Campaign) -> str:
        steering.release(session, letter)
        return language.text("Everybody else gets it now.")

    return steered(public_id, "campaign.released", act)


@blueprint.post("/version")
def choose(public_id: str) -> AnyResponse:
    """Let the others have one of two versions that were on trial."""
    wanted = request.form.get("version", "")

    def act(session: Session, letter: Campaign) -> str:
        if wanted not in set(Arm):
            raise Invalid("version", language.text("Please choose version A or version B. Nothing was changed."))
        trial.choose(session, letter, Arm(wanted))
        return language.text("The others get version %(version)s.", version=wanted.upper())

    return steered(public_id, "campaign.trial_chosen", act)


@blueprint.post("/cancel")
def cancel(public_id: str) -> AnyResponse:
    """Stop the letter for good; what has not been handed over stays home."""

    def act(session: Session, letter: Campaign) -> str:
        stopped = steering.cancel(session, letter)
        return language.counted(
            "Stopped. %(number)s mail stayed home.", "Stopped. %(number)s mails stayed home.", stopped
        )

    return steered(public_id, "campaign.cancelled", act)


@blueprint.post("/retry")
def retry(public_id: str) -> AnyResponse:
    """Try once more what failed, but for those whose address itself is wrong."""

    def act(session: Session, letter: Campaign) -> str:
        queued = steering.retry(session, letter)
        return language.counted(
            "%(number)s mail is tried once more.", "%(number)s mails are tried once more.", queued
        )  # fmt: skip

    return steered(public_id, "campaign.retried", act)
