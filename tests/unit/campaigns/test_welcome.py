"""The welcome letter of a list: begun from words that keep the promise, chosen by switching it on, and never half."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import signup_form
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, preview, question_use, welcome
from listkeeper.campaigns.campaign import CampaignKind
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import planning
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
WORDS = Draft("Hello", "Nice to see you", "# Hello\n\nCome by.")


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café."""
    return cafe.found(session)


@pytest.fixture
def letter(session: Session, house: Cafe) -> WelcomeLetter:
    """Its welcome letter, off."""
    return welcome.begin(session, house.organisation, house.mailing_list, "en", WORDS)


def _live(session: Session, house: Cafe, spoken: str = "en") -> str | None:
    found = welcome.live(session, house.organisation, house.mailing_list.id, spoken, site=SITE)
    return found.subject if found else None


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_there_are_words_to_begin_with_in_every_language(session: Session, spoken: str) -> None:
    house = cafe.found(session, spoken=spoken, list_name="Bagerbrev")
    draft = welcome.starter(house.organisation, house.mailing_list, spoken)
    assert "Bagerbrev" in draft.subject
    assert house.organisation.from_name in draft.markdown
    assert "{" not in f"{draft.subject}{draft.preheader}{draft.markdown}"
    found = preflight.inspect_draft(draft, house.organisation, house.mailing_list, site=SITE, spoken=spoken)
    assert [row.message for row in found.findings if row.severity is not Severity.INFO] == []
    page = preview.of_draft(draft, house.organisation, house.mailing_list, SITE, spoken)
    assert f'<html lang="{spoken}" dir="ltr">' in page.html


def test_the_starters_are_words_of_their_own(session: Session, house: Cafe) -> None:
    drafts = {welcome.starter(house.organisation, house.mailing_list, code).markdown for code in language.LANGUAGES}
    assert len(drafts) == len(language.LANGUAGES)


def test_nothing_goes_out_until_the_owner_says_so(session: Session, house: Cafe, letter: WelcomeLetter) -> None:
    assert not letter.is_on
    assert _live(session, house) is None
    welcome.switch_on(session, house.organisation, letter, site=SITE)
    assert _live(session, house) == "Hello"
    welcome.switch_off(letter)
    assert _live(session, house) is None


def test_what_is_written_later_waits_until_it_is_chosen(session: Session, house: Cafe, letter: WelcomeLetter) -> None:
    welcome.switch_on(session, house.organisation, letter, site=SITE)
    campaigns.write(session, letter.campaign, Draft("Hello ag", "", "Hal"), base=1)
    assert welcome.waits(session, letter)
    assert _live(session, house) == "Hello"
    campaigns.write(session, letter.campaign, Draft("Hello again", "So", "# Whole\n\nagain."), base=2)
    welcome.switch_on(session, house.organisation, letter, site=SITE)
    assert not welcome.waits(session, letter)
    assert _live(session, house) == "Hello again"


def test_only_what_was_seen_is_switched_on(session: Session, house: Cafe, letter: WelcomeLetter) -> None:
    seen = campaigns.newest(session, letter.campaign).sha256
    campaigns.write(session, letter.campaign, Draft("Other", "", "Other"), base=1)
    with pytest.raises(Conflict) as caught:
        welcome.switch_on(session, house.organisation, letter, site=SITE, sha256=seen)
    assert caught.value.code == "changed_since_preview"
    assert not letter.is_on


@pytest.mark.parametrize(
    "words", [Draft("", "", "Hello"), Draft("Hello", "", " "), Draft("Hi", "", "{{ secret.key }}")]
)
def test_a_letter_that_cannot_go_is_not_switched_on(session: Session, house: Cafe, words: Draft) -> None:
    letter = welcome.begin(session, house.organisation, house.mailing_list, "en", words)
    with pytest.raises(Invalid) as caught:
        welcome.switch_on(session, house.organisation, letter, site=SITE)
    assert caught.value.code == "not_ready"
    assert not letter.is_on


def test_there_is_one_for_each_language_of_the_forms(session: Session, house: Cafe, letter: WelcomeLetter) -> None:
    assert welcome.begin(session, house.organisation, house.mailing_list, "en") is letter
    with pytest.raises(Invalid) as caught:
        welcome.begin(session, house.organisation, house.mailing_list, "da")
    assert caught.value.code == "no_form_in_language"
    signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    assert welcome.languages(session, house.mailing_list) == ["en", "da"]
    danish = welcome.begin(session, house.organisation, house.mailing_list, "da")
    welcome.switch_on(session, house.organisation, danish, site=SITE)
    # No language stands in for another: whoever said yes in English gets no Danish letter.
    assert (_live(session, house, "da") or "").startswith("Velkommen")
    assert _live(session, house) is None


def test_it_is_no_letter_to_all(session: Session, house: Cafe, letter: WelcomeLetter) -> None:
    cafe.subscribe(session, house, "freja@guest.example")
    assert letter.campaign.kind is CampaignKind.WELCOME
    assert campaigns.all_of(session, house.organisation) == []
    with pytest.raises(Conflict) as caught:
        planning.send_campaign(session, house.organisation, letter.campaign, site=SITE)
    assert caught.value.code == "welcome_letter"


def test_new_colours_of_the_business_reach_the_letter_that_is_on(
    session: Session, house: Cafe, letter: WelcomeLetter
) -> None:
    chosen = welcome.switch_on(session, house.organisation, letter, site=SITE)
    before = chosen.compiled_for
    house.organisation.legal_name = "Café Kardemomme ApS"
    again = welcome.live(session, house.organisation, house.mailing_list.id, "en", site=SITE)
    assert again is chosen
    assert chosen.compiled_for != before


def test_a_welcome_uses_no_answers_for_nobody_was_asked_before_it(session: Session, house: Cafe) -> None:
    question = questions.drafted(session, house)
    words = Draft("Hello", "", f'# Hello\n\nYou like {{{{ subscriber.{question.key} | default: "cake" }}}}.')
    welcome.begin(session, house.organisation, house.mailing_list, "en", words)
    assert question_use.of(session, question) == []
    questions.use(session, house, question.key)
    assert [use.kind for use in question_use.of(session, question)] == [question_use.LETTER]
