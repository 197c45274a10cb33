"""The two files of a probe: its key, and its log, which only ever grows."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from listkeeper.deliverability import probe_log
from listkeeper.deliverability.probe_log import LONGEST_LINE, NOTHING, End
from listkeeper.foundation.errors import Conflict, Invalid

_ONLY_OURS = 0o600
_LARGEST_KEY = 10_000


def key(file: Path) -> Ed25519PrivateKey:
    """Return the key in a file, which is made with a new one where there is none. Raises Invalid."""
    made = Ed25519PrivateKey.generate()
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OURS)
    except FileExistsError:
        return _read(file)
    with os.fdopen(number, "wb") as opened:
        opened.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def _read(file: Path) -> Ed25519PrivateKey:
    with file.open("rb") as opened:
        text = opened.read(_LARGEST_KEY)
    try:
        found = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Invalid("probe_key", f"{file} holds no Ed25519 key. Name a file that does not exist to make one.")
    return found


class Log:
    """An open log: where it ends, and the way to write the next line."""

    def __init__(self, opened: BinaryIO, private: Ed25519PrivateKey) -> None:
        self._opened = opened
        self.end = _end(opened, private)

    def write(self, line: bytes, end: End) -> None:
        """Write a line, so that it is on the disk when this returns."""
        self._opened.write(line)
        self._opened.flush()
        os.fsync(self._opened.fileno())
        self.end = end


@contextmanager
def log(file: Path, private: Ed25519PrivateKey) -> Iterator[Log]:
    """Open a log to go on with it. Raises Conflict when another probe writes it, Invalid when it is another key's."""
    number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, _ONLY_OURS)
    with os.fdopen(number, "r+b") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("probe_runs", f"Another probe writes {file} already.") from None
        yield Log(opened, private)


def _end(opened: BinaryIO, private: Ed25519PrivateKey) -> End:
    """Return where the log ends; half a line that a killed probe left is cut off, because it says nothing."""
    size = opened.seek(0, os.SEEK_END)
    start = max(0, size - 2 * LONGEST_LINE)
    opened.seek(start)
    tail = opened.read(size - start)
    whole = tail[: tail.rfind(b"\n") + 1]
    torn = tail[len(whole) :]
    if not probe_log.may_begin(torn) or (start and not whole):
        raise Invalid("probe_log", "The file is no log of a probe. Name another one with --log.")
    end = probe_log.end_of(whole[:-1].rpartition(b"\n")[2], private.public_key()) if whole else NOTHING
    opened.truncate(start + len(whole))
    opened.seek(0, os.SEEK_END)
    return end


def lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of a log; of one that is too long to be one, the beginning."""
    with file.open("rb") as opened:
        while line := opened.readline(LONGEST_LINE + 2):
            yield line
