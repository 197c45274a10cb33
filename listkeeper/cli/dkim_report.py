"""What a message's signatures say and are worth, as ``listkeeper dkim verify`` tells it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from listkeeper.deliverability.finding import Severity
from listkeeper.standards import dkim_canonical, dkim_key_record, dkim_signature, dkim_verify, foreign_text
from listkeeper.standards.dkim_key_record import KeyRecord
from listkeeper.standards.dkim_signature import Signature
from listkeeper.standards.dkim_verify import Result, Verdict
from listkeeper.standards.dns import Answer, Resolver

_WIDEST = 500
_FIELD = "dkim-signature"
_UNSUBSCRIBE = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_SEVERITIES = {
    Result.PASS: Severity.INFO,
    Result.TEMPERROR: Severity.UNKNOWN,
    Result.POLICY: Severity.WARN,
    Result.FAIL: Severity.ERROR,
    Result.PERMERROR: Severity.ERROR,
}


@dataclass(frozen=True)
class Row:
    """One signature. ``headers`` are the fields it covers, as often as it names them, and is empty when unreadable.

    ``oversigned`` are those it names more often than they stand there: nobody
    can add one. ``octets`` is the length it covers (``l=``), None for all of
    the body; ``key_bits`` is None where no key was found.
    """

    result: str
    reason: str
    domain: str
    selector: str
    algorithm: str
    key_bits: int | None
    testing: bool
    headers: tuple[str, ...]
    oversigned: tuple[str, ...]
    covers_unsubscribe: bool
    octets: int | None
    partly_signed: bool

    def as_json(self) -> dict[str, Any]:
        """Return the signature as the command prints it."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the signature for a person."""
        bits = f", {self.key_bits:,} bits" if self.key_bits else ""
        # Of a signature that cannot be read, all of this is whatever a stranger wrote.
        named = foreign_text.clean(f"{self.selector} of {self.domain}, {self.algorithm}", _WIDEST)
        said = [f"  {self.result}: {foreign_text.clean(self.reason, _WIDEST)}.", f"      key {named}{bits}"]
        said += ["      its owner calls the key a trial (t=y)"] if self.testing else []
        said += [f"      signed: {', '.join(dict.fromkeys(self.headers))}"] if self.headers else []
        said += [f"      only the first {self.octets:,} octets of the body are signed"] if self.partly_signed else []
        return said


@dataclass(frozen=True)
class Report:
    """One message. ``unsubscribe`` says in words whether one-click unsubscribing is covered (RFC 8058 section 4)."""

    file: str
    result: str
    severity: Severity
    unsubscribe: str
    signatures: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the message as the command prints it; its signatures stand beside."""
        return {
            "file": self.file,
            "result": self.result,
            "severity": self.severity.value,
            "unsubscribe": self.unsubscribe,
            "signatures": len(self.signatures),
        }

    def lines(self) -> list[str]:
        """Return the message for a person, its verdict first."""
        rows = [line for row in self.signatures for line in row.lines()]
        return [f"{self.file}: {self.result}", *(rows or ["  It has no DKIM signature."]), f"  {self.unsubscribe}"]


def of(file: str, message: bytes, resolver: Resolver, now: datetime) -> Report:
    """Judge a message with CRLF line ends. The resolver remembers: what a verdict asked is asked again."""
    verdicts = dkim_verify.verify(message, resolver, now)
    head, _, body = (dkim_canonical.CRLF + message).partition(dkim_canonical.CRLF * 2)
    fields = dkim_canonical.fields(head[2:])
    names = [field.partition(b":")[0].strip(b" \t").lower().decode("latin-1") for field in fields]
    signed = [field for field, name in zip(fields, names, strict=True) if name == _FIELD]
    found = Counter(names)
    # Of a message that is not looked at there is a verdict and perhaps no signature.
    padded = [*signed, *[b""] * len(verdicts)]
    rows = tuple(_row(verdict, field, body, found, resolver) for verdict, field in zip(verdicts, padded, strict=False))
    result, severity = _of_all(verdicts)
    return Report(file, result, severity, _unsubscribe(found, rows), rows)


def _of_all(verdicts: list[Verdict]) -> tuple[str, Severity]:
    """Return the best of the verdicts: one right signature is enough."""
    if not verdicts:
        return "none", Severity.ERROR
    best = min(verdicts, key=lambda verdict: _SEVERITIES[verdict.result].rank)
    return best.result.value, _SEVERITIES[best.result]


def _row(verdict: Verdict, field: bytes, body: bytes, found: Counter[str], resolver: Resolver) -> Row:
    read = dkim_signature.parse(field)
    names: tuple[str, ...] = ()
    octets, partly = None, False
    if isinstance(read, Signature):
        names, octets = read.names, read.length
        form = dkim_canonical.relaxed_body if read.body_form == "relaxed" else dkim_canonical.simple_body
        partly = octets is not None and octets < len(form(body))
    named = Counter(names)
    return Row(
        result=verdict.result.value,
        reason=verdict.reason,
        domain=verdict.domain,
        selector=verdict.selector,
        algorithm=verdict.algorithm,
        key_bits=_key_bits(verdict, resolver) if isinstance(read, Signature) else None,
        testing=verdict.testing,
        headers=names,
        oversigned=tuple(name for name in named if named[name] > found[name]),
        covers_unsubscribe=named.keys() >= _UNSUBSCRIBE,
        octets=octets,
        partly_signed=partly,
    )


def _key_bits(verdict: Verdict, resolver: Resolver) -> int | None:
    outcome = resolver.query(dkim_key_record.name_of(verdict.selector, verdict.domain), "TXT")
    keys = [dkim_key_record.parse(text) for text in outcome.records] if isinstance(outcome, Answer) else []
    return next((key.bits for key in keys if isinstance(key, KeyRecord)), None)


def _unsubscribe(found: Counter[str], rows: tuple[Row, ...]) -> str:
    if not found.keys() >= _UNSUBSCRIBE:
        return "It offers no one-click unsubscribing."
    if any(row.covers_unsubscribe and row.result == Result.PASS for row in rows):
        return "One-click unsubscribing is covered by a signature that passes (RFC 8058)."
    return "One-click unsubscribing does not count: no signature that passes covers both of its headers (RFC 8058)."
