"""How each number of the board is measured: one function a kind, each a few questions to the database.

A measurement may take seconds on a very long list, so a job does it
(``board_value``) and pages read what it kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import lifecycle, mailing_list, signup_form, source, source_cost
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.feedback import engagement, promise
from listkeeper.foundation import clock
from listkeeper.insight import board_counts, board_reading, board_trust, brought, channels, clean_up
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_reading import Reading, Unknown
from listkeeper.insight.board_trust import Part, Stand
from listkeeper.insight.brought import Brought

_WEEK, _MONTH, _QUARTER = timedelta(days=7), timedelta(days=30), timedelta(days=90)
# Before that its links may not be counted yet, and a few hours of clicks are no match for all of the letter before.
_READ_BY_MANY = timedelta(hours=24)
# A form that fewer people used tells nothing.
ENOUGH_SIGNUPS = 20
_ORDER = "order"
_LEFT = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED)


def measure(session: Session, organisation: Organisation, kind: NumberKind, *, practice: bool) -> Reading:
    """Measure one number now. In practice mode the demo's people are readers too."""
    if kind is NumberKind.REACH:
        return _reach(session, organisation, practice=practice)
    return _MEASURES[kind](session, organisation)


def _new_confirmed(session: Session, organisation: Organisation) -> Reading:
    value, before = board_counts.came(session, organisation, clock.now() - _WEEK)
    weak = _weakest(session, organisation)
    facts = {"form": weak[0], "confirmed_of_1000": weak[1]} if weak else {}
    return Reading(value, before, {**facts, **_first_places(session, organisation)})


def _first_places(session: Session, organisation: Organisation) -> dict[str, str]:
    """Return the first list and form that are in use, to which an action may lead."""
    for each in mailing_list.all_of(session, organisation):
        if each.state is ListState.ACTIVE and not each.is_service:
            form = next(iter(signup_form.all_of(session, each)), None)
            return {"list": each.public_id, **({"first_form": form.public_id} if form else {})}
    return {}


def _clicked_last(session: Session, organisation: Organisation) -> Reading:
    letters = session.scalars(_sent(organisation).where(Campaign.started_at <= clock.now() - _READ_BY_MANY)).all()
    if not letters:
        young = session.scalars(_sent(organisation)).first()
        if young is None:
            return board_reading.unknown(Unknown.NOTHING_SENT, **_first_places(session, organisation))
        return board_reading.unknown(Unknown.TOO_YOUNG, **_named(young))
    last = engagement.of_campaign(session, letters[0].id)
    if not last.counted:
        return board_reading.unknown(Unknown.NO_LINKS_COUNTED, **_named(letters[0]))
    former = engagement.of_campaign(session, letters[1].id) if len(letters) > 1 else None
    before = brought.per_mille(former.clickers, former.counted) if former else None
    return board_reading.share(last.clickers, last.counted, before, **_named(letters[0]))


def _sent(organisation: Organisation) -> Select[Campaign]:
    """Select the two letters that left last, the newer one first."""
    return (
        select(Campaign)
        .where(
            Campaign.organisation_id == organisation.id,
            Campaign.kind == CampaignKind.LETTER,
            Campaign.state.in_(_LEFT),
            Campaign.started_at.is_not(None),
        )
        .order_by(Campaign.started_at.desc(), Campaign.id.desc())
        .limit(2)
    )


def _named(letter: Campaign) -> dict[str, str]:
    return {"letter": letter.public_id, "list": letter.mailing_list.public_id}


def _trust(session: Session, organisation: Organisation) -> Reading:
    found = board_trust.look(session, organisation)
    parts = {each.part.value: each.stand.value for each in found}
    bad = [each for each in found if each.stand is Stand.REPAIR]
    open_ones = [each for each in found if each.stand is Stand.UNKNOWN]
    # The one thing to do first: what is broken, else what its owner can find out soonest.
    first = next(iter([*bad, *sorted(open_ones, key=lambda each: each.part is Part.COMPLAINTS)]), None)
    facts = {"parts": parts, "first": first.part.value if first else "", "subject": first.subject if first else ""}
    if not bad and open_ones:
        return board_reading.unknown(Unknown.PARTS, **facts)
    return Reading(len(bad), None, facts)


def _replies_in_time(session: Session, organisation: Organisation) -> Reading:
    figure = promise.figure(session, organisation, clock.now() - _MONTH)
    if not figure.letters:
        return board_reading.unknown(Unknown.NOBODY_WROTE)
    return board_reading.share(figure.in_time, figure.letters, waiting=figure.alone)


def _weakest_form(session: Session, organisation: Organisation) -> Reading:
    weak = _weakest(session, organisation)
    if weak is None:
        return board_reading.unknown(Unknown.FEW_SIGNUPS, **_first_places(session, organisation))
    form, _rate, confirmed, asked = weak
    return board_reading.share(confirmed, asked, form=form)


def _weakest(session: Session, organisation: Organisation) -> tuple[str, int, int, int] | None:
    """Return the form by which the fewest confirm: its id, thousandths, how many confirmed, how many were asked.

    Only questions that could have been answered by now are counted.
    """
    moment = clock.now()
    asked = func.count().label("asked")
    query = (
        select(SignupForm.public_id, func.count(Confirmation.used_at), asked)
        .select_from(Confirmation)
        .join(SignupFormVersion, SignupFormVersion.id == Confirmation.form_version_id)
        .join(SignupForm, SignupForm.id == SignupFormVersion.form_id)
        .where(
            Confirmation.kind == AskKind.CONFIRM,
            Confirmation.created_at > moment - _QUARTER,
            Confirmation.created_at < moment - timedelta(hours=1),
            SignupForm.list_id.in_([each.id for each in mailing_list.all_of(session, organisation)]),
        )
        .group_by(SignupForm.id, SignupForm.public_id)
        .having(asked >= ENOUGH_SIGNUPS)
    )
    rows = [(row[0], brought.per_mille(row[1], row[2]) or 0, row[1], row[2]) for row in session.execute(query)]
    return min(rows, key=lambda row: (row[1], row[0]), default=None)


def _never_reacted(session: Session, organisation: Organisation) -> Reading:
    """Add up what was counted of each list (``clean_up``), which is what the page of the clean-up shows."""
    lists = clean_up.lists(session, organisation)
    if not lists:
        return board_reading.unknown(Unknown.NO_LIST)
    found = [(each, known) for each in lists if (known := clean_up.kept(session, each)) is not None]
    judged = sum(known.judged for _, known in found)
    most = max(found, key=lambda row: row[1].silent, default=None)
    place = most[0].public_id if most else lists[0].public_id
    if not judged:
        return board_reading.unknown(Unknown.NOBODY_JUDGED, list=place)
    return board_reading.share(sum(known.silent for _, known in found), judged, list=place)


def _cost_of_one(session: Session, organisation: Organisation) -> Reading:
    costs = source_cost.every(session, organisation)
    if not costs:
        return board_reading.unknown(Unknown.NO_COSTS)
    paid = {cost.source_id for cost in costs}
    places = [each for each in source.every(session, organisation) if each.id in paid]
    whole = Brought()
    for each in brought.by_source(session, places, costs).values():
        whole.add(each)
    if whole.cost_of_one is None:
        return board_reading.unknown(Unknown.NOBODY_CONFIRMED)
    return Reading(whole.cost_of_one, None, {"currency": whole.currency})


def _left(session: Session, organisation: Organisation) -> Reading:
    value, before = board_counts.left(session, organisation, clock.now() - _MONTH)
    return Reading(value, before, dict(_first_places(session, organisation)))


def _ending_soon(session: Session, organisation: Organisation) -> Reading:
    rows = lifecycle.warnings(session, organisation)
    most = max(rows, key=lambda row: row.expiring + row.unused + row.dormant, default=None)
    facts = {"list": most.list_public_id} if most else _first_places(session, organisation)
    ending = sum(row.expiring + row.unused + row.dormant for row in rows)
    return Reading(ending, None, {**facts, "lists": [asdict(row) for row in rows]})


def _orders(session: Session, organisation: Organisation) -> Reading:
    row, moment = PostedEvent, clock.now()
    theirs = (row.organisation_id == organisation.id, row.name == _ORDER)
    if session.scalars(select(row.id).where(*theirs).limit(1)).first() is None:
        return board_reading.unknown(Unknown.NO_ORDERS_TOLD)
    since = moment - _MONTH
    query = select(func.count().filter(row.at >= since), func.count().filter(row.at < since)).where(
        *theirs, or_(row.campaign_id != 0, row.apart), row.at >= since - _MONTH
    )
    value, before = session.execute(query).one()
    return Reading(value, before, dict(_first_places(session, organisation)))


def _reach(session: Session, organisation: Organisation, *, practice: bool) -> Reading:
    places = _first_places(session, organisation)
    if not places:
        return board_reading.unknown(Unknown.NO_LIST)
    return Reading(channels.reach(session, organisation, practice=practice)[1], None, dict(places))


_MEASURES: dict[NumberKind, Callable[[Session, Organisation], Reading]] = {
    NumberKind.NEW_CONFIRMED: _new_confirmed,
    NumberKind.CLICKED_LAST: _clicked_last,
    NumberKind.TRUST: _trust,
    NumberKind.REPLIES_IN_TIME: _replies_in_time,
    NumberKind.WEAKEST_FORM: _weakest_form,
    NumberKind.NEVER_REACTED: _never_reacted,
    NumberKind.COST_OF_ONE: _cost_of_one,
    NumberKind.LEFT: _left,
    NumberKind.ENDING_SOON: _ending_soon,
    NumberKind.ORDERS: _orders,
}
