"""The lines of this process: one kept open on each way to send, what each offers, and which is in trouble."""

from __future__ import annotations

import contextlib
import time

from listkeeper import parts, store
from listkeeper.sending import relay_offer
from listkeeper.sending.handing_over import way_trouble
from listkeeper.sending.handing_over.transport import Transport, TransportUnavailable
from listkeeper.sending.handing_over.way import Way
from listkeeper.sending.handing_over.ways import Ways

_held: list[Ways] = []
# What was last written down about each way, and when on the monotonic clock: once an hour is enough.
_noted: dict[str, tuple[bool, float]] = {}
# The trouble of each way that was last written down.
_told: dict[str, str] = {}
_NOTED_AGAIN = 3600.0


def ways() -> Ways:
    """Return the ways of this process."""
    if not _held:
        _held.append(parts.ways())
    return _held[0]


def look() -> None:
    """Note what each way offers, so that the forms know whom we can write to; one that is away is left alone."""
    for way in ways():
        with contextlib.suppress(TransportUnavailable):
            note_offer(way, ways().connected(way))
    tell_trouble()


def note_offer(way: Way, line: Transport) -> None:
    """Write down what a line that is open offers, now and then."""
    wide, now = line.carries_smtputf8, time.monotonic()
    before = _noted.get(way.name)
    if before and before[0] == wide and now - before[1] < _NOTED_AGAIN:
        return
    with store.transaction() as session:
        relay_offer.note(session, way.name, smtputf8=wide)
        if not ways().trouble(way):
            way_trouble.over(session, way.name)
    _noted[way.name] = (wide, now)


def tell_trouble() -> None:
    """Write down which ways are in trouble and which no longer are, when that has changed."""
    known = {way.name: ways().trouble(way) for way in ways()}
    changed = {name: words for name, words in known.items() if words != _told.get(name, "")}
    if not changed:
        return
    with store.transaction() as session:
        for name, words in changed.items():
            if words:
                way_trouble.note(session, name, words)
            else:
                way_trouble.over(session, name)
    _told.update(changed)


def hang_up() -> None:
    """Close the lines, politely; the next delivery opens new ones."""
    _noted.clear()
    _told.clear()
    while _held:
        _held.pop().close()
