"""Each row's trace, sealed before it meets the database: references, evidence under the person's own key, and a leaf.

This is where an import spends its time, so everything that a chunk of rows can
share is made once: the wrapping cipher, the batch's own words, and the first
half of each reference. All references stay random; those of one chunk begin
alike, which lets their indexes grow in one place instead of everywhere.
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from listkeeper.audience.importing.claim import Claim, Statement
from listkeeper.audience.proof import evidence
from listkeeper.foundation import clock, keys

KIND = "imported_claim"
REJECTED, OPTED_OUT, PERSON = 0, 1, 2
_LEAF = b"\x00"
_DRAWN = 104
_ALPHABET = bytes.maketrans(bytes(range(256)), b"0123456789abcdefghjkmnpqrstvwxyz" * 8)
_text = json.encoder.encode_basestring
# The names of a piece of evidence in the order of RFC 8785.
_NAMES = ("address", "batch", "confirmed_at", "confirmed_ip", "file_sha256", "kind", "method", "origin", "requested_at", "requested_ip", "row", "source", "text")  # noqa: E501 # fmt: skip


class Candidate(NamedTuple):
    """One judged row on its way to the writer; of plain values only, so that it travels between processes quickly."""

    row: int
    line: int
    kind: int
    reason: str
    remarks: str
    # What the report shows: the address, or the cell that is none.
    shown: str
    key: str
    send: str
    email_key: str
    profile: str
    standing: str
    evidenced: bool
    requested_at: int
    confirmed_at: int
    subject: str
    public_id: str
    subject_key: bytes
    wrapped: bytes
    sealed: bytes
    event_id: str
    commit: str
    leaf: bytes
    # Since when she agreed, as the database writes times in UTC; empty without evidence.
    since: str


@dataclass(frozen=True)
class Told:
    """What a whole batch says, as the evidence of each of its rows repeats it."""

    batch: str
    list: str
    file_sha256: str
    source: str
    stated: Statement


class _Pattern(NamedTuple):
    """Evidence with gaps for the address and for what a row says itself: their names, and the place of its number."""

    text: str
    names: list[str]
    row_at: int


class Sealer:
    """Seals the rows of one chunk."""

    def __init__(self, organisation_id: int, told: Told, rows: int) -> None:
        # Made once: what the key alone decides is then copied for each address and not worked out again.
        self._hash = hmac.new(keys.suppression(organisation_id)[-1], digestmod="sha256")
        self._wrap = evidence.wrapper(organisation_id)
        self._fixed = {name: f'"{name}":{_text(value)}' for name, value in _stated(told).items()}
        self._patterns: dict[tuple[str, ...], _Pattern] = {}
        # What a row needs: half a reference, ids, a key, a salt and two nonces. One question to the system for all.
        self._random = os.urandom(_DRAWN * rows)
        self._at = 0
        self._begin = os.urandom(6).hex()
        self._public = os.urandom(8).translate(_ALPHABET).decode()
        self._moment = f"{clock.in_milliseconds(clock.now()):012x}"

    def key_of(self, email_key: str) -> str:
        """Return the keyed hash of an address, as ``suppression.key_of`` does."""
        hashed = self._hash.copy()
        hashed.update(email_key.encode())
        return hashed.hexdigest()

    def draw(self) -> bytes:
        """Return the random bytes of the next row."""
        self._at += _DRAWN
        if self._at > len(self._random):
            return os.urandom(_DRAWN)
        return self._random[self._at - _DRAWN : self._at]

    def references(self, drawn: bytes) -> tuple[str, str, str]:
        """Return a subject reference (128 random bits), a public id and an event id (UUID version 7)."""
        subject = self._begin + drawn[:10].hex()
        public_id = f"sub_{self._public}{drawn[10:22].translate(_ALPHABET).decode()}"
        bits = drawn[22:32].hex()
        event_id = f"{self._moment}7{bits[:3]}{'89ab'[drawn[22] & 3]}{bits[3:18]}"
        return subject, public_id, event_id

    def evidence(self, claimed: Claim, typed: str, row: str, event_id: str, drawn: bytes) -> Sealed:
        """Seal what one row says under a key of its own; ``drawn`` holds the key, the salt and the nonces."""
        told = claimed.told
        pattern, names, place = self._patterns.get(said := tuple(told)) or self._pattern(said)
        values = [_text(told[name]) for name in names]
        values.insert(place, f'"{row}"')
        body = (pattern % (_text(typed), *values)).encode()
        salt, nonce, subject_key = drawn[32:48], drawn[48:60], drawn[60:92]
        sealed = nonce + AESGCM(subject_key).encrypt(nonce, salt + body, event_id.encode())
        return Sealed(
            subject_key, self._wrap(subject_key, drawn[92:104]), sealed, hmac.digest(salt, body, "sha256").hex()
        )

    def _pattern(self, said: tuple[str, ...]) -> _Pattern:
        """Return the canonical evidence of rows that say these things themselves, with gaps for them."""
        parts = {name: part.replace("%", "%%") for name, part in self._fixed.items()}
        parts |= {name: f'"{name}":%s' for name in ("address", "row", *said)}
        names = [name for name in _NAMES if name in parts]
        own = [name for name in names if name in said]
        made = _Pattern(f"{{{','.join([parts[name] for name in names])}}}", own, sum(name < "row" for name in own))
        self._patterns[said] = made
        return made


class Sealed(NamedTuple):
    """A piece of evidence as the vault stores it, and the key it opens with."""

    subject_key: bytes
    wrapped: bytes
    body: bytes
    commit: str


NOTHING = Sealed(b"", b"", b"", "")


def _stated(told: Told) -> dict[str, str]:
    """Return what every row's evidence repeats of the whole file; a row's own words replace it."""
    stated = told.stated
    return {
        "kind": KIND,
        "batch": told.batch,
        "file_sha256": told.file_sha256,
        "source": told.source,
        "origin": stated.origin,
        "method": stated.method,
        "text": stated.text,
    }


def reopened(row: Candidate) -> dict[str, object]:
    """Return what a row's evidence says, to be sealed again under the key of a person who is already known."""
    plain = AESGCM(row.subject_key).decrypt(row.sealed[:12], row.sealed[12:], row.event_id.encode())
    found = json.loads(plain[16:])
    return dict(found)


class Leaf(NamedTuple):
    """What a row's leaf says beyond its batch."""

    part: int
    row: int
    event_id: str
    subject: str
    outcome: str
    reason: str
    evidenced: bool
    requested_at: int
    confirmed_at: int
    commit: str


def leaf_record(batch: str, mailing_list: str, leaf: Leaf) -> bytes:
    """Return the canonical record of a row (``batch.record``): all its words are plain, so one pattern writes it."""
    return (
        f'{{"basis":"{"consent" if leaf.evidenced else ""}","batch":"{batch}","confirmed_at":{leaf.confirmed_at},'
        f'"evidence_commit":"{leaf.commit}","id":"{leaf.event_id}","list":"{mailing_list}","outcome":"{leaf.outcome}",'
        f'"part":{leaf.part},"reason":"{leaf.reason}","requested_at":{leaf.requested_at},"row":{leaf.row},'
        f'"subject":"{leaf.subject}","v":1}}'
    ).encode()


def leaf_hash(record: bytes) -> bytes:
    """Return the RFC 6962 hash of a leaf, as ``merkle.leaf_hash`` does."""
    return sha256(_LEAF + record).digest()
