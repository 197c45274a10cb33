"""The weekly mail about the board: when it is due, to whom it goes, and what it says.

It leaves on Monday at eight by the clock of the business, with the numbers of
the board and one suggestion. A machine that slept sends the newest one, if its
week is still young, and none of those it missed. It goes to whoever looks
after a number, or to every owner; each user can switch it off.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from listkeeper.accounts import storefront, user
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.foundation import clock, language
from listkeeper.insight import board
from listkeeper.insight.board import Card
from listkeeper.rendering.mails.board_mail import BoardRow, Written
from listkeeper.sending import board_mail
from listkeeper.sending.delivery import Delivery

_EIGHT = time(8)
# Past that the next one is near, and two within days help nobody.
LATEST = timedelta(days=3)


def week_due(session: Session, organisation: Organisation) -> date | None:
    """Return the Monday whose mail is due and not written yet; None when there is nothing to write."""
    zone = ZoneInfo(storefront.zone_of(session, organisation))
    here = clock.now().astimezone(zone)
    monday = here.date() - timedelta(days=here.weekday())
    due = datetime.combine(monday, _EIGHT, zone)
    if not due <= here <= due + LATEST or organisation.created_at >= due:
        return None
    return None if board_mail.of_week(session, organisation, monday) is not None else monday


def readers(session: Session, organisation: Organisation, cards: list[Card]) -> list[User]:
    """Return to whom it goes: those who look after a number, and every owner where a number has nobody."""
    wanted = user.board_readers(session, organisation.id)
    named = {each.pick.user for each in cards if each.owner}
    nobody = any(not each.owner for each in cards)
    return [each for each in wanted.values() if each.public_id in named or (nobody and each.owns)]


def post_due(session: Session, organisation: Organisation) -> list[Delivery]:
    """Write the mail of this week and queue it; nothing where none is due."""
    week = week_due(session, organisation)
    if week is None:
        return []
    with language.using(organisation.language):
        cards = board.show(session, organisation)
        written = _written(week, cards)
    return board_mail.post(session, organisation, week, written.as_json(), readers(session, organisation, cards))


def _written(week: date, cards: list[Card]) -> Written:
    first = board.most_urgent(cards)
    rows = tuple(BoardRow(each.title, each.value or "\N{EN DASH}", each.status_words, _about(each)) for each in cards)
    said = language.text("This is how things stood on %(day)s.", day=language.day(week))
    if first is None:
        advice = language.text("All is well. One more thing that helps is below.")
        first = cards[0]
    else:
        advice = language.text("One thing to do this week, about “%(number)s”:", number=first.title)
    return Written(said, rows, advice, first.action.words, first.action.path)


def _about(each: Card) -> str:
    return " · ".join(part for part in (each.target, each.change, each.detail) if part) or each.sentence
