"""Human, machine or unknown: each rule by itself, at its borders, and never a machine taken for a human."""

from __future__ import annotations

import random

import pytest

from listkeeper.campaigns.link import LinkRole
from listkeeper.feedback import engagement_rules
from listkeeper.feedback.engagement_rules import Judged, Seen, Why
from listkeeper.sending.link_visit import Agent, Verdict

H, M, U = Verdict.HUMAN, Verdict.MACHINE, Verdict.UNKNOWN
NOW = 1_000_000.0
CANARY, PICTURE = 98, 99


def _click(link: int = 1, at: float = 0.0, agent: Agent = Agent.BROWSER) -> Seen:
    return Seen(link, LinkRole.LINK, NOW + at, agent)


def _canary(at: float = 0.0) -> Seen:
    return Seen(CANARY, LinkRole.CANARY, NOW + at, Agent.BROWSER)


def _opened(at: float = 0.0, agent: Agent = Agent.BROWSER) -> Seen:
    return Seen(PICTURE, LinkRole.PICTURE, NOW + at, agent)


def _judge(one: Seen, *others: Seen, links: int = 10, handed: float | None = None) -> Judged:
    return engagement_rules.judge(one, [one, *others], links=links, handed=None if handed is None else NOW + handed)


def test_one_click_of_a_browser_is_a_human() -> None:
    assert _judge(_click()) == (H, Why.NOTHING_AGAINST)
    assert _judge(_click(), handed=-60.0) == (H, Why.NOTHING_AGAINST)


@pytest.mark.parametrize(("agent", "link", "picture"), [(Agent.PROGRAM, M, M), (Agent.PROXY, M, U)])
def test_what_says_so_itself_is_believed(agent: Agent, link: Verdict, picture: Verdict) -> None:
    assert _judge(_click(agent=agent)).verdict is link
    assert _judge(_opened(agent=agent)).verdict is picture


@pytest.mark.parametrize(("away", "verdict"), [(0, M), (-120, M), (120, M), (-121, H), (121, H)])
def test_the_canary_speaks_for_two_minutes_around_it(away: float, verdict: Verdict) -> None:
    assert _judge(_click(), _canary(away)).verdict is verdict
    assert _judge(_opened(), _canary(away)).verdict is verdict


def test_whatever_follows_the_canary_is_a_machine() -> None:
    assert _judge(_canary()) == (M, Why.CANARY)


@pytest.mark.parametrize(
    ("others", "links", "verdict"),
    [
        ([(2, 5.0)], 10, H),
        ([(2, 5.0), (3, 10.0)], 10, M),
        ([(2, 5.0), (3, 10.5)], 10, H),
        # In the middle, and at the end.
        ([(2, -5.0), (3, 5.0)], 10, M),
        ([(2, -6.0), (3, 5.0)], 10, H),
        ([(2, -10.0), (3, -4.0)], 10, M),
        # All of a short letter's links; but of one link there is no "all".
        ([(2, 9.0)], 2, M),
        ([(2, 11.0)], 2, H),
        ([], 1, H),
        # The same link thrice is not three links.
        ([(1, 1.0), (1, 2.0)], 10, H),
    ],
)
def test_nobody_follows_so_many_links_within_ten_seconds(
    others: list[tuple[int, float]], links: int, verdict: Verdict
) -> None:
    assert _judge(_click(), *(_click(*each) for each in others), links=links).verdict is verdict


@pytest.mark.parametrize(("times", "gap", "verdict"), [(3, 10.0, H), (4, 10.0, M), (4, 61.0, H)])
def test_nobody_follows_one_link_again_and_again(times: int, gap: float, verdict: Verdict) -> None:
    visits = [_click(at=gap * number) for number in range(times)]
    assert {engagement_rules.judge(one, visits, links=10).verdict for one in visits} == {verdict}


@pytest.mark.parametrize(("after", "judged"), [(0.0, U), (7.9, U), (8.0, H), (600.0, H)])
def test_what_comes_with_the_hand_over_is_unknown_unless_more_speaks(after: float, judged: Verdict) -> None:
    assert _judge(_click(at=after), handed=0.0).verdict is judged
    assert _judge(_opened(at=after), handed=0.0).verdict is judged
    assert _judge(_click(at=after), _canary(after + 1), handed=0.0).verdict is M


def test_a_visit_of_no_mail_is_unknown_and_one_of_a_program_is_still_a_machine() -> None:
    assert engagement_rules.judge(_click(), [], links=3) == (U, Why.NO_MAIL)
    assert engagement_rules.judge(_click(agent=Agent.PROGRAM), [], links=3).verdict is M


def test_opening_is_no_click() -> None:
    """Pictures are fetched again and again, beside clicks: neither makes the other a machine."""
    opened = [_opened(at=number) for number in range(9)]
    assert {engagement_rules.judge(one, opened, links=10).verdict for one in opened} == {H}
    assert _judge(_click(1), *opened, _click(2, 1.0)).verdict is H


def test_what_is_found_against_a_visit_only_grows(chance: random.Random) -> None:
    """More visits of a mail never make a human of a machine."""
    for _ in range(300):
        visits = [
            chance.choice([_click(chance.randrange(4), chance.uniform(0, 300)), _canary(chance.uniform(0, 300))])
            for _ in range(chance.randrange(1, 8))
        ]
        one = visits[0]
        before = engagement_rules.judge(one, visits[:-1] or visits, links=4).verdict
        after = engagement_rules.judge(one, visits, links=4).verdict
        assert before is not M or after is M
