"""All that the page says about a domain's SPF record (RFC 7208).

The tree with its costs and who stands behind each branch, the addresses it
lets send, and the terms that do nothing. Facts, not verdicts: what is wrong is said by ``spf_audit`` and ``spf_lint``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listkeeper.deliverability import spf_networks, spf_owner
from listkeeper.deliverability.spf_networks import Networks
from listkeeper.foundation import language
from listkeeper.standards import spf_record, spf_tree
from listkeeper.standards.dns import Answer, Remembering, Resolver, TempFail
from listkeeper.standards.spf import MOST_LOOKUPS
from listkeeper.standards.spf_record import COSTLY, Mechanism, Modifier, Record
from listkeeper.standards.spf_tree import Branch, Survey


@dataclass(frozen=True)
class Node:
    """One term of the tree.

    ``own_cost`` is 1 for a term that asks the DNS, ``cost`` that of all below
    it too; ``ttl`` is in seconds, None when nothing was asked; ``reached`` is
    False for what stands where nobody reads it; ``words`` say why receivers
    end in an error here (``flawed``), or why it could not be looked at.
    """

    term: str
    target: str = ""
    own_cost: int = 0
    cost: int = 0
    void: bool = False
    ttl: int | None = None
    owner: str | None = None
    reached: bool = True
    flawed: bool = False
    words: str = ""
    below: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Idle:
    """A term of the domain's own record that changes nothing, and in one sentence why."""

    term: str
    words: str


@dataclass(frozen=True)
class Facts:
    """What the page shows of one SPF record.

    ``cost`` counts the look-ups of the whole tree, of which ``most`` are
    allowed; ``unknown`` are reasons why the cost may be higher than that.
    """

    domain: str
    record: Record
    cost: int
    nodes: tuple[Node, ...]
    networks: Networks
    unreachable: tuple[Idle, ...]
    repeated: tuple[Idle, ...]
    voids: tuple[str, ...]
    unknown: tuple[str, ...]
    most: int = MOST_LOOKUPS


@dataclass(frozen=True)
class NoFacts:
    """There is no record to draw a tree of; ``unknown`` when the DNS gave no answer."""

    reason: str
    unknown: bool = False


def gather(domain: str, resolver: Resolver) -> Facts | NoFacts:
    """Return the facts about the one SPF record of a domain. Never raises for what the DNS holds."""
    memory = Remembering(resolver)
    outcome = memory.query(domain, "TXT")
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether %(domain)s has an SPF record, because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
        return NoFacts(words, unknown=True)
    texts = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    if not texts:
        return NoFacts(language.text("%(domain)s has no SPF record", domain=domain))
    if len(texts) > 1:
        return NoFacts(spf_record.several(domain, len(texts)))
    read = spf_record.parse(texts[0])
    if not isinstance(read, Record):
        return NoFacts(problems(read))
    return _of(domain, read, memory)


def problems(found: Sequence[spf_record.Problem]) -> str:
    """Return the syntax errors of a record in one sentence; what is not plain text is shown as an escape."""
    listed = "; ".join(f"{ascii(problem.term)[1:-1]}: {problem.reason}" for problem in found)
    return language.text(
        "The record has an error, which makes all of it count for nothing: %(problems)s", problems=listed
    )


def _of(domain: str, record: Record, memory: Remembering) -> Facts:
    tree = spf_tree.survey(domain, record, memory)
    networks = spf_networks.collect(domain, record, tree, memory)
    return Facts(
        domain,
        record,
        tree.cost,
        _nodes(record, tree.branches),
        networks,
        tuple(_unreachable(record)),
        _once([*_said_twice(record), *_included_twice(tree), *_covered(record, networks)]),
        tuple(branch.term for branch in tree.voids),
        tuple(f"{failed.name}: {failed.reason}" for failed in tree.failures),
    )


def _nodes(record: Record, branches: Sequence[Branch]) -> tuple[Node, ...]:
    below = iter(branches)
    ended = False
    nodes = []
    modifiers = (term for term in record.terms if isinstance(term, Modifier))
    terms: list[Mechanism | Modifier] = [*record.mechanisms, *modifiers]
    for term in terms:
        # The survey has a branch for each costly term that is reached, in this order, the redirect last.
        asks = not ended and term.name in (COSTLY if isinstance(term, Mechanism) else {"redirect"})
        nodes.append(_node(term, next(below, None) if asks else None, reached=not ended or _anywhere(term)))
        ended = ended or term.name == "all"
    return tuple(nodes)


def _anywhere(term: Mechanism | Modifier) -> bool:
    """Return whether the place of a term does not matter: a modifier other than redirect (RFC 7208 section 6)."""
    return isinstance(term, Modifier) and term.name != "redirect"


def _node(term: Mechanism | Modifier, branch: Branch | None, *, reached: bool) -> Node:
    if branch is None:
        target = term.target if isinstance(term, Mechanism) else term.value
        return Node(term.text, target, reached=reached)
    failed = branch.failed.reason if branch.failed else ""
    return Node(
        term.text,
        branch.target,
        1,
        branch.cost,
        branch.void,
        branch.ttl,
        spf_owner.of(branch.target) if term.name in {"include", "redirect"} else None,
        reached,
        branch.flaw is not None,
        branch.words or failed,
        _nodes(branch.record, branch.branches) if branch.record else (),
    )


def _unreachable(record: Record) -> Iterator[Idle]:
    if record.all is None:
        return
    for term in record.mechanisms[record.mechanisms.index(record.all) + 1 :]:
        words = language.text(
            "%(term)s stands behind %(end)s, where nobody reads it.", term=term.text, end=record.all.text
        )
        yield Idle(term.text, words)
    if record.redirect:
        words = language.text(
            "%(term)s is never followed, because %(end)s decides before.",
            term=record.redirect.text,
            end=record.all.text,
        )
        yield Idle(record.redirect.text, words)


def _reached(record: Record) -> tuple[Mechanism, ...]:
    return record.mechanisms[: record.mechanisms.index(record.all)] if record.all else record.mechanisms


def _said_twice(record: Record) -> Iterator[Idle]:
    seen: set[tuple[str, str, int, int]] = set()
    for term in _reached(record):
        key = (term.name, term.target.lower().removesuffix("."), term.bits4, term.bits6)
        if key in seen:
            yield Idle(term.text, language.text("%(term)s stands in the record twice.", term=term.text))
        seen.add(key)


def _included_twice(tree: Survey) -> Iterator[Idle]:
    """Find the services that are included by name though another include brings them along: each costs again."""
    for own in tree.branches:
        if _word(own) != "include":
            continue
        target = own.target.lower()
        others = (branch for root in tree.branches if root is not own for branch in root.walk() if branch is not root)
        other = next((one for one in others if one.target.lower() == target and _word(one) == "include"), None)
        if other is not None:
            words = language.text(
                "%(term)s is included by the record of %(domain)s already.", term=own.term, domain=other.domain
            )
            yield Idle(own.term, words)


def _once(found: Sequence[Idle]) -> tuple[Idle, ...]:
    """Return what was found first of each term: one that stands in the record twice covers itself as well."""
    return tuple({idle.term.lower(): idle for idle in reversed(found)}.values())[::-1]


def _covered(record: Record, networks: Networks) -> Iterator[Idle]:
    own = {term.text for term in _reached(record) if term.name in {"ip4", "ip6"}}
    for one, other in spf_networks.repeated(networks):
        # Only what the owner wrote can be taken out by the owner.
        if one.path[0] in own:
            way = " → ".join(other.path)
            yield Idle(
                one.path[0], language.text("%(term)s is covered by %(other)s already.", term=one.path[0], other=way)
            )


def _word(branch: Branch) -> str:
    term = spf_record.read_term(branch.term)
    return term.name if isinstance(term, Mechanism | Modifier) else ""
