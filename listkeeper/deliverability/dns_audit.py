"""What the DNS says about a domain we send from, judged as a receiver would: one audit made of all the pieces.

What will be asked whatever the answers are is asked side by side, eight at a
time; then the pieces evaluate the answers, side by side as well. A domain that
does not exist has one finding and no others. Trouble in the DNS makes a check
unknown: never right, and never wrong.

An address that is named for us (``egress``) is taken as ours, and its name is
checked (G3). Where none is named and mail is handed to somebody else's server,
receivers look at that server's address: G3 is not ours to mend.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from listkeeper.deliverability import (
    authority_audit,
    brand_audit,
    dkim_audit,
    dmarc_audit,
    existence_audit,
    greeting_audit,
    host_audit,
    link_audit,
    spf_audit,
    spf_lint,
    transport_audit,
)
from listkeeper.deliverability.dkim_key import OurKey
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.spf_audit import Sender
from listkeeper.deliverability.surroundings import NOTHING_KNOWN, Surroundings
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, bimi, dmarc, dns, mta_sts, tls_rpt
from listkeeper.standards.dmarc import Status
from listkeeper.standards.dmarc_record import Policy
from listkeeper.standards.dns import Outcome, Remembering, Resolver, TempFail, ask_all

Question = tuple[str, str]


def audit(  # noqa: PLR0913 - what a receiver's verdict depends on
    domain: str,
    resolver: Resolver,
    *,
    egress: Sequence[str] = (),
    dkim: OurKey | None = None,
    selectors: Sequence[str] = (),
    mail_from: str | None = None,
    now: datetime | None = None,
    around: Surroundings = NOTHING_KNOWN,
) -> list[Finding]:
    """Return the findings about a domain, in the order in which a receiver would come to them.

    ``domain`` is an A-label. ``egress`` are the IP addresses receivers see us
    come from, empty when they are not known; ``dkim`` is our key for the
    domain; ``selectors`` are others to look at; ``mail_from`` is the envelope's
    sender when its domain differs. Raises Invalid when ``egress`` holds no addresses.
    """
    _refuse_non_addresses(egress)
    whole = mail_from or f"postmaster@{domain}"
    sender = Sender(address.domain_name(whole), whole, egress)
    case = _Case(domain, sender, dkim, tuple(selectors), now or clock.now(), around)
    memory = _informed(case, Remembering(resolver))
    existence = existence_audit.audit(domain, memory, case.now)
    if existence_audit.is_missing(existence, memory):
        return [existence]
    return [existence, *_side_by_side(case.pieces(memory))]


def _refuse_non_addresses(egress: Sequence[str]) -> None:
    for ip in egress:
        try:
            ip_address(ip)
        except ValueError:
            raise Invalid("ip", language.text("%(ip)s is no IP address.", ip=ip)) from None


@dataclass(frozen=True)
class _Case:
    """The domain in question, and all that is known of how its mail leaves."""

    domain: str
    sender: Sender
    ours: OurKey | None
    selectors: tuple[str, ...]
    now: datetime
    around: Surroundings

    @property
    def egress(self) -> Sequence[str]:
        return self.sender.egress or ()

    def first_questions(self) -> list[Question]:
        """Return what says whether anybody answers for the domain at all."""
        return [(self.domain, kind) for kind in ("TXT", "MX", "A", "AAAA")]

    def known_questions(self) -> list[Question]:
        """Return what else will be asked whatever the answers are."""
        texts = [
            self.sender.domain,
            *dmarc_audit.names(self.domain),
            *dkim_audit.names(self.domain, self.ours, self.selectors),
            mta_sts.record_name(self.domain),
            tls_rpt.record_name(self.domain),
            bimi.record_name(self.domain),
        ]
        pointers = [(dns.reverse_name(ip), "PTR") for ip in self.egress]
        returning = [(self.sender.domain, kind) for kind in ("MX", "A", "AAAA")]
        return [*((name, "TXT") for name in texts), (self.sender.domain, "SPF"), *returning, *pointers]

    def pieces(self, memory: Resolver) -> list[Callable[[], list[Finding]]]:
        """Return the parts of the audit, none of which waits for another."""
        return [
            lambda: self._spf(memory),
            lambda: dkim_audit.audit(self.domain, memory, ours=self.ours, selectors=self.selectors, now=self.now),
            lambda: self._dmarc(memory),
            lambda: self._hosts(memory),
            lambda: self._authorities(memory),
            lambda: transport_audit.audit(self.domain, memory, self.now, reader=self.around.reader),
            lambda: link_audit.audit(self.domain, self.around.links, reader=self.around.reader),
            lambda: brand_audit.audit(self.domain, memory, self.now, enforced=_is_enforced(self.domain, memory)),
        ]

    def _spf(self, memory: Resolver) -> list[Finding]:
        found = [*spf_audit.audit(self.sender, memory, self.now), *self._lint(self.sender.domain, memory)]
        if self.sender.domain != self.domain:
            # Nobody's mail is judged by it today, and readers of the record will judge all the same.
            read = Sender(self.domain, f"postmaster@{self.domain}", None)
            found += [*spf_audit.audit(read, memory, self.now), *self._lint(self.domain, memory)]
            found.append(existence_audit.of_envelope(self.sender.domain, memory, self.now))
        return found

    def _lint(self, domain: str, memory: Resolver) -> list[Finding]:
        if isinstance(memory.query(domain, "TXT"), TempFail):
            # The audit has said so already.
            return []
        return spf_lint.audit(domain, memory, self.now)

    def _dmarc(self, memory: Resolver) -> list[Finding]:
        # Keys stand below the domain in From, so that is what they sign for.
        signs = [self.domain] if self.ours or self.selectors else []
        return dmarc_audit.audit(self.domain, memory, self.now, mail_from_domain=self.sender.domain, dkim_domains=signs)

    def _hosts(self, memory: Resolver) -> list[Finding]:
        ehlo, by_relay = self.around.ehlo, self.around.through_relay and not self.egress
        return [
            *host_audit.audit(self.egress, ehlo, memory, self.now, through_relay=by_relay),
            *greeting_audit.audit(self.egress, ehlo, memory, self.now),
        ]

    def _authorities(self, memory: Resolver) -> list[Finding]:
        if self.around.connect is None:
            return []
        keys = [(name, "TXT") for name in dkim_audit.names(self.domain, self.ours, self.selectors)]
        return authority_audit.audit(self.domain, memory, self.now, connect=self.around.connect, questions=keys)


def _informed(case: _Case, memory: Remembering) -> Resolver:
    """Ask what is known to be asked; where nobody answers for the domain, nothing more is waited for."""
    first = ask_all(memory, case.first_questions())
    silent = [outcome.reason for outcome in first if isinstance(outcome, TempFail)]
    if len(silent) == len(first):
        return _Silence(memory, silent[0])
    ask_all(memory, dict.fromkeys(case.known_questions()))
    return memory


@dataclass(frozen=True)
class _Silence:
    """Stands for a DNS that has answered nothing so far: what was asked stays, what was not is not asked."""

    memory: Remembering
    reason: str

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return what came back of a question, or why it is not asked."""
        known = {(outcome.name, outcome.kind): outcome for outcome in self.memory.outcomes()}
        return known.get((name, kind.upper()), TempFail(name, kind.upper(), "", self.reason))


def _is_enforced(domain: str, memory: Resolver) -> bool | None:
    found = dmarc.discover(domain, memory)
    return None if found.status is Status.UNKNOWN else found.policy in {Policy.QUARANTINE, Policy.REJECT}


def _side_by_side(pieces: Sequence[Callable[[], list[Finding]]]) -> list[Finding]:
    with ThreadPoolExecutor(max_workers=len(pieces)) as pool:
        # Each thread speaks the caller's language: findings are words for people.
        waiting = [pool.submit(contextvars.copy_context().run, piece) for piece in pieces]
        return [finding for done in waiting for finding in done.result()]
