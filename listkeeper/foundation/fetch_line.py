"""One connection to one web server that is kept open over many posts, and what came of each post."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from listkeeper.foundation import fetch_wire
from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_wire import PROBLEMS, Watch, Wire

# What came of a post is said in a few hundred bytes; of a longer answer only the beginning is read.
MOST_OF_AN_ANSWER = 65_536
# Servers hang up on those who are idle: after a pause a new connection is safer than a post into an old one.
_IDLE_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """A web server answered. Names of headers are in lower case; of a long body the beginning is here."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NotSent:
    """The post did not leave whole, so nobody has taken it; ``reason`` says why in words."""

    reason: str


@dataclass(frozen=True)
class Unanswered:
    """The post left whole and no answer came: only the server knows what became of it."""

    reason: str


class Line:
    """One connection to one web server, kept open over many posts."""

    def __init__(self, origin: str, seconds: float, dial: Callable[[str, float], Wire | Refused | Unreachable]) -> None:
        self._origin = origin
        self._seconds = seconds
        self._dial = dial
        self._wire: Wire | None = None
        self._used_at = 0.0

    def open(self) -> Refused | Unreachable | None:
        """Be connected, or say why not."""
        if self._wire is not None and (time.monotonic() - self._used_at > _IDLE_SECONDS or self._wire.has_ended()):
            self.close()
        if self._wire is None:
            dialled = self._dial(self._origin, self._seconds)
            if not isinstance(dialled, Wire):
                return dialled
            self._wire, self._used_at = dialled, time.monotonic()
        return None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | NotSent | Unanswered:
        """Post and return what came of it. Never raises, and says nothing of what the post held."""
        refused = self.open()
        if refused is not None or self._wire is None:
            return NotSent(refused.reason if refused else "")
        wire, deadline, left_whole = self._wire, time.monotonic() + self._seconds, False
        try:
            with Watch(wire.handle, deadline):
                wire.connection.request("POST", path, body=body, headers=dict(headers))
                # The length was announced: whoever has not the last byte has no post.
                left_whole = True
                answer = self._answer(wire.connection)
        except PROBLEMS as problem:
            self.close()
            why = fetch_wire.trouble(problem).reason
            return Unanswered(why) if left_whole else NotSent(why)
        self._used_at = time.monotonic()
        return answer

    def _answer(self, connection: http.client.HTTPConnection) -> Answer:
        with connection.getresponse() as response:
            headers = {name.lower(): value for name, value in response.getheaders()}
            try:
                body = response.read(MOST_OF_AN_ANSWER)
                over = response.isclosed() and not response.will_close
            except PROBLEMS:
                # The status stands, whatever became of the words that belong to it.
                body, over = b"", False
        if not over:
            self.close()
        return Answer(response.status, headers, body)

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
