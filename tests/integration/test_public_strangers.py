"""What strangers get: the same answer for every address, and no more than leaving from a letter passed on to them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from listkeeper import store
from listkeeper.audience import complaint, confirmation, subscription, unsubscribe
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.access_wish import AccessWish
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import Method
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.proof import evidence
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import signing
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, words
from tests.makers.works import HER, Works

STATES = {
    "stranger": "nobody@guest.example",
    "pending": "pia@guest.example",
    "confirmed": "carla@guest.example",
    "left": "leo@guest.example",
    "complained": "kim@guest.example",
}
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
# What a thief would send along: every field that any page of ours has, with the worst in it.
WISHES = {
    "email": "thief@elsewhere.example",
    "address": "thief@elsewhere.example",
    "how": "everything",
    "sure": "yes",
    "days": "99999",
    "frequency": "important",
    "language": "ru",
    "why": "other",
    "words": "ha",
    "undo": "AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA",
    "code": "000000",
    "visit": "x",
    "event": "0" * 32,
    "confirm": "true",
    "_method": "DELETE",
}


def _people(session: Session, house: Cafe) -> None:
    cafe.sign_up(session, house, STATES["pending"])
    cafe.subscribe(session, house, STATES["confirmed"])
    for state in ("left", "complained"):
        person = cafe.subscribe(session, house, STATES[state])
        if state == "left":
            unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
        else:
            complaint.complain(session, person.id)


@pytest.fixture
def peopled(works: Works) -> Works:
    """A café with somebody in every state."""
    works.write(_people)
    return works


def test_five_states_get_the_same_bytes(peopled: Works, client: FlaskClient) -> None:
    answers = {state: client.post("/me", data={"email": typed}) for state, typed in STATES.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert len({answer.data for answer in answers.values()}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers.values()}) == 1
    wishes = peopled.read(lambda session: session.scalar(select(func.count()).select_from(AccessWish)))
    assert wishes == len(STATES)


def test_only_known_addresses_are_written_to_and_no_wish_is_kept(
    peopled: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    for typed in STATES.values():
        client.post("/me", data={"email": typed})
    peopled.work(Lane.URGENT, 3)
    told = {address for kept in smtp_sink.messages if b"/me/" in kept.content for address in kept.rcpt_tos}
    assert told == set(STATES.values()) - {STATES["stranger"]}
    assert peopled.read(lambda session: session.scalars(select(AccessWish)).all()) == []


@pytest.mark.parametrize("typed", ["", "nobody", "a@b", "x" * 320 + "@y.example", "a@b.example\nBcc: c@d.example"])
def test_what_is_no_address_is_kept_in_the_field_and_said_beside_it(
    peopled: Works, client: FlaskClient, typed: str
) -> None:
    answer = client.post("/me", data={"email": typed})
    assert answer.status_code == 422
    assert 'aria-describedby="email-wrong"' in answer.text
    assert peopled.read(lambda session: session.scalars(select(AccessWish)).all()) == []


def test_a_network_and_an_address_are_braked_without_a_word(peopled: Works, client: FlaskClient) -> None:
    answers = {client.post("/me", data={"email": STATES["confirmed"]}).data for _ in range(5)}
    spellings = [f"{STATES['confirmed']}", STATES["confirmed"].upper()]
    answers |= {client.post("/me", data={"email": typed}).data for typed in spellings}
    assert _count(peopled, AccessWish) == 3
    answers |= {client.post("/me", data={"email": f"person-{number}@guest.example"}).data for number in range(30)}
    assert len(answers) == 1
    assert _count(peopled, AccessWish) == 3 + 20 - 7
    elsewhere = {"REMOTE_ADDR": "198.51.100.9"}
    client.post("/me", data={"email": "other@guest.example"}, environ_base=elsewhere)
    assert _count(peopled, AccessWish) == 3 + 20 - 7 + 1


def _count(works: Works, table: type[Table]) -> int:
    return works.read(lambda session: session.scalar(select(func.count()).select_from(table))) or 0


def test_each_state_gets_the_same_sentence_from_a_letters_link(peopled: Works, client: FlaskClient) -> None:
    """Whoever holds a letter learns nothing from asking for the fresh link."""
    guest = Guest(peopled, SmtpSink(), client, STATES["confirmed"])
    peopled.start()
    token = peopled.read(lambda session: _token(guest, session))
    first = client.post(f"/p/{token}/link").data
    assert client.post(f"/p/{token}/link").data == first
    client.post(f"/p/{token}/link")
    assert client.post(f"/p/{token}/link").data == first
    assert _count(peopled, AccessLink) == 3


def _token(guest: Guest, session: Session) -> str:
    return signing.token("preferences", guest.letter(session).id)


# A letter passed on


@pytest.fixture
def passed_on(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list whose letter is in a stranger's hands; another one waits for her confirmation."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    works.write(lambda session, house: cafe.sign_up(session, house, STATES["pending"]))
    works.work(Lane.URGENT, 2)
    return guest


def _routes(app: Flask) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(("/studio", "/api")) and not rule.build_only:
            yield rule


def test_a_forwarded_letter_can_at_most_unsubscribe(passed_on: Guest, app: Flask, client: FlaskClient) -> None:
    """F12: every public route, every method, every token of the letter, every field filled in."""
    letter = passed_on.get_letter()
    tokens = [path.split("/")[2] for path in letter.values()]
    assert len(set(tokens)) == 4
    before = len(passed_on.sink.messages)
    tried = 0
    for rule in _routes(app):
        places = set(rule.arguments) & {"token", "visit"}
        if not places:
            continue
        for token in tokens:
            path = re.sub(r"<(?:[a-z]+:)?(?:token|visit)>", token, rule.rule)
            path = re.sub(r"<[^>]+>", _list_id(passed_on), path)
            for method in sorted((rule.methods or set()) & METHODS):
                answer = client.open(path, method=method, data=WISHES if method == "POST" else None)
                tried += 1
                assert answer.status_code < 500, f"{method} {rule.rule}"
                assert HER.encode() not in answer.data, f"{method} {rule.rule}"
                assert answer.mimetype != "application/zip", f"{method} {rule.rule}"
    assert tried > 200
    _nothing_worse_happened(passed_on)
    passed_on.works.work(Lane.URGENT, 3)
    written_to = {address for kept in passed_on.sink.messages[before:] for address in kept.rcpt_tos}
    assert written_to <= {HER}


def _list_id(guest: Guest) -> str:
    return guest.works.read(lambda session: _public_id(session, guest))


def _public_id(session: Session, guest: Guest) -> str:
    [(_current, mailing_list)] = subscription.all_of(session, guest.person(session))
    return mailing_list.public_id


def _nothing_worse_happened(guest: Guest) -> None:
    def look(session: Session) -> None:
        person = guest.person(session)
        assert person.erased_at is None
        assert person.restricted_at is None
        states = {
            row.email_send: row.state
            for row in session.execute(
                select(Subscriber.email_send, Subscription.state).join(
                    Subscription, Subscription.subscriber_id == Subscriber.id
                )
            )
        }
        assert states == {HER: SubscriptionState.UNSUBSCRIBED, STATES["pending"]: SubscriptionState.PENDING}
        for table in (Erasure, AddressChange, AccessWish):
            assert session.scalars(select(table)).all() == []
        used = select(func.count()).select_from(AccessLink).where(AccessLink.used_at.is_not(None))
        assert session.scalar(used) == 0
        types = set(session.scalars(select(LedgerRow.type)))
        assert not types & {EventType.EVIDENCE_EXPORTED, EventType.OBJECTED, EventType.ERASED, EventType.REFUSED}

    guest.works.read(look)


def test_what_a_stranger_left_for_her_she_takes_back_within_the_hour(passed_on: Guest, client: FlaskClient) -> None:
    leave = passed_on.get_letter()["u"]
    goodbye = client.post(f"{leave}/everything")
    secrets = set(re.findall(r'name="undo" value="([^"]+)"', goodbye.text))
    client.post(f"{leave}/undo", data={"undo": list(secrets)})
    assert passed_on.subscription().state is SubscriptionState.CONFIRMED


# After a complaint


def test_whoever_called_our_mail_spam_is_told_so_before_coming_back(peopled: Works, client: FlaskClient) -> None:
    def asked(session: Session, house: Cafe) -> None:
        cafe.sign_up(session, house, STATES["complained"])
        cafe.sign_up(session, house, STATES["left"])

    peopled.write(asked)
    said = {}
    for state in ("complained", "left"):
        token = peopled.read(lambda session, typed=STATES[state]: _newest_question(session, typed))  # type: ignore[misc]
        said[state] = client.get(f"/c/{token}")
    assert "has reported an e-mail of Café Kardemomme as spam before" in words(said["complained"])
    [button] = re.findall(r"<button>([^<]+)</button>", said["complained"].text)
    assert "although I reported it as spam" in button
    assert "spam" not in said["left"].text
    token = peopled.read(lambda session: _newest_question(session, STATES["complained"]))
    assert client.post(f"/c/{token}").status_code == 200
    rows = peopled.read(lambda session: list(session.scalars(select(LedgerRow.record).order_by(LedgerRow.seq))))
    given = [row for row in rows if '"type":"consent.given"' in row]
    assert '"after_complaint":1' in given[-1]
    assert not [row for row in given[:-1] if "after_complaint" in row]


def _newest_question(session: Session, typed: str) -> str:
    query = (
        select(Confirmation)
        .join(Subscriber, Subscriber.id == Confirmation.subscriber_id)
        .where(Subscriber.email_send == typed)
        .order_by(Confirmation.id.desc())
    )
    return confirmation.token_of(session.scalars(query).first())  # type: ignore[arg-type]


def test_the_evidence_of_a_yes_is_that_of_its_post(peopled: Works, client: FlaskClient) -> None:
    """F04: a scanner that opens the link leaves nothing; who presses the button does."""
    token = peopled.read(lambda session: _newest_question(session, STATES["pending"]))
    scanner = {"REMOTE_ADDR": "203.0.113.66"}
    client.get(f"/c/{token}", environ_base=scanner, headers={"User-Agent": "Scanner"})
    client.post(f"/c/{token}", environ_base={"REMOTE_ADDR": "198.51.100.7"}, headers={"User-Agent": "Phone"})
    with peopled.app.app_context(), store.reading() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_send == STATES["pending"])).one()
        held = evidence.opened(session, person.organisation_id, person.subject_ref).values()
        contents = [piece.content for piece in held]
    assert {"network": "198.51.100.7", "browser": "Phone"} in contents
    assert "203.0.113.66" not in repr(contents)
