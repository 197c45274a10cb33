"""Link checks: a good answer is remembered for five minutes, a bad one never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from listkeeper.foundation.fetch import Reached, Refused, Unreachable
from listkeeper.web.studio import link_memory


class CountingFetcher:
    """Answers from a script and counts how often it was asked."""

    def __init__(self, answer: Reached | Unreachable | Refused) -> None:
        self.answer = answer
        self.asked = 0

    def head(self, url: str, /) -> Reached | Unreachable | Refused:
        del url
        self.asked += 1
        return self.answer


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    link_memory.forget()
    yield
    link_memory.forget()


def test_a_good_answer_is_asked_for_once_in_five_minutes(frozen_clock: time_machine.Traveller) -> None:
    asks = CountingFetcher(Reached(200, "https://cafe.example/"))
    remembering = link_memory.RememberingFetcher(asks)
    assert remembering.head("https://cafe.example/") == asks.answer
    assert remembering.head("https://cafe.example/") == asks.answer
    assert asks.asked == 1
    frozen_clock.shift(timedelta(minutes=5, seconds=1))
    remembering.head("https://cafe.example/")
    assert asks.asked == 2


@pytest.mark.parametrize("answer", [Unreachable("no route"), Refused("private"), Reached(404, "https://x.example/")])
def test_a_bad_answer_is_asked_for_again(answer: Reached | Unreachable | Refused) -> None:
    asks = CountingFetcher(answer)
    remembering = link_memory.RememberingFetcher(asks)
    remembering.head("https://x.example/")
    remembering.head("https://x.example/")
    assert asks.asked == 2


def test_a_setting_switches_it_off() -> None:
    asks = CountingFetcher(Reached(200, ""))
    assert link_memory.fetcher(False, lambda: asks) is None
    assert link_memory.fetcher(True, lambda: asks) is not None
    assert asks.asked == 0
