"""The tables of growth: as people read them, and as spreadsheets and programs take them, with names that stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from listkeeper.audience import source
from listkeeper.audience.source import Source
from listkeeper.foundation import language
from listkeeper.insight.growth import Growth, Tally, share_said

Sheet = tuple[Sequence[str], Sequence[Sequence[Any]]]
_STAYED = ("here", "left", "complained", "bounced", "lapsed")


def source_heads() -> list[str]:
    """Return the heads of the table of sources."""
    return [
        language.text("Where from"),
        language.text("Asked"),
        language.text("Said yes"),
        language.text("Of those asked"),
        language.text("Still here"),
        language.text("Left"),
        language.text("Complained"),
        language.text("Address dead"),
        language.text("Permission ran out"),
    ]


def sources(growth: Growth) -> list[tuple[str, list[str]]]:
    """Return each source by its name with its cells, the one that brought most first; a file last."""
    rows = [(_named(each), _cells(tally)) for each, tally in growth.sources]
    if growth.by_file.joined:
        cells = _cells(growth.by_file)
        # Nobody of a file was asked by us.
        rows.append((language.text("Brought with a file"), ["", cells[1], "", *cells[3:]]))
    return rows


def _named(found: Source | None) -> str:
    return (
        f"{found.name} ({source.called(found.channel)})" if found is not None else language.text("None of your links")
    )


def _cells(tally: Tally) -> list[str]:
    return [
        language.number(tally.asked),
        language.number(tally.joined),
        share_said(tally.joined, tally.asked),
        share_said(tally.here, tally.joined),
        *(language.number(getattr(tally, name)) for name in _STAYED[1:]),
    ]


def _months(growth: Growth) -> Sheet:
    head = ["month", "asked", "confirmed_of_asked", "joined", "lost", "size"]
    rows = [[row.month, row.came.asked, row.came.joined, row.joined, row.lost, row.size] for row in growth.months]
    return head, rows


def _sources(growth: Growth) -> Sheet:
    head = ["source", "channel", "asked", "confirmed", *_STAYED]
    rows = [
        [each.slug if each else "", each.channel if each else "", *_numbers(tally)] for each, tally in growth.sources
    ]
    by_file = [["", "file", *_numbers(growth.by_file)]] if growth.by_file.joined else []
    return head, [*rows, *by_file]


def _numbers(tally: Tally) -> list[int]:
    return [tally.asked, tally.joined, *(getattr(tally, name) for name in _STAYED)]


def _cohorts(growth: Growth) -> Sheet:
    most = max((len(one.still) for one in growth.cohorts), default=0)
    head = ["month", "confirmed", *(f"still_after_{number}" for number in range(most))]
    return head, [[one.month, one.joined, *one.still, *([None] * (most - len(one.still)))] for one in growth.cohorts]


def _owned(growth: Growth) -> Sheet:
    head = ["month", "size", "followers", "people_for_1000_followers"]
    return head, [[row.month, row.size, row.followers, row.per_mille] for row in growth.owned]


# The name of each file, and what makes it.
SHEETS: dict[str, Callable[[Growth], Sheet]] = {
    "months": _months, "sources": _sources, "cohorts": _cohorts, "owned": _owned,
}  # fmt: skip


def as_json(growth: Growth) -> dict[str, Any]:
    """Return everything for a program."""
    return {
        "counted_at": growth.counted_at,
        "total": asdict(growth.total),
        **{name: [dict(zip(head, row, strict=True)) for row in rows] for name, (head, rows) in _all(growth).items()},
    }


def _all(growth: Growth) -> dict[str, Sheet]:
    return {name: make(growth) for name, make in SHEETS.items()}
