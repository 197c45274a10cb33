"""The clean-up: everybody is in exactly one group, nobody is called silent whose clicks we may not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from listkeeper.audience import activity, complaint, resting, subscription
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.resting import RestBatch
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import clean_up, clean_up_words
from listkeeper.insight.clean_up import Group, Proposal, Rule
from tests.makers import cafe, multitude, silent
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


_RULE = Rule()


def _groups(session: Session, house: Cafe, rule: Rule = _RULE) -> dict[str, int]:
    found = clean_up.count(session, house.mailing_list, rule)
    assert found.confirmed == sum(found.groups.values())
    return {name: number for name, number in found.groups.items() if number}


def test_each_of_five_kinds_of_people_is_told_apart(session: Session, house: Cafe) -> None:
    quiet = silent.people(session, house, "anna bo")
    clicker = silent.people(session, house, "carl")
    unseen = silent.people(session, house, "dora", seen=None)
    late = silent.people(session, house, "eva", seen=timedelta(days=30))
    new = silent.people(session, house, "finn", since=timedelta(days=30), seen=timedelta(days=30))
    silent.letters(session, house, 5, [*quiet, *clicker, *unseen, *late, *new])
    few = silent.people(session, house, "gerd")
    activity.note(session, [Act(clicker[0].subscriber_id, house.mailing_list.id, ActivityKind.CLICKED, clock.now(), 1)])
    assert few[0].tracking_since is not None
    expected = {Group.SILENT: 2, Group.REACTED: 1, Group.UNSEEN: 2, Group.NEW: 1, Group.FEW: 1}
    assert _groups(session, house) == expected
    chosen = session.scalars(clean_up.silent(house.mailing_list, Rule(), clock.now())).all()
    assert set(chosen) == {each.id for each in quiet}
    assert _groups(session, house, Rule(months=6, letters=6))[Group.FEW] == 3


def _replies(session: Session, house: Cafe, current: Subscription) -> None:
    session.add(
        Conversation(
            organisation_id=house.organisation.id,
            subscriber_id=current.subscriber_id,
            opened_at=clock.now(),
            last_in_at=clock.now(),
            waits_since=clock.now(),
        )
    )


def _machine_replies(session: Session, house: Cafe, current: Subscription) -> None:
    _replies(session, house, current)
    for row in session.new:
        if isinstance(row, Conversation):
            row.state = ConversationState.SET_ASIDE


def _buys(session: Session, house: Cafe, current: Subscription) -> None:
    session.add(
        PostedEvent(
            organisation_id=house.organisation.id,
            subscriber_id=current.subscriber_id,
            name="order",
            external_id="1",
            at=clock.now(),
        )
    )


def _clicks_long_ago(session: Session, house: Cafe, current: Subscription) -> None:
    before = clock.now() - timedelta(days=700)
    activity.note(session, [Act(current.subscriber_id, house.mailing_list.id, ActivityKind.CLICKED, before, 1)])


@pytest.mark.parametrize(
    ("acts", "group"),
    [
        (_replies, Group.REACTED),
        (_buys, Group.REACTED),
        (_clicks_long_ago, Group.REACTED),
        # An answer by a program is none.
        (_machine_replies, Group.SILENT),
    ],
)
def test_whoever_ever_did_anything_is_not_silent(
    session: Session, house: Cafe, acts: Callable[[Session, Cafe, Subscription], None], group: Group
) -> None:
    quiet = silent.people(session, house, "anna")
    silent.letters(session, house, 5, quiet)
    acts(session, house, quiet[0])
    session.flush()
    assert _groups(session, house) == {group: 1}


def test_letters_from_before_her_clicks_were_seen_do_not_count(session: Session, house: Cafe) -> None:
    [anna] = silent.people(session, house, "anna", seen=timedelta(days=200))
    letters = silent.letters(session, house, 5, [])
    for letter in letters:
        letter.started_at = clock.now() - timedelta(days=300)
        silent.arrived(session, house, letter, anna.subscriber_id)
    session.flush()
    assert _groups(session, house) == {Group.FEW: 1}


def test_to_let_them_rest_takes_them_out_of_the_numbers_and_undo_brings_them_back(
    session: Session, house: Cafe
) -> None:
    quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    batch = _rest(session, house)
    assert batch.number == 2
    assert batch.figures["silent"] == 2
    kept = clean_up.kept(session, house.mailing_list)
    assert kept is not None
    assert (kept.silent, kept.confirmed) == (0, 0)
    assert _groups(session, house) == {}
    assert not session.scalars(subscription.mailable(house.mailing_list, practice=False)).all()
    resting.undo(session, batch)
    assert _groups(session, house) == {Group.SILENT: 2}


def _rest(session: Session, house: Cafe) -> RestBatch:
    return clean_up.rest(session, house.mailing_list, clean_up.count(session, house.mailing_list), actor="user:1")


def test_what_takes_long_is_done_before_anything_is_written(session: Session, house: Cafe) -> None:
    """Where one writes at a time, nobody could sign up while a million people are counted."""
    quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    counted = clean_up.count(session, house.mailing_list)
    session.flush()
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        heard.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", hear)
    assert clean_up.rest(session, house.mailing_list, counted, actor="user:1").number == 2
    event.remove(session.get_bind(), "before_cursor_execute", hear)
    looked = [each for each in heard if "latest_act" in each or "consent_event" in each or "campaign" in each]
    assert [each.split()[0] for each in looked] == ["UPDATE"]


def test_whoever_reacted_since_she_was_counted_is_not_put_to_rest(session: Session, house: Cafe) -> None:
    anna, bo = quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    counted = clean_up.count(session, house.mailing_list)
    activity.note(session, [Act(anna.subscriber_id, house.mailing_list.id, ActivityKind.CLICKED, clock.now(), 1)])
    batch = clean_up.rest(session, house.mailing_list, counted, actor="user:1")
    session.refresh(anna)
    assert (batch.number, anna.rest_batch_id, bo.rest_batch_id) == (1, None, batch.id)


@pytest.mark.parametrize("rule", [Rule(), Rule(6, 6), Rule(14, 1), Rule(1, 1), Rule(7, 5)])
def test_who_is_put_to_rest_is_who_was_counted_as_silent(session: Session, house: Cafe, rule: Rule) -> None:
    """The number on the button and the people behind it are two questions to the database with one answer."""
    everybody = [
        *silent.people(session, house, "anna bo"), *silent.people(session, house, "carl", seen=None),
        *silent.people(session, house, "dora", seen=timedelta(days=60)),
        *silent.people(session, house, "eva", since=timedelta(days=60), seen=timedelta(days=60)),
    ]  # fmt: skip
    silent.letters(session, house, 5, everybody)
    chosen = session.scalars(clean_up.silent(house.mailing_list, rule, clock.now())).all()
    assert len(chosen) == clean_up.count(session, house.mailing_list, rule).silent


def test_who_is_put_to_rest_is_found_among_those_who_let_their_clicks_be_seen(session: Session, house: Cafe) -> None:
    """Few do, and the others are not looked at while one writes."""
    quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    multitude.gather(session, house, 2_000, domain="many.example")
    session.execute(text("ANALYZE"))
    query = clean_up.silent(house.mailing_list, Rule(), clock.now())
    compiled = query.compile(session.connection(), compile_kwargs={"render_postcompile": True})
    explain = "EXPLAIN " if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    parameters = (
        compiled.params
        if compiled.positiontup is None
        else tuple(compiled.params[name] for name in compiled.positiontup)
    )
    plan = "\n".join(str(row) for row in session.connection().exec_driver_sql(explain + str(compiled), parameters))
    assert "ix_subscription_tracked" in plan, plan


def test_nobody_silent_is_refused_in_a_sentence(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid, match="nobody to let rest"):
        _rest(session, house)


@pytest.mark.parametrize(
    ("months", "letters"), [("0", "5"), ("61", "5"), ("6", "0"), ("x", "5"), ("", ""), ("6", "1e9")]
)
def test_a_rule_that_is_none_is_refused(months: str, letters: str) -> None:
    with pytest.raises(Invalid, match="1 to 60 months"):
        clean_up.rule_of(months, letters)


def test_what_is_kept_reads_as_it_was_counted(session: Session, house: Cafe) -> None:
    quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    found = clean_up.count(session, house.mailing_list, Rule(7, 4))
    clean_up.keep(session, house.mailing_list.id, found)
    session.commit()
    kept = clean_up.kept(session, house.mailing_list)
    assert kept is not None
    assert kept.as_json() == found.as_json()
    assert (kept.rule, kept.mails) == (Rule(7, 4), 10)


def test_complaints_are_counted_by_whether_they_ever_reacted(session: Session, house: Cafe) -> None:
    people = silent.people(session, house, "anna bo carl")
    activity.note(session, [Act(people[0].subscriber_id, house.mailing_list.id, ActivityKind.CLICKED, clock.now(), 1)])
    for each in people[:2]:
        complaint.complain(session, each.subscriber_id)
    session.flush()
    found = clean_up.count(session, house.mailing_list)
    assert (found.complaints, found.by_silent) == (2, 1)
    # Two are too few to tell.
    assert found.rate_then is None
    assert any("not known" in said for said in clean_up_words.changes(found))


_SOME = Proposal(
    rule=Rule(),
    counted_at=clock.now(),
    groups={Group.REACTED: 600, Group.NEW: 0, Group.UNSEEN: 0, Group.FEW: 0, Group.SILENT: 400},
    never=400,
    since=None,
    mails=10_000,
    complaints=10,
    by_silent=8,
    letters=6,
)


def test_the_estimate_on_an_example_worked_out_by_hand() -> None:
    # Ten complaints of 10,000 mails, eight by people who never reacted; all of those who never reacted would rest, and
    # four in ten mails are not sent: two complaints of 6,000 mails are 3.3 of 10,000.
    assert (_SOME.rate_now, _SOME.rate_then, _SOME.mails_a_month) == (10, 3, 800)
    half = replace(_SOME, groups={**_SOME.groups, Group.UNSEEN: 400, Group.REACTED: 200}, never=800)
    # Only half of those who never reacted would rest: four complaints fewer, six of 6,000.
    assert half.rate_then == 10


@pytest.mark.parametrize(
    "found",
    [
        replace(_SOME, mails=0),
        replace(_SOME, complaints=0, by_silent=0),
        replace(_SOME, groups=dict.fromkeys(Group, 0)),
        replace(_SOME, groups={**dict.fromkeys(Group, 0), Group.SILENT: 400}),
    ],
)
def test_nothing_divided_by_nothing_is_unknown_and_never_a_number(found: Proposal) -> None:
    assert found.rate_then is None
    for said in clean_up_words.changes(found):
        assert "nan" not in said.lower()
