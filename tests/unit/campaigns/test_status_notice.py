"""A status notice: its timeline, what it promises, and that it goes to nobody who said yes to letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import notice_letter, notice_starter, status_notice, welcome
from listkeeper.campaigns.campaign import CampaignKind
from listkeeper.campaigns.notice_starter import StarterName
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.status_notice import About, Affected, News, NoticeState, StatusUpdate, UpdateState
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from tests.makers import cafe, trouble
from tests.makers.cafe import Cafe
from tests.makers.trouble import ABOUT, WORDS

SITE = "https://mail.cafe.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with a list for letters and one for status notices, on a Monday at eight."""
    return trouble.room(session, cafe.found(session))


def _begin(session: Session, house: Cafe, key: str | None = None) -> StatusUpdate:
    news = News(WORDS, UpdateState.INVESTIGATING, clock.now() + HOUR)
    return status_notice.begin(
        session, house.organisation, house.mailing_list, ABOUT, news, actor="user:1", request_key=key
    )


def _news(words: str, state: UpdateState, after: timedelta | None = None) -> News:
    return News(words, state, clock.now() + after if after is not None else None)


def test_a_timeline_grows_and_each_entry_makes_its_own_promise(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    first = _begin(session, house)
    notice = first.notice
    assert (notice.state, notice.next_update_at, notice.resolved_at) == (NoticeState.OPEN, clock.now() + HOUR, None)
    frozen_clock.shift(2 * HOUR)
    assert notice.is_overdue(clock.now())
    notice.alarmed_at = clock.now()
    status_notice.update(session, notice, _news("The line is down.", UpdateState.KNOWN, HOUR), actor="user:1")
    assert not notice.is_overdue(clock.now())
    assert notice.alarmed_at is None, "a new promise is a new one to be late with"
    over = status_notice.resolve(session, notice, "It works again.", actor="user:1")
    assert (notice.state, notice.resolved_at, notice.next_update_at) == (NoticeState.RESOLVED, clock.now(), None)
    told = status_notice.timeline(session, notice)
    assert [row.state for row in told] == [UpdateState.RESOLVED, UpdateState.KNOWN, UpdateState.INVESTIGATING]
    assert told[0] is over
    frozen_clock.shift(HOUR)
    assert not notice.is_overdue(clock.now())


def test_what_comes_back_is_open_again_with_its_timeline(session: Session, house: Cafe) -> None:
    notice = _begin(session, house).notice
    status_notice.resolve(session, notice, "It works again.", actor="user:1")
    with pytest.raises(Conflict, match="over already"):
        status_notice.resolve(session, notice, "Again.", actor="user:1")
    status_notice.update(session, notice, _news("It is back.", UpdateState.KNOWN, HOUR), actor="user:1")
    assert (notice.state, notice.resolved_at) == (NoticeState.OPEN, None)
    assert len(status_notice.timeline(session, notice)) == 3


def test_told_twice_by_a_double_click_is_told_once(session: Session, house: Cafe) -> None:
    first = _begin(session, house, "k1")
    assert _begin(session, house, "k1") is first
    assert _begin(session, house, "k2") is not first
    news = _news("The line is down.", UpdateState.KNOWN)
    told = status_notice.update(session, first.notice, news, actor="user:1", seen=first.id)
    assert status_notice.update(session, first.notice, news, actor="user:1", seen=first.id) is told
    with pytest.raises(Conflict, match="Somebody told more"):
        status_notice.update(
            session, first.notice, _news("Something else.", UpdateState.KNOWN), actor="user:2", seen=first.id
        )
    assert len(status_notice.timeline(session, first.notice)) == 2


@pytest.mark.parametrize(
    ("about", "words", "state", "after", "code"),
    [
        (ABOUT, WORDS, UpdateState.KNOWN, timedelta(0), "promise_past"),
        (ABOUT, WORDS, UpdateState.KNOWN, timedelta(days=367), "promise_far"),
        (ABOUT, " \n", UpdateState.KNOWN, HOUR, "missing"),
        (ABOUT, "x" * 2_001, UpdateState.KNOWN, HOUR, "too_long"),
        (ABOUT, "Dear {{ subscriber.name }}", UpdateState.KNOWN, HOUR, "merge_tag"),
        (ABOUT, "bell\x07", UpdateState.KNOWN, HOUR, "unreadable"),
        (ABOUT, WORDS, UpdateState.RESOLVED, HOUR, "begins_resolved"),
        (About(" ", "Gerda"), WORDS, UpdateState.KNOWN, HOUR, "missing"),
        (About("The till", ""), WORDS, UpdateState.KNOWN, HOUR, "missing"),
        (About("x" * 201, "Gerda"), WORDS, UpdateState.KNOWN, HOUR, "too_long"),
        (About("{% if %}", "Gerda"), WORDS, UpdateState.KNOWN, HOUR, "merge_tag"),
    ],
)
def test_what_cannot_be_told_gets_a_sentence(  # noqa: PLR0917 - a row of the table
    session: Session, house: Cafe, about: About, words: str, state: UpdateState, after: timedelta, code: str
) -> None:
    with pytest.raises(Invalid) as problem:
        status_notice.begin(
            session, house.organisation, house.mailing_list, about, _news(words, state, after), actor="user:1"
        )
    assert problem.value.code == code
    assert problem.value.message.endswith((".", "…", ".”"))
    assert status_notice.every(session, house.organisation) == []


def test_people_who_said_yes_to_letters_get_no_notice(session: Session, house: Cafe) -> None:
    letters = mailing_list.named(session, house.organisation, "news")
    with pytest.raises(Invalid) as problem:
        status_notice.begin(session, house.organisation, letters, ABOUT, News(WORDS, UpdateState.KNOWN), actor="user:1")
    assert problem.value.code == "list_for_letters"


def test_no_letter_and_no_welcome_is_made_for_a_list_of_notices(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as problem:
        campaigns.create(session, house.organisation, house.mailing_list, Draft("Buns", "", "Warm."))
    assert problem.value.code == "purpose_mismatch"
    with pytest.raises(Invalid, match="status notices and nothing else"):
        welcome.begin(session, house.organisation, house.mailing_list, house.form.language)
    letters = mailing_list.named(session, house.organisation, "news")
    with pytest.raises(Invalid, match="not to status notices"):
        campaigns.create(session, house.organisation, letters, Draft("Trouble", "", "Down."), kind=CampaignKind.NOTICE)


def test_a_list_is_for_letters_or_for_notices(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as problem:
        mailing_list.create(session, house.organisation, name="Bread", purpose="bread")
    assert problem.value.code == "purpose"
    assert house.mailing_list.is_service
    assert not mailing_list.named(session, house.organisation, "news").is_service


def test_the_letter_says_what_is_known_what_it_means_and_when_more_comes(session: Session, house: Cafe) -> None:
    told = _begin(session, house)
    letter = notice_letter.write(session, house.organisation, told, SITE)
    words = campaigns.newest(session, letter).draft
    assert (letter.kind, letter.notice_id, told.campaign_id) == (CampaignKind.NOTICE, told.notice.id, letter.id)
    assert words.subject == "The till is out of order: We are looking for the cause"
    by = " ".join(language.appointment(clock.now() + HOUR, "Europe/London").split())
    assert words.preheader == f"Next update by {by}, even if nothing is new then."
    for said in (
        "# The till is out of order",
        "**We are looking for the cause.**",
        WORDS,
        "**Does it affect you?** Yes. You cannot pay by card.",
        "Gerda at the counter answers for this.",
        f"({SITE}/status/{told.notice.public_id})",
    ):
        assert said in words.markdown


def test_a_title_stands_as_it_was_typed(session: Session, house: Cafe) -> None:
    about = About("5 * 3 [is] #1 <b>", "_Gerda_", Affected.NO, "*none*")
    draft = notice_letter.draft(
        house.organisation, about, News("So.", UpdateState.RESOLVED), notice_letter.Place("Europe/London", "")
    )
    assert r"# 5 \* 3 \[is\] \#1 \<b\>" in draft.markdown
    assert r"\_Gerda\_ answers for this." in draft.markdown
    assert "affect" not in draft.markdown, "what is over affects nobody"
    assert draft.preheader == "It is over"


@pytest.mark.parametrize("name", StarterName)
def test_starters_can_be_told_as_they_are(session: Session, house: Cafe, name: StarterName) -> None:
    begins = notice_starter.of(house.organisation, name)
    told = status_notice.begin(
        session, house.organisation, house.mailing_list, begins.about, begins.news, actor="user:1"
    )
    assert told.notice.owner_name == "Café Kardemomme"
    assert notice_starter.label(name)


def test_who_looks_sees_what_is_open_and_for_ninety_days_what_is_over(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    open_one, over = _begin(session, house).notice, _begin(session, house).notice
    status_notice.resolve(session, over, "Done.", actor="user:1")
    assert status_notice.shown(session, house.organisation, clock.now()) == [open_one, over]
    frozen_clock.move_to(datetime(2027, 3, 1, tzinfo=UTC))
    assert status_notice.shown(session, house.organisation, clock.now()) == [open_one]
    assert status_notice.every(session, house.organisation) == [open_one, over]
    assert status_notice.open_ones(session, house.organisation) == [open_one]
    with pytest.raises(NotFound), language.using("en"):
        status_notice.named(session, house.organisation, "ntc_none")
