"""Stored links: where a letter leads is written down once, never changed, and is a page of the web."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign, link
from listkeeper.campaigns.link import CampaignLink
from listkeeper.campaigns.revision import Revision
from tests.makers import cafe

BREAD, BUNS = "https://cafe.example/bread", "http://buns.example/?a=1&b=2#top"


@pytest.fixture
def revision(session: Session) -> Revision:
    """The words of a letter."""
    return campaign.newest(session, cafe.draft(session, cafe.found(session)))


def test_each_place_is_stored_once_and_keeps_its_number(session: Session, revision: Revision) -> None:
    link.keep(session, revision.id, [BREAD, BUNS, BREAD])
    first = link.numbers(session, revision.id)
    assert list(first) == [BREAD, BUNS]
    # Compiled again, because the sender has a new site: what was mailed leads where it led.
    link.keep(session, revision.id, ["https://new.example", BUNS])
    again = link.numbers(session, revision.id)
    assert list(again) == [BREAD, BUNS, "https://new.example"]
    assert {url: again[url] for url in first} == first
    assert [link.led_to(session, number) for number in again.values()] == list(again)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://cafe.example/%0aalert(1)",
        "data:text/html,<script>1</script>",
        "//evil.example",
        "/studio",
        "mailto:a@b.example",
        "ftp://cafe.example",
        "https:cafe.example",
        "https://",
        "https:///path",
        "https://cafe.example/a b",
        "https://cafe.example/\r\nSet-Cookie: a=b",
        "https://cafe.example/\x00",
        " https://cafe.example",
        "https://[cafe.example",
        "",
    ],
)
def test_what_is_no_page_of_the_web_is_never_stored(session: Session, revision: Revision, url: str) -> None:
    link.keep(session, revision.id, [url, BREAD])
    assert list(link.numbers(session, revision.id)) == [BREAD]


def test_what_was_written_into_the_database_by_hand_leads_nowhere(session: Session, revision: Revision) -> None:
    link.keep(session, revision.id, [BREAD])
    [number] = link.numbers(session, revision.id).values()
    session.execute(update(CampaignLink).values(url="javascript:alert(1)"))
    assert link.led_to(session, number) is None
    assert link.led_to(session, number + 1) is None


def test_a_link_outlives_its_letter(session: Session, revision: Revision) -> None:
    link.keep(session, revision.id, [BREAD])
    [number] = link.numbers(session, revision.id).values()
    session.execute(delete(Revision).where(Revision.id == revision.id))
    session.expire_all()
    assert link.led_to(session, number) == BREAD
    assert set(session.scalars(select(CampaignLink.revision_id))) == {None}


def test_each_letter_has_a_canary_and_a_picture_of_its_own_once(session: Session, revision: Revision) -> None:
    assert link.marks(session, revision.id) is None
    link.keep(session, revision.id, [BREAD])
    marks = link.marks(session, revision.id)
    assert marks is not None
    link.keep(session, revision.id, [BREAD, BUNS])
    assert link.marks(session, revision.id) == marks
    assert list(link.numbers(session, revision.id)) == [BREAD, BUNS]
    # The one leads to a page of ours, and the other nowhere.
    assert link.led_to(session, marks.canary) == link.CANARY_PAGE
    assert link.led_to(session, marks.picture) is None


def test_a_place_is_remembered_for_its_own_database(session: Session, revision: Revision) -> None:
    link.keep(session, revision.id, [BREAD])
    [number] = link.numbers(session, revision.id).values()
    bind = session.get_bind()
    assert link.remembered(bind.engine, number) is None
    link.led_to(session, number)
    assert link.remembered(bind.engine, number) == BREAD
