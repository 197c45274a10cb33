"""A letter from its first word to the moment it is bound: versions, conflicts, and what was seen goes."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preview
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.sending import planning
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
WORDS = Draft("Buns", "Warm from seven", "# Buns\n\nCome by.")


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one person on its list."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "freja@guest.example")
    return made


@pytest.fixture
def letter(session: Session, house: Cafe) -> Campaign:
    """A draft."""
    return campaigns.create(session, house.organisation, house.mailing_list, WORDS)


def _numbers(session: Session, letter: Campaign) -> list[int]:
    query = select(Revision.number).where(Revision.campaign_id == letter.id).order_by(Revision.number)
    return list(session.scalars(query))


# Writing


def test_a_new_letter_is_a_draft_with_its_first_version(session: Session, house: Cafe, letter: Campaign) -> None:
    assert (letter.state, letter.version, letter.recipients) == (CampaignState.DRAFT, 1, 0)
    first = campaigns.newest(session, letter)
    assert (first.number, first.draft, first.sha256) == (1, WORDS, WORDS.sha256)
    assert campaigns.identified(session, house.organisation, letter.public_id) is letter
    other = campaigns.create(session, house.organisation, house.mailing_list, WORDS)
    assert campaigns.all_of(session, house.organisation) == [other, letter]
    for unknown in ("cmp_0000", "", str(letter.id)):
        with pytest.raises(NotFound):
            campaigns.identified(session, house.organisation, unknown)


def test_each_change_is_a_version_and_old_ones_stay(session: Session, letter: Campaign) -> None:
    changed = Draft("Bread", "Warm from six", "# Bread")
    assert campaigns.write(session, letter, changed, base=1).number == 2
    assert letter.version == 2
    assert revisions.numbered(session, letter.id, 1).draft == WORDS
    assert campaigns.newest(session, letter).draft == changed


@pytest.mark.parametrize("same", [WORDS, Draft(" Buns\t", "Warm  from\nseven", "# Buns\r\n\r\nCome by.")])
def test_the_same_words_are_the_same_version(session: Session, letter: Campaign, same: Draft) -> None:
    assert campaigns.write(session, letter, same, base=1).number == 1
    assert _numbers(session, letter) == [1]


def test_a_subject_is_one_line(session: Session, letter: Campaign) -> None:
    made = campaigns.write(session, letter, Draft("Buns\r\nBcc: x@y.example", "a\nb", "x"), base=1)
    assert (made.subject, made.preheader) == ("Buns Bcc: x@y.example", "a b")


@pytest.mark.parametrize("part", range(3))
def test_what_no_database_takes_is_refused_in_words(session: Session, letter: Campaign, part: int) -> None:
    subject, preheader, markdown = (
        f"{word}{chr(0) * (part == place)}" for place, word in enumerate(("Buns", "Warm", "Come by."))
    )
    with pytest.raises(Invalid):
        campaigns.write(session, letter, Draft(subject, preheader, markdown), base=1)
    assert _numbers(session, letter) == [1]


@pytest.mark.parametrize("base", [0, 1, 3])
def test_a_change_made_on_another_version_is_refused(session: Session, letter: Campaign, base: int) -> None:
    campaigns.write(session, letter, Draft("Bread", "", "# Bread"), base=1)
    with pytest.raises(Conflict) as refused:
        campaigns.write(session, letter, Draft("Cake", "", "# Cake"), base=base)
    assert refused.value.code == "changed_elsewhere"
    assert _numbers(session, letter) == [1, 2]


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.DRAFT])
def test_only_a_draft_is_written(session: Session, letter: Campaign, state: CampaignState) -> None:
    letter.state = state
    session.flush()
    with pytest.raises(Conflict) as refused:
        campaigns.write(session, letter, Draft("Cake", "", "# Cake"), base=1)
    assert refused.value.code == "not_a_draft"


# Starting


def test_starting_binds_the_newest_version_and_says_so(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    newest = campaigns.write(session, letter, Draft("Bread", "", "# Bread"), base=1)
    outbox.rung_lanes(session)
    assert campaigns.start(session, letter, sha256=newest.sha256) is newest
    assert (letter.state, letter.sent_revision_id, letter.started_at) == (CampaignState.SENDING, newest.id, clock.now())
    fact = session.scalars(select(Fact).where(Fact.name == campaigns.STARTED)).one()
    assert (fact.subject_id, fact.lane) == (letter.id, Lane.SENDING)
    assert outbox.rung_lanes(session) == {Lane.SENDING}


@pytest.mark.parametrize("state", CampaignState)
def test_what_was_sent_or_stopped_is_not_started(session: Session, letter: Campaign, state: CampaignState) -> None:
    letter.state = state
    session.flush()
    if state in {CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.HELD}:
        campaigns.start(session, letter)
        assert letter.state is CampaignState.SENDING
    else:
        with pytest.raises(Conflict) as refused:
            campaigns.start(session, letter)
        assert refused.value.code == "campaign_state"
        assert letter.state is state


def test_a_start_time_is_written_once(session: Session, letter: Campaign, frozen_clock: time_machine.Traveller) -> None:
    campaigns.start(session, letter)
    began = letter.started_at
    frozen_clock.shift(60)
    campaigns.move(letter, CampaignState.PAUSED)
    campaigns.move(letter, CampaignState.SENDING)
    assert letter.started_at == began
    assert letter.finished_at is None
    campaigns.move(letter, CampaignState.FINISHED)
    ended = letter.finished_at
    assert ended == clock.now()
    # Its owner tries once more what failed: it is under way again, and began when it began.
    campaigns.move(letter, CampaignState.SENDING)
    assert letter.started_at == began
    assert letter.finished_at is None


# Compiling


def test_what_is_compiled_is_kept_until_words_or_sender_change(session: Session, house: Cafe, letter: Campaign) -> None:
    row = campaigns.newest(session, letter)
    with pytest.raises(Conflict):
        revisions.frozen(row)
    made = revisions.compile_now(session, row, house.organisation, house.mailing_list, SITE)
    first, name = row.compiled, row.compiled_for
    assert revisions.compile_now(session, row, house.organisation, house.mailing_list, SITE) == made
    assert row.compiled is first
    assert revisions.frozen(row) == made
    house.organisation.postal_address = "Vestergade 2\n1456 Copenhagen"
    moved = revisions.compile_now(session, row, house.organisation, house.mailing_list, SITE)
    assert (row.compiled_for != name, moved != made) == (True, True)


def test_what_was_sent_stays_as_it_went(session: Session, house: Cafe, letter: Campaign) -> None:
    """The sender moves while the letter is on its way: nobody gets another letter than the first reader did."""
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    row = session.get_one(Revision, letter.sent_revision_id)
    before, name = revisions.frozen(row), row.compiled_for
    house.organisation.postal_address = "Vestergade 2\n1456 Copenhagen"
    shown = preview.of_campaign(session, letter, house.organisation, SITE, row.number)
    planning.mail_test(session, house.organisation, letter, "owner@cafe.example", site=SITE, per_hour=20)
    session.flush()
    session.expire_all()
    assert (revisions.frozen(row), row.compiled_for) == (before, name)
    assert "Havnegade" in shown.text
    assert "Vestergade" not in shown.text


def test_a_preview_is_the_letter_that_would_go(session: Session, house: Cafe, letter: Campaign) -> None:
    saved = preview.of_campaign(session, letter, house.organisation, SITE, 1)
    unsaved = preview.of_draft(WORDS, house.organisation, house.mailing_list, SITE)
    assert saved == unsaved
    assert saved.subject == "Buns"
    for part in (saved.html, saved.text):
        assert f"{SITE}/u/{preview.SAMPLE_TOKEN}" in part
        assert "Come by." in part
