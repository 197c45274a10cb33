"""The DNS tree walk: from a name towards the top, which DMARC records there are (RFC 9989 section 4.10).

At most eight names are asked. The walk is kept step by step, because what a
receiver concludes from it can only be checked by looking at each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import idna

from listkeeper.foundation import language
from listkeeper.standards import dmarc_record
from listkeeper.standards.dmarc_record import Psd, Record
from listkeeper.standards.dns import Answer, NxDomain, Outcome, Resolver, TempFail

MOST_QUERIES = 8


class End(StrEnum):
    """Why a walk stopped."""

    TOP = "top"
    PSD = "psd"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """One name that was asked: what came back, and the DMARC records in it; other TXT records are passed over."""

    domain: str
    outcome: Outcome
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """The name that was asked."""
        return name_of(self.domain)

    @property
    def record(self) -> Record | None:
        """The record, when there is exactly one: of several each is thrown away (step 2)."""
        return self.records[0] if len(self.records) == 1 else None

    @property
    def has_several(self) -> bool:
        """Whether there are several records, of which none counts."""
        return len(self.records) > 1

    @property
    def words(self) -> str:
        """What came back, for people."""
        if isinstance(self.outcome, TempFail):
            return language.text("no answer: %(reason)s", reason=self.outcome.reason)
        if self.has_several:
            return language.counted(
                "%(number)s DMARC record", "%(number)s DMARC records, so that none of them counts", len(self.records)
            )
        if self.record:
            return language.text("a DMARC record")
        if isinstance(self.outcome, NxDomain):
            return language.text("the name does not exist")
        return language.text("no DMARC record")


@dataclass(frozen=True)
class Walk:
    """All the names that were asked for a domain, from itself upwards, and why no more were."""

    domain: str
    steps: tuple[Step, ...]
    end: End

    @property
    def failure(self) -> TempFail | None:
        """The question that had no answer, with which the walk ended."""
        last = self.steps[-1].outcome if self.steps else None
        return last if isinstance(last, TempFail) else None

    @property
    def organisational(self) -> str | None:
        """The organisational domain (section 4.10.2), None when the DNS did not say enough to know it."""
        if self.end is End.FAILED:
            return None
        for step in self.steps:
            if step.record and step.record.psd is Psd.NO:
                return step.domain
            if step.record and step.record.psd is Psd.YES and step is not self.steps[0]:
                return _one_below(step.domain, self.domain)
        return next((step.domain for step in reversed(self.steps) if step.record), self.domain)

    @property
    def words(self) -> str:
        """Why the walk stopped, for people."""
        match self.end:
            case End.FAILED:
                return language.text("The search stopped here, because without an answer the rest proves nothing.")
            case End.PSD:
                return language.text("The search stopped here, because the record says so with psd=.")
            case End.TOP:
                return language.text("The search stopped here, because there is no name above.")


def walk(domain: str, resolver: Resolver) -> Walk:
    """Ask for the DMARC records at a domain and above it. Never raises, whatever the domain and the DNS hold."""
    domain = normal(domain)
    steps: list[Step] = []
    for name in names(domain):
        step = _asked(name, resolver)
        steps.append(step)
        if isinstance(step.outcome, TempFail):
            return Walk(domain, tuple(steps), End.FAILED)
        if step.record and step.record.psd is not Psd.UNSAID:
            return Walk(domain, tuple(steps), End.PSD)
    return Walk(domain, tuple(steps), End.TOP)


def names(domain: str) -> list[str]:
    """Return the domains that a walk asks about, in order: itself, then of what is left at most the last seven labels.

    ``_dmarc.`` goes before each (``name_of``). A longer name is cut, so that nobody can make a receiver ask hundreds.
    """
    domain = normal(domain)
    labels = domain.split(".")
    above = labels[1:][-(MOST_QUERIES - 1) :]
    return [domain, *(".".join(above[at:]) for at in range(len(above)))] if domain else []


def name_of(domain: str) -> str:
    """Return the name that a domain's record is published at."""
    return f"_dmarc.{domain}"


def normal(domain: str) -> str:
    """Return a domain as it is asked for and compared: A-label, lower case, no final dot (section 5.3.1)."""
    plain = domain.strip().removesuffix(".").lower()
    if plain.isascii():
        return plain
    try:
        return idna.encode(plain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return plain


def _asked(domain: str, resolver: Resolver) -> Step:
    outcome = resolver.query(name_of(domain), "TXT")
    texts = outcome.records if isinstance(outcome, Answer) else ()
    read = (dmarc_record.parse(text) for text in texts)
    return Step(domain, outcome, tuple(record for record in read if record))


def _one_below(above: str, domain: str) -> str:
    """Return the name one label below a name, on the way down to a domain."""
    return ".".join(domain.split(".")[-(above.count(".") + 2) :])
