"""A person's own page: reached by her own mailbox alone, it shows, hands out, changes and erases. On both databases."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, subscription, suppression
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.feedback import own_data
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.own import Guest, actions, words
from tests.makers.works import HER, Works, here

NEW = "freja@new.example"


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    return guest


def _reasons(her: Guest) -> set[tuple[str, Reason]]:
    def look(session: Session) -> set[tuple[str, Reason]]:
        owner = here(session).organisation.id
        rows = suppression.reasons(session, owner, suppression.key_of(owner, her.address))
        return {(row.scope, row.reason) for row in rows}

    return her.works.read(look)


def _rows(session: Session, whose: Guest) -> list[LedgerRow]:
    return ledger.of_subject(session, here(session).organisation.id, whose.person(session).subject_ref)


# The way in


def test_the_link_opens_once_by_its_button_and_for_half_an_hour(her: Guest, client: FlaskClient) -> None:
    client.post("/me", data={"email": f"  {HER.upper()} "})
    her.works.work(Lane.URGENT, 2)
    link = her.links()["me"]
    for _ in range(5):
        page = client.get(link)
        client.head(link)
        assert page.status_code == 200
        assert actions(page) == [link]
        assert HER not in page.text
    opened = client.post(link)
    assert opened.status_code == 303
    visit = opened.headers["Location"]
    for answer in (client.post(link), client.get(link), client.get("/mine/forged"), client.get("/me/forged")):
        assert answer.status_code == 404
        assert answer.data == client.get("/mine/x").data
    page = client.get(visit)
    assert HER in page.text
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
        assert client.get(visit).status_code == 404
        assert client.post(f"{visit}/everything").status_code == 404
    assert her.subscription().state is SubscriptionState.CONFIRMED


def test_an_unopened_link_is_dead_after_a_quarter_of_an_hour(her: Guest, client: FlaskClient) -> None:
    client.post("/me", data={"email": HER})
    her.works.work(Lane.URGENT, 2)
    link = her.links()["me"]
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=True):
        assert client.get(link).status_code == 404
        assert client.post(link).status_code == 404


def test_a_letters_link_has_the_fresh_one_sent_to_her_own_address(her: Guest, client: FlaskClient) -> None:
    page = her.get_letter()["p"]
    sent = client.post(f"{page}/link", data={"email": "thief@elsewhere.example"})
    assert sent.status_code == 200
    assert HER not in sent.text
    her.works.work(Lane.URGENT, 2)
    assert "me" in her.links()
    assert not [kept for kept in her.sink.messages if "thief@elsewhere.example" in kept.rcpt_tos]
    for _ in range(4):
        assert client.post(f"{page}/link").data == sent.data
    her.works.work(Lane.URGENT, 2)
    links = [kept for kept in her.sink.messages if b"/me/" in kept.content]
    assert len(links) == 3


# What it shows


def test_the_history_holds_all_evidence_and_the_exact_words(her: Guest, client: FlaskClient) -> None:
    """F28: the subject's own view contains all evidence held."""
    visit = her.enter()
    page, said = client.get(f"{visit}/history"), ""
    for _ in range(20):
        assert page.status_code == 200
        assert len(page.data) < 9_000
        said += words(page)
        later = re.findall(r'href="([^"]+)">Later', page.text)
        if not later:
            break
        page = client.get(later[0])
    for expected in ("Asked for the letters", "Gave consent", HER, "192.0.2.1", "Test", "Yes please: Café Kardemomme"):
        assert expected in said

    rows = her.works.read(lambda session: [row.seq for row in _rows(session, her)])
    assert [seq for seq in rows if f"Row of the ledger {seq}" not in said] == []
    [receipt] = set(re.findall(r'name="event" value="([0-9a-f]{32})"', page.text))
    shown = client.post(f"{visit}/receipt", data={"event": receipt})
    assert "listkeeper/receipt/v1" in shown.text
    assert receipt in shown.text
    assert client.post(f"{visit}/receipt", data={"event": "0" * 32}).status_code == 404


def test_nobody_gets_a_receipt_for_another_persons_event(her: Guest, client: FlaskClient) -> None:
    other = Guest(her.works, her.sink, client, "bo@guest.example")
    other.subscribe()
    visit = her.enter()

    theirs = her.works.read(lambda session: _rows(session, other)[-1].id)
    assert client.post(f"{visit}/receipt", data={"event": theirs}).status_code == 404


def test_messages_are_listed_with_the_reason_of_each(her: Guest, client: FlaskClient) -> None:
    for number in range(14):
        her.get_letter(f"Letter {number}")
    visit = her.enter()
    page = client.get(f"{visit}/messages")
    assert len(page.data) < 9_000
    assert "Letter 13" in page.text
    assert "Letter 0<" not in page.text
    [older] = re.findall(r'href="([^"]+)">Earlier', page.text)
    assert "Letter 0<" in client.get(older.replace("&amp;", "&")).text
    why = re.findall(r'href="(/y/[^"]+)"', page.text)
    assert "Gave consent" in words(client.get(why[-1]))


def test_what_she_takes_home_is_everything_and_the_proof_in_it_holds(
    her: Guest, client: FlaskClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    her.get_letter("Letter to keep")
    visit = her.enter()
    answer = client.post(f"{visit}/download")
    assert answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert sorted(archive.namelist()) == ["my-data.html", "my-data.json", "proof.zip"]
    data = json.loads(archive.read("my-data.json"))
    assert data["person"]["email_send"] == HER
    assert [row["state"] for row in data["subscriptions"]] == ["confirmed"]
    assert "Letter to keep" in json.dumps(data["record"])
    assert "192.0.2.1" in json.dumps(data["record"])
    assert "192.0.2.1" in archive.read("my-data.html").decode()
    keys = set(re.findall(r'"(\w+)":', archive.read("my-data.json").decode()))
    assert not keys & {"seed", "token_digest", "visit_digest", "code_digest", "suppression_key", "brake_key"}
    folder = tmp_path_factory.mktemp("taken")
    proof = folder / "proof.zip"
    proof.write_bytes(archive.read("proof.zip"))
    program = folder / "listkeeper_verify.py"
    program.write_bytes(zipfile.ZipFile(proof).read("listkeeper_verify.py"))
    checked = subprocess.run([sys.executable, program, proof], capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    kinds = her.works.read(
        lambda session: [
            row.type
            for row in ledger.of_subject(session, here(session).organisation.id, her.person(session).subject_ref)
        ]
    )
    assert kinds[-1] == "evidence.exported"


def test_no_table_with_rows_of_a_person_is_left_out() -> None:
    holding = {table.name for table in Table.metadata.sorted_tables if "subscriber_id" in table.c}
    assert holding == {table.__tablename__ for table in own_data.HELD.values()}


# What it does


def test_she_chooses_and_leaves_on_her_own_page(her: Guest, client: FlaskClient) -> None:
    visit = her.enter()
    [page] = re.findall(r'href="(/mine/[^"]+/lists/[^"]+)"', client.get(visit).text)
    assert client.post(page, data={"frequency": "weekly", "language": "pl"}).status_code == 200
    assert her.subscription().frequency is Frequency.WEEKLY
    assert '<html lang="pl"' in client.get(visit).text
    client.post(page, data={"language": "en"})
    client.post(f"{page}/pause", data={"days": "60"})
    assert her.subscription().snooze_until is not None
    client.post(f"{page}/resume")
    assert her.subscription().snooze_until is None
    assert client.post(f"{page}/leave").status_code == 200
    assert her.subscription().state is SubscriptionState.UNSUBSCRIBED
    assert actions(client.get(page)) == []
    assert client.get(f"{visit}/lists/lst_nobodys").status_code == 404


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [("everything", EventKind.WITHDRAWN, Reason.UNSUBSCRIBED), ("object", EventKind.OBJECTED, Reason.OBJECTION)],
)
def test_she_stops_everything_or_objects(
    her: Guest, client: FlaskClient, path: str, kind: EventKind, reason: Reason
) -> None:
    visit = her.enter()
    answer = client.post(f"{visit}/{path}")
    assert answer.status_code == 200
    assert "Done:" in words(answer)
    assert (suppression.MARKETING, reason) in _reasons(her)
    last = her.works.read(lambda session: _last(session, her))
    assert last == (kind, Method.PAGE)


def _last(session: Session, her: Guest) -> tuple[EventKind, Method]:
    event = consent.history(session, her.person(session))[-1]
    return event.kind, event.method


def test_she_has_the_use_of_her_data_restricted(her: Guest, client: FlaskClient) -> None:
    visit = her.enter()
    assert f"{visit}/restrict" in actions(client.get(visit))
    client.post(f"{visit}/restrict")
    assert f"{visit}/restrict" not in actions(client.get(visit))
    her.works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    her.works.start()
    her.works.drain()
    assert len([row for row in her.works.deliveries() if row.campaign_id]) == 1
    assert her.works.read(lambda session: her.person(session).restricted_at) is not None


# Another address


def test_the_new_address_confirms_and_the_old_one_takes_it_back(her: Guest, client: FlaskClient) -> None:
    visit = her.enter()
    asked = client.post(f"{visit}/address", data={"email": NEW})
    assert asked.status_code == 200
    her.works.work(Lane.URGENT, 2)
    hers = Guest(her.works, her.sink, client, NEW)
    link = hers.links()["a"]
    for _ in range(3):
        assert actions(client.get(link)) == [link]
        client.head(link)
    assert her.subscription().state is SubscriptionState.CONFIRMED
    assert "Done" in words(client.post(link))
    assert hers.subscription().state is SubscriptionState.CONFIRMED
    assert client.post(link).status_code == 404
    her.works.work(Lane.URGENT, 2)
    back = her.links()["a"]
    assert back.endswith("/cancel")
    assert actions(client.get(back)) == [back]
    # The secret of the old address does not confirm, and that of the new one does not cancel.
    assert client.post(back.removesuffix("/cancel")).status_code == 404
    assert client.post(f"{link}/cancel").status_code == 404
    assert hers.subscription().state is SubscriptionState.CONFIRMED
    theirs = hers.enter()
    assert "as before" in words(client.post(back))
    # Whoever sat at the other address loses the page that was still open there.
    assert client.get(theirs).status_code == 404
    assert her.subscription().state is SubscriptionState.CONFIRMED
    assert client.get(back).status_code == 404


@pytest.mark.parametrize("state", ["stranger", "subscriber", "suppressed", "asked before"])
def test_the_answer_is_the_same_whoever_has_the_new_address(her: Guest, client: FlaskClient, state: str) -> None:
    """Case 36: a change to an address that is subscribed or suppressed already."""
    if state == "subscriber":
        her.works.write(lambda session, house: cafe.subscribe(session, house, NEW))
    if state == "suppressed":
        her.works.write(_suppress)
    visit = her.enter()
    if state == "asked before":
        client.post(f"{visit}/address", data={"email": NEW})
    her.works.work(Lane.URGENT, 2)
    before = len(her.sink.messages)
    answer = client.post(f"{visit}/address", data={"email": NEW})
    assert answer.data == client.post(f"{visit}/address", data={"email": "someone@quite.example"}).data
    her.works.work(Lane.URGENT, 2)
    asked = [kept for kept in her.sink.messages[before:] if NEW in kept.rcpt_tos]
    assert len(asked) == (1 if state == "stranger" else 0)


def _suppress(session: Session, house: cafe.Cafe) -> None:
    owner = house.organisation.id
    suppression.add(session, owner, suppression.key_of(owner, NEW), scope=suppression.MARKETING, reason=Reason.LEGAL)


@pytest.mark.parametrize("typed", ["", "no address", HER, "a@b\r\nBcc: c@d.example", "x" * 400 + "@y.example"])
def test_what_is_no_new_address_is_said_beside_the_field(her: Guest, client: FlaskClient, typed: str) -> None:
    visit = her.enter()
    answer = client.post(f"{visit}/address", data={"email": typed})
    assert answer.status_code == 422
    assert 'aria-describedby="email-wrong"' in answer.text
    assert her.works.read(lambda session: session.scalar(select(func.count()).select_from(AddressChange))) == 0


# To be forgotten


@pytest.mark.parametrize("how", ["but_the_hash", "everything"])
def test_she_is_erased_after_a_second_question(her: Guest, client: FlaskClient, how: str) -> None:
    links = her.get_letter()
    visit = her.enter()
    page = client.get(f"{visit}/erase")
    assert "fingerprint" in words(page)
    assert actions(page) == [f"{visit}/erase"] * 2
    sure = client.post(f"{visit}/erase", data={"how": how})
    assert actions(sure) == [f"{visit}/erase/now"]
    assert her.subscription().state is SubscriptionState.CONFIRMED
    done = client.post(f"{visit}/erase/now", data={"how": how})
    assert done.status_code == 200
    assert "journal" in words(done)
    assert her.works.read(lambda session: session.scalars(select(Subscriber)).all()) == []
    assert her.works.read(lambda session: session.scalar(select(func.count()).select_from(Erasure))) == 1
    assert _reasons(her) == (set() if how == "everything" else {(suppression.ALL, Reason.ERASURE)})
    assert client.get(visit).status_code == 404
    assert client.post(f"{visit}/erase/now").status_code == 404
    for path in links.values():
        answer = client.get(path)
        assert answer.status_code == 200
        assert HER not in answer.text
        assert "f…@" not in answer.text
    assert client.post(links["u"]).status_code == 200
    assert client.post(f"{links['p']}/link").status_code == 200


def test_a_wish_for_a_link_does_not_outlive_the_erasure(her: Guest, client: FlaskClient) -> None:
    visit = her.enter()
    client.post("/me", data={"email": HER})
    client.post(f"{visit}/erase/now", data={"how": "but_the_hash"})
    found = her.works.read(
        lambda session: [
            table.name
            for table in Table.metadata.sorted_tables
            for row in session.execute(select(table))
            if HER in repr(tuple(row))
        ]
    )
    assert found == []
    mails = her.mails()
    her.works.work(Lane.URGENT, 2)
    assert her.mails() == mails


def test_what_everybody_may_do_on_a_page_nobody_else_can(her: Guest, client: FlaskClient) -> None:
    """A visit is hers: with another person's visit no list of hers opens."""
    other = Guest(her.works, her.sink, client, "bo@guest.example")
    other.subscribe()
    hers, theirs = her.enter(), other.enter()
    assert hers != theirs
    assert "bo@guest.example" not in client.get(hers).text
    client.post(f"{theirs}/everything")
    assert her.subscription().state is SubscriptionState.CONFIRMED
    assert other.subscription().state is SubscriptionState.UNSUBSCRIBED
    assert her.works.read(lambda session: len(subscription.all_of(session, her.person(session)))) == 1
