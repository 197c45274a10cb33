"""The report of a letter: its numbers counted again by hand, what is usual, what was believed, and one next step."""

from __future__ import annotations

import random
from collections import Counter
from statistics import median
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import activity, leaving_reason, posted_event
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.leaving_reason import Why
from listkeeper.campaigns.assumption import Assumption, Measure, Verdict
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.feedback import engagement
from listkeeper.feedback.engagement import Counts, Engagement
from listkeeper.foundation import clock
from listkeeper.insight import campaign_report, report_plain, report_words
from listkeeper.insight.campaign_report import Share
from listkeeper.insight.next_step import Step
from listkeeper.sending import tally
from listkeeper.sending.delivery import DeliveryState
from tests.makers import cafe, crowd, letter_story
from tests.makers.cafe import Cafe
from tests.makers.letter_story import Mail

S = DeliveryState
_PEOPLE = 60


@pytest.fixture
def house(session: Session) -> Cafe:
    made = cafe.found(session)
    crowd.gather(session, made, _PEOPLE)
    return made


class Clicks:
    """What the counting of clicks says, as a test writes it down."""

    def __init__(self) -> None:
        self.whole: dict[int, Engagement] = {}
        self.links: dict[int, dict[int, Counts]] = {}
        self.providers: dict[int, dict[str, Engagement]] = {}


@pytest.fixture
def clicks(monkeypatch: pytest.MonkeyPatch) -> Clicks:
    said = Clicks()
    nothing = Engagement(0, 0, Counts(), Counts())
    monkeypatch.setattr(engagement, "of_campaign", lambda _session, number: said.whole.get(number, nothing))
    monkeypatch.setattr(engagement, "by_link", lambda _session, number: said.links.get(number, {}))
    monkeypatch.setattr(engagement, "by_provider", lambda _session, number: said.providers.get(number, {}))
    return said


def _left(session: Session, house: Cafe, mails: list[Mail], days_ago: float = 1) -> Campaign:
    letter = letter_story.leave(session, house, days_ago=days_ago)
    letter_story.tell(session, house, letter, mails)
    return letter


@pytest.mark.parametrize("seed", range(3))
def test_its_numbers_are_those_of_a_slow_count(session: Session, house: Cafe, clicks: Clicks, seed: int) -> None:
    dice = random.Random(seed)
    before = [letter_story.drawn(dice, _PEOPLE) for _ in range(6)]
    for age, mails in enumerate(before):
        letter = _left(session, house, mails, days_ago=20 - age)
        clicks.whole[letter.id] = Engagement(40, dice.randrange(10), Counts(), Counts())
    mails = letter_story.drawn(dice, _PEOPLE)
    letter = _left(session, house, mails)
    clicks.whole[letter.id] = Engagement(50, 7, Counts(9, 100, 3), Counts())
    found = campaign_report.of(session, letter)

    accepted = sum(mail.state is S.ACCEPTED for mail in mails)
    assert (found.clicked.hits, found.clicked.people) == (7, 50)
    assert (found.left.hits, found.left.people) == (sum(bool(m.withdrew or m.complained) for m in mails), accepted)
    assert found.complained == sum(bool(mail.complained) for mail in mails)
    assert found.before == 5
    usual = [
        sum(bool(m.withdrew or m.complained) for m in one) / sum(m.state is S.ACCEPTED for m in one)
        for one in before[1:]
    ]
    assert found.left.usual == pytest.approx(median(usual))
    money: Counter[str] = Counter()
    number: Counter[tuple[str, str]] = Counter()
    for name, amount, currency in (order for mail in mails for order in mail.orders):
        number[name, currency if name != "visit" else ""] += 1
        money[currency] += {"order": amount, "refund": -amount, "visit": 0}[name]
    assert {(each.name, each.currency): each.number for each in found.sums} == dict(number)
    assert +Counter(posted_event.income(list(found.sums))) == +money
    kinds = Counter(tally.provider_kind(mail.provider) for mail in mails if mail.state is S.ACCEPTED)
    assert {row.provider: row.figures.accepted for row in found.providers if row.figures.accepted} == dict(kinds)


def test_a_letter_that_reached_nobody_divides_by_nothing(session: Session, house: Cafe, clicks: Clicks) -> None:
    letter = letter_story.leave(session, house)
    letter.assumption = Assumption(Measure.REPLIES, 3000).as_json()
    found = campaign_report.of(session, letter)
    assert [each.value for each in (found.clicked, found.replied, found.left)] == [None, None, None]
    assert found.judged is not None
    assert found.judged.verdict is Verdict.NOTHING
    said = report_words.headlines(found)
    assert [each.code for each in said] == ["replied", "left", "clicked"]
    assert "Not known: none of them lets clicks be counted." in said[2].said
    assert "NaN" not in report_plain.as_csv(report_plain.of(letter, found)).replace("nan", "NaN")
    assert report_words.happened(found.judged) == "It has reached nobody, so there is nothing to say."


def test_orders_are_a_share_of_those_whose_links_carry_the_mark(session: Session, house: Cafe, clicks: Clicks) -> None:
    mails = [Mail("gmail", S.ACCEPTED) for _ in range(60)]
    mails[0].orders = [("order", 100, "DKK")]
    letter = _left(session, house, mails)
    letter.assumption = Assumption(Measure.ORDERS, 5000).as_json()
    judged = campaign_report.of(session, letter).judged
    # Nobody's links are counted: nothing is known, and it says of what.
    assert judged is not None
    assert judged.verdict is Verdict.NOTHING
    assert report_words.happened(judged) == "Nobody lets clicks be counted, so nobody can say what came of it."
    clicks.whole[letter.id] = Engagement(20, 4, Counts(), Counts())
    judged = campaign_report.of(session, letter).judged
    assert judged is not None
    assert judged.share == Share(1, 20)
    assert report_words.happened(judged) == "It was 1 of 20: 5%."


def test_a_letter_to_one_reader_says_that_one_is_too_few(session: Session, house: Cafe, clicks: Clicks) -> None:
    for age in (3, 2):
        clicks.whole[_left(session, house, [Mail("gmail", S.ACCEPTED)] * 30, age).id] = Engagement(
            30, 3, Counts(), Counts()
        )
    letter = _left(session, house, [Mail("gmail", S.ACCEPTED)])
    letter.assumption = Assumption(Measure.CLICKS, 3000, "buns").as_json()
    clicks.whole[letter.id] = Engagement(1, 1, Counts(1, 0, 0), Counts())
    found = campaign_report.of(session, letter)
    assert found.judged is not None
    words = report_words
    assert words.happened(found.judged) == "It was 1 of 1: 100%."
    first = words.headlines(found)[0]
    assert (first.number, first.said) == ("100%", "1 of the 1 reader whose clicks are counted followed a link.")


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (Share(5, 100), Verdict.NOTHING),
        (Share(0, 0, 0.1), Verdict.NOTHING),
        (Share(5, 100, 0.0), Verdict.MORE),
        (Share(1, 100, 0.0), Verdict.AS_BELIEVED),
        (Share(0, 100, 0.0), Verdict.AS_BELIEVED),
        (Share(100, 1000, 0.1), Verdict.AS_BELIEVED),
        (Share(200, 1000, 0.1), Verdict.MORE),
        (Share(50, 1000, 0.1), Verdict.LESS),
        (Share(1, 10, 0.1), Verdict.TOO_FEW),
    ],
)
def test_a_share_is_called_unusual_only_where_chance_would_not_make_it(share: Share, verdict: Verdict) -> None:
    assert share.verdict is verdict


def test_only_letters_before_it_to_the_same_list_say_what_is_usual(
    session: Session, house: Cafe, clicks: Clicks
) -> None:
    ordinary = [Mail("gmail", S.ACCEPTED, withdrew=int(place < 3)) for place in range(30)]
    letter = _left(session, house, ordinary, days_ago=5)
    _left(session, house, ordinary, days_ago=1)
    _left(session, house, ordinary, days_ago=7).state = CampaignState.CANCELLED
    session.flush()
    assert campaign_report.of(session, letter).before == 0
    _left(session, house, ordinary, days_ago=8)
    found = campaign_report.of(session, letter)
    assert (found.before, found.left.usual) == (1, None)
    assert report_words.headlines(found)[1].compared == "There are too few letters before it to compare with."
    _left(session, house, ordinary, days_ago=9)
    assert campaign_report.of(session, letter).left.usual == pytest.approx(0.1)


def test_the_links_have_numbers_and_the_clicks_on_each(session: Session, house: Cafe, clicks: Clicks) -> None:
    letter = _left(session, house, [Mail("gmail", S.ACCEPTED)] * 3)
    own = (CampaignLink.revision_id == letter.sent_revision_id, CampaignLink.role == LinkRole.LINK)
    stored = session.scalars(select(CampaignLink.id).where(*own)).one()
    other = CampaignLink(revision_id=None, position=0, url="https://cafe.example/bread")
    session.add(other)
    session.flush()
    clicks.links[letter.id] = {stored: Counts(4, 5, 6), other.id: Counts(1, 1, 1)}
    places = campaign_report.places(session, letter)
    assert [(each.number, each.url, each.clicks) for each in places] == [
        (1, "https://cafe.example/bread", Counts(5, 6, 7))
    ]
    assert report_words.place(places[0]) == "1: 5 clicks by people"


def test_what_no_person_did_is_named_and_added_to_nothing() -> None:
    assert report_words.others(Counts(9, 0, 0)) == []
    assert report_words.others(Counts(0, 1200, 1)) == [
        "Left out: 1,200 visits by machines, such as filters that follow every link.",
        "Left out: 1 visit of which nobody can tell.",
    ]


def test_small_providers_are_one_row(session: Session, house: Cafe, clicks: Clicks) -> None:
    letter = _left(session, house, [Mail("mx.anna.example", S.ACCEPTED), Mail("mx.bo.example", S.ACCEPTED)])
    one = Engagement(1, 1, Counts(2, 0, 0), Counts(1, 0, 0))
    both = Engagement(2, 2, Counts(4, 0, 0), Counts(2, 0, 0))
    clicks.providers[letter.id] = {"other": both, "gmail": one}
    rows = {row.provider: row for row in campaign_report.of(session, letter).providers}
    assert set(rows) == {"other", "gmail"}
    assert rows["other"].figures.accepted == 2
    assert rows["other"].engagement == both


def test_reasons_are_those_given_since_it_left(session: Session, house: Cafe, clicks: Clicks) -> None:
    letter = _left(session, house, [Mail("gmail", S.ACCEPTED)])
    leaving_reason.tell(session, house.mailing_list, Why.TOO_MANY, "", letter="x")
    later = letter_story.leave(session, house, days_ago=-3)
    assert campaign_report.of(session, letter).reasons == {Why.TOO_MANY: 1}
    assert campaign_report.of(session, later).reasons == {}


def _story(**numbers: int) -> list[Mail]:
    mails = [Mail("gmail", S.ACCEPTED) for _ in range(numbers.get("accepted", 0))]
    for place in range(numbers.get("complained", 0)):
        mails[place].complained = 1
    return mails + [Mail("gmail", S.BOUNCED) for _ in range(numbers.get("bounced", 0))]


@pytest.mark.parametrize(
    ("mails", "engaged", "known", "step"),
    [
        (_story(accepted=40, complained=2, bounced=5), (40, 5), True, Step.MEND_COMPLAINTS),
        (_story(accepted=40, complained=1, bounced=5), (40, 5), True, Step.MEND_ADDRESSES),
        (_story(accepted=40, bounced=4), (40, 5), True, Step.SEGMENT),
        # Of mere numbers nobody can make a segment.
        (_story(accepted=40), (40, 5), False, Step.WRITE),
        (_story(accepted=40), (40, 0), False, Step.LINK_PLACE),
        (_story(accepted=40), (19, 0), False, Step.WRITE),
        (_story(), (0, 0), False, Step.WRITE),
    ],
)
def test_there_is_one_next_step_and_harm_comes_first(  # noqa: PLR0917 - the story, and what follows from it
    session: Session, house: Cafe, clicks: Clicks, mails: list[Mail], engaged: tuple[int, int], known: bool, step: Step
) -> None:
    letter = _left(session, house, mails)
    if known:
        anna = cafe.subscribe(session, house, "anna@guest.example")
        activity.note(session, [Act(anna.id, house.mailing_list.id, ActivityKind.CLICKED, clock.now(), letter.id)])
    clicks.whole[letter.id] = Engagement(*engaged, Counts(), Counts())
    assert campaign_report.of(session, letter).next.step is step


def test_who_waits_comes_before_everything_and_a_letter_under_way_is_not_final(
    session: Session, house: Cafe, clicks: Clicks
) -> None:
    from listkeeper.audience.thread import ConversationState  # noqa: PLC0415

    mails = _story(accepted=10, complained=3)
    letter = _left(session, house, mails)
    letter.state = CampaignState.SENDING
    session.flush()
    found = campaign_report.of(session, letter)
    assert (found.next.step, found.leaving) == (Step.WATCH, True)
    assert report_plain.of(letter, found)["final"] is False
    other = _left(session, house, [Mail("gmail", S.ACCEPTED, reply=ConversationState.OPEN), *mails])
    found = campaign_report.of(session, other)
    assert (found.next.step, found.next.button, found.waiting) == (Step.ANSWER, "Answer 1 reader", 1)


def test_the_table_runs_no_formula(session: Session, house: Cafe, clicks: Clicks) -> None:
    plain: dict[str, Any] = {
        "id": "cmp_x",
        "links": [{"number": 1, "url": "=cmd()", "human": 2}],
        "next": {"why": "+x"},
    }
    assert report_plain.as_csv(plain).splitlines()[1:] == [
        "letter,,id,cmp_x", "links,'=cmd(),number,1", "links,'=cmd(),url,'=cmd()", "links,'=cmd(),human,2",
        "next,,why,'+x",
    ]  # fmt: skip
