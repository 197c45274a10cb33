"""Everything an SPF record leads to, and what it costs (RFC 7208 sections 4.6.4 and 5.2).

``check_host`` stops at the first match; a survey does not. It walks every
branch, so that the owner sees the worst case any receiver may meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from listkeeper.foundation import language
from listkeeper.standards import spf_record
from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail, ask_all
from listkeeper.standards.spf import MOST_NAMES
from listkeeper.standards.spf_record import COSTLY, Mechanism, Modifier, Record

# Far above the limit of ten: what is cut off here has failed long before.
_MOST_BRANCHES = 60


class Flaw(StrEnum):
    """What can be wrong with a branch."""

    SYNTAX = "syntax"
    NO_RECORD = "no_record"
    SEVERAL = "several"
    LOOP = "loop"
    MANY_HOSTS = "many_hosts"


@dataclass
class Branch:
    """One term that costs a look-up, and the record it leads to.

    ``flaw`` with ``words`` says why receivers end with an error here, ``failed``
    why the branch could not be looked at.
    """

    domain: str
    term: str
    target: str
    void: bool = False
    ttl: int | None = None
    record: Record | None = None
    flaw: Flaw | None = None
    words: str = ""
    failed: TempFail | None = None
    branches: list[Branch] = field(default_factory=list)

    @property
    def cost(self) -> int:
        """The look-ups of this term and of all it leads to."""
        return 1 + sum(branch.cost for branch in self.branches)

    def walk(self) -> Iterator[Branch]:
        """Return this branch and all below it, top down."""
        yield self
        for branch in self.branches:
            yield from branch.walk()


@dataclass(frozen=True)
class Survey:
    """The whole tree under one record."""

    branches: tuple[Branch, ...]

    @property
    def cost(self) -> int:
        """How many look-ups a receiver needs at worst; at most ten are allowed."""
        return sum(branch.cost for branch in self.branches)

    @property
    def voids(self) -> list[Branch]:
        """The terms that find nothing; at most two are allowed."""
        return [branch for branch in self.walk() if branch.void]

    @property
    def flaws(self) -> list[Branch]:
        """The branches where receivers end with an error."""
        return [branch for branch in self.walk() if branch.flaw]

    @property
    def failures(self) -> list[TempFail]:
        """The questions nobody answered: what lies behind them is not known."""
        return [branch.failed for branch in self.walk() if branch.failed]

    def walk(self) -> Iterator[Branch]:
        """Return every branch, top down."""
        for branch in self.branches:
            yield from branch.walk()


def survey(domain: str, record: Record, resolver: Resolver) -> Survey:
    """Walk all that a domain's record leads to, each level's questions side by side."""
    roots = _branches(domain, record)
    level: list[tuple[Branch, tuple[str, ...]]] = [(branch, (domain.lower(),)) for branch in roots]
    seen = len(level)
    while level and seen <= _MOST_BRANCHES:
        questions = [question for branch, _ in level for question in _questions(branch)]
        answers = dict(zip(questions, ask_all(resolver, questions), strict=True))
        below: list[tuple[Branch, tuple[str, ...]]] = []
        for branch, above in level:
            _read(branch, [answers[question] for question in _questions(branch)], above)
            below += [(child, (*above, branch.target.lower())) for child in branch.branches]
        level = below
        seen += len(level)
    return Survey(tuple(roots))


def _branches(domain: str, record: Record) -> list[Branch]:
    found = []
    for term in record.terms:
        if isinstance(term, Mechanism) and term.name == "all":
            break
        if isinstance(term, Mechanism) and term.name in COSTLY:
            found.append(Branch(domain, term.text, term.target or domain))
    # A redirect counts only where no "all" decides first.
    if record.redirect and record.all is None:
        found.append(Branch(domain, record.redirect.text, record.redirect.value))
    return found


def _name(branch: Branch) -> str:
    term = spf_record.read_term(branch.term)
    return term.name if isinstance(term, Mechanism | Modifier) else ""


def _questions(branch: Branch) -> list[tuple[str, str]]:
    # What a macro becomes, and whose PTR is asked for, only the message will tell.
    if "%" in branch.target:
        return []
    kinds = {"include": ["TXT"], "redirect": ["TXT"], "a": ["A", "AAAA"], "mx": ["MX"], "exists": ["A"]}
    return [(branch.target.removesuffix("."), kind) for kind in kinds.get(_name(branch), [])]


def _read(branch: Branch, outcomes: list[Outcome], above: tuple[str, ...]) -> None:
    branch.failed = next((outcome for outcome in outcomes if isinstance(outcome, TempFail)), None)
    found = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    branch.ttl = min((answer.ttl for answer in found), default=None)
    branch.void = bool(outcomes) and not found and branch.failed is None
    name = _name(branch)
    if name in {"include", "redirect"} and outcomes and branch.failed is None:
        _follow(branch, found, above)
    elif name == "mx" and found and len(found[0].records) > MOST_NAMES:
        branch.flaw = Flaw.MANY_HOSTS
        branch.words = language.text(
            "%(domain)s has more than %(most)s MX hosts", domain=branch.target, most=MOST_NAMES
        )


def _follow(branch: Branch, found: list[Answer], above: tuple[str, ...]) -> None:
    texts = [text for answer in found for text in answer.records if spf_record.is_spf(text)]
    if branch.target.lower().removesuffix(".") in above:
        branch.flaw, branch.words = Flaw.LOOP, language.text("it leads back to where it came from")
    elif not texts:
        branch.flaw = Flaw.NO_RECORD
        branch.words = language.text("%(domain)s has no SPF record", domain=branch.target)
    elif len(texts) > 1:
        branch.flaw = Flaw.SEVERAL
        branch.words = spf_record.several(branch.target, len(texts))
    else:
        _grow(branch, texts[0])


def _grow(branch: Branch, text: str) -> None:
    read = spf_record.parse(text)
    if isinstance(read, Record):
        branch.record = read
        branch.branches = _branches(branch.target, read)
        return
    branch.flaw = Flaw.SYNTAX
    branch.words = language.text(
        "in the record of %(domain)s, %(term)s: %(reason)s",
        domain=branch.target,
        term=read[0].term,
        reason=read[0].reason,
    )
