"""A file of senders, evaluated side by side and answered line by line in the order of the file.

At most so many questions are open at once, whatever the length of the file,
and an answer leaves as soon as those before it have: a pipe may be fed and
read in turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from math import isfinite
from threading import BoundedSemaphore, Lock
from typing import IO, Any, TypeGuard

import click

from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, spf
from listkeeper.standards.dns import Remembering, Resolver

# A question waits for the DNS most of its time.
_SIDE_BY_SIDE = 32
_MOST_OPEN = 4 * _SIDE_BY_SIDE
_LONGEST_LINE = 100_000
_Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Question:
    """What ``check_host`` is asked: the address that connects, the domain it speaks for, and what macros need."""

    ip: str
    domain: str
    sender: str
    helo: str

    @classmethod
    def of(cls, ip: object, mail_from: object, helo: object) -> Question | str:
        """Return the question, or one sentence on why there is none."""
        try:
            connects = str(ip_address(ip)) if isinstance(ip, str) else ""
        except ValueError:
            connects = ""
        if not connects or "%" in connects:
            return f"{_short(ip)} is no IP address."
        if not _is_text(mail_from):
            return f"{_short(mail_from)} is no text."
        if not _is_text(helo):
            return f"{_short(helo)} is no text."
        # The null return path is written with its brackets in logs.
        domain, sender = spf.identity(mail_from.strip().removeprefix("<").removesuffix(">"), helo.strip())
        if not domain:
            return "Neither the sender nor the HELO name says for which domain the mail speaks."
        return cls(connects, _a_label(domain), sender, helo.strip())


def _a_label(domain: str) -> str:
    """Return a domain as the DNS knows it (RFC 7208 section 4.3); what cannot be one is left, and has no record."""
    if domain.isascii():
        return domain
    try:
        return address.domain_name(domain)
    except Invalid:
        return domain


def _is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is text that can be written down: JSON can name half a character."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _short(value: object) -> str:
    return json.dumps(value)[:80]


def run(file: IO[bytes], resolver: Resolver) -> None:
    """Print ``{id, result, explanation}`` for each line that is not blank.

    A line that asks nothing gets no result; its explanation says why, and
    ``line`` where it stands.
    """
    answers = _InOrder()
    pool = ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE)
    try:
        asked = ((number, line) for number, line in enumerate(_lines(file), 1) if line.strip())
        for place, (number, line) in enumerate(asked):
            answers.wait_for_room()
            pool.submit(_answer_into, answers, place, number, line, resolver)
        pool.shutdown()
    finally:
        # Who interrupts us, or hangs up, does not wait for what nobody will read.
        pool.shutdown(wait=False, cancel_futures=True)
    answers.raise_what_failed()


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file, of one that is too long no more than its beginning."""
    while line := file.readline(_LONGEST_LINE + 1):
        rest = line
        while len(rest) > _LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE + 1)
        yield line


class _InOrder:
    """Prints answers in the order of their questions, each as soon as it is its turn."""

    def __init__(self) -> None:
        self._room = BoundedSemaphore(_MOST_OPEN)
        self._lock = Lock()
        self._ready: dict[int, str] = {}
        self._next = 0
        self._failed: BaseException | None = None

    def wait_for_room(self) -> None:
        """Wait until another question may be opened. Raises what printing met, such as a closed pipe."""
        self._room.acquire()
        self.raise_what_failed()

    def raise_what_failed(self) -> None:
        """Raise what went wrong in another thread."""
        if self._failed is not None:
            raise self._failed

    def fail(self, problem: BaseException) -> None:
        """Remember what went wrong, and let nobody wait for room any more."""
        self._failed = self._failed or problem
        self._room.release()

    def put(self, place: int, text: str) -> None:
        """Take an answer, and print all whose turn it is."""
        with self._lock:
            self._ready[place] = text
            while self._next in self._ready:
                # Each line is flushed by itself: who feeds a pipe may wait for its answer.
                click.echo(self._ready.pop(self._next))
                self._next += 1
                self._room.release()


def _answer_into(answers: _InOrder, place: int, number: int, line: bytes, resolver: Resolver) -> None:
    try:
        # In ASCII: then no reader takes a sign within an id for the end of the line.
        answers.put(place, json.dumps(_answer(number, line, resolver)))
    except BaseException as problem:  # noqa: BLE001 - told to the thread that reads the file
        answers.fail(problem)


def _answer(number: int, line: bytes, resolver: Resolver) -> dict[str, Any]:
    read = _read(line)
    if isinstance(read, str):
        return {"id": None, "line": number, "result": None, "explanation": read}
    name = read.get("id")
    if not isinstance(name, _Scalar) or (isinstance(name, float) and not isfinite(name)):
        return {"id": None, "line": number, "result": None, "explanation": "Its id is no single value."}
    mail_from, helo = ("" if read.get(key) is None else read[key] for key in ("mail_from", "helo"))
    asked = Question.of(read.get("ip"), mail_from, helo)
    if isinstance(asked, str):
        return {"id": name, "line": number, "result": None, "explanation": asked}
    memory = Remembering(resolver)
    said = spf.check_host(asked.ip, asked.domain, asked.sender, asked.helo, memory, now=clock.now())
    return {"id": name, "result": said.result.value, "explanation": said.explanation or said.reason}


def _read(line: bytes) -> dict[str, Any] | str:
    if len(line) > _LONGEST_LINE:
        return "The line is longer than any that is read."
    try:
        read = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return "The line is no JSON of UTF-8 text."
    return read if isinstance(read, dict) else "The line is no JSON object with id, ip, mail_from and helo."
