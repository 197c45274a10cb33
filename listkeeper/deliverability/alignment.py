"""Whether signature and envelope speak for the domain that readers see: the alignment half of G2 (RFC 9989 §4.4).

DMARC passes when the d= of a valid signature or the domain of MAIL FROM
belongs to the domain in From. Here no message is judged: it is said which of
the two could ever count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dmarc, dmarc_walk, public_suffix
from listkeeper.standards.dmarc import Discovery, Status
from listkeeper.standards.dmarc_record import Mode
from listkeeper.standards.dns import Resolver

_REFERENCE = "RFC 9989 section 4.4"
_WORDS = {True: "pass", False: "fail", None: "unknown"}


class Role(StrEnum):
    """Where a domain stands in a message."""

    FROM = "From"
    SIGNATURE = "d="
    ENVELOPE = "MAIL FROM"


@dataclass(frozen=True)
class Row:
    """One domain beside that in From.

    ``relaxed`` and ``strict`` say whether it is aligned by each rule, ``mode``
    which of them the record asks for, ``counts`` what follows. None is not
    known.
    """

    role: Role
    domain: str
    organisational: str | None
    relaxed: bool | None
    strict: bool
    mode: Mode

    @property
    def counts(self) -> bool | None:
        """Whether the domain is aligned by the rule that the record asks for."""
        return self.strict if self.mode is Mode.STRICT else self.relaxed


@dataclass(frozen=True)
class Asked:
    """One step of the tree walk for the page: the name that was asked and what came back, in words."""

    name: str
    words: str


@dataclass(frozen=True)
class Table:
    """The rows From, d= and MAIL FROM, and the walk that found the record.

    ``by_list`` says that no record decides, so that the public suffix list
    had to.
    """

    rows: tuple[Row, ...]
    steps: tuple[Asked, ...]
    ended: str
    by_list: bool

    @property
    def identifiers(self) -> tuple[Row, ...]:
        """The rows that could make DMARC pass."""
        return tuple(row for row in self.rows if row.role is not Role.FROM)


def alignment_table(
    found: Discovery, resolver: Resolver, *, mail_from_domain: str | None, dkim_domains: Sequence[str]
) -> Table:
    """Return how each domain of a mail stands to the domain in From, whose record was looked for already."""
    by_list = found.status in {Status.NONE, Status.SEVERAL, Status.VOID}
    named = [(Role.SIGNATURE, domain) for domain in dict.fromkeys(map(dmarc_walk.normal, dkim_domains))]
    named += [(Role.ENVELOPE, dmarc_walk.normal(mail_from_domain))] if mail_from_domain else []
    rows = [
        _row(found, role, domain, resolver, by_list=by_list) for role, domain in [(Role.FROM, found.domain), *named]
    ]
    steps = tuple(Asked(step.name, step.words) for step in found.walk.steps)
    return Table(tuple(rows), steps, found.walk.words, by_list)


def _row(found: Discovery, role: Role, domain: str, resolver: Resolver, *, by_list: bool) -> Row:
    mode = _mode(found, role)
    strict = domain == found.domain
    if by_list:
        # Nothing published says where the organisation ends; with the record we ask for, this is what it will say.
        organisation = public_suffix.registrable(domain) or domain
        same = organisation == (public_suffix.registrable(found.domain) or found.domain)
        return Row(role, domain, organisation, same, strict, mode)
    relaxed = dmarc.aligned(found.domain, domain, Mode.RELAXED, resolver)
    return Row(role, domain, dmarc.organisational_domain(domain, resolver), relaxed, strict, mode)


def _mode(found: Discovery, role: Role) -> Mode:
    if found.record is None:
        return Mode.RELAXED
    return found.record.aspf if role is Role.ENVELOPE else found.record.adkim


def judge(found: Discovery, table: Table, seen: str) -> Finding:
    """Return the finding about the table: whether the mail can pass DMARC at all."""
    domain = found.domain
    if found.status is Status.UNKNOWN and found.record is None:
        return _unknown(domain, found.reason, seen)
    if not table.identifiers:
        return _unknown(domain, language.text("neither a signature nor an envelope is set up yet"), seen)
    shown = "\n".join([*(_line(row) for row in table.rows), *_by_list(table)])
    good = [row for row in table.identifiers if row.counts]
    if good:
        return Finding("G2", Severity.INFO, domain, _says(domain, good, table), shown, reference=_REFERENCE)
    undecided = next((row for row in table.identifiers if row.counts is None), None)
    if undecided:
        reason = language.text(
            "the DNS did not say whether %(other)s belongs to the same organisation", other=undecided.domain
        )
        return _unknown(domain, reason, shown)
    return _foreign(domain, table, shown)


def _unknown(domain: str, reason: str, seen: str) -> Finding:
    words = language.text(
        "Unknown whether mail from %(domain)s can pass DMARC, because %(reason)s.", domain=domain, reason=reason
    )
    return Finding("G2", Severity.UNKNOWN, domain, words, seen, reference=_REFERENCE)


def _says(domain: str, good: Sequence[Row], table: Table) -> str:
    signed = [row.domain for row in good if row.role is Role.SIGNATURE]
    sent = [row.domain for row in good if row.role is Role.ENVELOPE]
    if signed and sent:
        return language.text(
            "The signature (d=%(signed)s) and the envelope (%(sent)s) both speak for %(domain)s, as DMARC asks.",
            domain=domain,
            signed=signed[0],
            sent=sent[0],
        )
    if signed:
        words = language.text(
            "The signature (d=%(signed)s) speaks for %(domain)s, as DMARC asks.", domain=domain, signed=signed[0]
        )
    else:
        words = language.text(
            "Only the envelope (%(sent)s) speaks for %(domain)s, as DMARC asks, and no longer once mail is forwarded.",
            domain=domain,
            sent=sent[0],
        )
    others = _named([row for row in table.identifiers if not row.counts])
    return f"{words} {language.text('This does not: %(others)s.', others=others)}" if others else words


def _foreign(domain: str, table: Table, shown: str) -> Finding:
    words = language.text(
        "Nothing in your mail speaks for %(domain)s as DMARC asks: there is %(names)s. "
        "Gmail, Yahoo and Outlook may refuse it.",
        domain=domain,
        names=_named(table.identifiers),
    )
    mend = language.text("Sign with d=%(domain)s, or send with an envelope address at %(domain)s.", domain=domain)
    if any(row.relaxed for row in table.identifiers):
        mend = language.text(
            "Take adkim=s and aspf=s out of the DMARC record, or sign with d=%(domain)s.", domain=domain
        )
    return Finding("G2", Severity.BLOCK, domain, words, shown, mend, _REFERENCE)


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.role.value} {row.domain}" for row in rows)


def _line(row: Row) -> str:
    return f"{row.role.value} {row.domain}: relaxed={_WORDS[row.relaxed]} strict={_WORDS[row.strict]}"


def _by_list(table: Table) -> list[str]:
    if not table.by_list:
        return []
    return [language.text("No DMARC record decides which names belong together: compared by the public suffix list.")]
