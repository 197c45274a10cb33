"""Every state has a word on screen, in every language, and no two states of one kind share it by mistake."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest

from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.deliverability.finding import Severity, Verdict
from listkeeper.foundation import language
from listkeeper.web.studio import words

KINDS: list[tuple[Callable[[Any], Any], type[StrEnum]]] = [
    (words.subscription, SubscriptionState),
    (words.letter, CampaignState),
    (words.event, EventKind),
    (words.method, Method),
    (words.refusal, RefusalCode),
    (words.never, Reason),
    (words.severity, Severity),
    (words.verdict, Verdict),
]


@pytest.mark.parametrize(("say", "kind"), KINDS)
def test_every_state_is_said_by_a_word_of_its_own(say: Callable[[Any], Any], kind: type[StrEnum]) -> None:
    for spoken in language.LANGUAGES:
        with language.using(spoken):
            said = [say(member) for member in kind]
        texts = [each.word if isinstance(each, words.Said) else each for each in said]
        assert all(texts)
        assert len(set(texts)) == len(texts), (spoken, texts)


def test_only_good_is_green() -> None:
    """Never green by default: what is unknown, open or bad has another tone."""
    assert {state for state in SubscriptionState if words.subscription(state).tone == "good"} == {
        SubscriptionState.CONFIRMED
    }
    assert {state for state in CampaignState if words.letter(state).tone == "good"} == {CampaignState.FINISHED}
    assert {verdict for verdict in Verdict if words.verdict(verdict).tone == "good"} == {Verdict.RIGHT}
    assert {degree for degree in Severity if words.severity(degree).tone == "good"} == set()
