"""Whether receivers find our key: the K rows (RFC 6376, 8301, 8463).

A record that parses is no verdict. Ours is right when the published key is
the public half of the key we sign with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.dkim_key import OurKey
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim_key_record import BadKey, KeyRecord, Revoked
from listkeeper.standards.dns import Answer, Resolver, TempFail, ask_all

# Selectors cannot be listed from the DNS; these are the ones big services use.
USUAL_SELECTORS = ("default", "google", "selector1", "selector2", "s1", "s2", "k1", "k2", "dkim", "mail")

_RECORD = "RFC 6376 section 3.6.1"
_LENGTH = "RFC 8301 section 3.2"
_TOO_SHORT = 1024
_GOOD = 2048
_TOO_LONG = 4096


def names(domain: str, ours: OurKey | None, selectors: Sequence[str]) -> list[str]:
    """Return the names an audit will ask for, so that they can be asked side by side."""
    return [dkim_key_record.name_of(selector, domain) for selector in _selectors(ours, selectors)]


def audit(
    domain: str, resolver: Resolver, *, ours: OurKey | None, selectors: Sequence[str], now: datetime
) -> list[Finding]:
    """Return the findings about our key and about the keys at other selectors that were named."""
    named = _selectors(ours, selectors)
    found = [
        finding
        for selector in named
        for finding in _at(domain, selector, ours if ours and ours.selector == selector else None, resolver, now)
    ]
    if ours is None:
        found += [] if named else _usual(domain, resolver, now)
        found.append(_no_key_of_ours(domain))
    return found


def _selectors(ours: OurKey | None, selectors: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*([ours.selector] if ours else []), *selectors]))


def _no_key_of_ours(domain: str) -> Finding:
    words = language.text(
        "Unknown whether receivers can verify our signature, because listkeeper has no key for %(domain)s yet. "
        "Add the domain and a key is made.",
        domain=domain,
    )
    return Finding("K3", Severity.UNKNOWN, domain, words)


def _usual(domain: str, resolver: Resolver, now: datetime) -> list[Finding]:
    """Look where big services publish; a key found there is worth knowing, one not found means nothing."""
    questions = [(dkim_key_record.name_of(selector, domain), "TXT") for selector in USUAL_SELECTORS]
    apex = resolver.query(domain, "TXT")
    # Where the domain itself gives no answer, ten more questions would only keep the owner waiting.
    outcomes = [apex] if isinstance(apex, TempFail) else ask_all(resolver, questions)
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer) and len(outcome.records) == 1]
    keys = [(answer, dkim_key_record.parse(answer.records[0])) for answer in answers]
    found = [_usable(answer.name, evidence.of(answer, now)) for answer, key in keys if isinstance(key, KeyRecord)]
    if found:
        return found
    failed = next((outcome for outcome in outcomes if isinstance(outcome, TempFail)), None)
    reason = (
        language.text("the DNS gave no answer: %(reason)s", reason=failed.reason)
        if failed
        else language.text("no selector was named, and the usual ones hold no key")
    )
    words = language.text(
        "Unknown whether %(domain)s publishes a DKIM key, because %(reason)s.", domain=domain, reason=reason
    )
    return [Finding("K1", Severity.UNKNOWN, domain, words, evidence.of(failed or outcomes[0], now), reference=_RECORD)]


def _usable(name: str, seen: str) -> Finding:
    words = language.text("A DKIM key that receivers can use is published at %(name)s.", name=name)
    return Finding("K1", Severity.INFO, name, words, seen, reference=_RECORD)


def _at(domain: str, selector: str, ours: OurKey | None, resolver: Resolver, now: datetime) -> list[Finding]:
    name = dkim_key_record.name_of(selector, domain)
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    mend = ours.record if ours else ""
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether the DKIM key at %(name)s is published, because the DNS gave no answer: %(reason)s.",
            name=name,
            reason=outcome.reason,
        )
        return [Finding("K1", Severity.UNKNOWN, name, words, seen, reference=_RECORD)]
    if not isinstance(outcome, Answer):
        words = language.text(
            "There is no DKIM key at %(name)s, so receivers cannot verify our signature. Publish it as a TXT record.",
            name=name,
        )
        return [Finding("K1", Severity.ERROR, name, words, seen, mend, _RECORD)]
    if len(outcome.records) > 1:
        words = language.counted(
            "There is %(number)s TXT record at %(name)s.",
            "There are %(number)s TXT records at %(name)s and receivers take any of them. Keep one.",
            len(outcome.records),
            name=name,
        )
        return [Finding("K1d", Severity.ERROR, name, words, seen, mend, _RECORD)]
    return _of_record(name, dkim_key_record.parse(outcome.records[0]), ours, seen)


def _of_record(name: str, key: KeyRecord | Revoked | BadKey, ours: OurKey | None, seen: str) -> list[Finding]:
    mend = ours.record if ours else ""
    match key:
        case Revoked():
            words = language.text("The DKIM key at %(name)s was withdrawn: its p= is empty.", name=name)
            return [Finding("K1a", Severity.ERROR, name, words, seen, mend, _RECORD)]
        case BadKey():
            words = language.text(
                "Receivers cannot use the DKIM key at %(name)s: %(reason)s.", name=name, reason=key.reason
            )
            return [Finding("K1", Severity.ERROR, name, words, seen, mend, _RECORD)]
        case KeyRecord():
            found = [_in_testing(name, seen, mend)] if key.testing else [_usable(name, seen)]
            if ours is None:
                return [*found, _length(name, key, seen)]
            return [*found, *_compared(name, key, ours, seen)]


def _in_testing(name: str, seen: str, mend: str) -> Finding:
    words = language.text("The DKIM key at %(name)s says t=y: receivers may treat signed mail as unsigned.", name=name)
    return Finding("K1b", Severity.WARN, name, words, seen, mend, _RECORD)


def _length(name: str, key: KeyRecord, seen: str) -> Finding:
    values = {"name": name, "bits": key.bits}
    if key.algorithm == "ed25519" or _GOOD <= key.bits <= _TOO_LONG:
        words = language.text("The DKIM key at %(name)s is %(bits)s bits long, which is right.", **values)
        return Finding("K2", Severity.INFO, name, words, seen, reference=_LENGTH)
    mend = language.text("Make a key of 2048 bits, publish it and sign with it.")
    if key.bits < _TOO_SHORT:
        words = language.text("The DKIM key at %(name)s is %(bits)s bits long: receivers refuse it.", **values)
        return Finding("K2", Severity.BLOCK, name, words, seen, mend, _LENGTH)
    words = language.text("The DKIM key at %(name)s is %(bits)s bits long; 2048 is right today.", **values)
    return Finding("K2", Severity.WARN, name, words, seen, mend, _LENGTH)


def _compared(name: str, key: KeyRecord, ours: OurKey, seen: str) -> list[Finding]:
    published = dkim_key_record.fingerprint(key.public)
    shown = "\n".join(
        [
            seen,
            language.text("published key: SHA-256 %(fingerprint)s", fingerprint=published),
            language.text("our key: SHA-256 %(fingerprint)s", fingerprint=ours.fingerprint),
        ]
    )
    if published != ours.fingerprint:
        words = language.text(
            "The DKIM key at %(name)s is not ours, so every signature of ours fails. Publish our key in its place.",
            name=name,
        )
        return [Finding("K3", Severity.BLOCK, name, words, shown, ours.record, "RFC 6376 section 6.1.2")]
    words = language.text("The DKIM key at %(name)s is the one we sign with.", name=name)
    return [
        _length(name, key, seen),
        Finding("K3", Severity.INFO, name, words, shown, reference="RFC 6376 section 6.1.2"),
    ]
