"""Replies in the studio: who waits, everything known beside it, and nothing of a stranger's that could do anything."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import Role
from listkeeper.audience import subscription
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.jobs import escalating
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.web.public import reply_promise
from tests.architecture import routes
from tests.makers import cafe, questions, studio
from tests.makers.letters_in import HER, Postbox, written
from tests.makers.studio import StudioBrowser, words

PAGE = "/studio/replies"


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with one reader, who has got a letter."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, HER)
    return studio.signed_in(app)


def bring(app: Flask, raw: bytes, *, proven: bool = True) -> str:
    """Let a mail come in; return where the studio shows it."""
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        box = Postbox(session, made, [session.query(Conversation).count() * 10])
        person = session.scalars(select(Subscriber).where(Subscriber.email_send == HER)).one()
        return f"{PAGE}/{box.begins(raw, box.letter_to(person) if proven else None).public_id}"


def the_thread(session: Session) -> Conversation:
    return session.scalars(select(Conversation)).one()


def test_nobody_waits(browser: StudioBrowser) -> None:
    shown = words(browser.get(PAGE))
    assert "Nobody waits for you." in shown
    assert "You answer within 1 day, what is urgent within 1 hour." in shown
    assert 'class="waits"' not in browser.get("/studio/").text


def test_who_waits_is_counted_on_every_page_and_listed(app: Flask, browser: StudioBrowser) -> None:
    bring(app, written("When do you open on Sunday?"))
    assert "Replies 1 waiting" in words(browser.get("/studio/"))
    shown = words(browser.get(PAGE))
    assert "Re: Cardamom buns answer due in" in shown
    assert "freja@guest.example · " in shown
    assert "When do you open on Sunday?" in shown
    assert "Re: Cardamom buns" in words(browser.get(f"{PAGE}?state=nonsense"))


def test_everything_known_is_beside_it_on_one_screen(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        questions.asked(session, made)
    other = bring(app, written("First matter", message_id="<7@guest.example>", subject="Rye"))
    shown = words(browser.get(bring(app, written())))
    for said in ("Consent", "News Confirmed", "Said yes", "by the button on the confirmation page", "text version 1"):
        assert said in shown
    assert "Last mails to them a note about their subscription" in shown
    assert "What they told you" in shown
    assert "What else they wait for Rye answer due" in shown
    assert "It goes to freja@guest.example, below what they wrote." in shown
    assert "First matter" in words(browser.get(other))


def test_what_strangers_write_is_text(app: Flask, browser: StudioBrowser) -> None:
    raw = written(
        "<script>alert(1)</script> https://evil.example/x <img src=x onerror=alert(1)>",
        sender='"<b>Karl</b>" <karl@stranger.example>',
        subject="<i>Hi</i>",
    )
    page = browser.get(bring(app, raw, proven=False)).text
    for bad in ("<script>alert", "<img src=x", "<b>Karl", "<i>Hi", 'href="https://evil'):
        assert bad not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "sender not proven" in page
    assert "<i>Hi" not in browser.get(PAGE).text


def test_html_is_read_as_text_and_history_is_folded(app: Flask, browser: StudioBrowser) -> None:
    html = "<p>Yes &amp; no</p><p>On 1 Nov 2026, Café &lt;hello@cafe.example&gt; wrote:</p><blockquote>Old</blockquote>"
    where = bring(app, written(html, more="Content-Type: text/html; charset=utf-8\r\n"))
    page = browser.get(where).text
    assert "Yes &amp; no</p>" in page
    assert "<details><summary>What was quoted below</summary>" in page
    assert "blockquote" not in page


def test_an_answer_is_queued_and_kept(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    answer = browser.post(f"{where}/answer", {"text": "From nine."})
    assert answer.status_code == 303
    shown = words(browser.get(where))
    assert "Your answer is on its way." in shown
    assert "owner@cafe.example on its way" in shown
    assert "From nine." in shown
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.REPLY)).one()
        found = the_thread(session)
        assert (row.notice_id, row.state) == (found.id, DeliveryState.QUEUED)
        assert (found.state, found.in_time) == (ConversationState.ANSWERED, True)
        [noted] = session.scalars(select(AuditEntry).where(AuditEntry.action == "reply.answered"))
        assert noted.actor.startswith("user:")


def test_an_empty_answer_is_refused_and_a_double_one_said(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    refused = browser.post(f"{where}/answer", {"text": "  "})
    assert refused.status_code == 422
    assert "Please write an answer first." in words(refused)
    browser.post(f"{where}/answer", {"text": "From nine."})
    browser.post(f"{where}/answer", {"text": "From nine."})
    assert "It is not sent twice." in words(browser.get(where))


def test_what_can_be_done_with_it(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    steps: tuple[tuple[str, dict[str, str], str, str], ...] = (
        ("urgent", {"urgent": "yes"}, "Marked as urgent.", "Urgent answer due in 1 hour"),
        ("urgent", {"urgent": "no"}, "No longer urgent.", "answer due in"),
        ("set-aside", {}, "Set aside. It counts in no figure.", "Set aside"),
        ("open", {}, "It waits for an answer again.", "answer due in"),
        ("done", {}, "Done. It opens again if they write.", "Done"),
    )
    for act, typed, said, stands in steps:
        assert browser.post(f"{where}/{act}", typed).status_code == 303
        shown = words(browser.get(where))
        assert said in shown
        assert stands in shown
    browser.post(f"{where}/set-aside")
    assert "Somebody else has just done something" in words(browser.get(where))


def test_a_wish_to_leave_is_a_button_and_nothing_happens_by_itself(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written("Afmeld mig tak"))
    assert "reads like a wish to leave" in words(browser.get(where))
    assert _state(app) is SubscriptionState.CONFIRMED
    browser.post(f"{where}/stop")
    assert _state(app) is SubscriptionState.UNSUBSCRIBED


def _state(app: Flask) -> SubscriptionState:
    with app.app_context(), store.reading() as session:
        person = session.scalars(select(Subscriber)).one()
        held = subscription.of(session, person.id, studio.the_cafe(session).mailing_list.id)
        assert held is not None
        return held.state


def test_another_business_is_not_reached(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        other = Organisation(
            legal_name="B", postal_address="B", from_name="B", from_address="b@b.example", language="en"
        )
        session.add(other)
        session.flush()
        assert other.id != owner.id
        the_thread(session).organisation_id = other.id
    assert browser.get(where).status_code == 404
    for act in ("answer", "urgent", "done", "set-aside", "open", "stop"):
        assert browser.post(f"{where}/{act}", {"text": "x"}).status_code == 404
    assert "Nobody waits for you." in words(browser.get(PAGE))


def test_an_editor_answers_and_takes_nobody_off(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written("unsubscribe"))
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        user.create(session, written="editor@cafe.example", organisation_id=owner.id, role=Role.EDITOR)
    client = routes.sign_in(app, "editor@cafe.example")
    page = client.get(where).get_data(as_text=True)
    token = routes.csrf_token(client, where)
    assert "Take them off every list" not in page
    assert client.post(f"{where}/stop", data={"csrf_token": token}).status_code == 403
    assert client.post(f"{PAGE}/promise", data={"csrf_token": token, "shown": "yes"}).status_code == 403
    assert client.post(f"{where}/answer", data={"csrf_token": token, "text": "Done."}).status_code == 303


def test_a_conversation_of_somebody_forgotten_is_a_shell(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    with app.app_context(), store.reading() as session:
        public_id = session.scalars(select(Subscriber)).one().public_id
    assert browser.post(f"/studio/people/{public_id}/erase", {"sure": "yes"}).status_code == 303
    shown = words(browser.get(where))
    assert "Whoever wrote this was forgotten." in shown
    assert "Your answer" not in shown
    assert HER not in shown


def test_what_waits_too_long_is_on_the_first_screen(app: Flask, browser: StudioBrowser) -> None:
    where = bring(app, written())
    with app.app_context(), store.transaction() as session:
        found = the_thread(session)
        found.waits_since = found.opened_at = found.waits_since.replace(year=2020)
    with app.app_context():
        escalating.look()
    shown = browser.get("/studio/")
    assert "waits for an answer longer than you promised" in words(shown)
    assert f'href="{PAGE}"' in shown.text
    assert "late by" in words(browser.get(where))
    assert "It stands still" not in words(shown)


def test_the_form_says_what_the_inbox_knows_where_its_owner_wishes(app: Flask, browser: StudioBrowser) -> None:
    reply_promise._counted.clear()  # noqa: SLF001 - kept for a minute
    form = "/f/news"
    assert "We answer within" not in words(browser.get(form))
    browser.post(f"{PAGE}/promise", {"shown": "yes"})
    assert "When you write to us We answer within 1 day." in words(browser.get(form))
    browser.post(f"{bring(app, written())}/answer", {"text": "From nine."})
    reply_promise._counted.clear()  # noqa: SLF001 - the same
    assert "We answer within 1 day. In the last 30 days: 100% of 1 letter in time." in words(browser.get(form))
    assert "100% of 1 in time" in words(browser.get(PAGE))
    browser.post(f"{PAGE}/promise", {"shown": "no"})
    assert "We answer within" not in words(browser.get(form))
