"""The lists, and who is on them."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import leaving_reason, mailing_list, resting, signup_form, subscription
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.web.studio import forms, member, page, words

blueprint = Blueprint("lists", __name__, url_prefix=page.ROOT)

_PAGE = 50


@blueprint.get("/lists")
def show() -> Response:
    """Show every list with its numbers and its sign-up form."""
    return _all()


def _all(*, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        lists = [
            (each, subscription.counts(session, each), signup_form.all_of(session, each))
            for each in mailing_list.all_of(session, owner)
        ]
        return page.answer(session, "lists", lists=lists, S=SubscriptionState, problem=problem, status=status)


@blueprint.post("/lists")
def create() -> Response | AnyResponse:
    """Make a list and its sign-up form."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            purpose = request.form.get("purpose", mailing_list.PURPOSE)
            made = mailing_list.create(session, owner, name=request.form.get("name", ""), purpose=purpose)
            signup_form.create(session, owner, made, show=form_snapshot.page_of)
            audit_log.record(session, owner.id, member.present().actor, "list.created", made.public_id)
            public_id = made.public_id
    except (Invalid, Conflict) as problem:
        return _all(problem=problem, status=422)
    said = language.text("The list and its sign-up form are ready.")
    return page.back_to("lists.show_one", said, public_id=public_id)


@blueprint.get("/lists/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one page of a list's people; htmx asks for the table alone."""
    search = request.args.get("search", "").strip()
    after = request.args.get("after", 0, type=int)
    with store.reading() as session:
        owner = organisation.only_one(session)
        shown = mailing_list.named(session, owner, public_id)
        people = subscription.page(session, shown, search=search, after=max(after, 0), limit=_PAGE + 1)
        return page.answer(
            session,
            "people" if page.is_fragment() else "list",
            mailing_list=shown,
            people=people[:_PAGE],
            more=people[_PAGE - 1][0].id if len(people) > _PAGE else None,
            search=search,
            after=after,
            counts=subscription.counts(session, shown),
            at_rest=resting.count(session, shown),
            reasons=_reasons(session, shown),
            told=leaving_reason.told(session, shown),
            forms=signup_form.all_of(session, shown),
            address_of=forms.address_of,
            S=SubscriptionState,
            say=words.subscription,
        )


def _reasons(session: Session, shown: MailingList) -> list[tuple[str, int]]:
    """Return why people left, the most frequent first; nobody's name stands beside it anywhere."""
    counted = leaving_reason.counts(session, shown)
    found = [(leaving_reason.in_words(why), number) for why, number in counted.items() if number]
    return sorted(found, key=lambda reason: -reason[1])
