"""Test sends: a letter as it stands, to one typed address, to the seed list, or into the inbox of this studio.

Each is marked as a test, limited by the hour, and counted nowhere. What goes
into the inbox leaves nowhere: it is the very message all the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, assert_never

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation, seed_address
from listkeeper.campaigns import campaign as campaigns
from listkeeper.foundation import language
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.sending import inbox_test, planning, seed_test
from listkeeper.web.studio import member, page

blueprint = Blueprint("test_send", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")


class Where(StrEnum):
    """Where a test goes."""

    TYPED = "typed"
    SEEDS = "seeds"
    INBOX = "inbox"


def offered(session: Session) -> dict[str, Any]:
    """Return what ``studio/test_send.html`` needs beside the letter."""
    return {"seeds": seed_address.count(session, organisation.only_one(session)), "most_seeds": seed_address.MOST}


@blueprint.post("/test")
def send(public_id: str) -> AnyResponse:
    """Send the saved letter as a test, whole or not at all."""
    wanted = request.form.get("where", Where.TYPED.value)
    where = Where(wanted) if wanted in set(Where) else Where.TYPED
    try:
        match where:
            case Where.TYPED:
                said = _to_one(public_id, request.form.get("to", "").strip())
            case Where.SEEDS:
                said = _to_seeds(public_id)
            case Where.INBOX:
                return _into_the_inbox(public_id, request.form.get("to", "").strip())
            case other:
                assert_never(other)
    except ListkeeperError as problem:
        return page.back_to("composer.show", problem.message, "bad", public_id=public_id)
    return page.back_to("composer.show", said, public_id=public_id)


def _to_one(public_id: str, typed: str) -> str:
    settings = page.settings()
    with store.transaction() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, public_id)
        planning.mail_test(session, owner, letter, typed, site=settings.site, per_hour=settings.tests_per_hour)
        audit_log.record(session, owner.id, member.present().actor, "campaign.tested", public_id)
    if settings.practice:
        return language.text("The test is on its way to the practice inbox. Nothing left this machine.")
    return language.text("The test is on its way to %(address)s.", address=typed)


def _to_seeds(public_id: str) -> str:
    settings = page.settings()
    with store.transaction() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, public_id)
        made = seed_test.mail(session, owner, letter, site=settings.site, per_hour=settings.tests_per_hour)
        audit_log.record(session, owner.id, member.present().actor, "campaign.tested", public_id)
        number = len(made)
    if settings.practice:
        return language.counted(
            "%(number)s test is on its way to the practice inbox. Nothing left this machine.",
            "%(number)s tests are on their way to the practice inbox. Nothing left this machine.",
            number,
        )
    return language.counted(
        "The test is on its way to %(number)s seed address.",
        "The test is on its way to %(number)s seed addresses.",
        number,
    )


def _into_the_inbox(public_id: str, typed: str) -> AnyResponse:
    settings = page.settings()
    with store.transaction() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, public_id)
        ready = inbox_test.begin(
            session,
            owner,
            letter,
            typed,
            site=settings.site,
            per_hour=settings.tests_per_hour,
            back_to=settings.return_path,
        )
        audit_log.record(session, owner.id, member.present().actor, "campaign.tested", public_id)
    kept = inbox_test.keep(ready, parts.practice_folder())
    with store.transaction() as session:
        inbox_test.end(session, ready, kept)
    if kept.problem is not None:
        raise kept.problem
    if not member.present().owns:
        said = language.text("The test lies in the inbox of this studio, which only owners can open. Nothing left it.")
        return page.back_to("composer.show", said, public_id=public_id)
    said = language.text("The test lies here, as it would have left. Nothing left this machine.")
    return page.back_to("inbox.show_one", said, key=kept.key)
