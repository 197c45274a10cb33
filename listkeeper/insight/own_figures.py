"""Own figures: what a business knows of its letters, filled into the profit calculator, each with where it comes from.

Only what was counted is filled in. What nobody can know, such as what is left
of an order or what a stamp costs, stays empty for its owner to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import posted_event, source_cost
from listkeeper.audience.posted_event import Sum
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.feedback import engagement, letter_figures
from listkeeper.foundation import clock, figure, language, money
from listkeeper.insight import channels
from listkeeper.insight.channel_draft import ChannelDraft, ProfitDraft

LETTERS = 3
ORDER = "order"
_EXACT = 10_000


@dataclass
class Prefilled:
    """A draft, and for some of its fields (as ``0.response``) a sentence that says where the value comes from."""

    draft: ProfitDraft
    said: dict[str, str] = field(default_factory=dict)


@dataclass
class _Total:
    """What the last letters add up to."""

    letters: int = 0
    sent: int = 0
    counted: int = 0
    clickers: int = 0
    lost: int = 0
    orders: int = 0
    turnover: int = 0
    currency: str = ""


def prefilled(session: Session, organisation: Organisation, *, practice: bool) -> Prefilled:
    """Return e-mail, as far as it was counted, beside a printed letter to the same number of people."""
    found = _last_letters(session, organisation)
    costs = source_cost.every(session, organisation)
    currency = (costs[0].currency if costs else "") or found.currency or _currency(organisation)
    values: dict[str, str] = {"mailings": "1", "decay": "0", "fixed_cost": "0"}
    said: dict[str, str] = {}
    _fill_people(session, organisation, found, values, said, practice=practice)
    _fill_response(found, values, said)
    _fill_orders(found, currency, values, said)
    if costs and all(each.currency == currency for each in costs):
        today = clock.now().date()
        paid = sum(source_cost.so_far(each, today) for each in costs)
        values["fixed_cost"] = figure.plain(Fraction(paid, 10 ** money.precision(currency)))
        said["fixed_cost"] = language.text("What your links have cost so far.")
    mail = ChannelDraft(language.text("Permission e-mail"), values)
    paper = {"people": values.get("people", ""), "mailings": "1", "decay": "0"}
    printed = ChannelDraft(language.text("Direct mail"), paper)
    told = {f"1.{name}": sentence for name, sentence in said.items()}
    if "people" in said:
        told["0.people"] = language.text("As many as your letters go to, so that the two can be compared.")
    return Prefilled(ProfitDraft(currency, [printed, mail]), told)


def _currency(organisation: Organisation) -> str:
    spoken: Mapping[str, str] = {"da": "DKK", "nb": "NOK", "sv": "SEK", "pl": "PLN", "ru": "RUB"}
    return spoken.get(organisation.language, money.CURRENCIES[0])


def last_letters(session: Session, organisation: Organisation) -> Sequence[Campaign]:
    """Return the letters whose figures are used: the last that have gone out whole, the newest first."""
    query = select(Campaign).where(
        Campaign.organisation_id == organisation.id,
        Campaign.kind == CampaignKind.LETTER,
        Campaign.state == CampaignState.FINISHED,
    )
    return session.scalars(query.order_by(Campaign.started_at.desc(), Campaign.id.desc()).limit(LETTERS)).all()


def _last_letters(session: Session, organisation: Organisation) -> _Total:
    found = _Total()
    sums: list[Sum] = []
    for letter in last_letters(session, organisation):
        figures = letter_figures.quickly(session, letter)
        if figures is None:
            # A large letter that the timetable has not counted yet; nobody waits here until it is.
            continue
        whole, clicked = figures.whole, engagement.of_campaign(session, letter.id)
        found.letters += 1
        found.sent += whole.accepted + figures.gone
        found.counted += clicked.counted
        found.clickers += clicked.clickers
        # Who complained is among those who left.
        found.lost += whole.left + figures.gone
        sums += [each for each in posted_event.of_campaign(session, letter.id) if each.name == ORDER]
    found.orders = sum(each.number for each in sums)
    # Turnover only where all are in one currency, and each has an amount.
    currencies = {each.currency for each in sums}
    if len(currencies) == 1 and currencies <= set(money.CURRENCIES):
        [found.currency], found.turnover = currencies, sum(each.amount for each in sums)
    return found


def _fill_people(  # noqa: PLR0913 - what is known, and what it fills
    session: Session,
    organisation: Organisation,
    found: _Total,
    values: dict[str, str],
    said: dict[str, str],
    *,
    practice: bool,
) -> None:
    if found.sent:
        values["people"] = str(found.sent // found.letters)
        said["people"] = language.counted(
            "What your last letter went to.", "The middle of your last %(number)s letters.", found.letters
        )
        if found.lost:
            values["decay"] = figure.plain(_share(found.lost, found.sent))
            said["decay"] = language.text("Who left, complained or could not be reached after these letters.")
        return
    _by_channel, reach = channels.reach(session, organisation, practice=practice)
    if reach:
        values["people"] = str(reach)
        said["people"] = language.text("Whom a letter would reach today.")


def _fill_response(found: _Total, values: dict[str, str], said: dict[str, str]) -> None:
    if found.counted:
        values["response"] = figure.plain(_share(found.clickers, found.counted))
        said["response"] = language.text(
            "Mails whose links are counted: %(all)s. Of these, with a link that a person followed: %(some)s.",
            all=language.number(found.counted),
            some=language.number(found.clickers),
        )


def _fill_orders(found: _Total, currency: str, values: dict[str, str], said: dict[str, str]) -> None:
    """Fill in who orders of those who follow a link: only the counted mails say of either that it was by the letter."""
    if not found.orders or not found.clickers:
        return
    share = min(Fraction(1), Fraction(found.orders, found.clickers))
    values["conversion"] = figure.plain(Fraction(figure.rounded(share * 100 * _EXACT), _EXACT))
    said["conversion"] = language.counted(
        "One order came by these letters.", "%(number)s orders came by these letters.", found.orders
    )
    if found.currency == currency:
        said["contribution"] = language.text(
            "An order was worth %(amount)s on average. Write what is left of it once the goods are paid.",
            amount=money.text(money.each(found.turnover, found.orders), currency),
        )


def _share(part: int, whole: int) -> Fraction:
    """Return a share in per cent, to the ten-thousandth, never above all."""
    return Fraction(min(100 * _EXACT, figure.rounded(Fraction(part * 100 * _EXACT, whole))), _EXACT)
