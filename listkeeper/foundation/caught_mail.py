"""Practice mode's post box: a Maildir that keeps each mail whole, with its envelope.

The first line of every file is ours (who sent it, to whom, when) and everything
after it is the message, byte for byte as it came over SMTP. Any mail program
can read the folder; ours leaves no index beside it that could be wrong.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as email_policy
from pathlib import Path
from typing import NamedTuple

from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound

_OUR_LINE = b"X-Listkeeper-Caught: "
# The key comes back in a URL, so it may never name anything outside the folder.
_KEY = re.compile(r"[0-9]{10,12}\.M[0-9]{6}R[0-9a-f]{12}")
_SHELVES = ("new", "cur")
_HEADER_BYTES = 65_536
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class CaughtEnvelope:
    """What MAIL FROM and RCPT TO said; the return path may be empty."""

    mail_from: str
    rcpt_tos: tuple[str, ...]


@dataclass(frozen=True)
class CaughtEntry:
    """One line of the inbox: enough to list a mail without reading it whole."""

    key: str
    envelope: CaughtEnvelope
    received_at: datetime
    subject: str
    size: int


@dataclass(frozen=True)
class CaughtMail:
    """One mail: ``raw`` holds exactly the bytes that came over SMTP."""

    key: str
    raw: bytes
    envelope: CaughtEnvelope
    received_at: datetime


class _Found(NamedTuple):
    key: str
    path: Path


def write(folder: Path, raw: bytes, mail_from: str, rcpt_tos: Iterable[str]) -> str:
    """Store a mail so that it survives a power cut from the moment this returns; give its key."""
    shelf = _prepare(folder)
    moment = clock.now()
    key = f"{int(moment.timestamp()):010d}.M{moment.microsecond:06d}R{secrets.token_hex(6)}"
    facts = {"from": mail_from, "to": list(rcpt_tos), "at": clock.as_text(moment)}
    draft = folder / "tmp" / key
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(_OUR_LINE + json.dumps(facts).encode("ascii") + b"\r\n" + raw)
        # Named first and forced to disk after: one journal commit covers both, which doubles the speed. A mail that
        # a power cut leaves torn was never acknowledged, and the readers below pass over it.
        draft.rename(shelf / key)
        os.fsync(handle)
    except BaseException:
        draft.unlink(missing_ok=True)
        (shelf / key).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    _force(shelf)
    return key


def entries(folder: Path, limit: int = 50, offset: int = 0, *, to: str | None = None) -> list[CaughtEntry]:
    """Return the newest mails first; with ``to`` only those handed over for that address."""
    page: list[CaughtEntry] = []
    passed = 0
    for found in _newest_first(folder):
        if len(page) >= limit:
            break
        # Without a filter the pages before this one need not be opened.
        if to is None and passed < offset:
            passed += 1
            continue
        entry = _entry(found)
        if entry is None or (to is not None and not _is_for(entry.envelope, to)):
            continue
        if passed < offset:
            passed += 1
            continue
        page.append(entry)
    return page


def count(folder: Path) -> int:
    """Return how many mails the box holds."""
    return sum(1 for _ in _keys(folder))


def read(folder: Path, key: str) -> CaughtMail:
    """Return one mail; raises NotFound when there is none of that key."""
    if _KEY.fullmatch(key):
        paths = (folder / "new" / key, *(folder / "cur").glob(f"{key}*"))
        for mail in (_mail(_Found(key, path)) for path in paths):
            if mail is not None:
                return mail
    raise NotFound("no_such_mail", "This mail is not in the practice inbox (any more).")


def remove_all_of(folder: Path, address: str) -> int:
    """Delete every mail that was handed over for an address; return how many."""
    removed = 0
    for found in list(_keys(folder)):
        entry = _entry(found)
        if entry is not None and _is_for(entry.envelope, address):
            found.path.unlink(missing_ok=True)
            removed += 1
    return removed


def clear(folder: Path) -> int:
    """Empty the box; return how many mails were thrown away."""
    boxed = list(_keys(folder))
    for found in boxed:
        found.path.unlink(missing_ok=True)
    return len(boxed)


def _prepare(folder: Path) -> Path:
    shelf = folder / "new"
    if not (folder / "cur").is_dir():
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _force(folder)
    return shelf


def _force(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keys(folder: Path) -> Iterator[_Found]:
    for shelf in _SHELVES:
        if not (folder / shelf).is_dir():
            continue
        for path in (folder / shelf).iterdir():
            # A mail program that reads the folder moves mails to `cur` and adds its flags after a colon.
            key = path.name.split(":", 1)[0]
            if _KEY.fullmatch(key):
                yield _Found(key, path)


def _newest_first(folder: Path) -> list[_Found]:
    return sorted(_keys(folder), reverse=True)


def _split(start: bytes) -> tuple[CaughtEnvelope, datetime, int] | None:
    """Read our first line; also tell where the message itself begins."""
    end = start.find(b"\r\n")
    if end < 0 or not start.startswith(_OUR_LINE):
        return None
    try:
        facts = json.loads(start[len(_OUR_LINE) : end])
        received_at = datetime.fromisoformat(facts["at"]).astimezone(UTC)
        return CaughtEnvelope(facts["from"], tuple(facts["to"])), received_at, end + 2
    except (ValueError, KeyError, TypeError):
        return None


def _entry(found: _Found) -> CaughtEntry | None:
    try:
        with found.path.open("rb") as file:
            start = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return None
    known = _split(start)
    if known is None:
        return None
    envelope, received_at, begins = known
    head = start[begins:].split(b"\r\n\r\n", 1)[0]
    return CaughtEntry(found.key, envelope, received_at, _subject(head), size - begins)


def _subject(head: bytes) -> str:
    try:
        return str(message_from_bytes(head + b"\r\n\r\n", policy=email_policy)["subject"] or "")
    except (ValueError, LookupError, AttributeError, IndexError):
        # What strangers put into a header must not break the whole list; the mail itself can still be opened.
        return ""


def _mail(found: _Found) -> CaughtMail | None:
    try:
        whole = found.path.read_bytes()
    except FileNotFoundError:
        return None
    known = _split(whole)
    if known is None:
        return None
    envelope, received_at, begins = known
    return CaughtMail(found.key, whole[begins:], envelope, received_at)


def _is_for(envelope: CaughtEnvelope, address: str) -> bool:
    # ASCII letters alone: folding others would take one mailbox for another (sharp s and ss).
    wanted = address.strip().translate(_LOWER)
    return any(wanted == recipient.translate(_LOWER) for recipient in envelope.rcpt_tos)
