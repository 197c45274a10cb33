"""The report of a letter as plain values, for programs, files and the command line: the same keys everywhere.

Shares are parts of one, money is in the smallest coin, and what is not known is null.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from listkeeper.audience import posted_event
from listkeeper.campaigns.assumption import WHOLE
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.insight.campaign_report import Report, Share

_HEAD = ("part", "name", "measure", "value")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def of(letter: Campaign, report: Report) -> dict[str, Any]:
    """Return a report as JSON has it."""
    return {
        "id": letter.public_id,
        "state": letter.state.value,
        "final": not report.leaving,
        "counted_at": clock.as_text(report.counted_at),
        "recipients": report.recipients,
        "accepted": report.whole.accepted,
        "deferred": report.whole.deferred,
        "bounced": report.whole.bounced,
        "clicked": _share(report.clicked),
        "replied": _share(report.replied),
        "left": _share(report.left),
        "complained": report.complained,
        "compared_with": report.before,
        "clicks": asdict(report.engagement.clicks),
        "opens": {**asdict(report.engagement.opens), "counted": report.engagement.pictured},
        "assumption": _assumption(report),
        "links": [{"number": each.number, "url": each.url, **asdict(each.clicks)} for each in report.places],
        "providers": [
            {
                "provider": each.provider,
                **asdict(each.figures),
                "counted": each.engagement.counted,
                "clickers": each.engagement.clickers,
            }
            for each in report.providers
        ],
        "events": [
            {"name": each.name, "currency": each.currency or None, "number": each.number, "amount": each.amount}
            for each in report.sums
        ],
        "income": dict(posted_event.income(list(report.sums))),
        "reasons": {why.value: number for why, number in report.reasons.items()},
        "waiting": report.waiting,
        "next": {"step": report.next.step.value, "why": report.next.why},
    }


def _share(share: Share) -> dict[str, Any]:
    return {"readers": share.hits, "of": share.people, "share": _rounded(share.value), "usual": _rounded(share.usual)}


def _assumption(report: Report) -> dict[str, Any] | None:
    if report.judged is None:
        return None
    judged = report.judged
    return {
        "measure": judged.believed.measure.value,
        "believed": judged.believed.value / WHOLE,
        "words": judged.believed.words,
        "readers": judged.share.hits,
        "of": judged.share.people,
        "share": _rounded(judged.share.value),
        "low": _rounded(judged.low),
        "high": _rounded(judged.high),
        "verdict": judged.verdict.value,
    }


def _rounded(share: float | None) -> float | None:
    return round(share, 6) if share is not None else None


def as_csv(plain: Mapping[str, Any]) -> str:
    """Return a report as a table with one number a row; text that a spreadsheet would calculate is quoted."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for part, name, measure, value in _rows(plain):
        writer.writerow([part, _harmless(name), measure, _harmless(value) if isinstance(value, str) else value])
    return target.getvalue()


def _rows(plain: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    for key, value in plain.items():
        if isinstance(value, Mapping):
            yield from ((key, "", measure, each) for measure, each in value.items())
        elif isinstance(value, list):
            for row in value:
                name = next(iter(row.values())) if key != "links" else row["url"]
                yield from ((key, str(name), measure, each) for measure, each in row.items())
        else:
            yield "letter", "", key, value


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
