"""Cases 36 and 37: an address that is changed into somebody else's, and six digits that are guessed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import address_change, confirmation, signup, suppression
from listkeeper.audience.address_change import CANCEL_WINDOW, ChangeOutcome
from listkeeper.audience.answering import CODE_LIFETIME, CODE_TRIES
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe
from tests.makers.own import Guest
from tests.makers.works import HER, Works, here, writing

NEW = "freja@new.example"


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    return guest


def _is_subscribed(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, NEW)


def _is_suppressed(session: Session, house: Cafe) -> None:
    owner = house.organisation.id
    suppression.add(
        session, owner, suppression.key_of(owner, NEW), scope=suppression.MARKETING, reason=Reason.COMPLAINT
    )


# Case 36


@pytest.mark.parametrize("taken", [_is_subscribed, _is_suppressed])
def test_case_36_an_address_that_is_taken_before_or_after_the_wish(
    her: Guest, client: FlaskClient, smtp_sink: SmtpSink, taken: object
) -> None:
    """The wish is answered alike; the mail is not sent; a secret from before the address was taken moves nobody."""
    told: list[str] = []
    her.works.write(
        lambda session, _house: told.append(
            address_change.token_of(address_change.ask(session, her.person(session), NEW))
        )
    )
    her.works.work(Lane.URGENT, 2)
    assert len(smtp_sink.to(NEW)) == 1
    her.works.write(taken)  # type: ignore[arg-type]
    her.works.work(Lane.URGENT, 2)
    settled, mails = attack.state(her.works.app), len(smtp_sink.to(NEW))
    assert client.post(f"/a/{told[0]}").status_code == 404
    assert attack.state(her.works.app) == settled
    visit = her.enter()
    asked = client.post(f"{visit}/address", data={"email": NEW})
    free = client.post(f"{visit}/address", data={"email": "someone@quite.example"})
    assert (asked.status_code, asked.data) == (free.status_code, free.data)
    her.works.work(Lane.URGENT, 2)
    assert len(smtp_sink.to(NEW)) == mails
    assert her.works.read(lambda session: her.person(session).email_send) == HER


def test_case_36_what_was_suppressed_follows_to_the_new_address(her: Guest, client: FlaskClient) -> None:
    """She left everything, and somebody at her page moves her: no letter goes to the new address either."""

    def leave(session: Session, house: Cafe) -> None:
        owner = house.organisation.id
        suppression.add(
            session, owner, suppression.key_of(owner, HER), scope=suppression.MARKETING, reason=Reason.OBJECTION
        )

    her.works.write(leave)
    told: list[str] = []
    her.works.write(
        lambda session, _house: told.append(
            address_change.token_of(address_change.ask(session, her.person(session), NEW))
        )
    )
    assert client.post(f"/a/{told[0]}").status_code == 200

    def reasons(session: Session) -> set[Reason]:
        owner = here(session).organisation.id
        return {row.reason for row in suppression.reasons(session, owner, suppression.key_of(owner, NEW))}

    assert her.works.read(reasons) == {Reason.OBJECTION}
    her.works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    her.works.start()
    her.works.drain()
    assert her.sink.to(NEW) == [kept for kept in her.sink.to(NEW) if "buns" not in str(kept.message["Subject"])]


def test_case_36_the_old_owner_has_the_last_word(her: Guest, client: FlaskClient) -> None:
    """A thief at her open page moves her and moves on; by one press of hers all of it is undone."""
    secrets: list[tuple[str, str]] = []

    def ask(session: Session, to: str) -> None:
        change = address_change.ask(session, _only(session), to)
        secrets.append((address_change.token_of(change), address_change.cancel_token_of(change)))

    her.works.write(lambda session, _house: ask(session, NEW))
    assert client.post(f"/a/{secrets[0][0]}").status_code == 200
    her.works.write(lambda session, _house: ask(session, "thief@far.example"))
    assert client.post(f"/a/{secrets[1][0]}").status_code == 200
    assert her.works.read(lambda session: _only(session).email_send) == "thief@far.example"
    assert client.post(f"/a/{secrets[0][1]}/cancel").status_code == 200
    assert her.works.read(lambda session: _only(session).email_send) == HER
    settled = attack.state(her.works.app)
    for confirm, cancel in secrets:
        for path in (f"/a/{confirm}", f"/a/{cancel}/cancel", f"/a/{cancel}", f"/a/{confirm}/cancel"):
            assert client.post(path).status_code == 404
    assert attack.state(her.works.app) == settled


def _only(session: Session) -> Subscriber:
    return session.scalars(select(Subscriber)).one()


def test_case_36_after_a_week_and_for_strangers_there_is_nothing_to_cancel(her: Guest) -> None:
    told: list[str] = []
    her.works.write(
        lambda session, _house: told.append(
            address_change.cancel_token_of(address_change.ask(session, her.person(session), NEW))
        )
    )
    settled = attack.state(her.works.app)
    with time_machine.travel(clock.now() + CANCEL_WINDOW + timedelta(minutes=1), tick=True):
        with writing(her.works.app) as session:
            assert address_change.cancel(session, told[0]).outcome is ChangeOutcome.NO_EFFECT
        with writing(her.works.app) as session:
            assert address_change.cancel(session, "A" * 22).outcome is ChangeOutcome.NO_EFFECT
    assert attack.state(her.works.app) == settled


# Case 37


def _asked(works: Works, who: str = HER) -> tuple[str, str]:
    """Put the question to somebody; return the secret of the open page and the digits in the mail."""
    told: list[str] = []

    def act(session: Session, house: Cafe) -> None:
        row, receipt = signups.post(session, house, who)
        signup.decide(session, row.id, NO_BRAKES)
        question = signups.question(session, row)
        told.extend([receipt.visit, "" if question is None else confirmation.code_of(question)])

    works.write(act)
    return told[0], told[1]


def _wrong(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 10 ** len(code):0{len(code)}d}"


def _type(client: FlaskClient, visit: str, code: str) -> int:
    return client.post("/f/news/code", data={"visit": visit, "code": code}).status_code


def _tries(works: Works) -> list[int]:
    return works.read(lambda session: list(session.scalars(select(Confirmation.code_tries).order_by(Confirmation.id))))


def test_case_37_five_tries_and_no_more(works: Works, client: FlaskClient) -> None:
    visit, code = _asked(works)
    settled = attack.state(works.app, "confirmation")
    for step in range(1, CODE_TRIES + 1):
        assert _type(client, visit, _wrong(code, step)) == 422
    # Now even the right one is wrong, in every spelling, and from every browser.
    for said in (code, f"{code[:3]} {code[3:]}", f" {code}\n"):
        assert _type(client, visit, said) == 422
        assert _type(works.app.test_client(), visit, said) == 422
    assert _tries(works) == [CODE_TRIES]
    assert attack.state(works.app, "confirmation") == settled
    assert attack.standing(works.app, works.list_id) == {HER: "pending"}


def test_case_37_forty_at_once_are_five_tries(works: Works) -> None:
    visit, code = _asked(works)

    def guess(number: int) -> int:
        return _type(works.app.test_client(), visit, _wrong(code, number + 1))

    assert Counter(at_once(40, guess)) == {422: 40}
    assert _tries(works) == [CODE_TRIES]
    assert _type(works.app.test_client(), visit, code) == 422
    assert attack.standing(works.app, works.list_id) == {HER: "pending"}


def test_case_37_another_page_brings_no_new_tries_and_no_others_code(works: Works, client: FlaskClient) -> None:
    visit, code = _asked(works)
    theirs, their_code = _asked(works, "bo@guest.example")
    # Her code on his page, his on hers, and on a page that never was.
    assert _type(client, theirs, code) == _type(client, visit, their_code) == _type(client, "A" * 22, code) == 422
    # Signing up again and again opens pages for the same question: its tries are counted on itself.
    pages = [visit]
    for _ in range(3):
        page: list[str] = []
        works.write(lambda session, house, page=page: page.append(_again(session, house)))  # type: ignore[misc]
        pages += page
    for number in range(4 * CODE_TRIES):
        assert _type(client, pages[number % len(pages)], _wrong(code, number + 1)) == 422
    assert max(_tries(works)) == CODE_TRIES
    assert [_type(client, page, code) for page in pages] == [422] * len(pages)
    assert attack.standing(works.app, works.list_id) == {HER: "pending", "bo@guest.example": "pending"}


def _again(session: Session, house: Cafe) -> str:
    """Sign her up once more, under the brakes of real life: the page opens, no second mail is sent."""
    row, receipt = signups.post(session, house, HER)
    signup.decide(session, row.id, signups.LIMITS)
    return receipt.visit


def test_case_37_a_code_works_once_and_for_a_while(works: Works, client: FlaskClient) -> None:
    visit, code = _asked(works)
    with time_machine.travel(clock.now() + CODE_LIFETIME + timedelta(minutes=1), tick=True):
        assert _type(client, visit, code) == 422
    assert _type(client, visit, code) == 200
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed"}
    guest = works.read(lambda session: session.scalars(select(Confirmation.subscriber_id)).one())
    works.leave(guest)
    settled = attack.state(works.app, "confirmation")
    assert _type(client, visit, code) == 422
    assert attack.state(works.app, "confirmation") == settled
    assert attack.standing(works.app, works.list_id) == {HER: "unsubscribed"}
