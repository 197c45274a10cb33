"""What a check saw, in lines of text: the records, the server that was asked, the moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from listkeeper.foundation import clock, language
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, TempFail


def of(outcome: Outcome, now: datetime, *more: str) -> str:
    """Return what was asked, what came back, from which server and when; ``more`` lines follow."""
    asked = language.text(
        "asked %(server)s at %(time)s", server=outcome.server or language.text("nobody"), time=clock.as_text(now)
    )
    return "\n".join([*_seen(outcome), asked, *more])


def of_several(outcomes: Iterable[Outcome], now: datetime) -> str:
    """Return the evidence of several questions."""
    return "\n".join(of(outcome, now) for outcome in outcomes)


def _seen(outcome: Outcome) -> list[str]:
    question = f"{outcome.name} {outcome.kind}"
    match outcome:
        case Answer():
            # Bytes from strangers: what is no printable ASCII is shown as an escape.
            shown = [ascii(record)[1:-1] for record in outcome.records]
            return [f'{question} "{record}"' for record in shown]
        case NxDomain():
            return [language.text("%(question)s: the name does not exist", question=question)]
        case NoData():
            return [language.text("%(question)s: no such record", question=question)]
        case TempFail():
            return [language.text("%(question)s: %(reason)s", question=question, reason=outcome.reason)]
