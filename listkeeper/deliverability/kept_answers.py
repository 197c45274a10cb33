"""What the DNS said at a check, asked again of what was kept: a page is drawn from it without asking anybody.

So it shows exactly what the check saw, as the evidence has it, and opens at
once. What was not asked then is unknown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from listkeeper.deliverability import spf_facts, spf_what_if, sub_domain, zone_of
from listkeeper.foundation import language
from listkeeper.standards import dmarc, public_suffix, spf_mend
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, Resolver, TempFail, ask_all

_TTL = 3600


class KeptAnswers:
    """A resolver that answers from the records of a check (``domain_check.Records``), and asks nobody."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._records = records
        questions = [question for question, seen in records.items() if seen["state"] == "no_name"]
        self._absent = {question.rpartition(" ")[0] for question in questions}

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return what was said then. Never raises."""
        kind = kind.upper()
        seen = self._records.get(f"{name.lower().removesuffix('.')} {kind}")
        if seen is None and self._is_absent(name):
            return NxDomain(name, kind, "")
        if seen is None:
            return TempFail(name, kind, "", language.text("it was not asked for at the last check"))
        server = seen.get("server", "")
        match seen["state"]:
            case "answer":
                return Answer(name, kind, server, tuple(map(_as_said, seen["records"])), seen.get("ttl", _TTL))
            case "no_name":
                return NxDomain(name, kind, server)
            case "no_record":
                return NoData(name, kind, server)
            case _:
                return TempFail(name, kind, server, seen.get("reason", ""))

    def _is_absent(self, name: str) -> bool:
        """Whether this name or one above it does not exist: then nothing below it does either (RFC 8020)."""
        labels = name.lower().removesuffix(".").split(".")
        return any(".".join(labels[start:]) in self._absent for start in range(len(labels)))


def _as_said(kept: str) -> str:
    """Undo the escapes in which bytes from strangers are kept."""
    return kept.encode("ascii", "replace").decode("unicode_escape") if "\\" in kept else kept


def ask_around(domain: str, egress: Sequence[str], resolver: Resolver) -> None:
    """Ask what a page about a domain shows beside its findings, so that a resolver that remembers knows it.

    Where the DNS is silent about the domain itself nothing more is asked: it would only keep people waiting.
    """
    if isinstance(resolver.query(domain, "MX"), TempFail):
        return
    zone_of.find(domain, resolver)
    ask_all(resolver, [(name, "A") for name in sub_domain_names(domain)])
    dmarc.organisational_domain(domain, resolver)
    spf_facts.gather(domain, resolver)
    wanted = [spf_mend.network_term(ip) for ip in egress]
    spf_what_if.propose(domain, wanted, resolver)


def sub_domain_names(domain: str) -> tuple[str, ...]:
    """Return the names that would be proposed to send as instead, none where the domain is a sub-domain itself."""
    if domain.lower() != (public_suffix.registrable(domain) or domain):
        return ()
    return sub_domain.recommend(domain, domain, TempFail(domain, "MX", "", "")).names


class Hurried:
    """A resolver that gives up on everything once its time is over, so that a page is answered in bounded time."""

    def __init__(self, resolver: Resolver, seconds: float) -> None:
        self._resolver = resolver
        self._until = time.monotonic() + seconds

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return what the DNS says while there is time. Never raises for DNS trouble."""
        if time.monotonic() > self._until:
            return TempFail(name, kind.upper(), "", language.text("no answer in time"))
        return self._resolver.query(name, kind)
