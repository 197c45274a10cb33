"""First messages: one of each letter is handed over alone and read, and the others wait for what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from listkeeper import parts, store
from listkeeper.foundation import clock, log
from listkeeper.jobs import handing, identity, pacing
from listkeeper.jobs.handing import Said
from listkeeper.sending import claim, first_message
from listkeeper.sending.first_message import First
from listkeeper.sending.handing_over.transport import Accepted
from listkeeper.sending.prepared import Letters, Prepared

# So long the others wait before they are claimed again.
_WAIT = timedelta(seconds=0.3)
_MOST_KNOWN = 1_000
_log = log.get(__name__)
# Letters whose first message was read; nothing makes it unread again.
_read: set[int] = set()


def go_ahead(ids: Sequence[int], letters: Letters, said: Said, deliver: Callable[[Sequence[int]], int]) -> list[int]:
    """Hand over and read the first message of each letter that has none yet; return the rows that may follow now.

    ``deliver`` hands over one window. Rows of a letter whose first message another worker reads wait for it.
    """
    of_letter: dict[int, list[int]] = {}
    for number in ids:
        if number in letters and (letter := letters[number][0].campaign_id) is not None and letter not in _read:
            of_letter.setdefault(letter, []).append(number)
    if not of_letter:
        return list(ids)
    with store.reading() as session:
        unread = first_message.unread(session, of_letter)
    _remember(set(of_letter) - unread)
    gone: set[int] = set()
    for letter in sorted(unread):
        gone |= _lead(letter, of_letter[letter], letters, said, deliver)
    return [number for number in ids if number not in gone]


def _lead(
    letter: int, ids: Sequence[int], letters: Letters, said: Said, deliver: Callable[[Sequence[int]], int]
) -> set[int]:
    """Read a letter's first message; return which of its rows are done, or given back."""
    with store.transaction() as session:
        leads = first_message.take_up(session, letter, identity.me())
        if not leads:
            claim.give_back(session, ids, identity.me(), wait=_WAIT)
    if not leads:
        pacing.unused(ids)
        return set(ids)
    done: set[int] = set()
    for number in ids:
        done.add(number)
        said.read_on, said.kept = number, b""
        deliver([number])
        accepted = isinstance(said.outcomes.get(number), Accepted)
        handing.record(said)
        if said.kept and accepted:
            return done | _judged(letter, said.kept, letters[number][1], [each for each in ids if each not in done])
    # Nobody here was written to: the next block's first row is the first.
    with store.transaction() as session:
        first_message.let_go(session, letter)
    return done


def _judged(letter: int, content: bytes, message: object, rest: Sequence[int]) -> set[int]:
    signed = isinstance(message, Prepared) and message.signed
    verdict = first_message.judge(content, parts.resolver(), clock.now(), signed=signed)
    _log.info("first_message.read", campaign=letter, verdict=verdict.first.value)
    with store.transaction() as session:
        first_message.keep(session, letter, verdict)
        if is_wrong := verdict.first is First.WRONG:
            claim.give_back(session, rest, identity.me())
    if not is_wrong:
        _remember({letter})
        return set()
    pacing.unused(rest)
    return set(rest)


def _remember(letters: set[int]) -> None:
    if len(_read) > _MOST_KNOWN:
        _read.clear()
    _read.update(letters)


def forget() -> None:
    """Ask the database anew, as a fresh worker would."""
    _read.clear()
