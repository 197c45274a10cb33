"""What an SPF audit that evaluates does not see: the size and the life of the record, and how wide it is.

The S6 and S7 rows, a network of /8 or wider (S4f), and ``+all`` in a record
that is included (S4b). The other S rows are those of ``spf_audit``.
"""

from __future__ import annotations

import re
from datetime import datetime

from listkeeper.deliverability import evidence, spf_facts
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.spf_facts import Facts
from listkeeper.foundation import language
from listkeeper.standards import spf_mend, spf_record
from listkeeper.standards.dns import Answer, Remembering, Resolver, TempFail
from listkeeper.standards.spf_record import Mechanism, Modifier

_SIZE = "RFC 7208 sections 3.3 and 3.4"
_LIFE = "RFC 7208 section 3.1"
_LONGEST_RECORD = 450
_LONGEST_ANSWER = 512
_LONGEST_STRING = 255
_SHORTEST_LIFE = 300
_LONGEST_LIFE = 86_400
# Whoever names more networks of that size than these has understood it by then.
_MOST_WIDE = 5
# A DNS message: its head, the question's type and class, and per record the name's pointer, type, class, TTL, length.
_HEAD, _QUESTION, _RECORD = 12, 4, 12
_NEXT_TERM = re.compile(r"[+?~-]?(?:include:|exists:|ip4:|ip6:|redirect=)|[+?~-]all\Z", re.IGNORECASE)


def audit(domain: str, resolver: Resolver, now: datetime, *, authoritative: bool = False) -> list[Finding]:
    """Return the findings about a domain that has exactly one SPF record; none for one that has none or several.

    ``authoritative`` says that the resolver asks a server of the zone itself:
    from any other, a short time to live only says that the record was asked for before.
    """
    memory = Remembering(resolver)
    outcome = memory.query(domain, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown how long the SPF record of %(domain)s is, because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
        return [Finding("S6", Severity.UNKNOWN, domain, words, seen, reference=_SIZE)]
    texts = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    if not isinstance(outcome, Answer) or len(texts) != 1:
        return []
    return [
        *_size(outcome, texts[0], seen),
        *_life(outcome, seen, authoritative=authoritative),
        *_old_kinds(outcome, memory, now, seen),
        *_width(domain, memory, seen),
    ]


def _size(outcome: Answer, text: str, seen: str) -> list[Finding]:
    found = [*_glued(outcome.name, text, seen), *_too_long(outcome, text, seen)]
    if found:
        return found
    words = language.counted(
        "The SPF record is %(number)s octet long, which is right.",
        "The SPF record is %(number)s octets long, which is right.",
        len(text),
    )
    return [Finding("S6", Severity.INFO, outcome.name, words, seen, reference=_SIZE)]


def _glued(domain: str, text: str, seen: str) -> list[Finding]:
    """Find terms that run into one another: strings of a TXT record are joined without a space (section 3.3)."""
    words = text.split(" ")
    cut = [_cut(word) for word in words[1:]]
    if all(len(parts) == 1 for parts in cut):
        return []
    whole = [part for parts in cut for part in parts]
    glued = ", ".join(ascii(word)[1:-1] for word, parts in zip(words[1:], cut, strict=True) if len(parts) > 1)
    sentence = language.text(
        "Two terms of the SPF record run into one another: %(terms)s. The strings of a record are joined without a "
        "space, so the space between them must stand inside one.",
        terms=glued,
    )
    mend = spf_mend.merge([" ".join([words[0], *whole])])
    return [Finding("S6a", Severity.WARN, domain, sentence, seen, mend, _SIZE)]


def _cut(word: str) -> list[str]:
    """Return the terms that a word holds; more than one when each part is a term of its own."""
    starts = [found.start() for found in _NEXT_TERM.finditer(word) if found.start() > 0]
    ends = [*starts, len(word)]
    parts = [word[start:end] for start, end in zip([0, *starts], ends, strict=True)]
    return parts if all(_stands_alone(part) for part in parts) else [word]


def _stands_alone(part: str) -> bool:
    read = spf_record.read_term(part)
    # What a modifier that nobody knows may hold, nobody knows either.
    return isinstance(read, Mechanism) or (isinstance(read, Modifier) and read.name in {"redirect", "exp"})


def _too_long(outcome: Answer, text: str, seen: str) -> list[Finding]:
    found = []
    if len(text) > _LONGEST_RECORD:
        words = language.counted(
            "The SPF record is %(number)s octet long; more than %(most)s may not fit into one answer of the DNS.",
            "The SPF record is %(number)s octets long; more than %(most)s may not fit into one answer of the DNS.",
            len(text),
            most=_LONGEST_RECORD,
        )
        mend = language.text(
            "Take out terms you no longer use, or move some into a record of their own and include it."
        )
        found.append(Finding("S6b", Severity.WARN, outcome.name, words, seen, mend, _SIZE))
    size = answer_size(outcome)
    if size > _LONGEST_ANSWER:
        words = language.counted(
            "The TXT records of %(domain)s take %(number)s octet together; some receivers cannot read more than "
            "%(most)s.",
            "The TXT records of %(domain)s take %(number)s octets together; some receivers cannot read more than "
            "%(most)s.",
            size,
            domain=outcome.name,
            most=_LONGEST_ANSWER,
        )
        mend = language.text("Delete TXT records that services you no longer use once asked for.")
        found.append(Finding("S6c", Severity.WARN, outcome.name, words, seen, mend, _SIZE))
    return found


def answer_size(outcome: Answer) -> int:
    """Return how many octets a TXT answer takes on the wire, without EDNS (RFC 1035 section 4)."""
    strings = sum(len(text) + max(1, -(-len(text) // _LONGEST_STRING)) for text in outcome.records)
    return _HEAD + len(outcome.name) + 2 + _QUESTION + _RECORD * len(outcome.records) + strings


def _life(outcome: Answer, seen: str, *, authoritative: bool) -> list[Finding]:
    if _SHORTEST_LIFE <= outcome.ttl <= _LONGEST_LIFE or (outcome.ttl < _SHORTEST_LIFE and not authoritative):
        return []
    words = language.counted(
        "The TXT records of %(domain)s are kept for %(number)s second by who asked for them. An hour is usual.",
        "The TXT records of %(domain)s are kept for %(number)s seconds by who asked for them. An hour is usual.",
        outcome.ttl,
        domain=outcome.name,
    )
    mend = language.text("Set the TTL of the record to 3600 seconds.")
    return [Finding("S7a", Severity.INFO, outcome.name, words, seen, mend, _LIFE)]


def _old_kinds(outcome: Answer, resolver: Resolver, now: datetime, seen: str) -> list[Finding]:
    found = []
    # Servers that know nothing of the old type often do not answer at all: that is no news about the record.
    old = resolver.query(outcome.name, "SPF")
    if isinstance(old, Answer):
        words = language.text(
            "%(domain)s has a record of the old type SPF too, which nobody reads any more.", domain=outcome.name
        )
        mend = language.text("Delete the record of type SPF, and keep the one of type TXT.")
        found.append(Finding("S7b", Severity.INFO, outcome.name, words, evidence.of(old, now), mend, _LIFE))
    sender_id = [text for text in outcome.records if text.lower().startswith("spf2.0/")]
    if sender_id:
        words = language.text(
            "%(domain)s has a record of Sender ID (spf2.0/), which nobody reads any more.", domain=outcome.name
        )
        mend = language.text("Delete this record: %(record)s", record=ascii(sender_id[0])[1:-1])
        found.append(Finding("S7c", Severity.INFO, outcome.name, words, seen, mend, _LIFE))
    return found


def _width(domain: str, resolver: Resolver, seen: str) -> list[Finding]:
    facts = spf_facts.gather(domain, resolver)
    if not isinstance(facts, Facts):
        return []
    # Of its own +all the domain is told by the audit.
    open_doors = [path for path in facts.networks.everybody if len(path) > 1]
    wide = [one for one in facts.networks.allowed if one.wide][:_MOST_WIDE]
    found = [_open_door(domain, path, seen) for path in open_doors[:1]]
    return [*found, *(_wide(domain, str(one.network), one.path, seen) for one in wide)]


def _open_door(domain: str, path: tuple[str, ...], seen: str) -> Finding:
    words = language.text("The SPF record lets the whole world send as you, by %(way)s.", way=" → ".join(path))
    mend = language.text("Take %(term)s out of the record of %(domain)s.", term=path[0], domain=domain)
    return Finding("S4b", Severity.BLOCK, domain, words, seen, mend, "RFC 7208 section 5.1")


def _wide(domain: str, network: str, path: tuple[str, ...], seen: str) -> Finding:
    words = language.text(
        "The SPF record lets all of %(network)s send as you, by %(way)s: millions of strangers' machines.",
        network=network,
        way=" → ".join(path),
    )
    mend = language.text(
        "Name the addresses that send for %(domain)s in place of %(term)s.", domain=domain, term=path[0]
    )
    return Finding("S4f", Severity.WARN, domain, words, seen, mend, "RFC 7208 section 5.6")
