"""What a mail server's own log says of our messages, found by Message-ID: a pure function over its lines.

Two shapes are known. In the first, one line joins a queue id with a Message-ID
and later lines say what became of that queue id: Postfix (``message-id=<…>``,
then ``status=sent``) and Exim (``<= … id=…``, then ``=>`` or ``**``). In the
second one line says both. A line that says neither, or two things at once, says
nothing: better in doubt for longer than settled wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_QUEUED = (
    # Postfix: "postfix/cleanup[9]: 4XyzQ1a: message-id=<…>".
    re.compile(r"\b(?P<queue>[0-9A-Za-z]{5,20}): (?:resent-)?message-id=<?(?P<id>[^<>\s]+)>?"),
    # Exim: "1abcDE-000123-4F <= sender … id=…".
    re.compile(r"(?<!\S)(?P<queue>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) <= .*\sid=(?P<id>\S+)"),
)
_FATES = (
    re.compile(r"\b(?P<queue>[0-9A-Za-z]{5,20}): to=<.*\bstatus=(?P<word>[a-z]+)"),
    re.compile(r"(?<!\S)(?P<queue>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (?P<word>=>|->|\*\*) "),
)
_WORDS = {"sent": True, "=>": True, "->": True, "bounced": False, "expired": False, "**": False}
# Whatever stands where a Message-ID may stand.
_NAMES = re.compile(r"[^\s<>\"'=,;()\[\]]+@[^\s<>\"'=,;()\[\]]+")
_GOOD = re.compile(r"\bstatus=sent\b|\bsent\b|\bdelivered\b|(?<![\w.:=+-])250(?=[\s-])", re.IGNORECASE)
_BAD = re.compile(r"\bstatus=bounced\b|\bbounced\b|\bundeliverable\b|(?<![\w.:=+-])5[0-5]\d(?=[\s-])", re.IGNORECASE)
_NO = re.compile(r"\b(?:not|never|cannot|failed|deferred|unable)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """What became of one message, and the line that says so."""

    sent: bool
    line: str


def verdicts(lines: Iterable[str], wanted: Collection[str]) -> dict[str, Verdict]:
    """Return the last word of a log on each wanted Message-ID (without its angle brackets) that it has one on.

    Only what is wanted is kept, so a log of any length is read in little memory.
    """
    names = frozenset(wanted)
    under_way: dict[str, str] = {}
    found: dict[str, Verdict] = {}
    for line in lines:
        if (joined := _first(_QUEUED, line)) is not None:
            # Servers use a queue id again: from this line on it is this message's.
            under_way.pop(joined["queue"], None)
            if joined["id"] in names:
                under_way[joined["queue"]] = joined["id"]
            continue
        fate = _first(_FATES, line)
        if fate is not None and fate["queue"] in under_way:
            if (sent := _WORDS.get(fate["word"])) is not None:
                found[under_way[fate["queue"]]] = Verdict(sent, line.strip())
        elif (told := _told_at_once(line, names)) is not None:
            found[told[0]] = Verdict(told[1], line.strip())
    return found


def _first(patterns: Iterable[re.Pattern[str]], line: str) -> re.Match[str] | None:
    return next((hit for pattern in patterns if (hit := pattern.search(line))), None)


def _told_at_once(line: str, names: frozenset[str]) -> tuple[str, bool] | None:
    """Return whose fate a single line tells and which, when it tells exactly one of one."""
    about = {name for name in _NAMES.findall(line) if name in names}
    if len(about) != 1:
        return None
    # The name itself may hold anything, also a number that looks like an answer.
    rest = line.replace(next(iter(about)), "")
    good, bad = _GOOD.search(rest) is not None, _BAD.search(rest) is not None
    if good == bad or (good and _NO.search(rest)):
        return None
    return next(iter(about)), good
