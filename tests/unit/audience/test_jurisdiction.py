"""The law as dated data: whole, sourced, dated, never told as a fact before somebody checked it."""

from __future__ import annotations

import dataclasses
import tomllib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.audience import jurisdiction
from listkeeper.audience.jurisdiction import Profile, Rule
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound

TODAY = date(2026, 11, 23)
FOLDER = Path(jurisdiction.__file__).parent / "jurisdictions"
FILES = sorted(FOLDER.glob("*.toml"))
COUNTRIES = ("dk", "no", "se", "de", "pl", "ru", "uk", "eu", "us", "us-ca", "ca", "au", "fr")
BASES = ("consent", "soft_opt_in", "soft_opt_in_charity", "implied_casl", "inferred_au")


def _profile(code: str, on: date = TODAY) -> Profile:
    return jurisdiction.profile(code, on)


def _rule(code: str, field: str, on: date = TODAY) -> Rule:
    return next(rule for rule in _profile(code, on).rules if rule.field == field)


def _rows(file: Path) -> list[dict[str, Any]]:
    stored = tomllib.loads(file.read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = stored.get("rule") or stored["age"]
    return rows


# The files


def test_there_is_a_profile_for_every_place_and_the_strictest_comes_first() -> None:
    assert jurisdiction.codes()[0] == "strictest"
    assert set(jurisdiction.codes()) == {"strictest", *COUNTRIES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_row_says_what_where_when_and_whether_it_was_checked(file: Path) -> None:
    stored = tomllib.loads(file.read_text(encoding="utf-8"))
    assert stored["dated"] == date(2026, 11, 22)
    assert stored.get("code", "ages") == file.stem
    for row in _rows(file):
        assert row["checked_on"] == date(2026, 11, 22)
        assert row["source"].strip()
        assert isinstance(row["verified"], bool)
        assert row["kind"] in {"law", "practice", "house"}
        assert isinstance(row["valid_from"], date) or row["valid_from"] == ""
        assert isinstance(row["valid_to"], date) or row["valid_to"] == ""
        assert "value" in row


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_row_is_told_as_a_fact_before_it_was_checked(file: Path) -> None:
    for row in _rows(file):
        assert bool(row["plain"].strip()) is row["verified"], row


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_two_rows_for_one_thing_are_in_force_on_one_day(file: Path) -> None:
    spans: dict[str, list[tuple[date, date]]] = {}
    for row in _rows(file):
        span = (row["valid_from"] or date.min, row["valid_to"] or date.max)
        spans.setdefault(row.get("field") or row["country"], []).append(span)
    for days in spans.values():
        assert all(end < begin for (_, end), (begin, _) in pairwise(sorted(days)))
        assert all(begin <= end for begin, end in days)


@pytest.mark.parametrize("code", jurisdiction.codes())
def test_every_profile_answers_every_question(code: str) -> None:
    for on in (date(1990, 1, 1), date(2024, 2, 29), TODAY, date(2100, 1, 1)):
        made = _profile(code, on)
        answered = {rule.field for rule in made.rules if rule.active and rule.verified}
        assert set(jurisdiction.FIELDS) <= answered
        assert (made.code, made.on) == (code, on)
        assert all(rule.label.strip() for rule in made.rules)
    names = {field.name for field in dataclasses.fields(Profile)}
    assert set(jurisdiction.FIELDS) - {"dormancy"} | {"dormancy_warn", "dormancy_block"} <= names


@pytest.mark.parametrize("code", jurisdiction.codes())
def test_answers_are_of_their_kind(code: str) -> None:
    made = _profile(code)
    switches = [field.name for field in dataclasses.fields(Profile) if field.type == "bool"]
    numbers = [field.name for field in dataclasses.fields(Profile) if field.type == "int"]
    assert (len(switches), len(numbers)) == (10, 7)
    assert {type(getattr(made, name)) for name in switches} == {bool}
    assert {type(getattr(made, name)) for name in numbers} == {int}
    assert min(getattr(made, name) for name in numbers) >= 0
    assert 0 < made.dormancy_warn < made.dormancy_block
    assert made.doi_lint in {"strict", "normal"}


@pytest.mark.parametrize("code", jurisdiction.codes())
def test_an_answer_is_the_value_of_one_row_that_is_shown(code: str) -> None:
    made = _profile(code)
    answers = Counter(rule.field for rule in made.rules if rule.active and rule.verified)
    assert {field for field, times in answers.items() if times > 1} == set()


def test_a_profile_cannot_be_changed_and_is_made_once_a_day() -> None:
    made = _profile("dk")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.doi_required = True  # type: ignore[misc]
    assert _profile("dk") is made


@pytest.mark.parametrize("code", ["", "xx", "ages", "DK", "../dk", "dk.toml", "retention_presets"])
def test_a_code_without_a_profile_is_refused(code: str) -> None:
    with pytest.raises(NotFound) as refused:
        _profile(code)
    assert refused.value.code == "no_jurisdiction"


# What is not checked


def test_an_unchecked_row_says_so_and_nothing_else() -> None:
    unchecked = [rule for code in jurisdiction.codes() for rule in _profile(code).rules if not rule.verified]
    assert {rule.shown for rule in unchecked} == {"Not checked yet. Do not rely on it."}
    assert {rule.field for rule in unchecked} >= {
        "lapse_by_passivity", "age_15", "work_addresses", "localisation", "ad_marking", "limitation",
        "iso_27560_text", "m3aawg_bcp_body", "form_sub_syntax", "own_defaults", "dsr_days",
    }  # fmt: skip


def test_an_unchecked_row_is_not_obeyed() -> None:
    assert (_rule("pl", "fines_note").verified, _profile("pl").fines_note) == (False, "")
    assert (_rule("no", "digital_age").value, _profile("no").digital_age) == (13, 16)
    assert jurisdiction.digital_age("NO", TODAY) == 16


def test_a_checked_row_is_told_in_its_own_words() -> None:
    assert _rule("uk", "soft_opt_in_charity").shown.startswith("A charity may write to people who showed interest")


# Time


def test_denmark_says_15_since_2024() -> None:
    assert _profile("dk", date(2024, 1, 1)).digital_age == 15
    assert _profile("dk", date(2023, 12, 31)).digital_age == 16
    assert jurisdiction.digital_age("DK", date(2024, 1, 1)) == 15
    before = _rule("dk", "digital_age", date(2023, 12, 31))
    assert (before.active, before.value, before.valid_from) == (False, 15, date(2024, 1, 1))


def test_russia_wants_a_second_consent_since_september_2025() -> None:
    assert _profile("ru", date(2025, 8, 31)).separate_consents == ()
    assert _profile("ru", date(2025, 9, 1)).separate_consents == ("personal_data",)


def test_a_british_charity_may_write_since_2026() -> None:
    assert not _profile("uk", date(2026, 2, 4)).permits("soft_opt_in_charity")
    assert _profile("uk", date(2026, 2, 5)).permits("soft_opt_in_charity")
    assert _profile("uk", date(2026, 2, 4)).fines_note == ""


def test_a_row_holds_on_its_first_and_on_its_last_day() -> None:
    rule = dataclasses.replace(_rule("dk", "prior_consent"), valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31))
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 12, 31), date(2026, 1, 1))
    assert [rule.in_force(day) for day in days] == [False, True, True, False]


# What may be relied on

PERMITTED = {
    "dk": {"soft_opt_in"}, "no": {"soft_opt_in"}, "se": {"soft_opt_in"}, "uk": {"soft_opt_in", "soft_opt_in_charity"},
    "ca": {"implied_casl"}, "au": {"inferred_au"},
}  # fmt: skip


@pytest.mark.parametrize("code", jurisdiction.codes())
def test_each_place_permits_its_bases_and_no_other(code: str) -> None:
    permitted = {basis for basis in BASES if _profile(code).permits(basis)}
    assert permitted == {"consent", *PERMITTED.get(code, set())}


@pytest.mark.parametrize("basis", ["", "none", "CONSENT", "implied", "anything"])
def test_a_basis_nobody_knows_is_permitted_nowhere(basis: str) -> None:
    assert not any(_profile(code).permits(basis) for code in jurisdiction.codes())


def test_nowhere_are_people_asked_by_mail() -> None:
    assert not any(_profile(code).reask_by_email for code in jurisdiction.codes())


def test_what_the_countries_are_known_for() -> None:
    assert _profile("de").doi_required
    assert _profile("de").doi_lint == "strict"
    assert not _profile("us").doi_required
    assert (_profile("us").unsub_effect_deadline, _profile("us").unsub_link_days) == (10, 30)
    assert (_profile("ca").unsub_effect_deadline, _profile("ca").unsub_link_days) == (10, 60)
    assert (_profile("au").unsub_effect_deadline, _profile("au").unsub_link_days) == (5, 30)
    assert _profile("ru").unsub_effect_deadline == 0
    assert (_profile("us-ca").dsr_days, _profile("us-ca").unsub_effect_deadline) == (45, 10)
    assert _profile("fr").proof_preset == "FR-36m"


STRICTER_WHEN_ON = {"protects_legal_persons", "doi_required", "withdrawal_sentence", "sender_block", "postal_address",
                    "login_forbidden"}  # fmt: skip
STRICTER_WHEN_OFF = {"soft_opt_in", "soft_opt_in_charity", "inferred_relationship", "reask_by_email"}
STRICTER_WHEN_LESS = {"unsub_effect_deadline", "unsub_link_days", "dormancy_warn", "dormancy_block",
                      "first_use_months", "dsr_days"}  # fmt: skip


@pytest.mark.parametrize("code", ["dk", "de", "pl"])
def test_the_strictest_is_as_strict_as_denmark_germany_and_poland(code: str) -> None:
    ours, theirs = vars(_profile("strictest")), vars(_profile(code))
    assert {name for name in STRICTER_WHEN_ON if theirs[name] and not ours[name]} == set()
    assert {name for name in STRICTER_WHEN_OFF if ours[name] and not theirs[name]} == set()
    assert {name for name in STRICTER_WHEN_LESS if theirs[name] < ours[name]} == set()
    assert ours["digital_age"] >= theirs["digital_age"]
    assert ours["doi_lint"] == "strict"


def test_ages_are_those_of_the_table() -> None:
    known = {rule.field: rule for rule in jurisdiction.ages(TODAY)}
    assert len(known) == 29
    assert {country: known[country].value for country in ("UK", "ES", "CZ", "IE", "NO")} == {
        "UK": 13, "ES": 14, "CZ": 15, "IE": 16, "NO": 13,
    }  # fmt: skip
    assert {country for country, rule in known.items() if not rule.verified} == {"PL", "NO", "SI"}
    assert jurisdiction.digital_age("SE", TODAY) == 13
    assert jurisdiction.digital_age("XX", TODAY) == 16
    assert max(rule.value for rule in known.values()) == _profile("strictest").digital_age


# Canada's clocks


def test_canada_knows_five_classes_and_nobody_else_any() -> None:
    classes = {"purchase": 24, "donation": 24, "volunteer": 24, "membership": 24, "inquiry": 6}
    assert {known.name: known.months for known in _profile("ca").implied_classes} == classes
    assert {name: _profile("ca").implied_months(name) for name in classes} == classes
    assert _profile("ca").implied_months("friendship") == 0
    assert {_profile(code).implied_months("purchase") for code in jurisdiction.codes() if code != "ca"} == {0}


@pytest.mark.parametrize(
    ("trigger", "length", "last_day"),
    [
        (date(2025, 1, 1), 24, date(2027, 1, 1)),
        # 29 February 2024 lies inside: the calendar would give day 731, the stricter reading day 730.
        (date(2024, 1, 15), 24, date(2026, 1, 14)),
        (date(2023, 3, 1), 24, date(2025, 2, 28)),
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2025, 8, 28), 6, date(2026, 2, 28)),
        (date(2025, 12, 31), 6, date(2026, 6, 30)),
        (date(2025, 2, 28), 6, date(2025, 8, 28)),
    ],
)
def test_an_implied_consent_ends_with_its_last_day(trigger: date, length: int, last_day: date) -> None:
    end = jurisdiction.implied_expiry(trigger, length)
    assert end == datetime.combine(last_day + timedelta(days=1), datetime.min.time(), UTC)


@given(st.dates(date(1990, 1, 1), date(2200, 1, 1)))
def test_day_730_is_good_and_day_731_is_not(trigger: date) -> None:
    end = jurisdiction.implied_expiry(trigger, 24)
    on_730 = datetime.combine(trigger + timedelta(days=730), datetime.max.time(), UTC)
    assert on_730 < end <= on_730 + timedelta(microseconds=1)


@given(st.dates(date(1990, 1, 1), date(2200, 1, 1)), st.sampled_from([6, 24]))
def test_the_end_is_never_later_than_the_calendar_says_nor_in_canada_than_the_day_there(
    trigger: date, length: int
) -> None:
    end = jurisdiction.implied_expiry(trigger, length)
    start = datetime.combine(trigger, datetime.min.time(), UTC)
    assert end <= clock.months_later(start, length) + timedelta(days=1)
    assert jurisdiction.implied_expiry(trigger + timedelta(days=1), length) >= end


def test_no_length_is_no_consent() -> None:
    with pytest.raises(ValueError, match="no length"):
        jurisdiction.implied_expiry(TODAY, 0)


def test_a_moment_counts_as_the_earliest_day_it_can_have_been() -> None:
    assert jurisdiction.trigger_day(datetime(2026, 3, 29, 11, 59, tzinfo=UTC)) == date(2026, 3, 28)
    assert jurisdiction.trigger_day(datetime(2026, 3, 29, 12, 0, tzinfo=UTC)) == date(2026, 3, 29)
