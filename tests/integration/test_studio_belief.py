"""What is believed of a letter: written down where it is sent, and refused as a sentence when it makes no sense."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.campaigns.campaign import Campaign, CampaignState
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with one reader and a letter that is written."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "anna@people.example")
        cafe.draft(session, made)
    return studio.signed_in(app)


def _letter(app: Flask) -> tuple[str, CampaignState, object]:
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one()
        return letter.public_id, letter.state, letter.assumption


def _send(browser: StudioBrowser, public_id: str, **typed: str) -> str:
    page = browser.get(f"/studio/letters/{public_id}/send").text
    seen = re.search(r'name="sha256" value="([0-9a-f]+)"', page)
    assert seen is not None, page
    answer = browser.post(f"/studio/letters/{public_id}/send", {"sha256": seen[1], "stance": "news", **typed})
    return words(answer)


def test_a_belief_is_kept_with_the_letter(app: Flask, browser: StudioBrowser) -> None:
    public_id = _letter(app)[0]
    _send(browser, public_id, believed="3,5", believed_of="clicks", believed_why=" Buns ")
    _, state, kept = _letter(app)
    assert state is not CampaignState.DRAFT
    assert kept == {"measure": "clicks", "value": 3500, "words": "Buns"}


def test_none_is_needed(app: Flask, browser: StudioBrowser) -> None:
    public_id = _letter(app)[0]
    _send(browser, public_id, believed="", believed_of="clicks", believed_why="")
    assert _letter(app)[1:] == (_letter(app)[1], None)
    assert _letter(app)[1] is not CampaignState.DRAFT


@pytest.mark.parametrize(
    "typed",
    [
        {"believed": "lots", "believed_of": "clicks"},
        {"believed": "0", "believed_of": "clicks"},
        {"believed": "3", "believed_of": "opens"},
        {"believed": "", "believed_of": "clicks", "believed_why": "because"},
    ],
)
def test_what_makes_no_sense_sends_nothing_and_stays_typed(
    app: Flask, browser: StudioBrowser, typed: dict[str, str]
) -> None:
    public_id = _letter(app)[0]
    said = _send(browser, public_id, **typed)
    assert "Please write what you believe as a share between 0 and 100" in said
    assert _letter(app)[1:] == (CampaignState.DRAFT, None)
