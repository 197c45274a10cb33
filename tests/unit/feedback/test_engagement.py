"""What people did with a letter: judged once, told from machines, in totals that outlive the visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import activity, mailing_list, merging, subscriber, tracking, unsubscribe
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.consent import Method
from listkeeper.feedback import engagement, engagement_judging
from listkeeper.feedback.engagement import Counts, Engagement
from listkeeper.foundation import clock
from listkeeper.sending import engagement_tally, link_visit
from listkeeper.sending.engagement_tally import EngagementTally
from listkeeper.sending.link_visit import Agent, LinkVisit, Verdict
from tests.makers import visited
from tests.makers.visited import Visited


@pytest.fixture
def sent(session: Session) -> Visited:
    return visited.letter(session)


@pytest.fixture
def later(sent: Visited) -> time_machine.Traveller:  # type: ignore[misc]
    """An hour after the hand-over."""
    with time_machine.travel(sent.handed_at + timedelta(hours=1), tick=False) as traveller:
        yield traveller


def _of(sent: Visited) -> Engagement:
    return engagement.of_campaign(sent.session, sent.letter.id)


def _acts(sent: Visited) -> list[int]:
    query = select(Activity.subscriber_id).where(Activity.kind == ActivityKind.CLICKED)
    return sorted(sent.session.scalars(query))


@pytest.mark.usefixtures("later")
def test_people_are_counted_once_and_machines_beside_them(sent: Visited) -> None:
    sent.follow("name0")
    # The same reader, another link, much later.
    sent.follow("name0", sent.links[1], after=1_200)
    # A filter: three links at once, by an ordinary browser.
    for place in range(3):
        sent.follow("name1", sent.links[place], after=700 + place)
    sent.follow("name1", agent=Agent.PROGRAM, after=1_500)
    mail = visited.drawn()
    sent.follow(mail_number=mail)
    # Nobody's: of somebody who took her yes back.
    sent.follow()
    assert sent.judge() == 8
    found = _of(sent)
    assert found.clicks == Counts(human=3, machine=4, unknown=1)
    assert found.clickers == 2
    assert _acts(sent) == [sent.people["name0"].id]
    assert engagement.of_revision(sent.session, sent.letter.sent_revision_id or 0) == found
    by_link = engagement.by_link(sent.session, sent.letter.id)
    assert by_link[sent.links[0]] == Counts(2, 2, 1)
    assert by_link[sent.links[1]] == Counts(1, 1, 0)
    assert sent.links[3] not in by_link


@pytest.mark.usefixtures("later")
def test_nothing_is_judged_twice(sent: Visited) -> None:
    sent.follow("name0")
    assert (sent.judge(), sent.judge()) == (1, 0)
    first = _of(sent)
    sent.follow("name0", after=1_800)
    assert sent.judge() == 1
    again = _of(sent)
    # A second visit of the same reader is a visit, and no second reader.
    assert (first.clickers, again.clickers) == (1, 1)
    assert (first.clicks.human, again.clicks.human) == (1, 2)
    # The day's act is there once.
    assert _acts(sent) == [sent.people["name0"].id]


def test_a_visit_waits_until_nothing_against_it_can_come(sent: Visited) -> None:
    with time_machine.travel(sent.handed_at + timedelta(seconds=700), tick=False) as clock_of_test:
        sent.follow("name0", after=600)
        assert sent.judge() == 0
        # What speaks against it comes last.
        sent.follow("name0", sent.marks.canary, after=710)
        clock_of_test.move_to(sent.handed_at + timedelta(seconds=755))
        assert sent.judge() == 1
        assert _of(sent) == Engagement(3, 0, Counts(machine=1), Counts(), pictured=3)
        clock_of_test.move_to(sent.handed_at + timedelta(seconds=870))
        # The canary is no link of the letter, and stands in no number.
        assert sent.judge() == 1
        assert _of(sent).clicks == Counts(machine=1)


@pytest.mark.usefixtures("later")
def test_what_stands_against_a_mail_does_so_across_batches(sent: Visited) -> None:
    for place in range(5):
        sent.follow("name0", sent.links[place], after=600 + place)
    while engagement_judging.judge(sent.session, at_most=1):
        sent.session.expire_all()
    assert _of(sent).clicks == Counts(machine=5)
    assert _acts(sent) == []


@pytest.mark.usefixtures("later")
def test_a_flood_at_one_mail_is_a_machine_and_costs_no_look_at_each(sent: Visited) -> None:
    for number in range(300):
        sent.follow("name0", after=600 + number / 3)
    sent.follow("name1")
    sent.judge()
    found = _of(sent)
    assert (found.clicks, found.clickers) == (Counts(human=1, machine=300), 1)


@pytest.mark.usefixtures("later")
def test_opened_is_rough_and_is_no_act(sent: Visited) -> None:
    mails = [visited.drawn() for _ in range(4)]
    sent.follow(link_id=sent.marks.picture, mail_number=mails[0])
    sent.follow(link_id=sent.marks.picture, mail_number=mails[1], agent=Agent.PROXY)
    sent.follow(link_id=sent.marks.picture, mail_number=mails[2], agent=Agent.PROGRAM)
    # A filter fetched it and followed the canary.
    sent.follow(link_id=sent.marks.picture, mail_number=mails[3])
    sent.follow(link_id=sent.marks.canary, mail_number=mails[3], after=610)
    sent.judge()
    found = _of(sent)
    assert found.opens == Counts(human=1, machine=2, unknown=1)
    assert (found.clicks, found.clickers) == (Counts(), 0)
    assert _acts(sent) == []


def _leave(sent: Visited, name: str) -> None:
    unsubscribe.leave(sent.session, sent.people[name].id, sent.house.mailing_list.id, Method.PAGE)


def _merge(sent: Visited, name: str) -> None:
    del name
    target = mailing_list.create(sent.session, sent.house.organisation, name="Other")
    merging.merge(sent.session, sent.house.organisation, sent.house.mailing_list, target, actor="test")


def _by_name_instead(sent: Visited, name: str) -> None:
    visited.choose(sent.session, sent.house, sent.people[name], tracking.Counting.PERSON)


def _not_at_all(sent: Visited, name: str) -> None:
    assert tracking.withdraw(sent.session, sent.people[name].id, sent.house.mailing_list.id)


LATER: dict[str, Callable[[Visited, str], None]] = {
    "leave": _leave, "merge": _merge, "by name instead": _by_name_instead, "not at all": _not_at_all,
}  # fmt: skip


@pytest.mark.parametrize("what", LATER.values(), ids=LATER)
def test_the_share_of_who_clicked_is_the_same_whatever_its_readers_choose_later(
    sent: Visited, later: time_machine.Traveller, what: Callable[[Visited, str], None]
) -> None:
    sent.follow("name0")
    sent.judge()
    before = _of(sent)
    assert (before.counted, before.clickers) == (3, 1)
    by_provider = engagement.by_provider(sent.session, sent.letter.id)
    # Of who is a number nobody says where the mail went.
    assert {name: each.counted for name, each in by_provider.items()} == {"gmail": 2, "unknown": 1}
    what(sent, "number0")
    sent.session.flush()
    later.shift(timedelta(days=1))
    engagement_tally.fold(sent.session, [sent.letter.id])
    assert _of(sent) == before


@pytest.mark.usefixtures("later")
def test_by_provider_says_where_people_read(sent: Visited) -> None:
    sent.follow("name0")
    sent.follow(mail_number=visited.drawn())
    sent.judge()
    by_provider = engagement.by_provider(sent.session, sent.letter.id)
    assert {name: (each.clickers, each.clicks.human) for name, each in by_provider.items()} == {
        "gmail": (1, 1), "unknown": (1, 1),
    }  # fmt: skip


@pytest.mark.usefixtures("later")
def test_folding_changes_no_number(sent: Visited) -> None:
    for number in range(150):
        sent.follow("name0", after=300 + 20 * number)
        engagement_judging.judge(sent.session)
    before = _of(sent), engagement.by_link(sent.session, sent.letter.id)
    rows = select(func.count()).select_from(EngagementTally)
    many = sent.session.scalar(rows) or 0
    assert engagement_tally.worth_folding(sent.session) == [sent.letter.id]
    engagement_tally.fold(sent.session, [sent.letter.id])
    assert (_of(sent), engagement.by_link(sent.session, sent.letter.id)) == before
    assert (sent.session.scalar(rows) or 0) < many / 20
    assert engagement_tally.worth_folding(sent.session) == []


@pytest.mark.usefixtures("later")
def test_the_number_of_a_mail_is_forgotten_after_a_day_once_it_is_judged(
    sent: Visited, later: time_machine.Traveller
) -> None:
    sent.follow(mail_number=visited.drawn())
    numbers = select(func.count(LinkVisit.mail_number))
    later.move_to(sent.handed_at + timedelta(days=2))
    engagement_judging.forget_numbers(sent.session)
    # Not yet: it was never judged.
    assert sent.session.scalar(numbers) == 1
    sent.judge()
    engagement_judging.forget_numbers(sent.session)
    assert sent.session.scalar(numbers) == 0
    assert _of(sent).clicks.human == 1


def _withdraw(sent: Visited) -> None:
    tracking.withdraw(sent.session, sent.people["name0"].id, sent.house.mailing_list.id)


def _restrict(sent: Visited) -> None:
    subscriber.restrict(sent.session, sent.people["name0"], actor="subscriber")


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("end", [_withdraw, _restrict])
def test_what_ended_meanwhile_is_no_act(sent: Visited, end: Callable[[Visited], None]) -> None:
    sent.follow("name0")
    end(sent)
    sent.session.flush()
    sent.judge()
    assert _acts(sent) == []
    # The number stays what it was.
    assert _of(sent).clicks.human == 1


@pytest.mark.usefixtures("later")
def test_taking_the_yes_back_lets_go_of_the_acts_and_of_no_number(sent: Visited) -> None:
    sent.follow("name0")
    sent.judge()
    her = sent.people["name0"].id
    kept = activity.Act(her, sent.house.mailing_list.id, ActivityKind.REPLIED, clock.now())
    activity.note(sent.session, [kept])
    link_visit.let_go(sent.session, her)
    assert _acts(sent) == [her]
    _withdraw(sent)
    sent.session.flush()
    link_visit.let_go(sent.session, her)
    assert _acts(sent) == []
    # What she wrote is not what she clicked.
    assert sent.session.scalars(select(Activity.kind)).all() == [ActivityKind.REPLIED]
    assert _of(sent).clicks.human == 1
    assert sent.session.scalars(select(LinkVisit.delivery_id)).all() == [None]


@pytest.mark.usefixtures("later")
def test_a_visit_to_a_link_whose_letter_is_gone_is_judged_and_counted_nowhere(sent: Visited) -> None:
    made = sent.follow(link_id=10**9)
    sent.judge()
    sent.session.refresh(made)
    assert made.verdict is Verdict.UNKNOWN
    assert _of(sent) == Engagement(counted=3, pictured=3)


def test_of_a_letter_nobody_knows_there_is_nothing(session: Session) -> None:
    assert engagement.of_campaign(session, 4711) == Engagement()
    assert engagement.by_link(session, 4711) == {}
    assert engagement.by_provider(session, 4711) == {}
