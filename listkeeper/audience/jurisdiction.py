"""Whose rules are asked: the law as dated data, one file per profile in ``jurisdictions/``.

Ages, deadlines and fines change, so every rule is a row that says since when
it holds, where it was read, when, and whether somebody checked it. A profile
is what holds on one day. Two things make it cautious: where a country's own
file is silent or its row is not in force, the file it extends answers, and at
the end of that road stands ``strictest``; and a row that nobody has checked is
shown as such, and never obeyed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound

DEFAULT = "strictest"
FIELDS = (
    "protects_legal_persons", "doi_required", "soft_opt_in", "soft_opt_in_charity", "inferred_relationship",
    "implied_classes", "reask_by_email", "separate_consents", "withdrawal_sentence", "sender_block", "postal_address",
    "unsub_effect_deadline", "unsub_link_days", "login_forbidden", "digital_age", "proof_preset", "doi_lint",
    "dormancy", "first_use_months", "dsr_days", "fines_note",
)  # fmt: skip
"""What every profile answers. A row of another name is there to be read by the owner."""

_FOLDER = Path(__file__).resolve().parent / "jurisdictions"
_AGES = "ages"
_A_YEAR_OF_MONTHS, _A_YEAR_OF_DAYS = 12, 365
# Where a day ends last: whoever gives a moment and not a day gets the earliest day it could have been.
_WESTERNMOST = timedelta(hours=-12)


@dataclass(frozen=True)
class Rule:
    """One row: a rule, since when it holds, where it was read, and whether that was checked.

    ``kind`` is ``law``, ``practice`` (what receivers, courts' habits or trade
    bodies ask) or ``house`` (what listkeeper does whatever the law says).
    """

    field: str
    label: str
    value: Any
    plain: str
    kind: str
    source: str
    checked_on: date
    verified: bool
    valid_from: date | None
    valid_to: date | None
    note: str = ""
    # Whether it was in force on the day that was asked for.
    active: bool = True

    @property
    def shown(self) -> str:
        """The sentence for the owner; what nobody has checked is never told as a fact."""
        return self.plain if self.verified else language.text("Not checked yet. Do not rely on it.")

    def in_force(self, on: date) -> bool:
        """Return whether the row holds on a day; both its first and its last day count."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class ImpliedClass:
    """A way in which Canada's law assumes a yes for some months."""

    name: str
    months: int


@dataclass(frozen=True)
class Profile:
    """The rules of one place on one day.

    Months and days are calendar ones, save for ``unsub_effect_deadline``, in
    working days (0: at once). ``unsub_link_days`` 0 means for ever.
    """

    code: str
    name: str
    on: date
    protects_legal_persons: bool
    doi_required: bool
    soft_opt_in: bool
    soft_opt_in_charity: bool
    inferred_relationship: bool
    implied_classes: tuple[ImpliedClass, ...]
    reask_by_email: bool
    separate_consents: tuple[str, ...]
    withdrawal_sentence: bool
    sender_block: bool
    postal_address: bool
    unsub_effect_deadline: int
    unsub_link_days: int
    login_forbidden: bool
    digital_age: int
    proof_preset: str
    doi_lint: str
    dormancy_warn: int
    dormancy_block: int
    first_use_months: int
    dsr_days: int
    fines_note: str
    # For the owner's eyes: the rows of this profile and of those it extends, its own first.
    rules: tuple[Rule, ...]

    def permits(self, basis: str) -> bool:
        """Return whether this law knows a basis at all; whether its conditions are met is for the evidence to say."""
        known = {
            "consent": True,
            "soft_opt_in": self.soft_opt_in,
            "soft_opt_in_charity": self.soft_opt_in_charity,
            "implied_casl": bool(self.implied_classes),
            "inferred_au": self.inferred_relationship,
        }
        return known.get(basis, False)

    def implied_months(self, class_name: str) -> int:
        """Return for how many months a class of implied consent lasts, 0 when this law does not know it."""
        return next((known.months for known in self.implied_classes if known.name == class_name), 0)


@cache
def codes() -> tuple[str, ...]:
    """Return the codes of all profiles, the default first."""
    found = sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem not in {_AGES, DEFAULT})
    return (DEFAULT, *found)


@lru_cache(maxsize=256)
def profile(code: str, on: date) -> Profile:
    """Return a profile as it holds on a day. Raises NotFound for a code without a file."""
    chain = _chain(code)
    rules = _displayed(chain, on)
    values = {rule.field: rule.value for rule in reversed(rules) if rule.active and rule.verified}
    dormancy = values["dormancy"]
    built = {name: values[name] for name in FIELDS if name not in {"dormancy", "implied_classes", "separate_consents"}}
    return Profile(
        code=code,
        name=chain[0].name,
        on=on,
        implied_classes=tuple(ImpliedClass(**known) for known in values["implied_classes"]),
        separate_consents=tuple(values["separate_consents"]),
        dormancy_warn=dormancy["warn"],
        dormancy_block=dormancy["block"],
        rules=rules,
        **built,
    )


def ages(on: date) -> tuple[Rule, ...]:
    """Return the table of ages from which a young person's own yes counts, by country; ``field`` is the country."""
    return tuple(_as_of(rule, on) for rule in _age_rows())


def digital_age(country: str, on: date) -> int:
    """Return a country's age on a day, or the strictest one where none was in force, known and checked."""
    own = [rule.value for rule in _age_rows() if rule.field == country and rule.verified and rule.in_force(on)]
    return int(own[0]) if own else profile(DEFAULT, on).digital_age


def implied_expiry(trigger: date, months_long: int) -> datetime:
    """Return the first moment at which an implied consent no longer holds; whatever is not before it is too late.

    The last good day is the same day so many months later (31 August and six
    months: the last day of February), and a year never counts more than 365
    days: of 24 months, day 730 is good and day 731 is not, with or without a
    leap day. It ends with the end of that day in UTC, which in all of Canada
    is earlier than the end of the day there. So where the law can be read in
    two ways, the earlier end stands.
    """
    if months_long < 1:
        raise ValueError("an implied consent of no length")
    last = clock.months_later(datetime.combine(trigger, time(), UTC), months_long).date()
    if months_long % _A_YEAR_OF_MONTHS == 0:
        last = min(last, trigger + timedelta(days=months_long // _A_YEAR_OF_MONTHS * _A_YEAR_OF_DAYS))
    return datetime.combine(last + timedelta(days=1), time(), UTC)


def trigger_day(moment: datetime) -> date:
    """Return the earliest day it can have been anywhere at a moment: the one from which a law's time runs out first."""
    return (moment.astimezone(UTC) + _WESTERNMOST).date()


@dataclass(frozen=True)
class _File:
    """A profile as its file holds it."""

    code: str
    name: str
    country: str
    extends: str
    rows: tuple[Rule, ...]


@cache
def _file(code: str) -> _File:
    if code not in codes():
        raise NotFound("no_jurisdiction", language.text("listkeeper has no rules under this name."))
    stored = _stored(code)
    return _File(
        code=stored["code"],
        name=stored["name"],
        country=stored["country"],
        extends=stored["extends"],
        rows=tuple(row(entry, entry["field"]) for entry in stored["rule"]),
    )


def row(stored: dict[str, Any], field: str) -> Rule:
    """Read one row of a file of dated rules; an empty day means without begin or end."""
    return Rule(
        field=field,
        label=stored.get("label", ""),
        value=stored["value"],
        plain=stored["plain"],
        kind=stored["kind"],
        source=stored["source"],
        checked_on=stored["checked_on"],
        verified=stored["verified"],
        valid_from=stored["valid_from"] or None,
        valid_to=stored["valid_to"] or None,
        note=stored.get("note", ""),
    )


def _stored(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def _age_rows() -> tuple[Rule, ...]:
    return tuple(row(entry, entry["country"]) for entry in _stored(_AGES)["age"])


def _chain(code: str) -> list[_File]:
    """Return a profile's file and those that answer where it is silent, the strictest last."""
    files = [_file(code)]
    while files[-1].extends:
        files.append(_file(files[-1].extends))
    return files


def _displayed(chain: Sequence[_File], on: date) -> tuple[Rule, ...]:
    """Return all own rows, and of the others those that are in force and not answered before."""
    labels = {rule.field: rule.label for file in chain for rule in file.rows if rule.label}
    shown: list[Rule] = []
    for file in chain:
        answered = {rule.field for rule in shown if rule.active and rule.verified}
        rows = [_as_of(rule, on, labels) for rule in (*file.rows, *_own_age(file))]
        own = file is chain[0]
        shown += [rule for rule in rows if rule.field not in answered and (own or rule.active)]
    return tuple(shown)


def _own_age(file: _File) -> list[Rule]:
    """Return the row of the table of ages for a profile's country, as a rule of the profile."""
    of_country = [rule for rule in _age_rows() if file.country and rule.field == file.country]
    return [replace(rule, field="digital_age", label="") for rule in of_country]


def _as_of(rule: Rule, on: date, labels: Mapping[str, str] | None = None) -> Rule:
    """Return a row with its label, and whether it is in force on the day asked for."""
    return replace(rule, label=rule.label or (labels or {}).get(rule.field, ""), active=rule.in_force(on))
