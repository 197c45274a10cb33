"""Handing mail to a provider's HTTP interface: what the adapters for Amazon SES, Postmark and Mailgun share.

An adapter writes the request of one message and holds the provider's words as
a table. What is unclear is in doubt: a message is handed over again only when
the provider said, or the wire showed, that it was not taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from listkeeper.foundation import language, log
from listkeeper.foundation.fetch import Answer, Line, NotSent, Unanswered
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.transport import (
    Accepted,
    Deferred,
    InDoubt,
    Outcome,
    Rejected,
    Reply,
    TransportUnavailable,
)

# A message may be large and a provider slow; rows are handed for longer than this (``batch.HANDED_LEASE``).
SECONDS = 60.0
_LONGEST_WORDS = 200
_log = log.get(__name__)
_OK = range(200, 300)
_ELSEWHERE = range(300, 400)
_CLIENT = range(400, 500)


@dataclass(frozen=True)
class Request:
    """One post."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Later:
    """Not taken, and may be tried again; ``status`` is an enhanced status code (RFC 3463)."""

    status: str = "4.3.2"


@dataclass(frozen=True)
class Never:
    """Not taken, for good."""

    status: str


@dataclass(frozen=True)
class Closed:
    """Not taken, and no fault of this message: the whole way is closed until somebody has looked."""

    key: bool = False


@dataclass(frozen=True)
class Unclear:
    """Perhaps taken: only the provider knows."""


Meaning = Later | Never | Closed | Unclear
# Of rate limits nobody learns anything about an address: class "rate" of replies.
SLOWER = Later("4.7.28")
# The provider does not know this sender or this recipient (yet): set up wrongly, and no fault of the address.
NOT_SET_UP = Later("4.7.1")
BAD_KEY = Closed(key=True)
CLOSED = Closed()
UNCLEAR = Unclear()
# What a status of HTTP says where a provider's own word is not known (RFC 9110 section 15).
BY_STATUS: Mapping[int, Meaning] = {
    401: BAD_KEY,
    402: CLOSED,
    403: BAD_KEY,
    404: CLOSED,
    413: Never("5.3.4"),
    429: SLOWER,
    503: Later(),
}


@dataclass(frozen=True)
class Said:
    """What an answer says in the provider's own words: its id of a message that was taken, or why it was not."""

    taken_as: str | None = None
    word: str = ""
    words: str = ""


class Account(Protocol):
    """What differs from provider to provider."""

    @property
    def provider(self) -> str:
        """What people call it."""
        ...

    @property
    def origin(self) -> str:
        """Where its interface is, ``https://host``."""
        ...

    @property
    def secrets(self) -> Sequence[str]:
        """What may not be repeated, should the provider quote it."""
        ...

    def request(self, envelope: Envelope) -> Request:
        """Return the post that hands a message over."""
        ...

    def read(self, answer: Answer) -> Said:
        """Read an answer in the provider's own words."""
        ...

    def meaning(self, status: int, said: Said) -> Meaning | None:
        """Return what a refusal means, from the provider's table; None when it is not there."""
        ...


@dataclass(frozen=True)
class _Verdict:
    """What came of a message (None: nothing at all), and in words why the way is closed, if it is."""

    outcome: Outcome | None
    closed: str = ""


class ProviderApi:
    """A Transport over one kept-open connection to a provider's interface."""

    # None of the three carries addresses beyond ASCII (RFC 6531).
    carries_smtputf8 = False

    def __init__(self, account: Account, line: Line) -> None:
        self._account = account
        self._line = line
        self._closed = ""

    def connect(self) -> None:
        """Open the line if there is none. Raises TransportUnavailable in plain words."""
        closed, self._closed = self._closed, ""
        if closed:
            raise TransportUnavailable(closed)
        refused = self._line.open()
        if refused is not None:
            raise TransportUnavailable(self._unreachable(refused.reason))

    def hand_over(self, envelope: Envelope) -> Outcome:
        """Hand one message over; never raises. A way that closed meanwhile says so at the next ``connect``."""
        verdict = self._handed(envelope)
        self._closed = verdict.closed
        return verdict.outcome or Deferred(Reply(451, f"4.3.0 {verdict.closed}"))

    def hand_over_each(self, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        """Hand messages over one after another, and none any more once the way is closed or an answer is missing."""
        for envelope in sealed:
            self.connect()
            verdict = self._handed(envelope)
            yield envelope.delivery_id, verdict.outcome
            if verdict.closed:
                raise TransportUnavailable(verdict.closed)

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _handed(self, envelope: Envelope) -> _Verdict:
        try:
            request = self._account.request(envelope)
        except Exception:  # noqa: BLE001 - one message that cannot be taken apart must not stop the others
            _log.exception("message.not_written", delivery=envelope.delivery_id)
            return _Verdict(Deferred(Reply(451, "4.6.0 the message could not be written")))
        answer = self._line.post(request.path, request.body, {"user-agent": "listkeeper", **request.headers})
        match answer:
            case NotSent(reason):
                return _Verdict(Deferred(Reply(451, f"4.4.2 {self._unreachable(reason)}")))
            case Unanswered(reason):
                # Each further message could be in doubt as well: first somebody must answer again.
                closed = self._unreachable(reason)
                return _Verdict(InDoubt(f"no answer after the message: {closed}"), closed)
            case Answer():
                return self._judged(answer)

    def _judged(self, answer: Answer) -> _Verdict:
        said = self._account.read(answer)
        if answer.status in _OK and said.taken_as is not None:
            return _Verdict(Accepted(Reply(250, f"2.0.0 {self._account.provider}: {self._clean(said.taken_as)}")))
        meaning = self._account.meaning(answer.status, said) or _by_status(answer.status)
        words = self._clean(f"{answer.status} {said.word} {said.words}")
        text = f"{self._account.provider}: {words}"
        match meaning:
            case Later(status):
                return _Verdict(Deferred(Reply(451, f"{status} {text}")))
            case Never(status):
                return _Verdict(Rejected(Reply(554, f"{status} {text}")))
            case Closed(key):
                return _Verdict(None, self._refused_us(words, key=key))
            case Unclear():
                sentence = language.text(
                    "%(provider)s answers in a way that cannot be understood: %(words)s",
                    provider=self._account.provider,
                    words=words,
                )
                return _Verdict(InDoubt(f"the answer leaves open whether it was taken: {text}"), sentence)

    def _refused_us(self, words: str, *, key: bool) -> str:
        provider = self._account.provider
        if key:
            return language.text(
                "%(provider)s does not accept the key it was given: %(words)s", provider=provider, words=words
            )
        return language.text("%(provider)s does not take our mail: %(words)s", provider=provider, words=words)

    def _unreachable(self, reason: str) -> str:
        return language.text(
            "%(provider)s cannot be reached: %(reason)s", provider=self._account.provider, reason=reason
        )

    def _clean(self, words: str) -> str:
        """Return a provider's words on one line and not too long, without a secret that they quote."""
        for secret in self._account.secrets:
            words = words.replace(secret, "…") if secret else words
        line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
        return line if len(line) <= _LONGEST_WORDS else f"{line[:_LONGEST_WORDS]}…"


def _by_status(status: int) -> Meaning:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status in _ELSEWHERE:
        # A post is not sent on: something else stands where the provider should be.
        return CLOSED
    # An unknown no is a no for now; whatever else comes says neither yes nor no.
    return Later("4.0.0") if status in _CLIENT else UNCLEAR


def fields(body: bytes) -> Mapping[str, Any]:
    """Return the members of a JSON object, none when the body is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text_of(value: object) -> str:
    """Return a member that should be text or a number, as text."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
