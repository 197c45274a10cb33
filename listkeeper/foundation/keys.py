"""Secrets of this instance, kept in a folder beside the database, never inside it.

``open_folder`` reads them once per process. Every secret the program uses is
derived from a master key by HKDF-SHA256 (RFC 5869) with a purpose of its own,
so no two uses share a key. A rotated master adds a version; old versions stay
readable, because suppressions hashed under them cannot be hashed again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from listkeeper.foundation.errors import Invalid

_MASTER_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class _Ring:
    """All master keys of the instance, oldest first."""

    masters: tuple[bytes, ...]


_ring: list[_Ring] = []


def open_folder(folder: Path, *, may_make: bool = True) -> None:
    """Read the key folder; an empty or missing one is made with a first key when ``may_make``.

    Raises Invalid when a key file is damaged, holds a sample, or is missing and may not be made:
    starting with another key would silently unseal nothing and un-suppress
    everyone. Nothing is written then.
    """
    files = {path.stem.removeprefix("master-"): path for path in folder.glob("master-*.key")}
    if not files and not may_make:
        raise missing(folder)
    if not files:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = {"1": _make(folder / "master-1.key")}
    numbered = [files[name] for name in sorted(files, key=lambda name: int(name) if name.isdecimal() else 0)]
    masters = tuple(path.read_bytes() for path in numbered)
    # Their number is their age, and the oldest is the pepper of every suppression: a name without one is damage too.
    if not all(name.isdecimal() for name in files) or any(len(master) != _MASTER_BYTES for master in masters):
        raise Invalid("key_damaged", f"A key file in {folder} is damaged. Restore the folder from its copy.")
    if any(is_placeholder(master) for master in masters):
        raise Invalid(
            "key_placeholder", f"A key file in {folder} holds a sample and no secret. Put the real key in its place."
        )
    _ring[:] = [_Ring(masters)]


def is_placeholder(master: bytes) -> bool:
    """Return whether a key was typed and not drawn: bytes of chance are never all letters, nor few bytes repeated."""
    return master.isascii() or len(set(master)) < _MASTER_BYTES // 2


def add(folder: Path) -> Path:
    """Write one more master key beside those that are there, and return its file; ``open_folder`` reads it."""
    numbers = [int(path.stem.removeprefix("master-")) for path in folder.glob("master-*.key")]
    return _make(folder / f"master-{max(numbers) + 1}.key")


def missing(folder: Path) -> Invalid:
    """Return the refusal to work on a database whose keys are not in the key folder."""
    return Invalid(
        "keys_missing",
        f"The keys of this database are not in {folder}. Put the copy of the key folder back in its place; "
        "nothing was changed.",
    )


def _make(path: Path) -> Path:
    """Write a new master key, readable by its owner alone; an existing one wins."""
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_MASTER_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A hard link fails when the name exists: two first starts agree on one key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path


# Remembered, because every token and every suppression key asks; the master keys are in memory all the same.
@lru_cache(maxsize=256)
def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(master)


def _masters() -> tuple[bytes, ...]:
    if not _ring:
        raise RuntimeError("the key folder has not been opened")
    return _ring[0].masters


def handed_over() -> tuple[bytes, ...]:
    """Return the open keys for a process that this one starts; they go through a pipe, never over a command line."""
    return _masters()


def take_over(masters: tuple[bytes, ...]) -> None:
    """Open the keys that the process which started this one has handed over."""
    _ring[:] = [_Ring(masters)]


def secret(purpose: str) -> bytes:
    """Return the 32-byte secret of a purpose under the newest master key."""
    return _derive(_masters()[-1], purpose)


def secrets_of(purpose: str) -> tuple[bytes, ...]:
    """Return the secrets of a purpose under every master key, newest first."""
    return tuple(_derive(master, purpose) for master in reversed(_masters()))


def suppression(organisation_id: int) -> tuple[bytes, ...]:
    """Return the peppers of an organisation's suppression list, newest first."""
    return secrets_of(f"suppression:{organisation_id}")


def ledger(organisation_public_id: str) -> tuple[Ed25519PrivateKey, ...]:
    """Return the keys that sign an organisation's checkpoints and receipts, newest first."""
    seeds = secrets_of(f"ledger:{organisation_public_id}")
    return tuple(Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds)


def fingerprint() -> str:
    """Return the mark of this key folder (64 hex digits); nothing can be derived from it.

    It is the oldest master's, because that one hashed the first suppressions:
    a rotation leaves it as it is, and a folder without it is another folder.
    """
    return _derive(_masters()[0], "key-fingerprint").hex()


def session_secret() -> str:
    """Return the web session's signing secret (64 hex digits)."""
    return secret("web-session").hex()


def password_salt() -> str:
    """Return the pepper of studio passwords (64 hex digits)."""
    return _derive(_masters()[0], "password-pepper").hex()


def seal(purpose: str, plain: bytes) -> bytes:
    """Encrypt with AES-256-GCM under the purpose's newest secret (nonce first)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(secret(purpose)).encrypt(nonce, plain, purpose.encode())


def sealer(purpose: str) -> Callable[[bytes, bytes], bytes]:
    """Return ``seal`` for one purpose and very many small things: the cipher is made once.

    Whoever calls it draws the nonces (12 bytes each, fresh from the system's randomness), many at a time.
    """
    cipher, named = AESGCM(secret(purpose)), purpose.encode()

    def sealed(plain: bytes, nonce: bytes) -> bytes:
        return nonce + cipher.encrypt(nonce, plain, named)

    return sealed


def unseal(purpose: str, sealed: bytes) -> bytes:
    """Decrypt what ``seal`` made, trying every master key; raises Invalid when none fits."""
    nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for key in secrets_of(purpose):
        try:
            return AESGCM(key).decrypt(nonce, body, purpose.encode())
        except Exception:  # noqa: BLE001, S112 - cryptography raises several kinds; the next key may fit
            continue
    raise Invalid("cannot_unseal", "A sealed secret cannot be opened with the keys in the key folder.")
