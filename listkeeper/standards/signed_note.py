"""Text that carries its own signatures, and the text by which a log promises its state.

These are the signed-note and tlog-checkpoint formats of C2SP.
A note is lines of text, an empty line, and a signature line for each signer:
an em dash, the name of the key, and base64 of 4 bytes that tell keys of one
name apart, then the signature. It survives being pasted into a mail. A
checkpoint is a note of three lines: the log's name, its size, its root.
Keys are Ed25519 (signature type 0x01).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
MOST_SIGNATURES = 16
_DASH = "— "
_ID = 4
_HASH = 32
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Signature:
    """One signature line: whose key, the 4 bytes that tell it from others of that name, and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Checkpoint:
    """What a log promises: of this name, with so many leaves, its root is this."""

    origin: str
    size: int
    root: bytes


def key_id(name: str, public: Ed25519PublicKey) -> bytes:
    """Return the 4 bytes by which a key is known among those of one name."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public.public_bytes_raw()).digest()[:_ID]


def sign(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return the text as a note signed under this name.

    Raises ValueError for a text that does not end with a line feed or holds
    another control character, and for a name that holds a space or a plus.
    """
    if not _is_name(name):
        raise ValueError("The name of a key holds neither a space nor a plus, and is not empty.")
    if not _is_text(text):
        raise ValueError("A note ends with a line feed and holds no other control character.")
    mark = key_id(name, private_key.public_key()) + private_key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(mark).decode()}\n"


def verify(note: str, name: str, public_key: Ed25519PublicKey) -> str:
    """Return a note's text when this key, under this name, signed it. Otherwise raises ValueError.

    Signatures of other keys are passed over: a note may have several readers.
    """
    text, marks = _parts(note)
    wanted = key_id(name, public_key)
    ours = [mark for mark in marks if mark.name == name and mark.key_id == wanted]
    if not ours:
        raise ValueError("The note is not signed by this key.")
    for mark in ours:
        try:
            public_key.verify(mark.signature, text.encode())
        except InvalidSignature:
            raise ValueError("The note's signature is not that of its text.") from None
    return text


def signatures(note: str) -> list[Signature]:
    """Return a note's signatures in their order, none of them checked. ValueError when it is no note."""
    return _parts(note)[1]


def checkpoint(origin: str, size: int, root: bytes) -> str:
    """Return the text of a checkpoint, to be signed."""
    if not origin or "\n" in origin or size < 0 or len(root) != _HASH:
        raise ValueError("A checkpoint has a name of one line, a size, and a root of 32 bytes.")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint; lines after the third are passed over. ValueError when it is none."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004 - three lines and the end
        raise ValueError("A checkpoint has three lines: name, size, root.")
    if _SIZE.fullmatch(lines[1]) is None:
        raise ValueError("The size of a checkpoint is a whole number.")
    root = _bytes(lines[2])
    if len(root) != _HASH:
        raise ValueError("The root of a checkpoint has 32 bytes.")
    return Checkpoint(lines[0], int(lines[1]), root)


def _parts(note: str) -> tuple[str, list[Signature]]:
    text, found, below = note.rpartition("\n\n")
    text += "\n"
    if not found or not _is_text(text) or not below.endswith("\n"):
        raise ValueError("A note is text, an empty line, and signatures.")
    lines = below[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise ValueError(f"A note with more than {MOST_SIGNATURES} signatures is not read.")
    return text, [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    name, found, encoded = line.removeprefix(_DASH).partition(" ")
    mark = _bytes(encoded)
    if not line.startswith(_DASH) or not found or not _is_name(name) or len(mark) <= _ID:
        raise ValueError("A line below the note is no signature.")
    return Signature(name, mark[:_ID], mark[_ID:])


def _bytes(encoded: str) -> bytes:
    """Read base64 that has exactly one spelling."""
    try:
        data = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        data = b""
    if not data or base64.b64encode(data).decode() != encoded:
        raise ValueError("The base64 cannot be read.")
    return data


def _is_text(text: str) -> bool:
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        return False
    return text.isascii() or _is_unicode(text)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name) and _is_unicode(name)
