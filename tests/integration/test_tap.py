"""How is it going? Three links in a letter, a page with a button each, and what becomes of a press."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import thread, thread_mail
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns import campaign, revision
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import answering, promise
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import compiled
from listkeeper.rendering.document import TapsBlock
from listkeeper.sending import first_message, planning
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.first_message import First, Verdict
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe
from tests.makers.letters_in import HER
from tests.makers.studio import words
from tests.makers.works import SITE, Works, here

LETTER = """How is the cake?

[Fine]({{ links.fine }}) · [A question]({{ links.question }}) ·
[A problem]({{ links.problem }})
"""
S = ConversationState


@pytest.fixture
def links(works: Works, smtp_sink: SmtpSink) -> dict[str, str]:
    """A letter has reached her; return where its three links lead."""

    def send(session: Session, house: Cafe) -> None:
        cafe.subscribe(session, house, HER)
        letter = cafe.draft(session, house, subject="Your cake", markdown=LETTER)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        first_message.keep(session, letter.id, Verdict(First.UNSIGNED, ""))

    works.write(send)
    works.drain(Lane.URGENT)
    works.drain()
    message: EmailMessage = smtp_sink.messages[-1].message
    body = message.get_body(("html",))
    assert body is not None
    found = dict(re.findall(r'href="http://localhost:8025(/w/[^"]+/(fine|question|problem))"', body.get_content()))
    assert len(found) == 3
    return {name: path for path, name in found.items()}


@pytest.fixture
def browser(works: Works) -> FlaskClient:
    """A reader's browser."""
    return works.app.test_client()


def _threads(works: Works) -> list[Conversation]:
    def look(session: Session) -> list[Conversation]:
        rows = list(session.scalars(select(Conversation).order_by(Conversation.id)))
        session.expunge_all()
        return rows

    return works.read(look)


def found_letter(works: Works) -> int:
    """Return the number of the letter that was sent."""
    return works.read(lambda session: session.scalars(select(Campaign.id)).one())


def _texts(works: Works) -> list[str]:
    def look(session: Session) -> list[str]:
        found = session.scalars(select(Conversation)).one()
        said = [thread_mail.opened(session, found, row) for row in thread_mail.of(session, found)]
        return [each.text for each in said if each]

    return works.read(look)


def test_looking_tells_nobody_anything(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    for path in links.values():
        shown = words(browser.get(path))
        assert "How is it going?" in shown
        assert "Nothing is told before you press the button." in shown
        assert HER not in shown
        browser.head(path)
    assert _threads(works) == []


def test_fine_waits_for_nobody(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    said = words(browser.post(links["fine"]))
    assert "Café Kardemomme knows it now." in said
    assert "You get an answer" not in said
    [found] = _threads(works)
    assert (found.state, found.urgent) == (S.DONE, False)
    # It is an act of hers, in this letter.
    acts = works.read(
        lambda session: [tuple(row) for row in session.execute(select(Activity.kind, Activity.campaign_id))]
    )
    assert acts == [(ActivityKind.ANSWERED, found_letter(works))]
    assert works.read(lambda session: thread.waiting(session, here(session).organisation)) == 0
    ago = clock.now() - timedelta(days=1)
    figure = works.read(lambda session: promise.figure(session, here(session).organisation, ago))
    assert (figure.letters, figure.closed) == (0, 0)


@pytest.mark.parametrize(
    ("tapped", "urgent", "within"), [("question", False, "within 1 day"), ("problem", True, "within 1 hour")]
)
def test_a_question_waits_and_a_problem_presses(
    works: Works, links: dict[str, str], browser: FlaskClient, tapped: str, *, urgent: bool, within: str
) -> None:
    assert within in words(browser.post(links[tapped], data={"words": "  Is there <nut> in it? "}))
    browser.post(links[tapped], data={"words": "Is there <nut> in it?"})
    [found] = _threads(works)
    assert (found.state, found.urgent, found.mails_in, found.own_address) == (S.OPEN, urgent, 1, True)
    assert [text.partition("\n\n")[2] for text in _texts(works)] == ["Is there <nut> in it?"]


def test_fine_in_words_is_to_be_read(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    browser.post(links["fine"], data={"words": "Best cake ever, may I order ten?"})
    assert [found.state for found in _threads(works)] == [S.OPEN]


def test_words_after_all_was_fine_are_to_be_read(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    browser.post(links["fine"])
    browser.post(links["fine"], data={"words": "Best cake ever, may I order ten?"})
    [found] = _threads(works)
    assert (found.state, found.mails_in) == (S.OPEN, 2)


def test_what_turns_into_a_problem_is_one_conversation(
    works: Works, links: dict[str, str], browser: FlaskClient
) -> None:
    browser.post(links["fine"])
    browser.post(links["problem"], data={"words": "It has melted."})
    [found] = _threads(works)
    assert (found.state, found.urgent, found.mails_in) == (S.OPEN, True, 2)
    assert _texts(works) == ["[All is fine]", "[Something is wrong]\n\nIt has melted."]


def test_nobody_presses_for_ever(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    for number in range(25):
        said = words(browser.post(links["question"], data={"words": str(number)}))
        assert ("knows it now." in said, "Nothing was stored" in said) == (number < 20, number >= 20)
    again = words(browser.post(links["question"], data={"words": "19"}))
    assert "knows it now." in again
    assert [found.mails_in for found in _threads(works)] == [20]


def test_it_is_answered_below_the_letter(
    works: Works, links: dict[str, str], browser: FlaskClient, smtp_sink: SmtpSink
) -> None:
    letter = smtp_sink.messages[-1].message["Message-ID"]
    browser.post(links["question"])

    def answer(session: Session, _house: Cafe) -> None:
        found = session.scalars(select(Conversation)).one()
        answering.answer(session, found, "Yes, hazel.", actor="user:1", given=Promise())

    works.write(answer)
    works.drain(Lane.URGENT)
    message = smtp_sink.messages[-1].message
    assert (message["To"], message["Subject"], message["In-Reply-To"]) == (HER, "Re: Your cake", letter)


def test_links_of_others_and_of_nothing(works: Works, links: dict[str, str], browser: FlaskClient) -> None:
    token = links["fine"].split("/")[2]
    assert browser.get(f"/w/{token}/perfect").status_code == 404
    assert browser.post(f"/w/{token}/perfect").status_code == 404
    forged = f"/w/{token[:-2]}xx/problem"
    assert browser.get(forged).status_code == 404
    assert browser.post(forged).status_code == 404
    assert browser.post(links["problem"], data={"words": "x" * 100_000}).status_code == 413

    def let_go(session: Session, _house: Cafe) -> None:
        for row in session.scalars(select(Delivery)):
            row.subscriber_id = None

    works.write(let_go)
    pressed = browser.post(links["problem"])
    assert pressed.status_code == 200
    assert "Nothing was stored" in words(pressed)
    assert "Nothing was stored" in words(browser.get(links["problem"]))
    assert _threads(works) == []


def test_a_letter_that_asks_is_ready_to_begin_with(works: Works) -> None:
    writer = studio.signed_in(works.app)
    with works.app.app_context(), store.reading() as session:
        number = here(session).mailing_list.public_id
    page = writer.post("/studio/letters", {"list": number, "start": "how"})
    assert page.status_code == 303
    with works.app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one()
        draft = campaign.newest(session, letter).draft
        written = revision.as_letter(draft, here(session).organisation, "https://letters.cafe.example")
    assert draft.subject == "How is it going?"
    [taps] = [block for block in draft.blocks if isinstance(block, TapsBlock)]
    assert taps.problem == "Something is wrong"
    made = compiled.compile_letter(written)
    assert {"links.fine", "links.question", "links.problem"} <= set(made.names)
