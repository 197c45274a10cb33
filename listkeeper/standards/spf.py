"""Whether an address may send for a domain: ``check_host`` of RFC 7208, with the way it came to its result.

Limits (section 4.6.4): ten terms that ask the DNS, ten names of an MX or PTR
answer, two terms that find nothing. A term counts as void by its own first
query: of an MX host that has no address of the sender's family nobody is to
blame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NoReturn

from listkeeper.foundation import language
from listkeeper.standards import dns, spf_macro, spf_record
from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail
from listkeeper.standards.spf_record import COSTLY, Mechanism, Modifier, Record

MOST_LOOKUPS = 10
MOST_VOIDS = 2
MOST_NAMES = 10


class Result(StrEnum):
    """The seven results of section 2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


_QUALIFIED = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass
class Step:
    """One term that was evaluated: where it stood, what it asked for and what that cost.

    ``outcome`` is a result for a term that matched and ``no match`` for one
    that did not; ``steps`` are the terms of an included or redirected record.
    """

    domain: str
    term: str
    target: str = ""
    outcome: str = "no match"
    lookups: int = 0
    void: bool = False
    ttl: int | None = None
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class SpfResult:
    """What a receiver concludes.

    ``explanation`` is the domain's own text for a fail; ``reason`` says in
    words why there is an error or no record.
    """

    result: Result
    explanation: str
    reason: str
    trace: tuple[Step, ...]

    def path(self) -> list[str]:
        """Return the terms that led to the result, outermost first: ``["include:_spf.example", "ip4:…"]``."""
        steps, terms = list(self.trace), []
        while steps and steps[-1].outcome != "no match":
            terms.append(steps[-1].term)
            steps = steps[-1].steps
        return terms


def check_host(  # noqa: PLR0913 - the five arguments of section 4.1, and what only macros need
    ip: str,
    domain: str,
    sender: str,
    helo: str,
    resolver: Resolver,
    *,
    receiver: str = "unknown",
    now: datetime | None = None,
    default_explanation: str = "",
) -> SpfResult:
    """Evaluate a domain's SPF record for a sending address (RFC 7208 section 4).

    ``ip`` is the address that connects, ``domain`` that of MAIL FROM (or HELO
    when MAIL FROM is empty), ``sender`` the whole MAIL FROM. Never raises for
    what the DNS holds; raises ValueError when ``ip`` is no address.
    """
    check = _Check(ip, domain, sender, helo, resolver)
    check.receiver, check.now = receiver, now
    trace: list[Step] = []
    reason = ""
    explanation = ""
    try:
        result = check.evaluate(check.sender_domain, trace)
        if result is Result.NONE:
            reason = language.text("%(domain)s has no SPF record", domain=domain)
        if result is Result.FAIL:
            explanation = check.explanation() or default_explanation
    except _Error as error:
        result, reason = error.result, error.reason
    return SpfResult(result, explanation, reason, tuple(trace))


def identity(mail_from: str, helo: str) -> tuple[str, str]:
    """Return (domain, sender) to check: those of MAIL FROM, or of HELO when it is empty (section 2.4)."""
    sender = mail_from or f"postmaster@{helo}"
    return sender.rpartition("@")[2], sender


class _Error(Exception):
    """Ends the evaluation with temperror or permerror."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


def _temperror(outcome: TempFail) -> NoReturn:
    words = language.text(
        "%(name)s could not be looked up: %(reason)s", name=outcome.name or "?", reason=outcome.reason
    )
    raise _Error(Result.TEMPERROR, words)


def _permerror(reason: str) -> NoReturn:
    raise _Error(Result.PERMERROR, reason)


def record_of(domain: str, resolver: Resolver) -> Record | None:
    """Return a domain's only SPF record, None when it has none; raises the evaluation's own error otherwise."""
    outcome = resolver.query(domain, "TXT")
    if isinstance(outcome, TempFail):
        _temperror(outcome)
    texts = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    if not texts:
        return None
    if len(texts) > 1:
        _permerror(spf_record.several(domain, len(texts)))
    read = spf_record.parse(texts[0])
    if isinstance(read, Record):
        return read
    first = read[0]
    _permerror(
        language.text(
            "in the record of %(domain)s, %(term)s: %(reason)s", domain=domain, term=first.term, reason=first.reason
        )
    )


class _Check:
    """One evaluation: what it was called with, and what it has used up."""

    receiver: str
    now: datetime | None

    def __init__(self, ip: str, domain: str, sender: str, helo: str, resolver: Resolver) -> None:
        address = ip_address(ip)
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        self.ip: IPv4Address | IPv6Address = mapped or address
        self.kind = "A" if self.ip.version == 4 else "AAAA"  # noqa: PLR2004 - IP version 4
        local, _, sender_domain = sender.rpartition("@")
        self.local = local or "postmaster"
        self.sender_domain = domain
        self.sender = f"{self.local}@{sender_domain or domain}"
        self.helo = helo
        self.resolver = resolver
        self.lookups = 0
        self.voids = 0
        self.exp: tuple[Modifier, str] | None = None
        self.matchers: dict[str, Callable[[Mechanism, str, Step], bool]] = {
            "all": lambda _term, _domain, _step: True,
            "include": self._include,
            "a": self._a,
            "mx": self._mx,
            "ptr": self._ptr,
            "ip4": self._network,
            "ip6": self._network,
            "exists": self._exists,
        }

    def evaluate(self, domain: str, steps: list[Step]) -> Result:
        """Evaluate the record of one domain; ``steps`` receives the trace."""
        if "." not in domain.strip(".") or not dns.can_be_asked(domain):
            return Result.NONE
        record = record_of(domain, self.resolver)
        if record is None:
            return Result.NONE
        for term in record.mechanisms:
            step = self._step(domain, term, steps)
            if self.matchers[term.name](term, domain, step):
                result = _QUALIFIED[term.qualifier]
                step.outcome = result
                if result is Result.FAIL and record.exp:
                    self.exp = (record.exp, domain)
                return result
        if record.redirect:
            return self._redirect(record.redirect, domain, steps)
        return Result.NEUTRAL

    def _step(self, domain: str, term: Mechanism | Modifier, steps: list[Step]) -> Step:
        step = Step(domain, term.text)
        steps.append(step)
        if term.name in COSTLY:
            step.lookups = 1
            self.lookups += 1
            if self.lookups > MOST_LOOKUPS:
                step.outcome = Result.PERMERROR
                _permerror(language.text("it takes more than %(most)s DNS look-ups", most=MOST_LOOKUPS))
        return step

    def _redirect(self, term: Modifier, domain: str, steps: list[Step]) -> Result:
        step = self._step(domain, term, steps)
        step.target = self._expanded(term.value, domain)
        result = self.evaluate(step.target, step.steps)
        if result is Result.NONE:
            step.outcome = Result.PERMERROR
            _permerror(language.text("redirect leads to %(target)s, which has no SPF record", target=step.target))
        step.outcome = result
        return result

    def _include(self, term: Mechanism, domain: str, step: Step) -> bool:
        step.target = self._expanded(term.target, domain)
        result = self.evaluate(step.target, step.steps)
        # An included record's explanation is never ours (section 6.2).
        self.exp = None
        if result is Result.NONE:
            step.outcome = Result.PERMERROR
            _permerror(language.text("include leads to %(target)s, which has no SPF record", target=step.target))
        return result is Result.PASS

    def _a(self, term: Mechanism, domain: str, step: Step) -> bool:
        return self._is_among(self._ask(self._target(term, domain), self.kind, step), term)

    def _mx(self, term: Mechanism, domain: str, step: Step) -> bool:
        outcome = self._ask(self._target(term, domain), "MX", step)
        hosts = outcome.hosts() if isinstance(outcome, Answer) else []
        if len(hosts) > MOST_NAMES:
            _permerror(language.text("%(domain)s has more than %(most)s MX hosts", domain=step.target, most=MOST_NAMES))
        for host in filter(None, hosts):
            found = self.resolver.query(host, self.kind)
            if isinstance(found, TempFail):
                _temperror(found)
            if self._is_among(found, term):
                return True
        return False

    def _ptr(self, term: Mechanism, domain: str, step: Step) -> bool:
        step.target = self._target(term, domain)
        under = step.target.lower()
        return any(name == under or name.endswith(f".{under}") for name in self._validated_names(step))

    def _network(self, term: Mechanism, _domain: str, step: Step) -> bool:
        step.target = term.target
        bits = term.bits4 if term.name == "ip4" else term.bits6
        network = ip_network(f"{term.target}/{bits}", strict=False)
        return self.ip.version == network.version and self.ip in network

    def _exists(self, term: Mechanism, domain: str, step: Step) -> bool:
        return isinstance(self._ask(self._target(term, domain), "A", step), Answer)

    def _target(self, term: Mechanism, domain: str) -> str:
        return self._expanded(term.target, domain) if term.target else domain

    def _ask(self, name: str, kind: str, step: Step) -> Outcome:
        step.target = name
        outcome = self.resolver.query(name, kind)
        if isinstance(outcome, TempFail):
            _temperror(outcome)
        self._count(outcome, step)
        return outcome

    def _count(self, outcome: Outcome, step: Step) -> None:
        if isinstance(outcome, Answer):
            step.ttl = outcome.ttl
            return
        step.void = True
        self.voids += 1
        if self.voids > MOST_VOIDS:
            step.outcome = Result.PERMERROR
            _permerror(language.text("more than %(most)s of its terms find nothing in the DNS", most=MOST_VOIDS))

    def _is_among(self, outcome: Outcome, term: Mechanism) -> bool:
        bits = term.bits4 if self.kind == "A" else term.bits6
        records = outcome.records if isinstance(outcome, Answer) else ()
        return any(self.ip in ip_network(f"{record}/{bits}", strict=False) for record in records)

    def _validated_names(self, step: Step | None = None) -> list[str]:
        """Return the names of the address that lead back to it (section 5.5); DNS errors only skip."""
        outcome = self.resolver.query(dns.reverse_name(str(self.ip)), "PTR")
        if step and not isinstance(outcome, TempFail):
            self._count(outcome, step)
        names = outcome.records[:MOST_NAMES] if isinstance(outcome, Answer) else ()
        return [name.lower() for name in names if self._leads_back(name)]

    def _leads_back(self, name: str) -> bool:
        found = self.resolver.query(name, self.kind)
        return isinstance(found, Answer) and any(ip_address(record) == self.ip for record in found.records)

    def _validated_name(self, domain: str) -> str:
        names = self._validated_names()
        under = domain.lower()
        best = (
            [name for name in names if name == under] + [name for name in names if name.endswith(f".{under}")] + names
        )
        return best[0] if best else "unknown"

    def _expanded(self, text: str, domain: str) -> str:
        return spf_macro.expand_domain(text, self._values(domain))

    def _values(self, domain: str) -> spf_macro.Values:
        version4 = isinstance(self.ip, IPv4Address)
        nibbles = ".".join(self.ip.exploded.replace(":", "").upper())
        return {
            "s": lambda: self.sender,
            "l": lambda: self.local,
            "o": lambda: self.sender.rpartition("@")[2],
            "d": lambda: domain,
            "i": lambda: str(self.ip) if version4 else nibbles,
            "p": lambda: self._validated_name(domain),
            "v": lambda: "in-addr" if version4 else "ip6",
            "h": lambda: self.helo,
            "c": lambda: str(self.ip),
            "r": lambda: self.receiver,
            "t": lambda: str(int(self.now.timestamp()) if self.now else 0),
        }

    def explanation(self) -> str | None:
        """Return the domain's own words for a fail, None when it gives none that can be used (section 6.2)."""
        if self.exp is None:
            return None
        modifier, domain = self.exp
        outcome = self.resolver.query(self._expanded(modifier.value, domain), "TXT")
        if not isinstance(outcome, Answer) or len(outcome.records) != 1:
            return None
        return spf_macro.explanation(outcome.records[0], self._values(domain))
