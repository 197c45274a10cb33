"""Visits: that a link of a letter was followed, or a letter opened, when, and by what kind of program.

A visit names the delivery, and so the person, only while her consent to
tracking stands (``audience.tracking``); else it is a number for the link. That
a letter by name was opened is taken down only while her yes to that stands,
and else not at all. Of who chose to be counted without her name it holds the
random number of one mail, which is drawn while the mail is written and stored
nowhere with it: it says that two visits are of one mail, never of whose, and is
forgotten a day later. No network is kept, and no rule of permission reads any of it. What is
a human and what a machine is decided later (``feedback.engagement``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Index,
    Insert,
    Join,
    ScalarSelect,
    Select,
    String,
    bindparam,
    exists,
    func,
    insert,
    join,
    select,
    text,
    update,
)
from sqlalchemy import Table as Schema
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import TypeEngine

from listkeeper.audience import activity, tracking
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.foundation import clock, columns, signing
from listkeeper.foundation.among import among, given
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import Delivery

_FOLLOW = "follow"
_FOLLOW_UNNAMED = "follow-unnamed"
_NUMBER_BYTES = 8
_MAIL_BITS = 62


class Agent(StrEnum):
    """What a visitor calls itself; its words are not kept."""

    BROWSER = "browser"
    # A scanner, a preview, a crawler, or a browser that fetches ahead.
    PROGRAM = "program"
    # The picture store of a mail program (Gmail, Yahoo): it fetches when somebody reads, or when it likes.
    PROXY = "proxy"


class Verdict(StrEnum):
    """What a visit was, as far as anybody can tell."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class LinkVisit(Table):
    """One visit. It holds no foreign keys: PostgreSQL would lock, and so write, the link's row for each visit."""

    __tablename__ = "link_visit"

    id: Mapped[int] = columns.row_id()
    link_id: Mapped[int] = mapped_column(columns.RowId)
    # Whose letter it was; empty where nobody agreed to be seen, or no longer.
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    at: Mapped[datetime] = columns.created_at()
    agent: Mapped[Agent] = columns.enum(Agent)
    # Of whoever is counted without her name: the random number of her mail, for a day.
    mail_number: Mapped[int | None] = mapped_column(BigInteger)
    # Empty until it was judged.
    verdict: Mapped[Verdict | None] = columns.enum(Verdict, nullable=True)

    __table_args__ = (
        Index(
            "ix_link_visit_delivery",
            "delivery_id",
            postgresql_where=delivery_id.is_not(None),
            sqlite_where=delivery_id.is_not(None),
        ),
        Index(
            "ix_link_visit_mail",
            "mail_number",
            postgresql_where=mail_number.is_not(None),
            sqlite_where=mail_number.is_not(None),
        ),
        Index("ix_link_visit_unjudged", "at", postgresql_where=verdict.is_(None), sqlite_where=verdict.is_(None)),
    )


@dataclass(frozen=True)
class Named:
    """What the address of a counted link names: whose letter (0: nobody's by name), and which stored link.

    ``mail_number`` is 0 where the letter is named.
    """

    delivery_id: int
    link_id: int
    mail_number: int = 0


def token_of(delivery_id: int, link_id: int) -> str:
    """Return the token of one link in one delivery; it holds no address and never expires."""
    return signing.sealed(_FOLLOW, _bytes_of(delivery_id) + _bytes_of(link_id))


def unnamed_token(mail_number: int, link_id: int) -> str:
    """Return the token of one link in a mail that is counted without its reader's name; it never expires either."""
    return signing.sealed(_FOLLOW_UNNAMED, _bytes_of(mail_number) + _bytes_of(link_id))


def drawn_number() -> int:
    """Draw the number of one mail: nothing that we keep leads from it to the mail."""
    return secrets.randbits(_MAIL_BITS) + 1


def _bytes_of(number: int) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big")


def read(token: str) -> Named | None:
    """Return what a token names, or None when it is not one of ours."""
    body = signing.opened(_FOLLOW, token, 2 * _NUMBER_BYTES)
    if body is not None:
        return Named(int.from_bytes(body[:_NUMBER_BYTES], "big"), int.from_bytes(body[_NUMBER_BYTES:], "big"))
    body = signing.opened(_FOLLOW_UNNAMED, token, 2 * _NUMBER_BYTES)
    if body is not None:
        return Named(0, int.from_bytes(body[_NUMBER_BYTES:], "big"), int.from_bytes(body[:_NUMBER_BYTES], "big"))
    return None


def counted(
    site: str, delivery_id: int, urls: Sequence[str], numbers: Mapping[str, int], *, mail_number: int = 0
) -> Callable[[int], str] | None:
    """Return what gives the counted address of a letter's n-th link; None where none of them is stored.

    With the number of a mail the addresses name that, and not the delivery.
    """
    if not numbers:
        return None

    def address(place: int) -> str:
        number = numbers.get(urls[place])
        if number is None:
            return urls[place]
        token = unnamed_token(mail_number, number) if mail_number else token_of(delivery_id, number)
        return f"{site}/l/{token}"

    return address


def add(session: Session, visits: Sequence[tuple[Named, Agent]]) -> list[None]:
    """Add visits: each with its delivery if her consent stands at this moment, else without."""
    rows = [(named.link_id, named.delivery_id, agent.value, named.mail_number or None) for named, agent in visits]
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        arrays = dict(zip(_KINDS, map(list, zip(*rows, strict=True)), strict=True))
        connection.execute(_ADD_ARRAYS, arrays | {"moment": clock.now()})
    else:
        connection.execute(_ADD_JSON, {"visits": json.dumps(rows), "moment": clock.now()})
    return [None] * len(visits)


def add_opened(session: Session, visits: Sequence[tuple[Named, Agent]]) -> list[None]:
    """Add that letters by name were opened, of those whose readers' consent to that stands at this moment."""
    rows = _PICTURES.rows(session.connection(), {"ids": sorted({named.delivery_id for named, _agent in visits})})
    known = {(row[0], row[1]) for row in rows}
    opened = [(named, agent) for named, agent in visits if (named.delivery_id, named.link_id) in known]
    if opened:
        add(session, opened)
    return [None] * len(visits)


def _with_readers() -> Join:
    """Return deliveries, each with its reader and what she chose for its list."""
    hers = (Subscription.subscriber_id == Subscriber.id) & (Subscription.list_id == Delivery.list_id)
    with_people = join(Delivery, Subscriber, Subscriber.id == Delivery.subscriber_id)
    return join(with_people, Subscription, hers)


def _seen(delivery: ColumnElement[int]) -> ScalarSelect[int]:
    """Return a delivery's own number if its reader lets it be seen now, else nothing."""
    hers = select(Delivery.id).select_from(_with_readers())
    return hers.where(Delivery.id == delivery, tracking.stands()).scalar_subquery()


def _addition(rows: FromClause, places: Sequence[ColumnElement[Any]]) -> Insert:
    """Return the statement that adds every row given as link, delivery, agent and number of the mail."""
    link, delivery, agent, mail = places
    return insert(_ROWS).from_select(
        ["link_id", "delivery_id", "agent", "mail_number", "at"],
        select(link, _seen(delivery), agent, mail, bindparam("moment", type_=_ROWS.c.at.type)).select_from(rows),
        include_defaults=False,
    )


_DELIVERY, _LINK = Delivery.__table__.c, CampaignLink.__table__.c
_PICTURES = CompiledOnce(
    select(_DELIVERY.id, _LINK.id)
    .select_from(_with_readers())
    .join(CampaignLink, (_LINK.revision_id == _DELIVERY.revision_id) & (_LINK.role == LinkRole.PICTURE))
    .where(among(_DELIVERY.id, "ids"), tracking.opens())
)
# Built once: that takes longer than running them. All visits are one parameter, as each database takes many.
_ROWS = cast("Schema", LinkVisit.__table__)
_KINDS: dict[str, TypeEngine[Any]] = {
    "link": BigInteger(), "delivery": BigInteger(), "agent": String(), "mail": BigInteger(),
}  # fmt: skip
_ARRAYS = given("given", **_KINDS)
_ADD_ARRAYS = _addition(_ARRAYS, list(_ARRAYS.c))
_LINES = func.json_each(bindparam("visits", type_=String)).table_valued("value", name="given")
_ADD_JSON = _addition(
    _LINES, [func.json_extract(_LINES.c.value, f"$[{place}]", type_=kind) for place, kind in enumerate(_KINDS.values())]
)


def by_human() -> ColumnElement[bool]:
    """Return the SQL condition that a human followed a link, as far as it is known: a new one waits to be judged.

    That a letter was opened is none: it says too little for anything to rest on it.
    """
    not_found_out = LinkVisit.verdict.is_(None) | (LinkVisit.verdict == Verdict.HUMAN)
    opened = exists().where(CampaignLink.id == LinkVisit.link_id, CampaignLink.role == LinkRole.PICTURE)
    return (LinkVisit.agent == Agent.BROWSER) & not_found_out & ~opened


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """Return what is held of a person, oldest first: where she went and when. What she opened: ``opening``."""
    query = (
        select(LinkVisit.at, CampaignLink.url, LinkVisit.agent)
        .join(CampaignLink, CampaignLink.id == LinkVisit.link_id)
        .join(Delivery, Delivery.id == LinkVisit.delivery_id)
        .where(Delivery.subscriber_id == subscriber_id, CampaignLink.role == LinkRole.LINK)
        .order_by(LinkVisit.id)
    )
    return [{"at": row[0], "link": row[1], "by": row[2]} for row in session.execute(query)]


def let_go(session: Session, subscriber_id: int) -> None:
    """Let her visits be numbers, and her clicks be forgotten, but for the lists for which her consent stands."""
    if session.get_bind().dialect.name == "postgresql":
        # A visit that was begun before her consent ended may not be committed yet; those to come know that it has.
        session.execute(text("LOCK TABLE link_visit IN SHARE ROW EXCLUSIVE MODE"))
    still = select(Subscription.list_id).where(
        Subscription.subscriber_id == subscriber_id, Subscription.tracking_since.is_not(None)
    )
    hers = select(Delivery.id).where(Delivery.subscriber_id == subscriber_id)
    _make_numbers(session, hers.where(Delivery.list_id.not_in(still)))
    ended = select(Activity.list_id).where(Activity.subscriber_id == subscriber_id, Activity.list_id.not_in(still))
    over = list(session.scalars(ended.where(Activity.kind == ActivityKind.CLICKED).distinct()))
    if over:
        activity.forget(session, subscriber_id, lists=over, kind=ActivityKind.CLICKED)


def forget(session: Session, subscriber_id: int) -> None:
    """Let all of a person's visits be numbers; whoever erases her calls this."""
    _make_numbers(session, select(Delivery.id).where(Delivery.subscriber_id == subscriber_id))


def _make_numbers(session: Session, hers: Select[int]) -> None:
    session.execute(
        update(LinkVisit)
        .where(LinkVisit.delivery_id.in_(hers))
        .values(delivery_id=None)
        .execution_options(synchronize_session=False)
    )
