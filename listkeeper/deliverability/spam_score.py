"""What a spam filter of the owner's own says of a letter before it is sent: a score, and always why.

rspamd is asked by HTTP, SpamAssassin's daemon in its own protocol; both read
the very bytes that would go. A score alone helps nobody: an answer without
reasons counts as none, and what could not be asked is unknown, never fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never
from urllib.parse import urlsplit

from listkeeper.deliverability import rspamd, spamd
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.spam_answer import NotAsked, Reason, Scored
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.fetch_line import Answer, Line, NotSent, Unanswered

SECONDS = 10.0
MOST_BYTES = 2_000_000
_PORTS = {"rspamd": 11_333, "spamd": 783}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Daemon:
    """Where a spam filter listens: ``kind`` is ``rspamd`` or ``spamd``."""

    kind: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """Its address as of a web server."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Web(Protocol):
    """Opens lines to web servers; ``fetch.LiveFetcher``, for which the filter's host is a named one."""

    def line(self, origin: str, /, *, seconds: float) -> Line:
        """Return a line to one web server."""


def parse(address: str) -> Daemon:
    """Return a filter's address in its parts, ``rspamd://host:11333`` or ``spamd://host:783``. Raises Invalid."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_address() from None
    rest = (parts.username, parts.password, parts.path.strip("/"), parts.query, parts.fragment)
    if parts.scheme not in _PORTS or not host or port == 0 or any(rest) or not host.isprintable() or " " in host:
        raise _no_address()
    return Daemon(parts.scheme, host, port or _PORTS[parts.scheme])


def known(address: str | None) -> str | None:
    """Return the address of a filter as it is set. Raises ValueError for what is none."""
    if address:
        try:
            parse(address)
        except Invalid as problem:
            raise ValueError(problem.message) from problem
    return address or None


def _no_address() -> Invalid:
    sentence = language.text(
        "This is no address of a spam filter. Write rspamd://host:11333 or spamd://host:783, without a password."
    )
    return Invalid("spam_check_address", sentence)


def ask(daemon: Daemon, raw: bytes, web: Web) -> Scored | NotAsked:
    """Return what a filter says of a message as it would go. Takes 10 s at most, and never raises."""
    if len(raw) > MOST_BYTES:
        return NotAsked(language.text("the letter is larger than spam filters look at"))
    match daemon.kind:
        case "spamd":
            return _with_reasons(spamd.report(daemon.origin, raw, seconds=SECONDS))
        case _:
            return _with_reasons(_rspamd(daemon, raw, web))


def _rspamd(daemon: Daemon, raw: bytes, web: Web) -> Scored | NotAsked:
    # The line has its time for connecting and again for asking.
    line = web.line(daemon.origin, seconds=SECONDS / 2)
    try:
        said = line.post(rspamd.PATH, raw, rspamd.HEADERS)
    finally:
        line.close()
    match said:
        case Answer(status, _, body):
            return rspamd.read(status, body)
        case NotSent(reason) | Unanswered(reason):
            return NotAsked(language.text("rspamd was not reached: %(reason)s", reason=reason))
        case _:
            assert_never(said)


def _with_reasons(said: Scored | NotAsked) -> Scored | NotAsked:
    if isinstance(said, Scored) and (said.score > 0 or said.is_spam) and not said.heaviest(_SHOWN):
        return NotAsked(language.text("%(filter)s gives a score and no reasons", filter=said.by))
    return said


def findings(answer: Scored | NotAsked) -> list[Finding]:
    """Return what a filter said as a row of the check panel: W2, with what weighs most in words."""
    match answer:
        case NotAsked(reason):
            words = language.text("What a spam filter says of the letter is not known: %(reason)s.", reason=reason)
            return [Finding("W2", Severity.UNKNOWN, "letter", words)]
        case Scored():
            return [_scored(answer)]
        case _:
            assert_never(answer)


def _scored(answer: Scored) -> Finding:
    points = {
        "filter": answer.by,
        "score": language.decimal(answer.score),
        "threshold": language.decimal(answer.threshold),
    }
    evidence = "; ".join(f"{reason.name} {reason.score:.1f}" for reason in answer.by_weight)
    why = _in_words(answer.heaviest(_SHOWN))
    if answer.is_spam:
        words = language.text(
            "%(filter)s takes the letter for spam: %(score)s points, where %(threshold)s are enough.", **points
        )
        mend = language.text("Change what weighs most, then check again.")
        return Finding("W2", Severity.WARN, answer.by, f"{words} {why}", evidence, mend)
    words = language.text(
        "%(filter)s gives the letter %(score)s points; it takes one for spam from %(threshold)s.", **points
    )
    return Finding("W2", Severity.INFO, answer.by, f"{words} {why}", evidence)


def _in_words(heaviest: Sequence[Reason]) -> str:
    if not heaviest:
        return language.text("Nothing in it speaks against it.")
    listed = language.listed(
        [
            language.text("“%(reason)s” (%(points)s)", reason=reason.words, points=language.decimal(reason.score))
            for reason in heaviest
        ]
    )
    return language.text("What weighs most: %(reasons)s.", reasons=listed)
