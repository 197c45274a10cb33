"""What channels earn, to the smallest coin: examples worked out by hand, and what holds for any numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import figure, language, money
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import channel_draft, channel_profit, profit_scenario, profit_words
from listkeeper.insight.channel_draft import ChannelDraft, ProfitDraft
from listkeeper.insight.channel_profit import ChannelPlan

# The two columns of the comparison that Danish users drew themselves: "direct mail" and "permission based e-mail".
DIRECT_MAIL = {
    "people": "10000", "mailings": "1", "piece_cost": "6.25", "fixed_cost": "12500", "response": "1.5",
    "conversion": "40", "contribution": "487.35", "decay": "0",
}  # fmt: skip
E_MAIL = {
    "people": "2400", "mailings": "6", "piece_cost": "0.0125", "fixed_cost": "3600", "response": "8.5",
    "conversion": "12", "contribution": "487.35", "decay": "1.5",
}  # fmt: skip
BOTH = ProfitDraft("DKK", [ChannelDraft("Direct mail", DIRECT_MAIL), ChannelDraft("Permission e-mail", E_MAIL)])


def test_direct_mail_to_the_oere() -> None:
    [mail, _] = profit_scenario.outcome(BOTH).settled
    # 10,000 letters, 1.5 % answer: 150. 40 % of them order: 60.
    assert (mail.pieces, mail.responses, mail.orders) == (10_000, Fraction(150), Fraction(60))
    # 60 x 487.35 kr = 29,241.00 kr.
    assert mail.contribution == 2_924_100
    # 10,000 x 6.25 kr = 62,500 kr, and 12,500 kr of print set-up: 75,000.00 kr.
    assert (mail.piece_costs, mail.cost) == (6_250_000, 7_500_000)
    # 29,241 - 75,000 = -45,759.00 kr; a person -4.5759 kr, which is -4.58; an order 75,000 / 60 = 1,250 kr.
    assert (mail.profit, mail.profit_a_person, mail.cost_of_order) == (-4_575_900, -458, 125_000)
    assert mail.roi == Fraction(-45_759, 75_000)
    # Nothing is lost from a response of 75,000 / (10,000 x 0.4 x 487.35) = 3.8473... %.
    assert mail.break_even_response == Fraction(7_500_000, 4000 * 48_735)
    # Each letter brings 0.015 x 0.4 x 487.35 = 2.92 kr and costs 6.25 kr: no number of letters earns its cost.
    assert mail.break_even_people is None


def test_permission_e_mail_to_the_oere() -> None:
    [_, mail] = profit_scenario.outcome(BOTH).settled
    # 1.5 % are lost from one letter to the next; 2,328.54, 2,293.61, 2,259.21 and 2,225.32 people are rounded down.
    assert list(mail.plan.audiences) == [2400, 2364, 2328, 2293, 2259, 2225]
    assert mail.pieces == 13_869
    # 13,869 x 8.5 % = 1,178.865 follow a link; 12 % of them order: 141.4638.
    assert (mail.responses, mail.orders) == (Fraction("1178.865"), Fraction("141.4638"))
    # 141.4638 x 487.35 kr = 68,942.38293 kr, which is 68,942.38.
    assert mail.contribution == 6_894_238
    # 13,869 x 0.0125 kr = 173.3625 kr, which is 173.36; and 3,600 kr a year for the tool.
    assert (mail.piece_costs, mail.cost) == (17_336, 377_336)
    # 68,942.38 - 3,773.36 = 65,169.02 kr; a person 27.154 kr, which is 27.15; an order 26.674 kr, which is 26.67.
    assert (mail.profit, mail.profit_a_person, mail.cost_of_order) == (6_516_902, 2715, 2667)
    # A mail brings 0.085 x 0.12 x 487.35 - 0.0125 = 4.95847 kr; 3,600 kr need 726.03 mails, so 727; six letters to
    # 127 people are 127 + 125 + 123 + 121 + 119 + 117 = 732, and to 126 they are 726.
    assert mail.break_even_people == 127
    assert replace(mail.plan, people=127).pieces_of(127) == 732
    assert mail.plan.pieces_of(126) == 726


def test_both_together_are_the_sum_and_what_their_owner_assumes() -> None:
    plain = profit_scenario.outcome(BOTH).together
    assert plain is not None
    # -45,759.00 + 65,169.02 = 19,410.02 kr.
    assert (plain.profit, plain.people, plain.reached_by_all) == (1_941_002, 12_400, 0)
    draft = replace(BOTH, overlap="25", synergy="20")
    both = profit_scenario.outcome(draft).together
    assert both is not None
    # 25 % of the 2,400 get both: 600 people. Of 60 orders by print 600/10,000 are theirs: 3.6. Of 141.4638 by mail
    # 600/2,400: 35.36595. A fifth more: 7.79319 orders, which leave 3,798.01... kr.
    assert (both.reached_by_all, both.people) == (600, 11_800)
    assert both.extra_orders == Fraction("7.79319")
    assert both.extra == 379_801
    assert both.profit == 1_941_002 + 379_801
    fewer = profit_scenario.outcome(replace(draft, synergy="-100")).together
    assert fewer is not None
    # Nobody of those who get both orders anything.
    assert fewer.orders == Fraction("60") * (1 - Fraction(600, 10_000)) + Fraction("141.4638") * Fraction(3, 4)


def test_yen_have_no_smaller_coin() -> None:
    draft = ChannelDraft("Postcard", {
        "people": "333", "mailings": "2", "piece_cost": "62.5", "fixed_cost": "9999", "response": "3",
        "conversion": "50", "contribution": "12345", "decay": "10",
    })  # fmt: skip
    plan = channel_draft.plan(draft, "JPY")
    assert plan is not None
    result = channel_profit.work_out(plan)
    # 333 and 299.7, so 299 cards; 632 x 62.5 = 39,500 yen; 632 x 3 % x 50 % = 9.48 orders x 12,345 = 117,030.6.
    assert (result.pieces, result.piece_costs, result.orders) == (632, 39_500, Fraction("9.48"))
    assert (result.contribution, result.cost, result.profit) == (117_031, 49_499, 67_532)


def test_a_currency_of_three_decimals_is_as_exact() -> None:
    assert money.precision("KWD") == 3
    # 1,001 pieces at 0.0475 dinars: 47.5475, which is 47.548; 1,001 x 1 % = 10.01 orders x 4.115 = 41.19115: 41.191.
    plan = ChannelPlan("Leaflet", 1001, 1, Fraction("47.5"), 0, Fraction(1, 100), Fraction(1), 4115, Fraction(0))
    result = channel_profit.work_out(plan)
    assert (result.piece_costs, result.contribution, result.profit) == (47_548, 41_191, -6_357)


@pytest.mark.parametrize(
    ("change", "empty"),
    [
        ({"people": 0}, {"profit_a_person", "cost_of_order", "break_even_response"}),
        ({"response": Fraction(0)}, {"cost_of_order"}),
        ({"conversion": Fraction(0)}, {"cost_of_order", "break_even_response"}),
        ({"contribution": 0}, {"break_even_response"}),
        ({"piece_cost": Fraction(0), "fixed_cost": 0}, {"roi"}),
        ({"people": 1, "decay": Fraction(1), "mailings": 120}, set()),
    ],
)
def test_nothing_is_divided_by_nothing(change: dict[str, object], empty: set[str]) -> None:
    plan = ChannelPlan("x", 100, 1, Fraction(5), 10, Fraction(1, 10), Fraction(1, 2), 500, Fraction(0))
    result = channel_profit.work_out(replace(plan, **change))  # type: ignore[arg-type]
    names = ("profit_a_person", "cost_of_order", "roi", "break_even_response")
    assert {name for name in names if getattr(result, name) is None} >= empty
    assert {name for name in names if getattr(result, name) is None} <= empty | {"break_even_response"}


_SHARES = st.integers(0, 1_000_000).map(lambda number: Fraction(number, 10_000))
_PLANS = st.builds(
    ChannelPlan,
    name=st.just("x"),
    people=st.integers(0, 10**9),
    mailings=st.integers(1, channel_profit.MOST_MAILINGS),
    piece_cost=st.integers(0, 10**9).map(lambda number: Fraction(number, 10_000)),
    fixed_cost=st.integers(0, 10**11),
    response=_SHARES.map(lambda share: share / 100),
    conversion=_SHARES.map(lambda share: share / 100),
    contribution=st.integers(0, 10**11),
    decay=_SHARES.map(lambda share: share / 100),
)


@given(st.lists(_PLANS, min_size=1, max_size=channel_profit.MOST_CHANNELS), _SHARES, st.integers(-100, 1000))
def test_whatever_is_put_in_the_sums_hold_and_nothing_is_no_number(
    plans: list[ChannelPlan], overlap: Fraction, synergy: int
) -> None:
    results = [channel_profit.work_out(plan) for plan in plans]
    both = channel_profit.together(results, overlap / 100, Fraction(synergy, 100))
    assert both.profit - both.extra == sum(one.profit for one in results)
    assert both.pieces == sum(one.pieces for one in results)
    assert (
        max(plan.people for plan in plans) <= both.people <= sum(plan.people for plan in plans)
        or not both.reached_by_all
    )
    if synergy == 0 or len(plans) == 1:
        assert (both.extra, both.extra_orders) == (0, Fraction())
    for one in results:
        assert one.profit + one.cost == one.contribution
        assert one.pieces <= one.plan.people * one.plan.mailings
        assert 0 <= one.orders <= one.responses <= one.pieces
        assert abs(one.contribution - one.orders * one.plan.contribution) <= Fraction(1, 2)
        for told in (one.roi, one.break_even_response, one.cost_of_order, one.profit_a_person):
            assert told is None or math.isfinite(told)


@given(_PLANS)
def test_at_the_break_even_nothing_is_lost_and_below_it_something_is(plan: ChannelPlan) -> None:
    needed = channel_profit.work_out(plan).break_even_people
    if needed is None:
        return
    margin = plan.response * plan.conversion * plan.contribution - plan.piece_cost
    assert plan.pieces_of(needed) * margin >= plan.fixed_cost
    assert needed == 0 or plan.pieces_of(needed - 1) * margin < plan.fixed_cost
    response = channel_profit.work_out(plan).break_even_response
    if response is not None and response <= 1:
        there = channel_profit.work_out(replace(plan, response=response))
        # A coin for each line that is rounded.
        assert abs(there.profit) <= 1


def test_the_words_say_who_wins_and_why() -> None:
    with language.using("en"):
        said = profit_words.verdict(profit_scenario.outcome(BOTH))
    assert said == [
        "At these numbers the most is earned by “Permission e-mail”: DKK\u00a065,169.02 in all.",
        "For each person this is -DKK\u00a04.58 by “Direct mail” and DKK\u00a027.15 by “Permission e-mail”.",
        "One order costs DKK\u00a01,250.00 by “Direct mail” and DKK\u00a026.67 by “Permission e-mail”.",
        "All together leave DKK\u00a019,410.02 in sum.",
        "This is the plain sum: nobody is taken to order more, or less, for hearing from you in several ways.",
    ]
    with language.using("da"):
        lines = {line.key: list(line.cells) for line in profit_words.lines(profit_scenario.outcome(BOTH))}
        given_in = {line.key: list(line.cells) for line in profit_words.given(profit_scenario.outcome(BOTH))}
    assert lines["profit"] == ["-45.759,00\u00a0kr.", "65.169,02\u00a0kr.", "19.410,02\u00a0kr."]
    assert lines["orders"] == ["60", "141,5", "201,5"]
    assert lines["break_even_response"][0] == "3,85\u00a0%"
    assert given_in["piece_cost"] == ["6,25\u00a0kr.", "0,0125 DKK"]


def _alone(**change: str) -> ProfitDraft:
    return ProfitDraft("EUR", [ChannelDraft("Radio", DIRECT_MAIL | change)])


@pytest.mark.parametrize(
    ("draft", "first"),
    [
        (_alone(), "At these numbers “Radio” loses €45,759.00: it does not earn its cost."),
        (_alone(response="90"), "At these numbers €1,679,460.00 is left by “Radio”."),
        (
            _alone(response="0", piece_cost="0", fixed_cost="0"),
            "At these numbers nothing is left, and nothing is lost.",
        ),
        (_alone(people=""), "Fill in the empty fields to see what comes of “Radio”."),
        (
            ProfitDraft("EUR", [ChannelDraft("A", E_MAIL), ChannelDraft("B", E_MAIL)]),
            "At these numbers €65,169.02 is left by each of “A” and “B”.",
        ),
        (
            ProfitDraft("EUR", [ChannelDraft("A", DIRECT_MAIL), ChannelDraft("B", DIRECT_MAIL | {"fixed_cost": "1"})]),
            "At these numbers no channel earns its cost. The smallest loss is €33,260.00, by “B”.",
        ),
    ],
)
def test_whoever_wins_or_nobody_is_said_in_words(draft: ProfitDraft, first: str) -> None:
    with language.using("en"):
        assert profit_words.verdict(profit_scenario.outcome(draft))[0] == first


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("people", "-5", "This cannot be less than nothing."),
        ("people", "2.5", "Please write a whole number."),
        ("people", "1e308", "Please write a number in digits, as in 250 or 99.50."),
        ("people", "9999999999", "This is more than can be worked out here."),
        ("people", "2026-13-45", "Please write a number in digits, as in 250 or 99.50."),
        ("mailings", "0", "Please choose from 1 to 120 mailings."),
        ("mailings", "121", "Please choose from 1 to 120 mailings."),
        ("piece_cost", "NaN", "Please write a number in digits, as in 250 or 99.50."),
        ("piece_cost", "-0.01", "This cannot be less than nothing."),
        ("piece_cost", "0.0000001", "This is finer than the smallest coin. Please round it."),
        ("fixed_cost", "0.005", "This is finer than the smallest coin. Please round it."),
        ("response", "100.1", "A share lies between 0 and 100 per cent."),
        ("conversion", "inf", "Please write a number in digits, as in 250 or 99.50."),
        ("decay", "' OR 1=1 --", "Please write a number in digits, as in 250 or 99.50."),
        ("contribution", "\u0663\u0664", "Please write a number in digits, as in 250 or 99.50."),
        ("contribution", "9" * 40, "Please write a number in digits, as in 250 or 99.50."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_kept_empty(name: str, typed: str, sentence: str) -> None:
    with language.using("en"):
        found = channel_draft.read("EUR", 1, {f"0.{name}": typed})
    assert found.wrong == {f"0.{name}": sentence}
    assert found.draft.channels[0].value(name) == ""
    assert found.typed[f"0.{name}"] == typed
    assert profit_scenario.outcome(found.draft).settled == []


def test_numbers_are_read_as_the_language_writes_them() -> None:
    for spoken, written, number in (
        ("da", "1.234,56", "1234.56"), ("en", "1,234.56", "1234.56"), ("da", "1.234", "1234"), ("en", "1.234", "1.234"),
        ("en", "1,234", "1234"), ("pl", "1\u00a0234,5", "1234.5"), ("ru", "0,0008", "0.0008"), ("sv", "12.5", "12.5"),
        ("da", "1,234.56", "1234.56"), ("de", "1.234.567", "1234567"), ("en", "\u22125", "-5"), ("nb", "1 234", "1234"),
        ("fr", "1\u202f234\u202f567,5", "1234567.5"), ("de", "1'234.50", "1234.5"), ("en", " - 5 ", "-5"),
    ):  # fmt: skip
        with language.using(spoken):
            assert figure.plain(figure.read(written)) == number, (spoken, written)
    for spoken in language.LANGUAGES:
        for written in (
            "",
            ".",
            "1.2.3",
            "1,23.4,5",
            "12,34,567.8",
            "5.",
            ".5",
            "0x10",
            "1_000",
            "--5",
            "½",
            "12 5",
            "1 2 0 0",
            "1 2345",
        ):
            with language.using(spoken), pytest.raises(Invalid):
                figure.read(written)


@given(st.sampled_from(language.LANGUAGES), st.integers(-(10**18), 10**18), st.integers(0, 8))
def test_what_is_written_is_read_again(spoken: str, number: int, places: int) -> None:
    value = Fraction(number, 10**places) if places else Fraction(number % 10**12)
    if abs(value) >= 10**12:
        value = Fraction(number, 10**8)
    with language.using(spoken):
        written = figure.text(value)
        if len(written) <= 30:
            assert figure.read(written) == value
    assert Fraction(figure.plain(value)) == value


def test_a_program_hands_in_what_it_got_and_nonsense_is_refused() -> None:
    with language.using("da"):
        assert channel_draft.of_json("DKK", BOTH.as_json()) == BOTH
        nothing: list[dict[str, object]] = [{}, {"channels": "x"}, {"channels": []}, {"channels": [{}] * 7}]
        wrong: list[dict[str, object]] = [{"channels": [{"people": "1,5"}]}, {"channels": [{}], "overlap": "NaN"}]
        for stored in (*nothing, *wrong):
            with pytest.raises(Invalid):
                channel_draft.of_json("DKK", stored)
        with pytest.raises(Invalid):
            channel_draft.of_json("XXX", BOTH.as_json())


def test_people_and_coins_have_no_third_decimal_so_a_dane_is_understood_in_english() -> None:
    with language.using("en"):
        typed = {"0.people": "10.000", "0.fixed_cost": "12.500", "0.contribution": "487,35", "0.piece_cost": "0.125"}
        found = channel_draft.read("DKK", 1, typed | {"0.response": "1.125"}).draft.channels[0]
    values = [found.value(name) for name in ("people", "fixed_cost", "contribution", "piece_cost", "response")]
    assert values == ["10000", "12500", "487.35", "0.125", "1.125"]
