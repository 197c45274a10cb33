"""How many mails that come back are read and classified a second on one core, and whether memory stays flat.

The mails are those of the bounce corpora, or where these are absent the
messages of our own forms. Beside it Python's parser only takes the same mails
apart, which says nothing yet of what they mean.
"""

from __future__ import annotations

import email
import time
from functools import partial
from pathlib import Path

from listkeeper.feedback import bounce_form, mail_reading
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure
from tests.fakes import corpora

_DEMANDED = 400
_FOLDERS = ("bounce_sisimai", "bounce_flufl", "bounce_bounceparser", "arf_stalwart")
_KINDS = {".eml", ".txt", ".msg"}
_ROUNDS, _ALL = 3, 20_000


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Read all mails some times over, by CPU time, because it is about one core; ``full``: 20,000 mails."""
    mails = _mails()
    count = _ALL if full else _ROUNDS * len(mails)
    _read(mails, len(mails))
    before = _resident()
    found = figure.compare(
        name, "mails/s", partial(_read, mails, count), partial(_taken_apart, mails, count), repeats=repeats,
        limit_is="Python's own parser taking the same mails apart",
    )  # fmt: skip
    grown = _resident() - before
    found.profile.update({
        "demanded": _DEMANDED,
        "mails": count * repeats,
        "bytes of a mail": round(sum(map(len, mails)) / len(mails)),
        "memory grown, MB": round(grown / 1_048_576, 1),
    })  # fmt: skip
    return found


def _mails() -> list[bytes]:
    root = corpora.find().root
    folders = [root / name for name in _FOLDERS] if root is not None else []
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _KINDS)
    texts = [path.read_bytes() for path in paths if not path.name.startswith("LICENSE")]
    return texts or [form.example.encode() for form in bounce_form.forms()]


def _read(mails: list[bytes], count: int) -> float:
    start = time.process_time()
    for number in range(count):
        mail_reading.read(mails[number % len(mails)], token_of=lambda _: None)
    return count / (time.process_time() - start)


def _taken_apart(mails: list[bytes], count: int) -> float:
    start = time.process_time()
    for number in range(count):
        email.message_from_bytes(mails[number % len(mails)])
    return count / (time.process_time() - start)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096
