"""The page "What came back": figures, who refuses us, scanners; waves looked at and taken back, by owners alone."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import Role
from listkeeper.audience import suppression
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind
from listkeeper.foundation import clock
from listkeeper.sending import incident, refusal, watch_words
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.pacing.pace_news import Refusing
from listkeeper.settings import Settings
from tests.architecture import routes
from tests.makers import cafe, studio
from tests.makers.came_back import Postman
from tests.makers.studio import StudioBrowser, words

R = ReplyClass


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with five readers, to whom nothing was sent yet."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        for place in range(5):
            cafe.subscribe(session, made, f"reader{place}@people.example")
    return studio.signed_in(app)


def _postmen(session: Session) -> list[Postman]:
    made = studio.the_cafe(session)
    return [Postman(session, made, each) for each in session.scalars(select(Subscriber).order_by(Subscriber.id))]


def _hold_all(app: Flask) -> str:
    """Hold all five back, and return the name of the wave that is."""
    with app.app_context(), store.transaction() as session:
        held = [each.bounces(R.INVALID_ADDRESS, permanent=True) for each in _postmen(session)]
        return f"{held[0].id}-{held[-1].id}"


def _held(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        number = studio.the_cafe(session).organisation.id
        return suppression.counts(session, number).get(Reason.HARD_BOUNCE, 0)


def _acts(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), store.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action.like("bounce%")).order_by(AuditEntry.id)
        return [(row.action, row.actor) for row in session.scalars(query)]


def test_where_nothing_came_back_the_page_says_how_to_set_it_up(
    app: Flask, browser: StudioBrowser, settings: Settings
) -> None:
    shown = words(browser.get("/studio/bounces"))
    assert "Nothing came back" in shown
    assert "Not set up yet" in shown
    for name in ("LISTKEEPER_RETURN_PATH", "LISTKEEPER_MAILBOXES", "LISTKEEPER_SMTP_LISTEN", "listkeeper doctor"):
        assert name in shown
    app.config["LISTKEEPER"] = settings.model_copy(update={"return_path": "bounces@cafe.example"})
    shown = words(browser.get("/studio/bounces"))
    assert "They come back to: bounces@cafe.example" in shown
    assert "Not set up yet" not in shown


def test_the_page_is_found_from_letters_and_settings(browser: StudioBrowser) -> None:
    for path in ("/studio/letters", "/studio/settings"):
        assert 'href="/studio/bounces"' in browser.get(path).text


def test_figures_are_drawn_and_stand_in_a_table(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        readers = _postmen(session)
        readers[0].bounces(R.MAILBOX_FULL)
        readers[1].bounces(R.SPAM)
        readers[2].told(FeedbackKind.COMPLAINED, readers[2].letter())
    page = browser.get("/studio/bounces")
    assert "Gmail 2 came back 0 The address 1 For a while 1 The sender 0 The letter 1 Complained" in words(page)
    assert "The mailbox is full. 1 came back" in words(page)
    assert 'role="img" aria-label="Gmail: 2 came back"' in page.text
    assert "<title>For a while: 1</title>" in page.text


def test_a_receiver_that_refuses_us_stands_with_its_own_words(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        refusal.begin(session, "cafe.example", Refusing("gmail", 12, 100, (R.AUTH,)))
        for place, each in enumerate(_postmen(session) * 2):
            told = each.bounces(R.AUTH)
            told.reply = f"550 5.7.26 number {place}"
    page = browser.get("/studio/bounces")
    shown = words(page)
    assert "Gmail refuses mail from cafe.example because of its sender" in shown
    assert "Check the domain (page Domains" in shown
    assert page.text.count("<code>550 5.7.26 number ") == 5
    assert 'href="/studio/domains"' in page.text
    assert 'href="/studio/bounces">Look at it' in browser.get("/studio/").text
    with app.app_context(), store.transaction() as session:
        refusal.end(session, "cafe.example", "gmail")
    assert "Gmail refuses mail" not in words(browser.get("/studio/bounces"))


def test_a_burst_of_leaves_is_shown_with_its_evidence(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        letter = cafe.draft(session, studio.the_cafe(session))
        facts = {
            "number": 14, "receiver": "Microsoft", "letter": "Buns", "campaign": letter.public_id, "seconds": 9,
            "usual": 0.25, "first_at": clock.as_text(clock.now()),
        }  # fmt: skip
        said = watch_words.said(IncidentKind.LEAVE_BURST, facts)
        incident.report(session, IncidentKind.LEAVE_BURST, said, facts, provider="microsoft")
        address = f"/studio/letters/{letter.public_id}/came-back"
    page = browser.get("/studio/bounces")
    assert "14 people at Microsoft left the letter “Buns” within 9 seconds. That looks like a scanner" in words(page)
    assert "usual there: 0.2 a minute" in words(page)
    assert f'href="{address}"' in page.text
    assert "Nothing came back of this letter" in words(browser.get(address))


def test_a_letter_shows_what_it_brought_back(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        letter = cafe.draft(session, studio.the_cafe(session))
        letter.started_at = clock.now()
        reader = _postmen(session)[0]
        mail = reader.letter()
        mail.campaign_id = letter.id
        session.flush()
        reader.told(FeedbackKind.BOUNCED, mail, found=R.MAILBOX_FULL)
        address = f"/studio/letters/{letter.public_id}/came-back"
    shown = words(browser.get(address))
    assert "Gmail 1 came back 0 The address 1 For a while" in shown
    assert "0 Left" in shown
    assert browser.get("/studio/letters/cmp_nothing/came-back").status_code == 404


def test_a_wave_is_looked_at_and_taken_back_as_one(app: Flask, browser: StudioBrowser) -> None:
    name = _hold_all(app)
    with app.app_context(), store.transaction() as session:
        reader = _postmen(session)[0]
        reader.told(FeedbackKind.COMPLAINED, reader.letter())
    shown = browser.get("/studio/bounces")
    assert "5 people · There is no such address." in words(shown)
    assert f'href="/studio/bounces/waves/{name}"' in shown.text
    review = browser.get(f"/studio/bounces/waves/{name}")
    assert "Write to 5 people again" in words(review)
    assert words(review).count("r***@people.example") == 5
    assert "reader1@people.example" not in review.text
    assert _held(app) == 5
    done = browser.post(f"/studio/bounces/waves/{name}/lift", follow_redirects=True)
    assert "Taken back: 4 people are written to again. 1 more stays away" in words(done)
    assert _held(app) == 0
    with app.app_context(), store.reading() as session:
        assert all(told.lifted_at for told in session.scalars(select(FeedbackEvent).where(FeedbackEvent.permanent)))
        [kept] = session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None)))
        assert kept.reason is Reason.COMPLAINT
    assert _acts(app) == [("bounce_wave.lifted", "user:1")]
    # Pressed twice it changes nothing.
    again = browser.post(f"/studio/bounces/waves/{name}/lift", follow_redirects=True)
    assert "has been taken back already" in words(again)
    assert browser.get(f"/studio/bounces/waves/{name}").status_code == 404
    assert len(_acts(app)) == 1


def test_a_person_page_says_why_and_mends_a_mistake(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        reader = _postmen(session)[0]
        reader.bounces(R.MAILBOX_FULL)
        reader.bounces(R.INVALID_ADDRESS, permanent=True)
        address = f"/studio/people/{reader.person.public_id}"
    shown = words(browser.get(address))
    assert "Never mailed: There is no such address. Gmail said: “550 no”. Nothing more is sent" in shown
    assert "This was a mistake: write to them again" in shown
    assert "The mailbox is full. Gmail said: “550 no”. That is number 1 in a row since" in shown
    assert _held(app) == 1
    done = browser.post(f"{address}/write-again", follow_redirects=True)
    assert "Letters go to this person again" in words(done)
    assert "Never mailed" not in words(done)
    assert "Taken back on" in words(done)
    assert (_held(app), _acts(app)) == (0, [("bounce.lifted", "user:1")])
    assert "not held back by us" in words(browser.post(f"{address}/write-again", follow_redirects=True))
    assert len(_acts(app)) == 1


def test_what_she_said_herself_has_no_button(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        reader = _postmen(session)[0]
        reader.told(FeedbackKind.COMPLAINED, reader.letter())
        address = f"/studio/people/{reader.person.public_id}"
    assert "write-again" not in browser.get(address).text
    browser.post(f"{address}/write-again")
    with app.app_context(), store.reading() as session:
        [kept] = session.scalars(select(Suppression))
        assert (kept.reason, kept.lifted_at) == (Reason.COMPLAINT, None)


def test_an_editor_sees_and_mends_nothing(app: Flask, browser: StudioBrowser) -> None:
    name = _hold_all(app)
    with app.app_context(), store.transaction() as session:
        number = studio.the_cafe(session).organisation.id
        user.create(session, written="editor@cafe.example", organisation_id=number, role=Role.EDITOR)
        person = f"/studio/people/{_postmen(session)[0].person.public_id}"
    editor = StudioBrowser(app)
    editor.client = routes.sign_in(app, "editor@cafe.example")
    shown = editor.get("/studio/bounces")
    assert "5 people · There is no such address." in words(shown)
    assert "/waves/" not in shown.text
    assert "write-again" not in editor.get(person).text
    for path in (f"/studio/bounces/waves/{name}/lift", f"{person}/write-again"):
        assert editor.post(path).status_code == 403
    assert editor.get(f"/studio/bounces/waves/{name}").status_code == 403
    assert (_held(app), _acts(app)) == (5, [])
    del browser
