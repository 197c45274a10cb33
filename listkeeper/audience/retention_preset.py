"""How long proof is kept after a goodbye: presets as dated data, and the day on which they end.

While a subscription lives, its proof lives. After the goodbye the owner must
have picked a preset; the ledger holds the choice and its reason. Where a
length can be counted in two ways, the earlier end stands: proof is personal
data, and keeping it needs a reason for each day.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from listkeeper.audience import jurisdiction
from listkeeper.audience.jurisdiction import Rule
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound

_FILE = Path(__file__).resolve().parent / "retention_presets.toml"


class CountedFrom(StrEnum):
    """What the months of a preset are counted from."""

    WITHDRAWAL = "withdrawal"
    LAST_CLICK = "last_click"
    # Not for proof of consent: the record of people's requests.
    REQUEST = "request"


@dataclass(frozen=True)
class Preset:
    """One length; ``year_end_in`` is the time zone whose year it runs to the end of, empty for none."""

    code: str
    label: str
    months: int
    counted_from: CountedFrom
    year_end_in: str
    # Where the length comes from, and whether that was checked: the owner sees ``rule.shown``.
    rule: Rule

    @property
    def for_proof(self) -> bool:
        """Whether proof of consent can be kept by it."""
        return self.counted_from is not CountedFrom.REQUEST


@cache
def everything() -> tuple[Preset, ...]:
    """Return all presets, in the order in which they are offered."""
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Preset(
            code=entry["code"],
            label=entry["label"],
            months=entry["months"],
            counted_from=CountedFrom(entry["counted_from"]),
            year_end_in=entry["year_end_in"],
            rule=jurisdiction.row({**entry, "value": entry["months"], "kind": "practice"}, entry["code"]),
        )
        for entry in stored["preset"]
    )


def offered(on: date) -> tuple[Preset, ...]:
    """Return the presets for proof that may be picked on a day."""
    return tuple(preset for preset in everything() if preset.for_proof and preset.rule.in_force(on))


def named(code: str) -> Preset:
    """Return a preset. Raises NotFound."""
    found = next((preset for preset in everything() if preset.code == code), None)
    if found is None:
        raise NotFound("no_retention_preset", language.text("There is no such time for keeping proof."))
    return found


def delete_after(preset: Preset | str, withdrawn_at: datetime, *, last_click: datetime | None = None) -> datetime:
    """Return the moment from which proof must be gone; one in the past means now.

    ``withdrawn_at`` knows its time zone (for the record of requests: when the
    request came). ``last_click`` counts for presets from the last click alone,
    and only when it was before the goodbye; somebody who never clicked counts
    from the goodbye.
    """
    chosen = named(preset) if isinstance(preset, str) else preset
    if withdrawn_at.tzinfo is None:
        raise ValueError("the moment of a goodbye needs a time zone")
    start = withdrawn_at
    if chosen.counted_from is CountedFrom.LAST_CLICK and last_click is not None:
        start = min(last_click, withdrawn_at)
    if chosen.year_end_in:
        return _end_of_year(start, chosen)
    return clock.months_later(start.astimezone(UTC), chosen.months)


def _end_of_year(start: datetime, preset: Preset) -> datetime:
    """Return the first moment of the year after the one in which the months run out, told in UTC."""
    zone = ZoneInfo(preset.year_end_in)
    last = clock.months_later(start.astimezone(zone), preset.months)
    return datetime(last.year + 1, 1, 1, tzinfo=zone).astimezone(UTC)
