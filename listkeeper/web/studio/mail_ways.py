"""How mail leaves, as the settings show it: each way with its share and its state, and nothing of what is secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from listkeeper.deliverability.finding import Verdict
from listkeeper.sending.handing_over import way_state
from listkeeper.sending.handing_over.way_state import WayStands
from listkeeper.web.studio import page, words

_VERDICTS = {WayStands.WORKS: Verdict.RIGHT, WayStands.TROUBLE: Verdict.WRONG, WayStands.UNKNOWN: Verdict.UNKNOWN}


@dataclass(frozen=True)
class Leaving:
    """One way: where mail leaves, how much of it, and how the way stands."""

    shown: str
    share: str
    said: words.Said
    trouble: str
    at: datetime | None
    remark: str


def every(session: Session) -> list[Leaving]:
    """Return the ways, in the order of the settings; none in practice mode."""
    return [
        Leaving(
            state.way.shown, state.share, words.verdict(_VERDICTS[state.stands]), state.trouble, state.at, state.remark
        )
        for state in way_state.every(session, page.settings().sending_ways)
    ]
