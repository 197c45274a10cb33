"""Whether receivers let our addresses send for a domain: the S rows, and the SPF half of G1 (RFC 7208).

The record is evaluated, not only read: ``check_host`` says what a receiver
concludes for the address mail really leaves from. Where that address is not
known, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import spf, spf_mend, spf_record, spf_tree
from listkeeper.standards.dns import Answer, Resolver, TempFail
from listkeeper.standards.spf import MOST_LOOKUPS, MOST_VOIDS, Result
from listkeeper.standards.spf_record import Record
from listkeeper.standards.spf_tree import Survey

_NEAR_THE_LIMIT = 8
_RECORD = "RFC 7208 section 4.5"


@dataclass(frozen=True)
class Sender:
    """How mail leaves: the domain of MAIL FROM, its whole address, and the addresses receivers see.

    ``egress`` is None where the domain is not the one of MAIL FROM, and empty
    where the sending way's addresses are not known.
    """

    domain: str
    mail_from: str
    egress: Sequence[str] | None


def audit(sender: Sender, resolver: Resolver, now: datetime) -> list[Finding]:
    """Return the findings about one domain's SPF record."""
    outcome = resolver.query(sender.domain, "TXT")
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether %(domain)s has an SPF record, because the DNS gave no answer: %(reason)s.",
            domain=sender.domain,
            reason=outcome.reason,
        )
        return [Finding("S1", Severity.UNKNOWN, sender.domain, words, evidence.of(outcome, now), reference=_RECORD)]
    texts = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    seen = evidence.of(outcome, now)
    if len(texts) != 1:
        return [_not_one(sender, texts, resolver, seen)]
    read = spf_record.parse(texts[0])
    if not isinstance(read, Record):
        return [_one(sender, seen), *_syntax_errors(sender, texts[0], read, seen)]
    found = _read_well(sender, read, resolver, seen)
    if sender.egress is None or any(finding.severity.rank >= Severity.ERROR.rank for finding in found):
        # What a receiver concludes follows from the errors above: saying it twice helps nobody.
        return found
    return [*found, *_as_a_receiver(sender, read, resolver, now)]


def _wanted(sender: Sender) -> list[str]:
    return [spf_mend.network_term(ip) for ip in sender.egress or ()]


def _one(sender: Sender, seen: str) -> Finding:
    words = language.text("%(domain)s has one SPF record, as it must.", domain=sender.domain)
    return Finding("S1", Severity.INFO, sender.domain, words, seen, reference=_RECORD)


def _not_one(sender: Sender, texts: list[str], resolver: Resolver, seen: str) -> Finding:
    if texts:
        words = language.counted(
            "%(domain)s has %(number)s SPF record. Delete it and publish this one.",
            "%(domain)s has %(number)s SPF records. Receivers then count none of them. "
            "Delete them and publish this one, which says what all of them say.",
            len(texts),
            domain=sender.domain,
        )
        mend = spf_mend.merge(texts, _wanted(sender))
        return Finding("S1", Severity.BLOCK, sender.domain, words, seen, mend, _RECORD)
    words = language.text(
        "%(domain)s has no SPF record, so receivers cannot know who may send for it. Publish this as a TXT record. "
        "If other programs send mail as %(domain)s, put their include: terms in front of the last word.",
        domain=sender.domain,
    )
    # Where the domain receives mail, its mail host usually sends too: it must not be shut out.
    hosts = ["mx"] if isinstance(resolver.query(sender.domain, "MX"), Answer) else []
    return Finding(
        "S1", Severity.BLOCK, sender.domain, words, seen, spf_mend.merge([], [*hosts, *_wanted(sender)]), _RECORD
    )


def _syntax_errors(sender: Sender, text: str, problems: Sequence[spf_record.Problem], seen: str) -> list[Finding]:
    mend = spf_mend.merge([text], _wanted(sender))
    return [
        Finding(
            "S5",
            Severity.ERROR,
            sender.domain,
            language.text(
                "The SPF record has an error, which makes all of it count for nothing: %(term)s: %(reason)s.",
                term=ascii(problem.term)[1:-1],
                reason=problem.reason,
            ),
            seen,
            mend,
            "RFC 7208 section 4.6",
        )
        for problem in problems
    ]


def _read_well(sender: Sender, record: Record, resolver: Resolver, seen: str) -> list[Finding]:
    tree = spf_tree.survey(sender.domain, record, resolver)
    return [
        _one(sender, seen),
        *_broken_branches(tree, seen),
        *_voids(sender, tree, seen),
        _cost(sender, tree, seen),
        *_ending(sender, record, seen),
    ]


def _broken_branches(tree: Survey, seen: str) -> list[Finding]:
    return [
        Finding(
            "S3" if branch.flaw is spf_tree.Flaw.MANY_HOSTS else "S5",
            Severity.ERROR,
            branch.target,
            language.text(
                "The term %(term)s ends in an error for receivers: %(words)s.", term=branch.term, words=branch.words
            ),
            seen,
            language.text(
                "Take %(term)s out of the record of %(domain)s, or have its owner mend it.",
                term=branch.term,
                domain=branch.domain,
            ),
            "RFC 7208 sections 4.6.4 and 5.2",
        )
        for branch in tree.flaws
    ]


def _voids(sender: Sender, tree: Survey, seen: str) -> list[Finding]:
    # A branch that is void because its record is missing has a finding of its own already.
    empty = [branch for branch in tree.voids if branch.flaw is None]
    if len(empty) <= MOST_VOIDS:
        return []
    terms = ", ".join(branch.term for branch in empty)
    words = language.counted(
        "%(number)s term of the SPF record finds nothing in the DNS, and receivers allow %(most)s: %(terms)s.",
        "%(number)s terms of the SPF record find nothing in the DNS, and receivers allow %(most)s: %(terms)s.",
        len(empty),
        most=MOST_VOIDS,
        terms=terms,
    )
    mend = language.text("Take out these terms: %(terms)s", terms=terms)
    return [Finding("S3", Severity.ERROR, sender.domain, words, seen, mend, "RFC 7208 section 4.6.4")]


def _cost(sender: Sender, tree: Survey, seen: str) -> Finding:
    reference = "RFC 7208 section 4.6.4"
    shown = "\n".join([seen, *(f"{branch.term} ({branch.cost})" for branch in tree.branches)])
    mend = language.text("Take out include: terms of services you no longer use.")
    if tree.cost > MOST_LOOKUPS:
        words = language.counted(
            "The SPF record needs %(number)s DNS look-up and receivers stop at %(most)s, so it counts for nothing.",
            "The SPF record needs %(number)s DNS look-ups and receivers stop at %(most)s, so it counts for nothing.",
            tree.cost,
            most=MOST_LOOKUPS,
        )
        return Finding("S2a", Severity.BLOCK, sender.domain, words, shown, mend, reference)
    if tree.failures:
        words = language.text(
            "Unknown how many DNS look-ups the SPF record needs, because %(name)s gave no answer: %(reason)s.",
            name=tree.failures[0].name,
            reason=tree.failures[0].reason,
        )
        return Finding("S2", Severity.UNKNOWN, sender.domain, words, shown, reference=reference)
    words = language.text(
        "The SPF record needs %(cost)s of the %(most)s DNS look-ups that receivers allow.",
        cost=tree.cost,
        most=MOST_LOOKUPS,
    )
    if tree.cost >= _NEAR_THE_LIMIT:
        return Finding("S2b", Severity.WARN, sender.domain, words, shown, mend, reference)
    return Finding("S2", Severity.INFO, sender.domain, words, shown, reference=reference)


def _ending(sender: Sender, record: Record, seen: str) -> list[Finding]:
    found = [_last_word(sender, record, seen)]
    mend = spf_mend.merge([record.text], _wanted(sender))
    after = record.mechanisms[record.mechanisms.index(record.all) + 1 :] if record.all else ()

    def warn(code: str, words: str, section: str) -> None:
        found.append(Finding(code, Severity.WARN, sender.domain, words, seen, mend, f"RFC 7208 section {section}"))

    if after:
        terms = " ".join(term.text for term in after)
        warn("S4c", language.text("Nobody reads what stands after all: %(terms)s.", terms=terms), "5.1")
    if any(term.name == "ptr" for term in record.mechanisms):
        warn("S4d", language.text("The record uses ptr, which is slow and which many receivers ignore."), "5.5")
    if record.all and record.redirect:
        words = language.text("The record has redirect= beside all: the redirect is never followed.")
        warn("S4e", words, "6.1")
    return found


def _last_word(sender: Sender, record: Record, seen: str) -> Finding:
    end = record.all
    mend = spf_mend.merge([record.text], _wanted(sender))
    reference = "RFC 7208 section 5.1"
    if end is None and record.redirect:
        words = language.text("The SPF record hands over to %(target)s.", target=record.redirect.value)
        return Finding("S4", Severity.INFO, sender.domain, words, seen, reference="RFC 7208 section 6.1")
    if end is not None and end.qualifier == "+":
        words = language.text("The SPF record ends in %(end)s: it lets the whole world send as you.", end=end.text)
        return Finding("S4b", Severity.BLOCK, sender.domain, words, seen, mend, reference)
    if end is None or end.qualifier == "?":
        words = language.text("The SPF record does not say what to think of other senders: it should end in ~all.")
        return Finding("S4a", Severity.WARN, sender.domain, words, seen, mend, reference)
    words = language.text("The SPF record ends in %(end)s, which is right.", end=end.text)
    return Finding("S4", Severity.INFO, sender.domain, words, seen, reference=reference)


def _as_a_receiver(sender: Sender, record: Record, resolver: Resolver, now: datetime) -> list[Finding]:
    if not sender.egress:
        words = language.text(
            "Unknown whether SPF lets our mail pass, because the address your sending way sends from is not known."
        )
        mend = language.text(
            "Bring a real mail back (“Proof by a real mail”), or name the address in LISTKEEPER_EGRESS."
        )
        return [Finding("G1", Severity.UNKNOWN, sender.domain, words, mend=mend, reference="RFC 7208 section 4")]
    return [_evaluated(sender, ip, record, resolver, now) for ip in sender.egress]


def _evaluated(sender: Sender, ip: str, record: Record, resolver: Resolver, now: datetime) -> Finding:
    said = spf.check_host(ip, sender.domain, sender.mail_from, sender.domain, resolver, now=now)
    shown = f"check_host({ip}, {sender.domain}, {sender.mail_from}) = {said.result}"
    path = " → ".join(said.path())
    lines = "\n".join(filter(None, [shown, path, said.reason, said.explanation]))
    reference = "RFC 7208 section 4"
    match said.result:
        case Result.PASS:
            words = language.text("SPF lets mail from %(ip)s pass, by %(path)s.", ip=ip, path=path)
            return Finding("G1", Severity.INFO, sender.domain, words, lines, reference=reference)
        case Result.TEMPERROR:
            words = language.text(
                "Unknown whether SPF lets mail from %(ip)s pass: %(reason)s.", ip=ip, reason=said.reason
            )
            return Finding("G1", Severity.UNKNOWN, sender.domain, words, lines, reference=reference)
        case _:
            words = language.text(
                "SPF does not let mail from %(ip)s pass (%(result)s): Gmail, Yahoo and Outlook may refuse it. "
                "Publish this record in place of the one you have.",
                ip=ip,
                result=said.result.value,
            )
            mend = spf_mend.merge([record.text], _wanted(sender))
            return Finding("G1", Severity.BLOCK, sender.domain, words, lines, mend, reference)
