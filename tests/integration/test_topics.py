"""Topics of a list: made by the owner, chosen by readers, and heard when a letter is about one."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import mailing_list, merging, topic
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.topic import Topic
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe
from tests.makers.own import Guest
from tests.makers.studio import StudioBrowser, words
from tests.makers.works import Works

BO = "bo@people.example"


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink) -> Guest:
    """A reader beside another one, whose list has two topics."""
    found = Guest(works, smtp_sink, works.app.test_client())
    found.subscribe()
    works.write(lambda session, house: cafe.subscribe(session, house, BO))
    works.write(lambda session, house: [topic.add(session, house.mailing_list, name) for name in ("Bread", "Cakes")])
    return found


def _planned(works: Works, campaign_id: int) -> list[RefusalCode | None]:
    query = select(Delivery.refusal_code).where(Delivery.campaign_id == campaign_id).order_by(Delivery.id)
    return works.read(lambda session: list(session.scalars(query)))


def _topics(works: Works) -> dict[str, str]:
    return works.read(lambda session: {each.name: each.public_id for each in session.scalars(select(Topic))})


def _list(works: Works) -> str:
    return works.read(lambda session: session.scalars(select(MailingList)).one().public_id)


def _ticked(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


def _draft(owner: StudioBrowser) -> str:
    chosen = re.search(r'name="list" value="([^"]+)"', owner.get("/studio/letters/new").text)
    assert chosen
    begun = str(owner.post("/studio/letters", {"list": chosen.group(1), "start": "welcome"}).location)
    owner.post(begun, {"subject": "Rye", "preheader": "Warm", "markdown": "Rye bread from seven.", "version": "1"})
    return begun


def test_a_letter_about_a_topic_goes_to_those_who_chose_it_or_none(works: Works, her: Guest) -> None:
    owner, ids = studio.signed_in(works.app), _topics(works)
    page = her.get_letter()["p"]
    shown = her.client.get(page)
    # Nothing is ticked that was not chosen, and what comes now is said.
    assert (shown.text.count('name="topic"'), _ticked(shown.text, "topic")) == (2, [])
    assert _ticked(shown.text, "topics") == ["all"]
    assert "Letters that are about no topic come in any case." in words(shown)
    nothing = her.client.post(page, data={"frequency": "all", "topics": "some"})
    assert (nothing.status_code, "Choose at least one topic" in words(nothing)) == (422, True)
    saved = her.client.post(page, data={"frequency": "all", "topics": "some", "topic": ids["Cakes"]})
    assert (_ticked(saved.text, "topics"), _ticked(saved.text, "topic")) == (["some"], [ids["Cakes"]])
    assert her.subscription().topics == [ids["Cakes"]]
    address = _draft(owner)
    everybody = owner.get(f"{address}/send")
    assert "To 2 confirmed people" in words(everybody)
    about = owner.get(f"{address}/send?topic={ids['Bread']}")
    assert "To 1 confirmed person" in words(about)
    assert "Only whoever chose “Bread”, or chose no topic at all, gets it." in words(about)
    sha256 = re.search(r'name="sha256" value="(\w+)"', about.text)
    assert sha256
    before = len(her.sink.messages)
    sent = owner.post(f"{address}/send", {"sha256": sha256.group(1), "topic": ids["Bread"]})
    assert str(sent.location).endswith("/progress")
    works.drain()
    assert [kept.rcpt_tos for kept in her.sink.messages[before:]] == [(BO,)]


def test_whoever_chooses_while_the_letter_waits_is_heard_at_the_last_moment(works: Works, her: Guest) -> None:
    owner, ids = studio.signed_in(works.app), _topics(works)
    page = her.get_letter()["p"]
    address = _draft(owner)
    sha256 = re.search(r'name="sha256" value="(\w+)"', owner.get(f"{address}/send").text)
    assert sha256
    owner.post(f"{address}/send", {"sha256": sha256.group(1), "topic": ids["Bread"]})
    her.client.post(page, data={"frequency": "all", "topics": "some", "topic": ids["Cakes"]})
    works.drain()
    assert _planned(works, 2) == [RefusalCode.OTHER_TOPIC, None]
    assert "chose other topics" in words(owner.get(f"{address}/progress"))


def test_the_owner_adds_renames_and_retires_topics(
    works: Works, her: Guest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, ids, place = studio.signed_in(works.app), _topics(works), f"/studio/lists/{_list(works)}/topics"
    for typed_name, sentence in (
        ("bread", "has a topic “bread” already"),
        (" ", "give the topic a name"),
        ("x" * 61, "60"),
    ):
        refused = owner.post(place, {"name": typed_name})
        assert (refused.status_code, sentence in words(refused)) == (422, True)
    page = her.get_letter()["p"]
    her.client.post(page, data={"frequency": "all", "topics": "some", "topic": ids["Bread"]})
    renamed = owner.post(f"{place}/{ids['Bread']}", {"name": "Rye and bread"}, follow_redirects=True)
    assert "1 person chose it by name." in words(renamed)
    assert "Rye and bread" in her.client.get(page).text
    retired = owner.post(f"{place}/{ids['Bread']}", {"retire": "1"}, follow_redirects=True)
    assert "Retired: Rye and bread (1 person had chosen it)" in words(retired)
    # What is offered no more is neither shown nor sent about, and nobody's choice got wider by it.
    assert "Rye and bread" not in her.client.get(page).text
    assert her.subscription().topics == [ids["Bread"]]
    address = _draft(owner)
    sha256 = re.search(r'name="sha256" value="(\w+)"', owner.get(f"{address}/send").text)
    assert sha256
    stale = owner.post(f"{address}/send", {"sha256": sha256.group(1), "topic": ids["Bread"]})
    assert "Nothing was sent." in words(stale)
    assert (
        works.read(lambda session: len(session.scalars(select(Delivery).where(Delivery.campaign_id == 2)).all())) == 0
    )
    type_ = typed.typing(monkeypatch, settings)
    shown = type_("list", "topics", "news", "--add", "Coffee", "--rename", "Cakes", "Cake", "--json").json["topics"]
    assert [(each["name"], each["retired"]) for each in shown] == [
        ("Rye and bread", True), ("Cake", False), ("Coffee", False),
    ]  # fmt: skip
    assert (
        type_("campaign", "send", address.rpartition("/")[2], "--yes", "--topic", "tea", "--json").error == "no_topic"
    )


def test_topics_come_along_when_a_list_becomes_part_of_another(works: Works, her: Guest) -> None:
    ids = _topics(works)
    with works.app.app_context(), store.transaction() as session:
        house = _house(session)
        session.scalars(select(Subscription).order_by(Subscription.id)).first().topics = [ids["Bread"]]  # type: ignore[union-attr]
        events = mailing_list.create(session, house.organisation, name="Events")
        topic.add(session, events, "bread")
        merging.merge(session, house.organisation, house.mailing_list, events, actor="cli")
        assert sorted(each.name for each in topic.offered(session, events.id)) == ["Bread (News)", "Cakes", "bread"]
        assert topic.offered(session, house.mailing_list.id) == []
    assert her.subscription().topics == [ids["Bread"]]


def _house(session: Session) -> Cafe:
    from tests.makers import works as stage  # noqa: PLC0415 - it knows the whole program

    return stage.here(session)


def test_the_form_of_choices_without_topics_has_none(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    assert 'name="topic"' not in client.get(guest.get_letter()["p"]).text


def test_a_really_important_letter_reaches_whoever_wants_such_letters_only(works: Works, her: Guest) -> None:
    owner = studio.signed_in(works.app)
    page = her.get_letter()["p"]
    her.client.post(page, data={"frequency": "important", "topics": "all"})
    assert her.subscription().topics == []
    for number, important in enumerate((False, True), start=2):
        address = _draft(owner)
        shown = owner.get(f"{address}/send")
        sha256 = re.search(r'name="sha256" value="(\w+)"', shown.text)
        assert sha256
        assert "It is really important" in words(shown)
        owner.post(f"{address}/send", {"sha256": sha256.group(1)} | ({"important": "1"} if important else {}))
        works.drain()
        assert _planned(works, number) == [None if important else RefusalCode.FREQUENCY, None]
