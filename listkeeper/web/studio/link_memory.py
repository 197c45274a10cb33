"""What the sites behind a letter's links answered a moment ago, so that each save does not ask them again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from listkeeper.foundation import clock
from listkeeper.foundation.fetch import Fetcher, Reached, Refused, Unreachable

_KEPT = timedelta(minutes=5)
_MOST = 2_000
_GONE = 400
_lock = threading.Lock()
_answers: dict[str, tuple[datetime, Reached]] = {}


class RememberingFetcher:
    """A fetcher that repeats a good answer for five minutes, and asks again after a bad one."""

    def __init__(self, asks: Fetcher) -> None:
        self._asks = asks

    def head(self, url: str, /) -> Reached | Unreachable | Refused:
        """Return what the site behind a link answers, or answered lately."""
        with _lock:
            known = _answers.get(url)
        if known is not None and known[0] + _KEPT > clock.now():
            return known[1]
        answer = self._asks.head(url)
        if isinstance(answer, Reached) and answer.status < _GONE:
            with _lock:
                if len(_answers) >= _MOST:
                    _answers.clear()
                _answers[url] = (clock.now(), answer)
        return answer


def forget() -> None:
    """Forget every answer."""
    with _lock:
        _answers.clear()


def fetcher(allowed: bool, live: Callable[[], Fetcher]) -> Fetcher | None:  # noqa: FBT001 - one setting
    """Return the fetcher of the check panel, or None when the settings switch link checks off."""
    return RememberingFetcher(live()) if allowed else None
