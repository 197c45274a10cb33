"""The charts of growth: what each is called, what it says to who cannot see it, and its table."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.foundation import language
from listkeeper.insight import month
from listkeeper.insight.brought import per_mille
from listkeeper.insight.growth import ENOUGH, Cohort, Growth, share_said
from listkeeper.web.studio import charts
from listkeeper.web.studio.charts import Cell, Told


@dataclass(frozen=True)
class Charts:
    """What is drawn; None where there is nothing to draw."""

    size: charts.Lines
    came: charts.Lines
    cohorts: charts.Grid | None
    owned: charts.Lines | None


def of(growth: Growth, *, called: str) -> Charts:
    """Return the charts; ``called`` is the name of the list where there are several."""
    return Charts(
        size=_size(growth, called),
        came=_came(growth),
        cohorts=_cohorts(growth) if growth.cohorts else None,
        owned=_owned(growth) if len(growth.owned) > 1 else None,
    )


def _steps(months: list[str]) -> list[str]:
    return [month.name(each, short=True) for each in months]


def _size(growth: Growth, called: str) -> charts.Lines:
    rows, number = growth.months, language.number
    first, last = rows[0], rows[-1]
    about = {"first": number(first.size), "then": month.name(first.month), "last": number(last.size)}
    title = language.text("People on “%(list)s”", list=called) if called else language.text("People on your list")
    told = Told(
        title,
        language.text("%(first)s at the end of %(then)s, %(last)s now.", **about),
        [language.text("Month"), language.text("Joined"), language.text("Lost"), language.text("At its end")],
        [[month.name(row.month), number(row.joined), number(row.lost), number(row.size)] for row in reversed(rows)],
    )
    return charts.lines(told, _steps([row.month for row in rows]), [(title, [row.size for row in rows])], number)


def _came(growth: Growth) -> charts.Lines:
    rows, number = growth.months, language.number
    asked, yes = language.text("Asked"), language.text("Said yes")
    told = Told(
        language.text("Who asked, and who said yes"),
        language.text("Two lines by the month of asking; the second counts those of the first who confirmed."),
        [language.text("Month"), asked, yes, language.text("Of those asked"), language.text("Still here")],
        [
            [
                month.name(row.month),
                number(row.came.asked),
                number(row.came.joined),
                share_said(row.came.joined, row.came.asked),
                share_said(row.came.here, row.came.joined),
            ]
            for row in reversed(rows)
        ],
    )
    series = [(asked, [row.came.asked for row in rows]), (yes, [row.came.joined for row in rows])]
    return charts.lines(told, _steps([row.month for row in rows]), series, number)


def _cohorts(growth: Growth) -> charts.Grid:
    most = max(len(one.still) for one in growth.cohorts)
    columns = [language.number(later) for later in range(most)]
    told = Told(
        language.text("Who stays"),
        language.text(
            "A row for each month in which people said yes, and a column for each month since: who was still there."
        ),
        [language.text("Said yes in"), language.text("People"), *columns],
        [[month.name(one.month), language.number(one.joined), *_still(one, most)] for one in reversed(growth.cohorts)],
    )
    rows = [(month.name(one.month, short=True), _cells(one, most)) for one in reversed(growth.cohorts)]
    return charts.grid(told, columns, rows)


def _still(one: Cohort, most: int) -> list[str]:
    return [*(share_said(still, one.joined) for still in one.still), *([""] * (most - len(one.still)))]


def _cells(one: Cohort, most: int) -> list[Cell | None]:
    """Return per cent without the sign, or "3/4" of a few, which is all that fits a telephone."""
    cells = []
    for still in one.still:
        share = per_mille(still, one.joined) or 0
        few = one.joined < ENOUGH
        cells.append(Cell(f"{still}/{one.joined}" if few else language.number(round(share / 10)), share))
    return [*cells, *([None] * (most - len(cells)))]


def _owned(growth: Growth) -> charts.Lines:
    rows, number = growth.owned, language.number
    title = language.text("People on your list for every 1,000 followers")
    told = Told(
        title,
        language.text("By the last counts of followers until the end of each month."),
        [language.text("Month"), language.text("On your list"), language.text("Followers"), title],
        [
            [month.name(row.month), number(row.size), number(row.followers), _shown(row.per_mille)]
            for row in reversed(rows)
        ],
    )
    return charts.lines(told, _steps([row.month for row in rows]), [(title, [row.per_mille for row in rows])], number)


def _shown(found: int | None) -> str:
    return language.number(found) if found is not None else ""
