"""What channels earn, in words: the lines of the table, and the sentences that say which one wins and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from listkeeper.foundation import figure, language, money
from listkeeper.insight import channel_profit
from listkeeper.insight.channel_draft import MONEY, WHOLE, ChannelDraft
from listkeeper.insight.channel_profit import ChannelResult, Together
from listkeeper.insight.profit_scenario import Outcome

Either = ChannelResult | Together


@dataclass(frozen=True)
class Line:
    """One line: its key for programs, its words, and a cell for each channel and, at the end, for all together."""

    key: str
    label: str
    cells: Sequence[str]
    # Printed in bold: what the eye looks for.
    strong: bool = False


def labels() -> dict[str, str]:
    """Return what the fields are called."""
    return {
        "people": language.text("People it goes to"),
        "mailings": language.text("Mailings"),
        "piece_cost": language.text("Cost of one piece"),
        "fixed_cost": language.text("Fixed cost, once"),
        "response": language.text("Response"),
        "conversion": language.text("Of those who respond, order"),
        "contribution": language.text("Left of one order"),
        "decay": language.text("Lost from one mailing to the next"),
        "overlap": language.text("Reached by every channel"),
        "synergy": language.text("They order more by"),
    }


def hints() -> dict[str, str]:
    """Return what stands below the fields that need it."""
    return {
        "people": language.text("How many the first mailing goes to."),
        "piece_cost": language.text("Print and postage, or what a mail costs. It may be finer than a coin."),
        "fixed_cost": language.text("Design, text, a subscription: what is paid however many it goes to."),
        "response": language.text("Of 100 who get it, how many follow the link, call or bring the coupon."),
        "contribution": language.text("What an order leaves once the goods are paid; not the turnover."),
        "decay": language.text("Of 100 on the list, how many leave or cannot be reached any more."),
        "overlap": language.text("Of 100 people on the smallest list, how many the other channels reach as well."),
        "synergy": language.text("Your own guess; 0 takes nothing for granted, less than 0 is fewer orders."),
    }


def given(outcome: Outcome) -> list[Line]:
    """Return what was typed in, line by line, as people write it."""
    called = labels()
    return [
        Line(name, label, [_typed(each, name, outcome.draft.currency) for each in outcome.draft.channels])
        for name, label in called.items()
        if name not in {"overlap", "synergy"}
    ]


def _typed(channel: ChannelDraft, name: str, currency: str) -> str:
    value = channel.value(name)
    if not value:
        return ""
    number = Fraction(value)
    if name in WHOLE:
        return language.number(int(number))
    if name not in MONEY:
        return figure.percent(number / 100, 6)
    coins = number * 10 ** money.precision(currency)
    # What a mail costs is written out where it is finer than a coin.
    return money.text(int(coins), currency) if coins.denominator == 1 else f"{figure.text(number, 6)} {currency}"


def lines(outcome: Outcome) -> list[Line]:
    """Return what comes of it, line by line; an open channel has empty cells."""
    every: list[Either | None] = [*outcome.results, *([outcome.together] if outcome.together else [])]
    currency = outcome.draft.currency

    def cash(amount: int | None) -> str:
        return money.text(amount, currency) if amount is not None else ""

    def line(key: str, label: str, cell: Callable[[Either], str], *, strong: bool = False) -> Line:
        return Line(key, label, [cell(each) if each is not None else "" for each in every], strong)

    return [
        line("pieces", language.text("Pieces sent"), lambda one: language.number(one.pieces)),
        line("responses", language.text("Responses"), lambda one: figure.text(one.responses, 1)),
        line("orders", language.text("Orders"), lambda one: figure.text(one.orders, 1)),
        line("contribution", language.text("Left of the orders"), lambda one: cash(one.contribution)),
        line("cost", language.text("Cost in all"), lambda one: cash(one.cost)),
        line("profit", language.text("Profit"), lambda one: cash(one.profit), strong=True),
        line("profit_a_person", language.text("For each person"), lambda one: cash(one.profit_a_person)),
        line(
            "roi",
            language.text("Return on the cost"),
            lambda one: figure.percent(one.roi) if one.roi is not None else "",
        ),
        line("cost_of_order", language.text("Cost of one order"), lambda one: cash(one.cost_of_order)),
        line("break_even_response", language.text("Pays for itself from a response of"), _response),
        line("break_even_people", language.text("Pays for itself from so many people"), _people),
    ]


def _response(one: Either) -> str:
    if isinstance(one, Together):
        return ""
    needed = one.break_even_response
    if needed is None or needed > 1:
        return language.text("at no response") if one.cost else ""
    # Rounded up: at the response that is shown nothing is lost.
    return figure.percent(Fraction(math.ceil(needed * 10_000), 10_000), 2)


def _people(one: Either) -> str:
    if isinstance(one, Together):
        return ""
    needed = one.break_even_people
    return language.number(needed) if needed is not None else language.text("at no number")


def verdict(outcome: Outcome) -> list[str]:
    """Return in sentences which channel wins and why, what all earn together, and what is still open."""
    settled, currency = outcome.settled, outcome.draft.currency
    missing = [each.name for each, found in zip(outcome.draft.channels, outcome.results, strict=True) if found is None]
    said = _winner(settled, currency) if settled else []
    if outcome.together is not None:
        said += _both(outcome.together, outcome, currency)
    if missing:
        named = language.listed([f"“{name}”" for name in missing])
        said.append(language.text("Fill in the empty fields to see what comes of %(names)s.", names=named))
    return said


def _winner(settled: Sequence[ChannelResult], currency: str) -> list[str]:
    first = channel_profit.best(settled)
    profit = first[0].profit
    named = language.listed([f"“{each.plan.name}”" for each in first])
    # No sentence ends with an amount: in some languages the name of the currency has a full stop of its own.
    about = {"names": named, "amount": money.text(abs(profit), currency)}
    if profit < 0 and len(settled) == 1:
        said = language.text("At these numbers %(names)s loses %(amount)s: it does not earn its cost.", **about)
    elif profit < 0:
        said = language.text(
            "At these numbers no channel earns its cost. The smallest loss is %(amount)s, by %(names)s.", **about
        )
    elif profit == 0:
        said = language.text("At these numbers nothing is left, and nothing is lost.")
    elif len(first) > 1:
        said = language.text("At these numbers %(amount)s is left by each of %(names)s.", **about)
    elif len(settled) == 1:
        said = language.text("At these numbers %(amount)s is left by %(names)s.", **about)
    else:
        said = language.text("At these numbers the most is earned by %(names)s: %(amount)s in all.", **about)
    return [said, *(_why(settled, currency) if len(settled) > 1 else [])]


def _why(settled: Sequence[ChannelResult], currency: str) -> list[str]:
    by_person = [(each, each.profit_a_person) for each in settled if each.profit_a_person is not None]
    by_order = [(each, each.cost_of_order) for each in settled if each.cost_of_order is not None]
    said = []
    if by_person:
        amounts = _each(by_person, currency)
        said.append(language.text("For each person this is %(amounts)s.", amounts=amounts))
    if by_order:
        said.append(language.text("One order costs %(amounts)s.", amounts=_each(by_order, currency)))
    return said


def _each(found: Sequence[tuple[ChannelResult, int]], currency: str) -> str:
    return language.listed(
        [
            language.text("%(amount)s by “%(name)s”", amount=money.text(amount, currency), name=each.plan.name)
            for each, amount in found
        ]
    )


def _both(together: Together, outcome: Outcome, currency: str) -> list[str]:
    amount, synergy = money.text(abs(together.profit), currency), Fraction(outcome.draft.synergy)
    if together.profit < 0:
        said = language.text("All together lose %(amount)s in sum.", amount=amount)
    else:
        said = language.text("All together leave %(amount)s in sum.", amount=amount)
    if synergy and together.reached_by_all:
        return [said, _assumed(synergy / 100)]
    plain = language.text(
        "This is the plain sum: nobody is taken to order more, or less, for hearing from you in several ways."
    )
    return [said, plain]


def _assumed(synergy: Fraction) -> str:
    if synergy < 0:
        return language.text(
            "This takes for granted that people whom every channel reaches order %(share)s less than the channels "
            "alone bring from them. That is your assumption; nobody has measured it.",
            share=figure.percent(-synergy),
        )
    return language.text(
        "This takes for granted that people whom every channel reaches order %(share)s more than the channels "
        "alone bring from them. That is your assumption; nobody has measured it.",
        share=figure.percent(synergy),
    )


def rules() -> list[str]:
    """Return how it is worked out, for the foot of a page and of a sheet of paper."""
    return [
        language.text(
            "Responses and orders are averages and kept exact; each line of money is rounded to the smallest coin once."
        ),
        language.text("A later mailing goes to whoever is left of the list, in whole people."),
    ]


def sheet(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a spreadsheet: what goes in, and what comes of it."""
    both = [language.text("All together")] if outcome.together is not None else []
    head = ["", *(each.name for each in outcome.draft.channels), *both]
    rows = [[line.label, *line.cells] for line in (*given(outcome), *lines(outcome))]
    return head, [row + [""] * (len(head) - len(row)) for row in rows]
