"""What a receiver saw of a mail of ours beside what we expect, one thing after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from listkeeper.deliverability import proof_row, proof_verdicts
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.proof_row import MOST_SHOWN, REFERENCE, Agreement, Comparison, Expected, Row
from listkeeper.deliverability.receivers_word import Word
from listkeeper.foundation import language
from listkeeper.standards import dkim_verify, dns, foreign_text


@dataclass(frozen=True)
class Judged:
    """The rows of the table, and what follows from them."""

    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]


def judge(word: Word, ours: Expected, verified: Sequence[dkim_verify.Verdict] | None, resolver: dns.Resolver) -> Judged:
    """Compare; ``verified`` is what our own verifier says of the signatures, None where there was no body.

    Where the receiver's word is not believed, or the mail is not from the domain, nothing counts and one finding
    says why.
    """
    stopped = _not_from(word, ours) or _not_believed(word, ours)
    aligned = proof_verdicts.Alignment(word, ours, None if stopped else resolver)
    rows = [
        _sender(word, ours),
        proof_verdicts.of_signature(word, ours, aligned),
        proof_verdicts.of_envelope(word, ours, aligned),
        proof_verdicts.of_policy(word, ours),
        _egress(word, ours),
        _tls(word, ours),
        *_by_ourselves(word, ours, verified),
    ]
    if stopped:
        unsaid = tuple(_doubted(row) for row, _ in rows)
        return Judged(unsaid, (stopped,))
    return Judged(tuple(row for row, _ in rows), tuple(found for _, found in rows if found))


def _doubted(row: Comparison) -> Comparison:
    """Return a row of which nothing follows."""
    words = language.text("It does not count: %(seen)s.", seen=row.seen or language.text("nothing was said"))
    return Comparison(row.what, row.expected, row.seen, Agreement.NOT_SAID, words)


def _not_from(word: Word, ours: Expected) -> Finding | None:
    if not word.sender or proof_row.is_same(word.sender, ours.domain):
        return None
    words = language.text(
        "Unknown what receivers see of mail from %(domain)s, because this mail comes from %(other)s.",
        domain=ours.domain,
        other=word.sender,
    )
    return Finding("G1", Severity.UNKNOWN, ours.domain, words, reference=REFERENCE)


def _not_believed(word: Word, ours: Expected) -> Finding | None:
    if not word.doubt:
        return None
    words = language.text(
        "Unknown what receivers see of mail from %(domain)s, because %(reason)s.", domain=ours.domain, reason=word.doubt
    )
    mend = language.text("Paste all headers of a mail, from the top, as your mailbox shows them.")
    return Finding("G1", Severity.UNKNOWN, ours.domain, words, mend=mend, reference=f"{REFERENCE} section 7.1")


def _sender(word: Word, ours: Expected) -> Row:
    if not word.sender:
        return proof_row.unsaid("from", ours.domain, language.text("The header From is missing."))
    agreement = Agreement.AGREES if proof_row.is_same(word.sender, ours.domain) else Agreement.DIFFERS
    words = language.text("The mail comes from %(domain)s.", domain=word.sender)
    return Comparison("from", ours.domain, word.sender, agreement, words), None


def _egress(word: Word, ours: Expected) -> Row:
    expected, came = ", ".join(ours.egress), word.came_from
    if not came:
        return proof_row.unsaid(
            "egress", expected, language.text("The receiver does not say from which address the mail came.")
        )
    if not ours.egress:
        words = language.text("The mail came from %(ip)s; the settings name no address to compare it with.", ip=came)
        return Comparison("egress", expected, came, Agreement.NOT_SAID, words), None
    if came in ours.egress:
        words = language.text("The mail came from %(ip)s, as the settings say.", ip=came)
        return Comparison("egress", expected, came, Agreement.AGREES, words), None
    words = language.text(
        "The mail came from %(ip)s, which the settings do not name: what is checked for the addresses that they name "
        "says nothing about this way.",
        ip=came,
    )
    found = Finding("G3d", Severity.WARN, came, words, came, f"LISTKEEPER_EGRESS={','.join([*ours.egress, came])}")
    return proof_row.row("egress", expected, came, found, agrees=False)


def _tls(word: Word, ours: Expected) -> Row:
    if word.hop is None or not word.hop.encrypted:
        words = language.text("The receiver does not say whether the mail came to it encrypted.")
        return proof_row.unsaid("tls", "TLS", words)
    words = language.text("The mail came to the receiver encrypted.")
    seen = foreign_text.clean(word.hop.protocol, MOST_SHOWN) or "TLS"
    return proof_row.row("tls", "TLS", seen, Finding("G4", Severity.INFO, ours.domain, words, seen), agrees=True)


def _by_ourselves(word: Word, ours: Expected, verified: Sequence[dkim_verify.Verdict] | None) -> list[Row]:
    """Compare what they say of our signature with what our own verifier says; only where the body is there."""
    mine = [one for one in verified or () if proof_row.is_same(one.domain, ours.domain)]
    if verified is None or not mine:
        return []
    theirs = [
        one
        for one in word.verdicts
        if one.method == "dkim" and proof_row.is_same(proof_row.signer_of(one) or "?", ours.domain)
    ]
    passed = any(one.result == "pass" for one in theirs)
    best = next((one for one in mine if one.result is dkim_verify.Result.PASS), mine[0])
    seen = foreign_text.clean(f"{best.result.value} d={best.domain} s={best.selector}", MOST_SHOWN)
    expected = theirs[0].result if theirs else ""
    if best.result is dkim_verify.Result.PASS:
        words = language.text("By our own verifier the signature is right.")
        agreement = Agreement.AGREES if passed or not theirs else Agreement.DIFFERS
        found = Finding("K4", Severity.INFO, ours.domain, words, seen)
        return [(Comparison("verifier", expected, seen, agreement, words), found)]
    agreement, words = _not_right(best, passed=passed, said=bool(theirs))
    return [(Comparison("verifier", expected, seen, agreement, words), _below(best, seen))]


def _below(best: dkim_verify.Verdict, seen: str) -> Finding | None:
    """Return the finding where the key is for one domain alone and the signature speaks for one below it."""
    if not best.below:
        return None
    values = {"domain": foreign_text.clean(best.domain, MOST_SHOWN)}
    words = language.text(
        "The key of %(domain)s says t=s: it is for that domain alone, and i= in the signature names one below it.",
        **values,
    )
    mend = language.text("Take t=s out of the key record, or sign with i=@%(domain)s.", **values)
    return Finding("K1c", Severity.ERROR, values["domain"], words, seen, mend, "RFC 6376 section 3.6.1")


def _not_right(best: dkim_verify.Verdict, *, passed: bool, said: bool) -> tuple[Agreement, str]:
    reason = foreign_text.clean(best.reason, MOST_SHOWN)
    if best.result is dkim_verify.Result.TEMPERROR:
        words = language.text("Unknown what our own verifier says of the signature, because %(reason)s.", reason=reason)
        return Agreement.NOT_SAID, words
    if said and not passed:
        words = language.text("By our own verifier the signature is not right either: %(reason)s.", reason=reason)
        return Agreement.AGREES, words
    words = language.text(
        "By our own verifier the signature of what you brought is not right (%(reason)s). Copying changes a mail; "
        "the file that the mailbox saves is better.",
        reason=reason,
    )
    return Agreement.DIFFERS if passed else Agreement.NOT_SAID, words
