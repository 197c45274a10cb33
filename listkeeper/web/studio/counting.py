"""What is counted of letters: what readers have chosen, how humans are told from machines, and links to the shop."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, shop_hosts
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.feedback import conversion_ref
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("counting", __name__, url_prefix=f"{page.ROOT}/settings/counting")
_MOST_TYPED = 4_000


@dataclass(frozen=True)
class Chosen:
    """What the people on one list have chosen."""

    name: str
    by_name: int
    # Those of them who said yes to words that spoke of links alone.
    links_alone: int
    as_number: int
    people: int

    @property
    def nothing(self) -> int:
        """How many are not counted at all."""
        return self.people - self.by_name - self.as_number


@blueprint.get("")
def show() -> Response:
    """Show what readers have chosen, and the hosts of the shop."""
    return _shown()


@blueprint.post("")
def choose() -> Response | AnyResponse:
    """Name the hosts of the shop, and say whether links to them carry a mark."""
    typed, marks = request.form.get("hosts", "")[:_MOST_TYPED], request.form.get("marks") == "1"
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            shop_hosts.choose(owner, typed, marks=marks)
            who = member.present().actor
            audit_log.record(session, owner.id, who, "organisation.shop_hosts_chosen", owner.public_id)
    except Invalid as problem:
        return _shown(problem, typed, marks=marks)
    if marks:
        return page.back_to("counting.show", language.text("Saved. Links to your shop carry the mark from now on."))
    return page.back_to("counting.show", language.text("Saved. Links to your shop carry no mark."))


def _shown(problem: Invalid | None = None, typed: str | None = None, *, marks: bool = False) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        return page.answer(
            session,
            "counting",
            status=422 if problem else 200,
            problem=problem,
            lists=_chosen(session),
            hosts="\n".join(shop_hosts.of(owner)) if typed is None else typed,
            marks=owner.marks_shop_links if typed is None else marks,
            parameter=conversion_ref.PARAMETER,
            days=conversion_ref.LIFETIME.days,
        )


def _chosen(session: Session) -> list[Chosen]:
    """Return what people have chosen, list by list; few choose, and only those few are counted one by one."""
    on_list = Subscription.state == SubscriptionState.CONFIRMED
    by_name, opens = Subscription.tracking_since, Subscription.opens_since
    either = by_name.is_not(None) | Subscription.counted_since.is_not(None)
    chosen = (
        select(Subscription.list_id, *(func.count(since) for since in (by_name, opens, Subscription.counted_since)))
        .where(either, on_list)
        .group_by(Subscription.list_id)
    )
    known = {row[0]: (row[1], row[1] - row[2], row[3]) for row in session.execute(chosen)}
    everybody = select(Subscription.list_id, func.count()).where(on_list).group_by(Subscription.list_id)
    people = {row[0]: row[1] for row in session.execute(everybody)}
    lists = select(MailingList).where(MailingList.state == ListState.ACTIVE).order_by(MailingList.id)
    return [
        Chosen(each.name, *known.get(each.id, (0, 0, 0)), people.get(each.id, 0)) for each in session.scalars(lists)
    ]
