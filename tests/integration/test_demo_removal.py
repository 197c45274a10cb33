"""`listkeeper demo --remove` takes the demo away, all of it and only it, and nobody real with it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience import (
    answering,
    confirmation,
    consent,
    permission,
    signup,
    signup_form,
    subscription,
    unsubscribe,
)
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import Handover, MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.permission import Grant
from listkeeper.audience.signup import Signup, SignupDecision, Visit
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.table import Table
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes import database_doors, typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


def _counts(session: Session) -> dict[str, int]:
    session.rollback()
    tables = [table for table in Table.metadata.sorted_tables if table.name != AuditEntry.__tablename__]
    counted = {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    session.rollback()
    return counted


def _real_life(session: Session) -> Cafe:
    """Make an owner with a list, people in every state, a letter that is sent and one that is not."""
    owners = cafe.found(session)
    for name in ("anna", "bo", "clara"):
        cafe.subscribe(session, owners, f"{name}@real.example")
    leaver = session.scalars(select(Subscriber).where(Subscriber.email_send.startswith("bo"))).one()
    unsubscribe.leave(session, leaver.id, owners.mailing_list.id, Method.PAGE)
    cafe.sign_up(session, owners, "dora@real.example")
    letter = cafe.draft(session, owners)
    planning.send_campaign(session, owners.organisation, letter, site="http://localhost:8025")
    cafe.draft(session, owners, subject="Another")
    session.commit()
    return owners


def test_all_of_it_goes_and_only_it(type_: Type, session: Session) -> None:
    _real_life(session)
    before = _counts(session)
    assert type_("demo", "--people", "120").code == 0
    assert _counts(session) != before
    said = type_("demo", "--remove", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json == {"removed": {"people": 130, "campaigns": 4, "organisation": False}, "stayed": []}
    assert _counts(session) == before


def test_a_cafe_that_the_demo_founded_goes_too(type_: Type, session: Session) -> None:
    type_("link", "--json")
    before = _counts(session)
    type_("demo", "--people", "10", "--lang", "da")
    assert type_("demo", "--remove", "--json").json["removed"]["organisation"] is True
    assert _counts(session) == before
    member = session.scalars(select(User)).one()
    assert (member.organisation_id, member.address) == (None, None)
    assert [row.action for row in session.scalars(select(AuditEntry))] == ["demo.filled", "demo.removed"]
    # The instance is as new: the owner names her own business now.
    assert type_("init", "--name", "My own", "--address", "Here 1", "--from", "me@mine.example", "--json").code == 0


def test_a_business_that_the_owner_has_described_is_hers_and_stays(type_: Type, session: Session) -> None:
    type_("demo", "--people", "3")
    owner = session.scalars(select(Organisation)).one()
    organisation.describe(
        owner,
        legal_name="My own",
        postal_address="Here 1",
        from_address="me@mine.example",
        from_name="Me",
        brand_colour="#123456",
        website=None,
    )
    session.commit()
    assert type_("demo", "--remove", "--json").json["removed"] == {"people": 3, "campaigns": 4, "organisation": False}
    session.expire_all()
    assert session.scalars(select(Organisation)).one().legal_name == "My own"


def test_without_a_demo_there_is_nothing_to_remove(type_: Type, session: Session) -> None:
    assert type_("demo", "--remove", "--json").error == "no_demo"
    cafe.found(session)
    session.commit()
    assert type_("demo", "--remove").sentence == "There is no demo here. Nothing was changed."
    type_("demo", "--people", "2")
    assert type_("demo", "--remove").code == 0
    assert type_("demo", "--remove").code == 11
    assert type_("demo", "--people", "2").code == 0


def _demo(type_: Type, session: Session, people: int = 20) -> Cafe:
    slug = type_("demo", "--people", str(people), "--json").json["form"]["slug"]
    session.rollback()
    shown = signup_form.shown(session, slug)
    owner = session.scalars(select(User)).first() or User()
    return Cafe(shown.organisation, owner, shown.mailing_list, shown.form)


def test_somebody_real_on_the_demos_list_stays_with_all_her_proof(type_: Type, session: Session) -> None:
    demo = _demo(type_, session)
    her = cafe.subscribe(session, demo, "her@real.example")
    letter = cafe.draft(session, demo, subject="To her")
    session.commit()
    said = type_("demo", "--remove")
    assert said.code == 0
    assert "“Kettle Notes” stays, and is yours now" in said.out
    session.expire_all()
    left = session.scalars(select(Subscriber)).one()
    assert (left.id, left.email_send) == (her.id, "her@real.example")
    [(current, mailing_list)] = subscription.all_of(session, left)
    assert (current.state, mailing_list.demo) == (SubscriptionState.CONFIRMED, False)
    events = consent.history(session, left)
    assert [row.kind.value for row in events] == ["consent.requested", "consent.given"]
    assert all(row.text is not None and row.form_version is not None and not row.demo for row in events)
    assert _may_be_mailed(session, her.id, mailing_list)
    # The letter was written by the owner; the business is hers too, for she was told its name.
    assert session.scalars(select(Campaign)).one().id == letter.id
    assert session.scalars(select(Organisation)).one().demo is False
    assert type_("demo", "--people", "2", "--json").json["list"]["slug"] == "kettle-notes-demo"


def _may_be_mailed(session: Session, subscriber_id: int, mailing_list: MailingList) -> bool:
    asked = Handover(
        delivery_id=1,
        organisation_id=mailing_list.organisation_id,
        message_class=MessageClass.MARKETING,
        template_sha256="0" * 64,
        subscriber_id=subscriber_id,
        list_id=mailing_list.id,
        purpose=mailing_list.purpose,
    )
    return isinstance(permission.grant(session, asked), Grant)


def test_somebody_real_who_has_left_or_not_answered_keeps_the_list_too(type_: Type, session: Session) -> None:
    demo = _demo(type_, session)
    asked = cafe.sign_up(session, demo, "maybe@real.example")
    answering.refuse(session, confirmation.token_of(asked))
    session.commit()
    assert type_("demo", "--remove", "--json").json["stayed"] == ["Kettle Notes"]
    assert [row.email_send for row in session.scalars(select(Subscriber))] == ["maybe@real.example"]
    assert session.scalars(select(Confirmation)).one().refused_at is not None


def test_a_post_that_nobody_has_decided_about_keeps_the_form(type_: Type, session: Session) -> None:
    demo = _demo(type_, session)
    shown = signup_form.shown(session, demo.form.slug)
    signup.receive(session, shown, "new@real.example", Visit(network="192.0.2.9"), cafe.NO_BRAKES)
    session.commit()
    assert type_("demo", "--remove", "--json").json["stayed"] == ["Kettle Notes"]
    [waiting] = session.scalars(select(Signup)).all()
    assert signup.decide(session, waiting.id, cafe.NO_BRAKES) is SignupDecision.ASKED


def test_a_demo_person_who_signs_up_again_goes_with_the_demo(type_: Type, session: Session) -> None:
    demo = _demo(type_, session)
    before = _counts(session)
    person = session.scalars(select(Subscriber).order_by(Subscriber.id.desc()).limit(1)).one()
    owners = signup_form.shown(session, demo.form.slug)
    signup.receive(session, owners, person.email_send, Visit(network="192.0.2.9"), cafe.NO_BRAKES)
    session.flush()
    signup.decide(session, session.scalars(select(Signup.id)).one(), cafe.NO_BRAKES)
    session.commit()
    assert _counts(session)["confirmation"] == before["confirmation"] + 1
    said = type_("demo", "--remove", "--json")
    assert said.json["stayed"] == []
    # What brakes count by keyed hash and time outlives everybody, and ends by itself.
    counted = {"throttle_window", "mailbox_asked"}
    assert {name: number for name, number in _counts(session).items() if number and name not in counted} == {}


def test_the_owners_own_letter_to_the_demo_stays_and_forgets_who_got_it(type_: Type, session: Session) -> None:
    demo = _demo(type_, session)
    letter = campaigns.create(session, demo.organisation, demo.mailing_list, Draft("Mine", "", "Hello"))
    planned = planning.send_campaign(session, demo.organisation, letter, site="http://localhost:8025", practice=True)
    assert planned == 20
    _settle(session, letter)
    session.commit()
    said = type_("demo", "--remove", "--json").json
    assert said == {"removed": {"people": 21, "campaigns": 4, "organisation": False}, "stayed": ["Kettle Notes"]}
    assert type_("campaign", "status", letter.public_id, "--json").json["recipients"] == 0


def _settle(session: Session, letter: Campaign) -> None:
    for row in session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id)):
        row.state = DeliveryState.ACCEPTED
    campaigns.move(letter, CampaignState.FINISHED)


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.HANDED, DeliveryState.DEFERRED])
def test_while_a_mail_is_under_way_nothing_is_removed(type_: Type, session: Session, state: DeliveryState) -> None:
    _demo(type_, session)
    draft = session.scalars(select(Campaign).where(Campaign.state == CampaignState.DRAFT)).one()
    owner = session.scalars(select(Organisation)).one()
    planning.send_campaign(session, owner, draft, site="http://localhost:8025", practice=True)
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == draft.id)).all()
    for row in rows:
        row.state = DeliveryState.ACCEPTED
    rows[0].state = state
    public_id = draft.public_id
    session.commit()
    before = _counts(session)
    said = type_("demo", "--remove")
    assert said.code == 12
    assert "campaign cancel" in said.sentence
    assert _counts(session) == before
    if state is not DeliveryState.HANDED:
        assert type_("campaign", "cancel", public_id).code == 0
        assert type_("demo", "--remove").code == 0


@pytest.mark.parametrize("table", ["delivery", "consent_event", "subscriber", "mailing_list", "organisation"])
def test_a_removal_that_breaks_removes_nothing(type_: Type, session: Session, database: Database, table: str) -> None:
    type_("demo", "--people", "10")
    before = _counts(session)
    with database_doors.shut(database, "DELETE", table):
        assert type_("demo", "--remove", "--json").error == "fault"
    assert _counts(session) == before
    assert type_("demo", "--remove").code == 0
    assert not any(_counts(session).values())
