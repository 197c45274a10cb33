"""DKIM verification: what each signature of a message is worth (RFC 6376 section 6, RFC 8301, RFC 8463).

Nothing here raises, whatever the bytes: a message is other people's. What
could not be learned because the DNS was silent is said to be unknown.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import assert_never

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from listkeeper.foundation import language
from listkeeper.standards import dkim_canonical, dkim_key_record, dkim_signature, dns
from listkeeper.standards.dkim_key_record import BadKey, KeyRecord, Revoked
from listkeeper.standards.dkim_signature import BadSignature, Signature

_FIELD = "dkim-signature"
_FIELD_START = re.compile(rb"[!-9;-~]+[ \t]*:")
# RFC 8301 section 3.2; a key beyond the longest would only keep a verifier busy.
_SHORTEST_KEY, _LONGEST_KEY = 1024, 8192
_MOST_SIGNATURES = 20
_MOST_RECORDS = 5
_LARGEST = 50_000_000
_KIND = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}


class Result(StrEnum):
    """What a signature is worth, in the words of RFC 8601 section 2.7.1.

    TEMPERROR is "not known". POLICY is a right signature of a part of the
    body: anybody may have added the rest, so it does not count.
    """

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    POLICY = "policy"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


@dataclass(frozen=True)
class Verdict:
    """One signature judged, with the reason in words.

    ``testing`` says that its key is marked as being tried out (t=y), ``below``
    that the key is for one domain alone (t=s) and i= names one below it.
    """

    result: Result
    reason: str
    domain: str
    selector: str
    algorithm: str
    testing: bool = False
    below: bool = False


class KnownKey:
    """A resolver that gives one key record to whoever asks: for a key that is at hand and perhaps not published yet."""

    def __init__(self, record: str) -> None:
        self._record = record

    def query(self, name: str, kind: str, /) -> dns.Outcome:
        """Return the record, whatever the name."""
        return dns.Answer(name, kind, "", (self._record,), 0)


def verify(message: bytes, resolver: dns.Resolver, now: datetime) -> list[Verdict]:
    """Return a verdict for each signature of a message, from the top; of more than 20 the rest is not looked at.

    Lines end in CRLF; ``now`` is aware. Of a message of more than 50 MB no signature is looked at.
    """
    if len(message) > _LARGEST:
        return [
            Verdict(Result.PERMERROR, language.text("the message is larger than any that is looked at"), "", "", "")
        ]
    opened = _Message(message)
    places = [place for place, name in enumerate(opened.names) if name == _FIELD]
    return [_verdict(opened, place, resolver, now) for place in places[:_MOST_SIGNATURES]]


class _Message:
    """A message taken apart; each canonical form of its body is made when it is first asked for."""

    def __init__(self, message: bytes) -> None:
        # A message may begin with the empty line, and then it has no head.
        head, _, self._body = (b"\r\n" + message).partition(dkim_canonical.CRLF * 2)
        self.fields = dkim_canonical.fields(head[2:])
        self.names = [field.partition(b":")[0].strip(b" \t").lower().decode("latin-1") for field in self.fields]

    @cached_property
    def is_sound(self) -> bool:
        """Whether all of the head are header fields; at another line others may see the head end (section 3.8)."""
        return all(map(_FIELD_START.match, self.fields))

    def body(self, form: str) -> bytes:
        """Return the body in a canonical form."""
        return self._relaxed if form == "relaxed" else self._simple

    @cached_property
    def _relaxed(self) -> bytes:
        return dkim_canonical.relaxed_body(self._body)

    @cached_property
    def _simple(self) -> bytes:
        return dkim_canonical.simple_body(self._body)

    def signed_by(self, place: int, signature: Signature) -> bytes:
        """Return what a signature was made over: of equal fields the lowest first, then itself (section 3.7, 5.4.2)."""
        form = dkim_canonical.relaxed_field if signature.header_form == "relaxed" else dkim_canonical.simple_field
        left: dict[str, list[bytes]] = {}
        for number, (name, field) in enumerate(zip(self.names, self.fields, strict=True)):
            if number != place:
                left.setdefault(name, []).append(field)
        picked = [left[name].pop() for name in signature.names if left.get(name)]
        itself = form(dkim_signature.without_value(self.fields[place])).removesuffix(dkim_canonical.CRLF)
        return b"".join([*map(form, picked), itself])


_Told = tuple[Result, str]


def _verdict(message: _Message, place: int, resolver: dns.Resolver, now: datetime) -> Verdict:
    read = dkim_signature.parse(message.fields[place])
    if isinstance(read, BadSignature):
        return Verdict(Result.PERMERROR, read.reason, read.domain, read.selector, read.algorithm)
    body = message.body(read.body_form)
    told, key = _of_itself(read, body, now), None
    if not message.is_sound:
        told = Result.PERMERROR, language.text("the head of the message holds a line that is no header field")
    if told is None:
        told, key = _of_key(read, message.signed_by(place, read), resolver)
    if told[0] is Result.PASS and read.length is not None and read.length < len(body):
        words = language.text("only the first %(count)s octets of the body are signed, not the rest", count=read.length)
        told = (Result.POLICY, words)
    testing, below = (key.testing, _is_below(read, key)) if key else (False, False)
    return Verdict(*told, read.domain, read.selector, read.algorithm, testing, below)


def _of_itself(read: Signature, body: bytes, now: datetime) -> _Told | None:
    """Return what can be said against a signature without its key."""
    if read.expires is not None and read.expires < now:
        moment = f"{read.expires:%Y-%m-%d %H:%M} UTC"
        return Result.PERMERROR, language.text("it expired on %(moment)s", moment=moment)
    if read.length is not None and read.length > len(body):
        return Result.PERMERROR, language.text("it covers more of the body than there is")
    if hashlib.sha256(body[: read.length]).digest() != read.body_hash:
        return Result.FAIL, language.text("the body was changed after it was signed")
    return None


def _of_key(read: Signature, signed: bytes, resolver: dns.Resolver) -> tuple[_Told, KeyRecord | None]:
    """Ask for the key and return what it says of a signature, and the key where there is one that can be read."""
    name = dkim_key_record.name_of(read.selector, read.domain)
    outcome = resolver.query(name, "TXT")
    if isinstance(outcome, dns.TempFail):
        words = language.text("the DNS gave no answer about the key: %(reason)s", reason=outcome.reason)
        return (Result.TEMPERROR, words), None
    if not isinstance(outcome, dns.Answer) or not outcome.records:
        return (Result.PERMERROR, language.text("there is no key at %(name)s", name=name)), None
    each = [_of_record(read, signed, name, record) for record in outcome.records[:_MOST_RECORDS]]
    # Of several records a verifier may choose; one that fits is enough.
    return next((found for found in each if found[0][0] is Result.PASS), each[0])


def _of_record(read: Signature, signed: bytes, name: str, record: str) -> tuple[_Told, KeyRecord | None]:
    key = dkim_key_record.parse(record)
    match key:
        case Revoked():
            return (Result.PERMERROR, language.text("the key at %(name)s was withdrawn", name=name)), None
        case BadKey():
            words = language.text("the key at %(name)s cannot be used: %(reason)s", name=name, reason=key.reason)
            return (Result.PERMERROR, words), None
        case KeyRecord():
            wrong = _unfit(read, key)
            if wrong:
                return (Result.PERMERROR, wrong), key
            if not _fits(key, read.signature, signed):
                words = language.text(
                    "the headers were changed after they were signed, or it was made with another key"
                )
                return (Result.FAIL, words), key
            return (Result.PASS, language.text("the signature is right")), key
        case _:
            assert_never(key)


def _unfit(read: Signature, key: KeyRecord) -> str | None:
    if key.algorithm != _KIND[read.algorithm]:
        return language.text("the key is not of the kind that the signature names")
    if key.algorithm == "rsa" and not _SHORTEST_KEY <= key.bits <= _LONGEST_KEY:
        return language.text("the key has %(count)s bits, which is not between 1,024 and 8,192", count=key.bits)
    if _is_below(read, key):
        return language.text("the key is for %(domain)s alone and not for what is below it", domain=read.domain)
    return None


def _is_below(read: Signature, key: KeyRecord) -> bool:
    """Whether the key is for one domain alone (t=s) and the signature names one below it in i=."""
    return key.exact and read.identity_domain != read.domain


def _fits(key: KeyRecord, signature: bytes, signed: bytes) -> bool:
    try:
        public = load_der_public_key(key.public)
        if isinstance(public, RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signature, hashlib.sha256(signed).digest())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
