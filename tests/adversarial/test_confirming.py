"""Cases 3 and 4: one yes is one yes, and an old yes brings nobody back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, confirmation, erasure, signup, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe
from tests.makers.works import HER, Works, writing


def _asked(works: Works, address: str = HER) -> tuple[str, str, str]:
    """Put the question to her; return the link's secret, the open page's secret and the six digits."""
    told: list[str] = []

    def act(session: Session, house: Cafe) -> None:
        row, receipt = signups.post(session, house, address)
        signup.decide(session, row.id, NO_BRAKES)
        question = signups.question(session, row)
        assert question is not None
        told.extend([confirmation.token_of(question), receipt.visit, confirmation.code_of(question)])

    works.write(act)
    return told[0], told[1], told[2]


def test_case_03_a_double_click_and_twenty_at_once_are_one_yes(works: Works, smtp_sink: SmtpSink) -> None:
    token, _visit, _code = _asked(works)

    def press(number: int) -> int:
        client = works.app.test_client()
        # Every other one presses twice.
        return max(client.post(f"/c/{token}").status_code for _ in range(1 + number % 2))

    assert Counter(at_once(20, press)) == {200: 20}
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed"}
    assert attack.events(works.app, "consent.given") == {"consent.given": 1}
    works.work(Lane.URGENT, 3)
    settled, mails = attack.state(works.app), len(smtp_sink.messages)
    assert Counter(at_once(20, press)) == {200: 20}
    works.work(Lane.URGENT, 3)
    assert attack.state(works.app) == settled
    assert len(smtp_sink.messages) == mails


def _erase(session: Session, person: int) -> None:
    erasure.erase(session, person, actor="subscriber", forget_copies=lambda _session, _person: None)


# How somebody goes, by the name of who goes so.
GOES: dict[str, Callable[[Session, int, int], object]] = {
    "leaves": lambda session, person, list_id: unsubscribe.leave(session, person, list_id, Method.ONE_CLICK),
    "leaves-everything": lambda session, person, _list: unsubscribe.leave_everything(session, person),
    "complains": lambda session, person, _list: complaint.complain(session, person),
    "objects": lambda session, person, _list: complaint.object_to_marketing(session, person, method=Method.PAGE),
    "is-erased": lambda session, person, _list: _erase(session, person),
}


def test_case_04_an_old_yes_brings_nobody_back(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    """The link, the code, and a second question that lay unanswered in the mailbox when she went."""
    questions = {name: [_asked(works, f"{name}@guest.example") for _ in range(2)] for name in GOES}
    for name, act in GOES.items():
        assert client.post(f"/c/{questions[name][0][0]}").status_code == 200
        with writing(works.app) as session:
            act(session, _person(session, name), works.list_id)
    works.write(lambda session, house: cafe.subscribe(session, house, "stays@guest.example"))
    works.work(Lane.URGENT, 3)
    gone, mails = attack.state(works.app, "confirmation"), len(smtp_sink.messages)
    forged = attack.face(client.post("/c/AAAAAAAAAAAAAAAAAAAAAA"))
    for name, asked in questions.items():
        for token, visit, code in asked:
            client.get(f"/c/{token}")
            assert attack.face(client.post(f"/c/{token}")) == forged, name
            assert client.post("/f/news/code", data={"visit": visit, "code": code}).status_code == 422, name
    # Tries of the code are counted; nothing else is written.
    assert attack.state(works.app, "confirmation") == gone
    works.start()
    works.drain()
    assert [kept.rcpt_tos for kept in smtp_sink.messages[mails:]] == [("stays@guest.example",)]


def _person(session: Session, name: str) -> int:
    return session.scalars(select(Subscriber.id).where(Subscriber.email_key == f"{name}@guest.example")).one()
