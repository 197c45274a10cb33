"""Permissions that end soon, for a page that has no time: counted now on a short list, of the day on a long one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import lifecycle
from listkeeper.audience.lifecycle import Warning as Ending
from listkeeper.insight import board_value
from listkeeper.insight.board_number import NumberKind

# What took the job longer is not asked again while somebody waits for a page.
_QUICK_MS = 10


def of(session: Session, organisation: Organisation) -> list[Ending]:
    """Return, list by list, how many permissions end within 30 days."""
    known = board_value.newest(session, organisation).get(NumberKind.ENDING_SOON)
    if known is None or known.took_ms <= _QUICK_MS:
        return lifecycle.warnings(session, organisation)
    return [Ending(**row) for row in known.facts.get("lists", [])]
