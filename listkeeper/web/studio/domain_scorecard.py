"""The scorecard of a domain as its page shows it: each rule, the providers that ask for it, and why it stands so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.deliverability import provider_figures, readiness
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.provider_figures import Figures
from listkeeper.deliverability.readiness import Provider, Row
from listkeeper.deliverability.readiness_cell import State
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language
from listkeeper.sending import bulk_count
from listkeeper.standards import public_suffix
from listkeeper.web.studio.words import Said


@dataclass(frozen=True)
class Rule:
    """One rule: what each provider that asks for it would say, the reasons in words, and the findings they rest on."""

    code: str
    title: str
    asked_by: tuple[tuple[str, Said], ...]
    words: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Sum:
    """How many rules of one provider pass, fail and are not known yet."""

    provider: str
    passed: int
    failed: int
    unknown: int


@dataclass(frozen=True)
class Card:
    """The rules, and beside them the numbers."""

    rules: tuple[Rule, ...]
    sums: tuple[Sum, ...]
    # What was typed in.
    figures: Figures


def of(session: Session, known: SendingDomain, findings: Sequence[Finding]) -> Card:
    """Return the scorecard by the last check; what no record tells is not known yet."""
    figures = provider_figures.of(known)
    domain = known.name
    counted = bulk_count.to_gmail(session).get(public_suffix.registrable(domain) or domain, 0)
    card = readiness.scorecard(
        findings,
        from_domain=domain,
        gmail_last_day=counted,
        complaint_rate=figures.spam_rate,
        yahoo_loop=figures.yahoo_loop,
    )
    sums = [
        Sum(one.value, card.count(one, State.PASS), card.count(one, State.FAIL), card.count(one, State.UNKNOWN))
        for one in Provider
    ]
    return Card(tuple(map(_rule, card.rows)), tuple(sums), figures)


def _rule(row: Row) -> Rule:
    asked = {provider: cell for provider, cell in row.cells.items() if cell.state is not State.NOT_ASKED}
    words = dict.fromkeys(cell.words for cell in asked.values() if cell.words)
    findings = dict.fromkeys(found for cell in asked.values() for found in cell.findings)
    said = tuple((provider.value, _said(cell.state)) for provider, cell in asked.items())
    return Rule(row.code, row.title, said, tuple(words), tuple(findings))


def _said(state: State) -> Said:
    return {
        State.PASS: Said(language.text("passes"), "good"),
        State.FAIL: Said(language.text("fails"), "bad"),
        State.UNKNOWN: Said(language.text("not known yet"), "warn"),
        State.NOT_ASKED: Said(language.text("does not ask")),
    }[state]
