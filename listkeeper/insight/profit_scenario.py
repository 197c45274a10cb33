"""A profit scenario: some channels side by side, as somebody typed them in, kept under a name.

Its figures are worked out anew each time it is looked at. Every change names
the version it was made on, so that two people never write over each other.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.insight import channel_draft, channel_profit
from listkeeper.insight.channel_draft import ProfitDraft
from listkeeper.insight.channel_profit import ChannelResult, Together

NAME_LIMIT = 80
# More than anybody finds again.
MOST = 200


class ProfitScenario(Table):
    """One comparison of channels."""

    __tablename__ = "profit_scenario"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("prf")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LIMIT))
    currency: Mapped[str] = mapped_column(String(3))
    # As ``channel_draft.ProfitDraft`` writes it.
    inputs: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = columns.created_at()
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)


@dataclass(frozen=True)
class Outcome:
    """What comes of a draft: a result for each channel, None for one that is open; and all that are not, together."""

    draft: ProfitDraft
    results: list[ChannelResult | None]
    # None with fewer than two channels to add up.
    together: Together | None

    @property
    def settled(self) -> list[ChannelResult]:
        """The channels that could be worked out."""
        return [each for each in self.results if each is not None]


def outcome(draft: ProfitDraft) -> Outcome:
    """Work a draft out."""
    plans = [channel_draft.plan(each, draft.currency) for each in draft.channels]
    results = [channel_profit.work_out(plan) if plan is not None else None for plan in plans]
    settled = [each for each in results if each is not None]
    overlap, synergy = Fraction(draft.overlap) / 100, Fraction(draft.synergy) / 100
    both = channel_profit.together(settled, overlap, synergy) if len(settled) > 1 else None
    return Outcome(draft, results, both)


def draft_of(scenario: ProfitScenario) -> ProfitDraft:
    """Return what was typed."""
    return channel_draft.of_json(scenario.currency, scenario.inputs)


def create(session: Session, organisation: Organisation, name: str, draft: ProfitDraft) -> ProfitScenario:
    """Keep a draft under a name. Raises Invalid for a name that cannot be, Conflict for one scenario too many."""
    number = session.scalar(
        select(func.count()).select_from(ProfitScenario).where(ProfitScenario.organisation_id == organisation.id)
    )
    if (number or 0) >= MOST:
        raise Conflict(
            "too_many_scenarios", language.text("There are very many calculations. Please delete one first.")
        )
    made = ProfitScenario(
        organisation_id=organisation.id, name=_checked(name), currency=draft.currency, inputs=draft.as_json()
    )
    session.add(made)
    session.flush()
    return made


def change(session: Session, scenario: ProfitScenario, name: str, draft: ProfitDraft, version: int) -> None:
    """Keep another draft in the place of this one. Raises Conflict when somebody changed it meanwhile."""
    # Of two at the same moment, the second sees the version of the first.
    session.refresh(scenario, with_for_update=True)
    if version != scenario.version:
        raise Conflict(
            "changed_meanwhile",
            language.text(
                "Somebody changed this calculation meanwhile. Yours is below and not saved; save it as a new one, "
                "or open the other one again."
            ),
        )
    scenario.name, scenario.currency, scenario.inputs = _checked(name), draft.currency, draft.as_json()
    scenario.version += 1
    scenario.changed_at = clock.now()


def copy(session: Session, organisation: Organisation, scenario: ProfitScenario) -> ProfitScenario:
    """Keep the same once more, under a name that says so."""
    name = language.text("Copy of %(name)s", name=scenario.name)[:NAME_LIMIT]
    return create(session, organisation, name, draft_of(scenario))


def remove(session: Session, scenario: ProfitScenario) -> None:
    """Delete a scenario."""
    session.delete(scenario)
    session.flush()


def _checked(name: str) -> str:
    said = " ".join(name.split())
    if not said:
        raise Invalid("missing", language.text("Please give the calculation a name, such as “Christmas 2026”."))
    if len(said) > NAME_LIMIT or any(unicodedata.category(char) == "Cc" for char in said):
        raise Invalid("too_long", language.text("Please shorten the name to one line."))
    return said


def all_of(session: Session, organisation: Organisation) -> list[ProfitScenario]:
    """Return the scenarios of a business, the one that was changed last first."""
    query = select(ProfitScenario).where(ProfitScenario.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(ProfitScenario.changed_at.desc(), ProfitScenario.id.desc())))


def identified(session: Session, organisation: Organisation, public_id: str) -> ProfitScenario:
    """Return one scenario. Raises NotFound."""
    query = select(ProfitScenario).where(
        ProfitScenario.organisation_id == organisation.id, ProfitScenario.public_id == public_id
    )
    # PostgreSQL stores no NUL, and is not asked for one.
    found = session.scalars(query).first() if "\0" not in public_id else None
    if found is None:
        raise NotFound("no_scenario", language.text("There is no such calculation."))
    return found
