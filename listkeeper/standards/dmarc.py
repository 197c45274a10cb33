"""DMARC: which policy a domain asks for, and what a message is worth by it (RFC 9989).

``discover`` finds the record that counts for a domain and what it asks for.
``aligned`` says whether two names belong together. ``evaluate`` joins both
with what SPF and DKIM found. What the DNS did not say is unknown, never "no".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.foundation import language
from listkeeper.standards import dmarc_walk
from listkeeper.standards.dmarc_record import Mode, Policy, Psd, Record
from listkeeper.standards.dmarc_walk import Step, Walk
from listkeeper.standards.dns import NxDomain, Remembering, Resolver, TempFail
from listkeeper.standards.spf import Result as SpfResult

# Who writes ten signatures or five authors into one message wants to keep a receiver busy (section 11.5).
_MOST_IDENTIFIERS = 10
_MOST_AUTHORS = 5


class Status(StrEnum):
    """What came of looking for a record.

    VOID is a record that asks for nothing that counts: receivers act as if
    there were none (section 4.10.1). SEVERAL are more than one at one name.
    """

    FOUND = "found"
    NONE = "none"
    SEVERAL = "several"
    VOID = "void"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Discovery:
    """The record that counts for mail from a domain, and how it was found.

    ``step`` is where it stands; ``tag`` is the tag that speaks for this domain
    (``p``, ``sp`` or ``np``), ``published`` what it says, ``policy`` what it
    acts as: with t=y one step less. Both are None unless the status is FOUND.
    ``organisational`` is None when the DNS did not say enough. ``reason`` says
    in words why there is no policy.
    """

    domain: str
    walk: Walk
    status: Status
    step: Step | None = None
    tag: str = ""
    published: Policy | None = None
    reason: str = ""

    @property
    def record(self) -> Record | None:
        """The record that counts."""
        return self.step.record if self.step else None

    @property
    def found_at(self) -> str | None:
        """The name the record stands at."""
        return self.step.name if self.step else None

    @property
    def is_inherited(self) -> bool:
        """Whether the record stands above the domain."""
        return self.step is not None and self.step is not self.walk.steps[0]

    @property
    def organisational(self) -> str | None:
        """The organisational domain, None when the DNS did not say enough."""
        return self.walk.organisational

    @property
    def policy(self) -> Policy | None:
        """What receivers are asked to do with mail from this domain that does not pass."""
        if self.published is None or self.record is None:
            return None
        return self.published.weakened if self.record.testing else self.published


def discover(domain: str, resolver: Resolver) -> Discovery:
    """Find the record that counts for mail from a domain (section 4.10.1). Never raises.

    Several records at one name are thrown away, and what stands above them is
    not inherited: the RFC lets a receiver go on to the organisational domain,
    its predecessor (RFC 7489 section 6.6.3) ends here, and a policy that only
    some receivers see protects nobody.
    """
    walk = dmarc_walk.walk(domain, resolver)
    step = _counting(walk)
    below = walk.steps[: walk.steps.index(step)] if step else walk.steps
    several = next((one for one in below if one.has_several), None)
    if several:
        reason = language.text("there are several DMARC records at %(name)s", name=several.name)
        return Discovery(walk.domain, walk, Status.SEVERAL, reason=reason)
    if step is None and walk.failure:
        return Discovery(walk.domain, walk, Status.UNKNOWN, reason=_no_answer(walk.failure))
    if step is None or step.record is None:
        reason = language.text("there is no DMARC record for %(domain)s", domain=walk.domain)
        return Discovery(walk.domain, walk, Status.NONE, reason=reason)
    if step.record.p is None:
        reason = language.text("the DMARC record at %(name)s names no policy that can be read", name=step.name)
        return Discovery(walk.domain, walk, Status.VOID, step, reason=reason)
    return _with_policy(walk, step, step.record, step.record.p, resolver)


def _counting(walk: Walk) -> Step | None:
    """Return where the record stands: at the domain, else at its organisational domain, else at the suffix above."""
    if walk.steps and walk.steps[0].record:
        return walk.steps[0]
    own = [step for step in walk.steps if step.record and step.domain == walk.organisational]
    suffix = [step for step in walk.steps if step.record and step.record.psd is Psd.YES]
    return next(iter([*own, *suffix]), None)


def _with_policy(walk: Walk, step: Step, record: Record, p: Policy, resolver: Resolver) -> Discovery:
    if step is walk.steps[0]:
        return Discovery(walk.domain, walk, Status.FOUND, step, "p", p)
    tag, existing = ("sp", record.sp) if record.sp else ("p", p)
    if record.np is None or record.np is existing:
        return Discovery(walk.domain, walk, Status.FOUND, step, tag, existing)
    itself = resolver.query(walk.domain, "TXT")
    match itself:
        case TempFail():
            return Discovery(walk.domain, walk, Status.UNKNOWN, step, reason=_no_answer(itself))
        case NxDomain():
            return Discovery(walk.domain, walk, Status.FOUND, step, "np", record.np)
        case _:
            # A name with a record of any kind exists (section 3.2.13).
            return Discovery(walk.domain, walk, Status.FOUND, step, tag, existing)


def _no_answer(failed: TempFail) -> str:
    return language.text("%(name)s gave no answer: %(reason)s", name=failed.name, reason=failed.reason)


def organisational_domain(domain: str, resolver: Resolver) -> str | None:
    """Return the domain of the organisation that a name belongs to, None when the DNS did not say (section 4.10.2)."""
    return dmarc_walk.walk(domain, resolver).organisational


def aligned(from_domain: str, other: str, mode: Mode, resolver: Resolver) -> bool | None:
    """Return whether a name that proved itself belongs to the domain in From; None when the DNS did not say.

    Strict: the names are equal. Relaxed: they have the same organisational domain (section 4.10.2).
    """
    author, name = dmarc_walk.normal(from_domain), dmarc_walk.normal(other)
    if not author or not name:
        return False
    if author == name:
        return True
    # An organisational domain is the name itself or above it: names that share no last label share none.
    if mode is Mode.STRICT or author.rpartition(".")[2] != name.rpartition(".")[2]:
        return False
    return _same_organisation(organisational_domain(author, resolver), name, resolver)


def _same_organisation(organisation: str | None, name: str, resolver: Resolver) -> bool | None:
    if organisation is None:
        return None
    if name != organisation and not name.endswith(f".{organisation}"):
        return False
    found = organisational_domain(name, resolver)
    return None if found is None else found == organisation


class Result(StrEnum):
    """What a message is worth, in the words of RFC 9989 section 9.2 and RFC 8601."""

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    NONE = "none"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True)
class Identifier:
    """A domain that SPF or DKIM looked at, and whether it proved itself; None when that is not known."""

    method: str
    domain: str
    passed: bool | None


@dataclass(frozen=True)
class Verdict:
    """What a message is worth by the domain in its From.

    ``aligned`` are the identifiers that make it pass. ``policy`` is what the
    domain asks for; ``disposition`` what that means for this message, which is
    ``none`` for all that did not fail. ``reason`` says in words why there is
    neither pass nor fail.
    """

    result: Result
    from_domain: str
    discovery: Discovery | None = None
    aligned: tuple[Identifier, ...] = ()
    reason: str = ""

    @property
    def policy(self) -> Policy | None:
        """The policy of the domain in From, None when it has none or it is not known."""
        return self.discovery.policy if self.discovery else None

    @property
    def disposition(self) -> Policy:
        """What the receiver is asked to do with this message."""
        return (self.policy or Policy.NONE) if self.result is Result.FAIL else Policy.NONE


def spf_identifier(result: SpfResult, domain: str) -> Identifier:
    """Return the identifier of SPF: the domain of MAIL FROM and what ``check_host`` said."""
    return Identifier("spf", domain, None if result is SpfResult.TEMPERROR else result is SpfResult.PASS)


def evaluate(from_domain: str, identifiers: Sequence[Identifier], resolver: Resolver) -> Verdict:
    """Judge a message by the one domain in its From (section 5.3).

    ``identifiers`` are what SPF and DKIM found, SPF first; of more than ten the rest is not looked at. An empty
    ``from_domain`` is a message without one, which DMARC cannot judge. Never raises.
    """
    author = dmarc_walk.normal(from_domain)
    if not author:
        reason = language.text("the message has no domain in its From")
        return Verdict(Result.PERMERROR, "", reason=reason)
    memory = Remembering(resolver)
    found = discover(author, memory)
    if found.status in {Status.NONE, Status.SEVERAL, Status.VOID}:
        return Verdict(Result.NONE, author, found, reason=found.reason)
    if found.record is None:
        return Verdict(Result.TEMPERROR, author, found, reason=found.reason)
    return _judged(author, found, found.record, identifiers, memory)


def _judged(
    author: str, found: Discovery, record: Record, identifiers: Sequence[Identifier], resolver: Resolver
) -> Verdict:
    looked_at = [one for one in identifiers if one.passed is not False][:_MOST_IDENTIFIERS]
    belongs = [(one, aligned(author, one.domain, _mode(record, one), resolver)) for one in looked_at]
    good = tuple(one for one, same in belongs if one.passed and same)
    if good:
        return Verdict(Result.PASS, author, found, good)
    if found.status is Status.UNKNOWN:
        return Verdict(Result.TEMPERROR, author, found, reason=found.reason)
    undecided = next((one for one, same in belongs if same is not False), None)
    if undecided:
        words = language.text("it is not known whether %(name)s speaks for this message", name=undecided.domain)
        return Verdict(Result.TEMPERROR, author, found, reason=words)
    return Verdict(Result.FAIL, author, found)


def _mode(record: Record, identifier: Identifier) -> Mode:
    return record.aspf if identifier.method == "spf" else record.adkim


def evaluate_each(from_domains: Iterable[str], identifiers: Sequence[Identifier], resolver: Resolver) -> Verdict:
    """Judge a message that names several authors: by each of them, and the strictest that fails counts (section 11.5).

    Of more than five domains none is looked at: what was not looked at is not judged.
    """
    authors = list(dict.fromkeys(filter(None, map(dmarc_walk.normal, from_domains))))
    if len(authors) > _MOST_AUTHORS:
        return Verdict(Result.PERMERROR, "", reason=language.text("the message names too many domains in its From"))
    verdicts = [evaluate(author, identifiers, resolver) for author in authors] or [evaluate("", (), resolver)]
    return max(verdicts, key=lambda verdict: (_GRAVITY.index(verdict.result), verdict.disposition.strength))


_GRAVITY = (Result.PASS, Result.NONE, Result.PERMERROR, Result.TEMPERROR, Result.FAIL)
