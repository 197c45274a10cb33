"""Two versions in life: tried, looked at once, and the others get one of them; each person exactly one mail."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.trial import Arm, Figures, Trial, TrialState
from listkeeper.feedback import trial_figures
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import steering
from listkeeper.sending import claim
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import Works, recipients

_PEOPLE, _EACH = 60, 20
_A, _B = "Cardamom buns", "Buns, still warm"


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, works: Works) -> Type:
    """Type command lines at a café with sixty people on its list."""
    works.gather(_PEOPLE)
    return typed.typing(monkeypatch, settings)


def _draft(works: Works) -> str:
    works.write(cafe.draft)
    return works.read(lambda session: session.scalars(select(Campaign.public_id).order_by(Campaign.id.desc())).first())  # type: ignore[return-value]


def _ordered(works: Works, type_: Type, *options: str, rule: str = "winner") -> str:
    name = _draft(works)
    sent = type_(
        "campaign", "send", name, "--yes", "--trial-subject", _B, "--trial-measure", "replies", "--trial-wait", "60",
        "--trial-rule", rule, "--trial-each", str(_EACH), "--trial-expect", "30", *options, "--json",
    )  # fmt: skip
    assert sent.code == 0, sent.out
    return name


def _subjects(sink: SmtpSink) -> Counter[str]:
    return Counter(str(message_from_bytes(each.content, policy=policy.default)["Subject"]) for each in sink.messages)


def _replied(works: Works, **counts: int) -> None:
    """Let so many of those who got a version write back."""

    def act(session: Session, _house: Cafe) -> None:
        found = _of(session)
        for arm in Arm:
            rows = session.scalars(
                select(Delivery).where(Delivery.revision_id == found.revision_of(arm), Delivery.wave == 0)
            ).all()
            for row in rows[: counts[arm.value]]:
                session.add(
                    Conversation(
                        organisation_id=row.organisation_id, subscriber_id=row.subscriber_id, delivery_id=row.id,
                        opened_at=clock.now(), last_in_at=clock.now(), waits_since=clock.now(),
                    )
                )  # fmt: skip

    works.write(act)


def _of(session: Session) -> Trial:
    found = trials.of(session.scalars(select(Campaign)).one())
    assert found is not None
    return found


def _look_around(works: Works) -> None:
    with works.app.app_context():
        steering.look_around()


def test_the_better_one_goes_to_the_others_and_everybody_gets_one_mail(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _ordered(works, type_)
    works.drain()
    assert _subjects(smtp_sink) == {_A: _EACH, _B: _EACH}
    _look_around(works)
    works.drain()
    assert len(smtp_sink.messages) == 2 * _EACH
    said = type_("campaign", "status", name).out
    assert "Two versions are tried: each goes to 20 people." in said
    _replied(works, a=3, b=15)
    frozen_clock.shift(timedelta(hours=1))
    at_once(2, lambda _number: _look_around(works))
    works.drain()
    assert _subjects(smtp_sink) == {_A: _EACH, _B: _PEOPLE - _EACH}
    assert recipients(smtp_sink) == {f"person-{number}@crowd.example": 1 for number in range(1, _PEOPLE + 1)}
    told = type_("campaign", "status", name, "--json").json["trial"]
    assert (told["state"], told["winner"], told["chosen"]) == ("released", "b", "b")
    assert (told["a"], told["b"]) == ({"mails": 20, "acted": 3}, {"mails": 20, "acted": 15})
    assert "Version B is better" in type_("campaign", "status", name).out
    acts = works.read(lambda session: list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))))
    assert acts == ["campaign.started", "campaign.trial_decided"]


def test_where_no_difference_is_found_a_goes_on(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _ordered(works, type_)
    works.drain()
    _replied(works, a=6, b=9)
    frozen_clock.shift(timedelta(hours=1))
    _look_around(works)
    works.drain()
    assert _subjects(smtp_sink) == {_A: _PEOPLE - _EACH, _B: _EACH}
    assert "No difference found." in type_("campaign", "status", name).out


def test_its_owner_is_asked_and_chooses(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _ordered(works, type_, rule="ask")
    works.drain()
    _replied(works, a=3, b=15)
    frozen_clock.shift(timedelta(hours=1))
    _look_around(works)
    works.drain()
    assert len(smtp_sink.messages) == 2 * _EACH
    assert "the others wait for your word" in type_("campaign", "status", name).out
    chosen = type_("campaign", "choose", name, "--version", "a", "--json")
    assert (chosen.code, chosen.json["trial"]["chosen"]) == (0, "a")
    assert type_("campaign", "choose", name, "--version", "b").code == 12
    _look_around(works)
    works.drain()
    assert _subjects(smtp_sink) == {_A: _PEOPLE - _EACH, _B: _EACH}


def test_a_trial_that_waits_for_its_hour_has_no_numbers_yet(works: Works, type_: Type) -> None:
    name = _ordered(works, type_, "--at", f"{clock.now() + timedelta(days=2):%Y-%m-%d} 09:00")
    assert works.read(lambda session: trial_figures.of_arms(session, session.scalars(select(Campaign)).one())) == {}
    status = type_("campaign", "status", name)
    assert status.code == 0, status.out
    assert "The others get the better one" in status.out


def test_what_no_person_wrote_is_no_reply(works: Works, type_: Type, smtp_sink: SmtpSink) -> None:
    _ordered(works, type_)
    works.drain()
    _replied(works, a=2, b=4)

    def set_aside(session: Session, _house: Cafe) -> None:
        for thread in session.scalars(select(Conversation).order_by(Conversation.id)).all()[:3]:
            thread.state = ConversationState.SET_ASIDE

    works.write(set_aside)

    def look(session: Session) -> dict[Arm, Figures]:
        return trial_figures.of_arms(session, session.scalars(select(Campaign)).one())

    assert works.read(look) == {Arm.A: Figures(20, 0), Arm.B: Figures(20, 3)}


class _Stopped(Exception):
    """The machine ends here."""


def _stopped_at(works: Works, statement: int) -> bool:
    """Look around until the machine ends at the n-th statement; return whether it came to that."""
    numbers = itertools.count(1)

    def end(*_given: Any) -> None:  # noqa: ANN401 - what the engine says
        if next(numbers) == statement:
            raise _Stopped

    with works.app.app_context(), store.reading() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", end)
    try:
        _look_around(works)
    except _Stopped:
        return True
    finally:
        event.remove(engine, "before_cursor_execute", end)
    return False


def test_ended_at_any_statement_nobody_gets_two_or_none(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    _ordered(works, type_)
    works.drain()
    _replied(works, a=3, b=15)
    frozen_clock.shift(timedelta(hours=1))
    ended = 0
    for statement in range(1, 200):
        if not _stopped_at(works, statement):
            break
        ended += 1
        found = works.read(_of)
        waiting = works.read(
            lambda session: set(session.scalars(select(Delivery.revision_id).where(Delivery.wave == 1)).all())
        )
        if works.read(lambda session: claim.anything_due(session, Lane.SENDING)):
            # Only when all of them have their version may any of them leave.
            assert (waiting, found.state) == ({found.revision_b}, TrialState.RELEASED)
    assert ended > 10
    works.drain()
    assert _subjects(smtp_sink) == {_A: _EACH, _B: _PEOPLE - _EACH}
    assert set(recipients(smtp_sink).values()) == {1}


# Bad input


_WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("--trial-subject", _A), 10, "trial_same"),
    (("--trial-subject", ""), 10, "trial_no_subject"),
    (("--trial-subject", "   "), 10, "trial_no_subject"),
    (("--trial-wait", "60"), 10, "trial_of_what"),
    (("--trial-rule", "a"), 10, "trial_of_what"),
    (("--trial-subject", _B), 10, "trial_too_small"),
    (("--trial-subject", _B, "--trial-measure", "replies"), 10, "trial_too_small"),
    (("--trial-subject", _B, "--trial-wait", "0"), 10, "trial_wait"),
    (("--trial-subject", _B, "--trial-wait", "-5"), 10, "trial_wait"),
    (("--trial-subject", _B, "--trial-wait", "9" * 30), 10, "trial_wait"),
    (("--trial-subject", _B, "--trial-wait", "nan"), 2, "usage"),
    (("--trial-subject", _B, "--trial-expect", "nan"), 10, "trial_number"),
    (("--trial-subject", _B, "--trial-difference", "inf"), 10, "trial_number"),
    (("--trial-subject", _B, "--trial-difference", "0"), 10, "trial_difference"),
    (("--trial-subject", _B, "--trial-each", "1"), 10, "trial_each"),
    (("--trial-subject", _B, "--trial-each", "31", "--trial-measure", "replies"), 10, "trial_too_small"),
    (("--trial-letter", "cmp_0"), 10, "trial_letter"),
    (("--trial-subject", _B, "--pilot", "50"), 10, "pilot_or_trial"),
    (("--trial-subject", _B, "--wait"), 10, "wait_for_later"),
    (("--trial-subject", "Buns for {{ subscriber.password }}"), 10, "trial_blocked"),
    (("--stance", "gift"), 2, "usage"),
]


def test_what_cannot_be_a_trial_is_said_and_nothing_leaves(works: Works, type_: Type) -> None:
    name = _draft(works)
    for options, code, error in _WRONG:
        refused = type_("campaign", "send", name, "--yes", *options, "--json")
        assert (refused.code, refused.json["error"]["code"]) == (code, error), (options, refused.out)
    assert works.read(lambda session: session.scalars(select(Campaign.state)).one()) is CampaignState.DRAFT


def test_an_ask_below_the_floor_needs_one_more_word(works: Works, type_: Type) -> None:
    name = _draft(works)
    refused = type_("campaign", "send", name, "--yes", "--stance", "offer", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (12, "below_floor")
    sent = type_("campaign", "send", name, "--yes", "--stance", "offer", "--below-floor", "--json")
    assert sent.code == 0
    assert type_("campaign", "status", name, "--json").json["stance"] == "offer"
    told = type_("list", "trust", "news", "--json").json
    assert (told["balance"], told["gave"], told["asked"], told["floor"], len(told["months"])) == (-1, 0, 1, 0, 13)
    assert told["months"][-1]["balance"] == -1
    assert type_("list", "trust", "news", "--floor", "-2", "--json").json["floor"] == -2
    assert type_("list", "trust", "news").out.strip() == "news: -1 in twelve months (gave 0, asked 1); the floor is -2."
    assert type_("list", "trust", "news", "--floor", "1000").code == 10
    assert type_("list", "trust", "nothing").code == 11


def test_nothing_said_a_plain_letter_is_news(works: Works, type_: Type) -> None:
    name = _draft(works)
    assert type_("campaign", "send", name, "--yes", "--json").code == 0
    assert type_("campaign", "status", name, "--json").json["stance"] == "news"
