"""What an owner reads elsewhere of where people come from: sources, visits, costs, followers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from listkeeper.audience.followers import FollowerCount
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.visit import SourceVisit

Rows = Select[*tuple[Any, ...]]


def sources() -> Rows:
    """Return all sources, each with how many people it brought to its list first."""
    came = (
        select(func.count())
        .select_from(Subscription)
        .where(Subscription.source_id == Source.id)
        .correlate(Source)
        .scalar_subquery()
    )
    return (
        select(
            Source.public_id.label("id"),
            Source.slug,
            Source.name,
            Source.channel,
            MailingList.slug.label("list"),
            SignupForm.slug.label("form"),
            Source.utm,
            came.label("people"),
            Source.created_at,
            Source.archived_at,
        )
        .join(SignupForm, SignupForm.id == Source.form_id)
        .join(MailingList, MailingList.id == SignupForm.list_id)
        .order_by(Source.id)
    )


def visits() -> Rows:
    """Return the visits of each source, day by day."""
    return (
        select(Source.slug.label("source"), SourceVisit.day, SourceVisit.people, SourceVisit.machines)
        .join(Source, Source.id == SourceVisit.source_id)
        .order_by(SourceVisit.source_id, SourceVisit.day)
    )


def costs() -> Rows:
    """Return the costs as they were typed in, in minor units."""
    cost = SourceCost
    return (
        select(
            Source.slug.label("source"),
            cost.amount.label("amount_in_minor_units"),
            cost.currency,
            cost.per,
            cost.starts_on,
            cost.ends_on,
        )
        .join(Source, Source.id == cost.source_id)
        .order_by(cost.id)
    )


def followers() -> Rows:
    """Return the counts of followers."""
    row = FollowerCount
    return select(row.channel, row.counted_on, row.number.label("followers")).order_by(row.channel, row.counted_on)
