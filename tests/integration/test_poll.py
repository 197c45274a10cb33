"""A poll on its way: a link for each answer, a page with one button, an answer that counts once. On both databases."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.audience import erasure, unsubscribe
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.feedback import own_data, poll, traces
from listkeeper.feedback.poll import Counted, PollAnswer, Result
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from listkeeper.sending import demo, first_message, planning, poll_link
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.first_message import First, Verdict
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe
from tests.makers.letters_in import HER
from tests.makers.studio import words
from tests.makers.works import SITE, Works, here

HIS, BLOCK = "bo@guest.example", "b0123456789"
QUESTION = 'What shall we bake, {{ subscriber.first_name | default: "friend" }}?'
BLOCKS = document.blocks_of([
    {"id": "b0000000001", "type": "text", "html": "<p>Good morning</p>"},
    {"id": BLOCK, "type": "poll", "question": QUESTION,
     "answers": [{"text": "Blueberry"}, {"text": "Cinnamon"}, {"text": "Rye & <seeds>"}]},
])  # fmt: skip


def _send(works: Works, *people: str) -> None:
    def act(session: Session, house: Cafe) -> None:
        for address in people:
            cafe.subscribe(session, house, address)
        words_of_it = Draft("Your bun", "Warm", mode=Mode.BLOCKS, blocks=BLOCKS)
        letter = campaign.create(session, house.organisation, house.mailing_list, words_of_it)
        session.flush()
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        first_message.keep(session, letter.id, Verdict(First.UNSIGNED, ""))

    works.write(act)
    works.drain(Lane.URGENT)
    works.drain()


def _links(sink: SmtpSink, address: str) -> list[str]:
    [kept] = [each for each in sink.messages if address in each.rcpt_tos and "Your bun" in str(each.message["Subject"])]
    body = kept.message.get_body(("plain",))
    assert body is not None
    return re.findall(r"<http://localhost:8025(/poll/[A-Za-z0-9_-]+)>", body.get_content())


@pytest.fixture
def links(works: Works, smtp_sink: SmtpSink) -> list[str]:
    """A letter with a poll has reached two people; return her links, in the order of the answers."""
    _send(works, HER, HIS)
    found = _links(smtp_sink, HER)
    assert len(found) == 3
    return found


@pytest.fixture
def browser(works: Works) -> FlaskClient:
    """A reader's browser."""
    return works.app.test_client()


def _stored(works: Works) -> list[tuple[int, bool, bool]]:
    query = select(PollAnswer.choice, PollAnswer.delivery_id, PollAnswer.subscriber_id).order_by(PollAnswer.id)
    return works.read(
        lambda session: [(row[0], row[1] is not None, row[2] is not None) for row in session.execute(query)]
    )


def _results(works: Works) -> list[Result]:
    return works.read(lambda session: poll.results(session, session.scalars(select(Campaign.id)).one()))


def _checked(answer: TestResponse) -> list[str]:
    return re.findall(r'value="(\d)" checked', answer.text)


def test_looking_answers_nothing(works: Works, links: list[str], browser: FlaskClient) -> None:
    for number, path in enumerate(links):
        shown = browser.get(path)
        assert shown.status_code == 200
        assert _checked(shown) == [str(number)]
        assert "What shall we bake, friend?" in words(shown)
        assert "Rye & <seeds>" in words(shown)
        assert "Nothing is told before you press the button." in words(shown)
        assert HER not in shown.text
        assert "no-store" in shown.headers["Cache-Control"]
        browser.head(path)
        browser.options(path)
    assert _stored(works) == []


def test_the_button_tells_and_another_answer_changes_it(works: Works, links: list[str], browser: FlaskClient) -> None:
    assert "Your answer is noted: Cinnamon" in words(browser.post(links[1]))
    browser.post(links[1])
    assert _stored(works) == [(1, True, True)]
    assert "You have answered “Cinnamon”." in words(browser.get(links[0]))
    browser.post(links[1], data={"answer": "2"})
    assert _stored(works) == [(2, True, True)]
    query = select(Activity.kind, func.count()).group_by(Activity.kind)
    acts = works.read(lambda session: {row[0]: row[1] for row in session.execute(query)})
    assert acts == {ActivityKind.ANSWERED: 1}


@pytest.mark.parametrize("answer", ["3", "-1", "99999999999", "x", "", "0x1", "١"])
def test_what_is_no_answer_is_none_or_that_of_the_link(
    works: Works, links: list[str], browser: FlaskClient, answer: str
) -> None:
    pressed = browser.post(links[0], data={"answer": answer})
    assert pressed.status_code == 200
    assert {row[0] for row in _stored(works)} <= {0, 1}
    if answer in {"3", "-1", "99999999999"}:
        assert "Nothing was stored" in words(pressed)


def test_tokens_of_nobody_lead_nowhere(works: Works, links: list[str], browser: FlaskClient) -> None:
    token = links[0].split("/")[2]
    other = works.read(lambda _session: poll_link.token_of(1_000_000, BLOCK, 0))
    for forged in (token[:-2] + "xx", token[::-1], "x", "A" * 2_000, "%00", other, "preview%00"):
        assert browser.get(f"/poll/{forged}").status_code == 404, forged
        assert browser.post(f"/poll/{forged}").status_code == 404, forged
    assert browser.post(links[0], data={"answer": "x" * 100_000}).status_code == 413
    delivery = works.read(lambda session: session.scalar(select(func.min(Delivery.id)))) or 0
    for block, choice in (("b0000000001", 0), ("bffffffffff", 0), (BLOCK, 5), (BLOCK, 255)):
        with works.app.app_context():
            path = f"/poll/{poll_link.token_of(delivery, block, choice)}"
        assert "Nothing was stored" in words(browser.get(path))
        assert "Nothing was stored" in words(browser.post(path))
    assert _stored(works) == []


def test_a_test_and_a_preview_say_so(works: Works, links: list[str], browser: FlaskClient) -> None:
    def make_a_test(session: Session, _house: Cafe) -> None:
        for row in session.scalars(select(Delivery)):
            row.message_class, row.campaign_id = MessageClass.TEST, None

    works.write(make_a_test)
    for path in (links[0], "/poll/preview"):
        for answer in (browser.get(path), browser.post(path)):
            assert answer.status_code == 200
            assert 'type="radio"' not in answer.text
    assert _stored(works) == []


def test_what_came_of_it_is_counted_by_answer(works: Works, smtp_sink: SmtpSink, browser: FlaskClient) -> None:
    people = [f"p{number}@guest.example" for number in range(4)]
    _send(works, *people)
    assert _results(works) == [
        Result(
            "What shall we bake, friend?",
            4,
            0,
            (Counted("Blueberry", 0, 0), Counted("Cinnamon", 0, 0), Counted("Rye & <seeds>", 0, 0)),
        )
    ]
    for address, choice in zip(people, (0, 0, 2), strict=False):
        browser.post(_links(smtp_sink, address)[choice])
    [found] = _results(works)
    assert (found.asked, found.answered) == (4, 3)
    assert [(each.number, each.share) for each in found.answers] == [(2, 67), (0, 0), (1, 33)]
    shown = _progress(works)
    assert "3 of 4 readers have answered." in shown
    assert "What shall we bake, friend?" in shown
    assert "Rye & <seeds>" in shown


def _progress(works: Works) -> str:
    number = works.read(lambda session: session.scalars(select(Campaign.public_id)).one())
    return words(studio.signed_in(works.app).get(f"/studio/letters/{number}/progress"))


def test_a_letter_without_a_poll_shows_none(works: Works) -> None:
    works.gather(1)
    works.start()
    works.drain()
    assert _results(works) == []
    assert "have answered" not in _progress(works)


def test_in_a_browser_the_letter_asks_nobody(works: Works, smtp_sink: SmtpSink, browser: FlaskClient) -> None:
    _send(works, HER)
    body = smtp_sink.messages[-1].message.get_body(("plain",))
    assert body is not None
    [path] = re.findall(r"http://localhost:8025(/w/\S+)", body.get_content())
    page = browser.get(path).text
    assert "Blueberry" in page
    assert "/poll/" not in page
    assert ".invalid" not in page


def test_after_an_erasure_the_answer_is_a_number(
    works: Works, links: list[str], browser: FlaskClient, tmp_path: Path
) -> None:
    browser.post(links[1])

    def erase(session: Session, _house: Cafe) -> None:
        person = session.scalars(select(Subscriber).where(Subscriber.email_send == HER)).one()
        erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(tmp_path))

    works.write(erase)
    assert _stored(works) == [(1, False, False)]
    assert [(each.answered, each.answers[1].number) for each in _results(works)] == [(1, 1)]
    for answer in (browser.get(links[0]), browser.post(links[0])):
        assert "Nothing was stored" in words(answer)
    assert _stored(works) == [(1, False, False)]


def test_she_takes_her_answer_home_in_words(works: Works, links: list[str], browser: FlaskClient) -> None:
    browser.post(links[2])
    with works.app.app_context(), store.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_send == HER)).one()
        packed = own_data.pack(session, here(session).organisation, person, site=SITE)
    held = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("my-data.json"))
    [told] = held["what_you_answered"]
    assert (told["question"], told["answer"]) == ("What shall we bake, friend?", "Rye & <seeds>")
    assert [row["choice"] for row in held["answers_to_polls"]] == [2]
    assert [row["kind"] for row in held["activity"]] == ["answered"]


def test_who_has_left_may_answer_and_is_not_noted_as_active(
    works: Works, links: list[str], browser: FlaskClient
) -> None:
    works.write(
        lambda session, house: unsubscribe.leave(session, _hers(session).id, house.mailing_list.id, Method.ONE_CLICK)
    )
    assert "noted" in words(browser.post(links[0]))
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(Activity))) == 0


def _hers(session: Session) -> Subscriber:
    return session.scalars(select(Subscriber).where(Subscriber.email_send == HER)).one()


def test_the_demo_goes_with_its_answers(works: Works, links: list[str], browser: FlaskClient) -> None:
    browser.post(links[0])

    def act(session: Session, house: Cafe) -> None:
        # Nothing is under way any more but what these two were asked in the beginning.
        session.execute(delete(Delivery).where(Delivery.campaign_id.is_(None)))
        for person in session.scalars(select(Subscriber)):
            person.demo = True
        house.mailing_list.demo = True
        session.flush()
        demo.remove(session)

    works.write(act)
    assert _stored(works) == []


def test_told_twice_in_one_breath_it_is_one_answer(works: Works, links: list[str]) -> None:
    del links

    def act(session: Session, _house: Cafe) -> None:
        mine = Delivery.subscriber_id == _hers(session).id
        letter = session.scalars(select(Delivery).where(mine, Delivery.campaign_id.is_not(None))).one()
        assert [poll.answer(session, letter, BLOCK, choice) for choice in (1, 0, 1)] == [True, True, True]

    works.write(act)
    assert _stored(works) == [(1, True, True)]
