"""What receivers would conclude if an SPF record were published: asked before it is, so that no mistake goes live.

``suppose`` evaluates any text; ``propose`` makes the one record that says what
is published and lets us send too. A record that would need more than ten
look-ups is never proposed: receivers would count none of it (RFC 7208 section
4.6.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from listkeeper.deliverability import spf_facts
from listkeeper.deliverability.spf_facts import Facts, NoFacts
from listkeeper.foundation import language
from listkeeper.standards import spf, spf_mend, spf_record
from listkeeper.standards.dns import Answer, Remembering, Resolver, TempFail
from listkeeper.standards.dns_overlay import OverlayResolver
from listkeeper.standards.spf import MOST_LOOKUPS, MOST_VOIDS, SpfResult

_TTL = 3600


@dataclass(frozen=True)
class Supposed:
    """What would be if a record were published.

    ``facts`` are those of the supposed record, ``results`` what a receiver
    would conclude for each address asked about. ``objections`` are sentences:
    why it must not be published; empty when nothing speaks against it.
    ``unknown`` are sentences: what could not be looked at.
    """

    record: str
    facts: Facts | NoFacts
    results: tuple[tuple[str, SpfResult], ...]
    objections: tuple[str, ...]
    unknown: tuple[str, ...]


def suppose(  # noqa: PLR0913 - what a receiver's verdict depends on
    domain: str,
    record: str,
    resolver: Resolver,
    *,
    egress: Sequence[str] = (),
    mail_from: str | None = None,
    now: datetime | None = None,
) -> Supposed:
    """Evaluate a record as if it were the SPF record of a domain. Never raises for the text or the DNS.

    ``egress`` are the IP addresses to ask about; raises ValueError when one is no address.
    """
    text = " ".join(record.split())
    if not spf_record.is_spf(text):
        words = language.text("An SPF record begins with v=spf1 and a space.")
        return Supposed(text, NoFacts(words), (), (words,), ())
    world = Remembering(_published(domain, text, resolver))
    facts = spf_facts.gather(domain, world)
    sender = mail_from or f"postmaster@{domain}"
    results = tuple((ip, spf.check_host(ip, domain, sender, domain, world, now=now)) for ip in egress)
    if isinstance(facts, NoFacts):
        return Supposed(text, facts, results, (facts.reason,), ())
    return Supposed(text, facts, results, tuple(_objections(facts)), _unknown(facts))


def _objections(facts: Facts) -> list[str]:
    found = []
    if facts.cost > MOST_LOOKUPS:
        found.append(_too_dear(facts))
    empty = [node for node in _walk(facts.nodes) if node.void and not node.flawed]
    if len(empty) > MOST_VOIDS:
        terms = ", ".join(node.term for node in empty)
        found.append(
            language.text(
                "Receivers would count none of it, because these terms find nothing in the DNS: %(terms)s.", terms=terms
            )
        )
    found += [
        language.text("The term %(term)s ends in an error for receivers: %(words)s.", term=node.term, words=node.words)
        for node in _walk(facts.nodes)
        if node.flawed
    ]
    if facts.networks.everybody:
        way = " → ".join(facts.networks.everybody[0])
        found.append(language.text("It lets the whole world send as you, by %(way)s.", way=way))
    return found


def _walk(nodes: Sequence[spf_facts.Node]) -> list[spf_facts.Node]:
    return [found for node in nodes for found in (node, *_walk(node.below))]


def _too_dear(facts: Facts) -> str:
    dear = sorted((node for node in facts.nodes if node.cost), key=lambda node: -node.cost)[:3]
    words = language.counted(
        "The record would need %(number)s DNS look-up and receivers stop at %(most)s, so they would count none of it.",
        "The record would need %(number)s DNS look-ups and receivers stop at %(most)s, so they would count none of it.",
        facts.cost,
        most=facts.most,
    )
    terms = ", ".join(f"{node.term} ({node.cost})" for node in dear)
    return f"{words} {language.text('The dearest terms are %(terms)s: take out what you no longer use.', terms=terms)}"


def _unknown(facts: Facts) -> tuple[str, ...]:
    return tuple(
        language.text(
            "Unknown what lies behind a part of it, because the DNS gave no answer: %(reason)s.", reason=reason
        )
        for reason in facts.unknown
    )


def _published(domain: str, record: str, resolver: Resolver) -> OverlayResolver:
    """Return the DNS as it would be: one text takes the place of a domain's SPF records, all else is as it is."""
    outcome = resolver.query(domain, "TXT")
    texts, ttl = (outcome.records, outcome.ttl) if isinstance(outcome, Answer) else ((), _TTL)
    others = [text for text in texts if not spf_record.is_spf(text)]
    return OverlayResolver({domain: {"TXT": [*others, record]}}, resolver, ttl=ttl)


@dataclass(frozen=True)
class Proposal:
    """The one record to publish.

    ``replaces`` are the SPF records it takes the place of; ``changed`` is
    False when the published one is right already.
    """

    record: str
    replaces: tuple[str, ...]
    changed: bool
    supposed: Supposed


@dataclass(frozen=True)
class Refusal:
    """No record is proposed, and in words why; ``supposed`` is what was tried."""

    words: str
    supposed: Supposed


@dataclass(frozen=True)
class NoAnswer:
    """Nothing can be proposed, because the DNS gave no answer: ``words`` say where."""

    words: str


def propose(
    domain: str, wanted: Sequence[str], resolver: Resolver, *, now: datetime | None = None
) -> Proposal | Refusal | NoAnswer:
    """Return the record that keeps what is published and has the ``wanted`` terms in front of ``all``.

    ``wanted`` are terms such as ``ip4:192.0.2.1`` or ``include:_spf.relay.example``.
    """
    memory = Remembering(resolver)
    outcome = memory.query(domain, "TXT")
    if isinstance(outcome, TempFail):
        return _no_answer(domain, outcome)
    published = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    terms = list(wanted)
    if not published:
        mail = memory.query(domain, "MX")
        if isinstance(mail, TempFail):
            return _no_answer(domain, mail)
        # Where the domain receives mail, its mail host usually sends too: it must not be shut out.
        terms = [*(["mx"] if isinstance(mail, Answer) and any(mail.hosts()) else []), *terms]
    supposed = suppose(domain, spf_mend.merge(published, terms), memory, now=now)
    if supposed.objections:
        words = language.text("No record is proposed. %(why)s", why=" ".join(supposed.objections))
        return Refusal(words, supposed)
    if supposed.unknown:
        return NoAnswer(" ".join(supposed.unknown))
    changed = published != [supposed.record]
    return Proposal(supposed.record, tuple(published), changed, supposed)


def _no_answer(domain: str, outcome: TempFail) -> NoAnswer:
    return NoAnswer(
        language.text(
            "Unknown which SPF record would be right for %(domain)s, because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
    )
