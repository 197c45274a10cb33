"""SpamAssassin's daemon, asked in its own protocol (SPAMC/1.5, ``spamd/PROTOCOL``): REPORT, and its table of rules.

One connection, one question; time and size are bounded. The host is one that
the owner named in the settings, so it may lie in a private network.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

from listkeeper.deliverability import spam_answer
from listkeeper.deliverability.spam_answer import NotAsked, Reason, Scored
from listkeeper.foundation import fetch_address, language
from listkeeper.foundation.fetch_address import Refused
from listkeeper.foundation.fetch_wire import Watch

BY = "SpamAssassin"
LARGEST_ANSWER = 65_536
_STATUS = re.compile(rb"SPAMD/[\d.]{1,8} +(\d{1,5})(?: .{0,200}?\b(EX_[A-Z]{2,20}))?")
_VERDICT = re.compile(rb"(?im)^Spam: *(True|False|Yes|No) *; *(-?[\d.]{1,20}) */ *(-?[\d.]{1,20})\s*$")
_LENGTH = re.compile(rb"(?im)^Content-length: *(\d{1,10})\s*$")
_RULER = re.compile(r"^ *-{3,} -{10,} -{20,} *$", re.MULTILINE)
_ROW = re.compile(r" {0,4}(-?\d{1,5}(?:\.\d{1,4})?) ([A-Za-z_][A-Za-z0-9_]{1,80})(?: +(.*))?")
_MORE = re.compile(r"\s{4,}(\S.*)")


def report(origin: str, raw: bytes, *, seconds: float) -> Scored | NotAsked:
    """Return what the daemon at ``http://host:port`` says of a message, within so many seconds. Never raises."""
    deadline = time.monotonic() + seconds
    parts = fetch_address.read(origin)
    if isinstance(parts, Refused):
        return NotAsked(language.text("SpamAssassin was not reached: %(reason)s", reason=parts.reason))
    addresses = fetch_address.ip_addresses(parts, {fetch_address.host_of(parts)}, deadline)
    if not isinstance(addresses, list):
        return NotAsked(language.text("SpamAssassin was not reached: %(reason)s", reason=addresses.reason))
    why = NotAsked(language.text("SpamAssassin did not answer in time"))
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        # Each address gets its share of the time that is left.
        now = time.monotonic()
        try:
            return read(_exchange(address, fetch_address.port_of(parts), raw, now + (deadline - now) / left))
        except TimeoutError:
            why = NotAsked(language.text("SpamAssassin did not answer in time"))
        except OSError:
            why = NotAsked(language.text("SpamAssassin was not reached: nothing listens there"))
    return why


def _exchange(address: str, port: int, raw: bytes, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    asked = b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(raw)
    with socket.create_connection((address, port), timeout=left) as wire, Watch(wire, deadline) as watch:
        try:
            wire.sendall(asked + raw)
            wire.shutdown(socket.SHUT_WR)
        except OSError:
            # It may have answered before it read all, as it does to whom it does not serve.
            if watch.has_ended:
                raise TimeoutError from None
        said = b""
        while len(said) <= LARGEST_ANSWER and (more := _heard(wire)):
            said += more
        if watch.has_ended:
            raise TimeoutError
        return said


def _heard(wire: socket.socket) -> bytes:
    try:
        return wire.recv(LARGEST_ANSWER)
    except ConnectionResetError:
        return b""


def read(said: bytes) -> Scored | NotAsked:
    """Return what a daemon answered to REPORT, or why that says nothing of the letter."""
    if not said:
        return NotAsked(
            language.text("SpamAssassin hangs up without an answer: does it allow this machine to ask (--allowed-ips)?")
        )
    head, gap, body = said.partition(b"\r\n\r\n")
    status, verdict, length = _STATUS.match(head), _VERDICT.search(head), _LENGTH.search(head)
    if status is not None and int(status[1]) != 0:
        return NotAsked(language.text("SpamAssassin answers %(code)s", code=(status[2] or status[1]).decode()))
    is_whole = bool(gap) and len(said) <= LARGEST_ANSWER and (length is None or len(body) >= int(length[1]))
    if status is None or verdict is None or not is_whole:
        return NotAsked(language.text("the answer of SpamAssassin cannot be read"))
    try:
        score, threshold = float(verdict[2]), float(verdict[3])
    except ValueError:
        return NotAsked(language.text("the answer of SpamAssassin cannot be read"))
    reasons = tuple(_reasons(body.decode("utf-8", "replace")))[: spam_answer.MOST_REASONS]
    return Scored(score, threshold, verdict[1].lower() in {b"true", b"yes"}, reasons, BY)


def _reasons(text: str) -> Iterator[Reason]:
    """Read the table at the end of a report; before it stands a piece of the letter, which may hold anything."""
    rulers = list(_RULER.finditer(text))
    if not rulers:
        return
    row: re.Match[str] | None = None
    more: list[str] = []
    for line in [*text[rulers[-1].end() :].strip("\r\n").splitlines(), ""]:
        begun = _ROW.fullmatch(line.rstrip())
        if begun is None and row is not None and (goes_on := _MORE.fullmatch(line.rstrip())):
            more.append(goes_on[1])
            continue
        if row is not None and (told := spam_answer.reason(row[2], float(row[1]), " ".join([row[3] or "", *more]))):
            yield told
        if begun is None:
            return
        row, more = begun, []
