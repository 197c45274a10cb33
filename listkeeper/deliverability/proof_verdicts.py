"""What a receiver concluded of signature, envelope and policy, beside what we expect: G1 and G2 from its results."""

from __future__ import annotations

from collections.abc import Sequence

from listkeeper.deliverability import proof_row
from listkeeper.deliverability.alignment import Role, alignment_table
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.proof_row import MOST_SHOWN, Expected, Row
from listkeeper.deliverability.receivers_word import Word
from listkeeper.foundation import language
from listkeeper.standards import dmarc, dns, foreign_text
from listkeeper.standards.auth_results import Verdict

_SILENT = frozenset({"temperror"})
# Whoever names more signers wants to keep us busy.
_MOST_SIGNERS = 10


class Alignment:
    """Which domains of a mail count for DMARC, asked once; nobody is asked when nothing will follow."""

    def __init__(self, word: Word, ours: Expected, resolver: dns.Resolver | None) -> None:
        self._counts: dict[tuple[Role, str], bool] = {}
        if resolver is None:
            return
        signed = [domain for one in word.verdicts if one.method == "dkim" and (domain := proof_row.signer_of(one))]
        envelope = proof_row.envelope_of(word)
        found = dmarc.discover(word.sender or ours.domain, resolver)
        table = alignment_table(
            found, resolver, mail_from_domain=envelope or None, dkim_domains=list(dict.fromkeys(signed))[:_MOST_SIGNERS]
        )
        for row in table.identifiers:
            # Where the DNS did not say, the list of registered names does.
            aligned = proof_row.is_same(row.domain, found.domain) if row.counts is None else row.counts
            self._counts[row.role, row.domain] = aligned

    def counts(self, role: Role, domain: str) -> bool:
        """Return whether a domain speaks for that in From."""
        return self._counts.get((role, domain), False)


def of_signature(word: Word, ours: Expected, aligned: Alignment) -> Row:
    """Compare what the receiver says of our signature."""
    expected = f"pass d={ours.domain} s={' or '.join(ours.selectors)}" if ours.signing else ""
    said = [one for one in word.verdicts if one.method == "dkim"][:_MOST_SIGNERS]
    seen = "\n".join(map(proof_row.shown, said))
    if not said:
        words = language.text("Unknown whether the signature passed, because the receiver does not say.")
        return proof_row.unsaid("dkim", expected, words, Finding("G1", Severity.UNKNOWN, ours.domain, words, ""))
    passing = [one for one in said if one.result == "pass"]
    counting = [one for one in passing if aligned.counts(Role.SIGNATURE, proof_row.signer_of(one))]
    if counting:
        return _signed(word, ours, counting, expected, seen)
    if passing:
        return _signed_by_others(ours, passing, expected, seen)
    if all(one.result in _SILENT for one in said):
        words = language.text("Unknown whether the signature passed, because the receiver could not ask the DNS.")
        return proof_row.unsaid("dkim", expected, words, Finding("G1", Severity.UNKNOWN, ours.domain, words, seen))
    if {one.result for one in said} == {"none"}:
        words = language.text(
            "The mail reached the receiver without a signature. Gmail, Yahoo and Outlook ask for one."
        )
        mend = (
            language.text("Ask whoever keeps the relay why it takes signatures away.")
            if ours.signing
            else language.text("Switch signing on for %(domain)s.", domain=ours.domain)
        )
        return proof_row.row(
            "dkim", expected, seen, Finding("G1", Severity.BLOCK, ours.domain, words, seen, mend), agrees=False
        )
    words = language.text("The receiver did not find the signature right: %(results)s.", results=_results(said))
    mend = language.text(
        "Compare the key in the DNS with ours, and send directly once: something on the way may change the mail."
    )
    return proof_row.row(
        "dkim", expected, seen, Finding("G1", Severity.BLOCK, ours.domain, words, seen, mend), agrees=False
    )


def _results(said: Sequence[Verdict]) -> str:
    each = [f"{one.result} ({one.reason or one.comment})" if one.reason or one.comment else one.result for one in said]
    return foreign_text.clean(", ".join(dict.fromkeys(each)), MOST_SHOWN)


def _signed(word: Word, ours: Expected, counting: Sequence[Verdict], expected: str, seen: str) -> Row:
    selectors = [one.value("header", "s") or "" for one in counting]
    known = [name for name in selectors if name in ours.selectors]
    values = {"server": word.server or word.taken_by, "signed": proof_row.signer_of(counting[0])}
    if known or not any(selectors):
        words = language.text("The signature of %(signed)s passed at %(server)s.", **values)
        return proof_row.row(
            "dkim", expected, seen, Finding("G1", Severity.INFO, ours.domain, words, seen), agrees=True
        )
    words = language.text(
        "A signature of %(signed)s passed at %(server)s, made with the key %(selector)s, which is not the one we "
        "sign with.",
        selector=foreign_text.clean(", ".join(filter(None, selectors)), MOST_SHOWN),
        **values,
    )
    return proof_row.row("dkim", expected, seen, Finding("G1", Severity.INFO, ours.domain, words, seen), agrees=False)


def _signed_by_others(ours: Expected, passing: Sequence[Verdict], expected: str, seen: str) -> Row:
    others = ", ".join(dict.fromkeys(proof_row.signer_of(one) or "?" for one in passing))
    words = language.text(
        "Only a signature of %(others)s passed, which does not speak for %(domain)s.",
        others=foreign_text.clean(others, MOST_SHOWN),
        domain=ours.domain,
    )
    mend = language.text("Sign with d=%(domain)s, here or at the relay.", domain=ours.domain)
    return proof_row.row(
        "dkim", expected, seen, Finding("G1", Severity.WARN, ours.domain, words, seen, mend), agrees=False
    )


def of_envelope(word: Word, ours: Expected, aligned: Alignment) -> Row:
    """Compare what the receiver says of the envelope."""
    expected = f"pass MAIL FROM {ours.mail_from}"
    said = word.first("spf")
    result = said.result if said else (word.received_spf.result if word.received_spf else "")
    envelope = proof_row.envelope_of(word)
    seen = proof_row.shown(said) if said else f"Received-SPF: {result} {envelope}".strip()
    if not result:
        words = language.text("Unknown whether SPF passed, because the receiver does not say.")
        return proof_row.unsaid("spf", expected, words, Finding("G1", Severity.UNKNOWN, ours.domain, words, ""))
    if result in _SILENT:
        words = language.text("Unknown whether SPF passed, because the receiver could not ask the DNS.")
        return proof_row.unsaid("spf", expected, words, Finding("G1", Severity.UNKNOWN, ours.domain, words, seen))
    if result != "pass":
        words = language.text(
            "SPF did not pass at the receiver (%(result)s). "
            "That is no fault if another mailbox passed the mail on to it.",
            result=foreign_text.clean(result, MOST_SHOWN),
        )
        mend = language.text(
            "Let the SPF record of %(domain)s name the address that receivers saw.", domain=ours.mail_from
        )
        return proof_row.row(
            "spf", expected, seen, Finding("G1", Severity.BLOCK, ours.domain, words, seen, mend), agrees=False
        )
    return _passed_for(ours, envelope, expected, seen, counts=aligned.counts(Role.ENVELOPE, envelope))


def _passed_for(ours: Expected, envelope: str, expected: str, seen: str, *, counts: bool) -> Row:
    if not envelope:
        words = language.text("SPF passed at the receiver, which does not say for whom.")
        return proof_row.unsaid("spf", expected, words, Finding("G1", Severity.INFO, ours.domain, words, seen))
    values = {"sent": envelope, "domain": ours.domain}
    if counts:
        words = language.text("SPF passed for %(sent)s, which speaks for %(domain)s.", **values)
    else:
        words = language.text(
            "SPF passed for the envelope of %(sent)s. It does not count for %(domain)s, so the signature must carry "
            "DMARC.",
            **values,
        )
    return proof_row.row("spf", expected, seen, Finding("G1", Severity.INFO, ours.domain, words, seen), agrees=counts)


def of_policy(word: Word, ours: Expected) -> Row:
    """Compare what the receiver says of the policy."""
    said = word.first("dmarc")
    if said is None or said.result in _SILENT:
        words = language.text("Unknown whether DMARC passed, because the receiver does not say.")
        seen = proof_row.shown(said) if said else ""
        return proof_row.unsaid("dmarc", "pass", words, Finding("G2", Severity.UNKNOWN, ours.domain, words, seen))
    seen = proof_row.shown(said)
    if said.result == "pass":
        words = language.text("DMARC passed at the receiver.")
        return proof_row.row("dmarc", "pass", seen, Finding("G2", Severity.INFO, ours.domain, words, seen), agrees=True)
    if said.result in {"none", "bestguesspass"}:
        words = language.text("The receiver found no DMARC record for %(domain)s.", domain=ours.domain)
        mend = "v=DMARC1; p=none"
    else:
        words = language.text("DMARC did not pass at the receiver: %(results)s.", results=_results([said]))
        mend = language.text("Sign with d=%(domain)s, or send with an envelope address there.", domain=ours.domain)
    return proof_row.row(
        "dmarc", "pass", seen, Finding("G2", Severity.BLOCK, ours.domain, words, seen, mend), agrees=False
    )
