"""`listkeeper demo` fills in a believable café that no mail was ever sent for."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience import consent, demo_cafe, subscriber
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language
from listkeeper.foundation.outbox import Fact
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import OPEN, Delivery, DeliveryState
from listkeeper.settings import Settings
from listkeeper.standards import address
from listkeeper.standards.address import Address
from tests.fakes import database_doors, running_up, typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


def test_an_empty_instance_becomes_a_cafe_in_the_language_asked_for(type_: Type, session: Session) -> None:
    said = type_("demo", "--lang", "pl", "--json")
    assert (said.code, said.err) == (0, "")
    answer = said.json
    assert answer["organisation"]["language"] == "pl"
    assert answer["people"] == {"confirmed": 650, "unsubscribed": 39, "pending": 19}
    owner = session.scalars(select(Organisation)).one()
    assert (owner.demo, owner.language, owner.public_id) == (True, "pl", answer["organisation"]["id"])
    counted = Counter(session.scalars(select(Subscription.state)))
    assert {state.value: number for state, number in counted.items()} == answer["people"]
    people = session.scalars(select(Subscriber)).all()
    assert all(row.demo and row.language == "pl" and row.email_send.endswith(".example") for row in people)
    named = sum("first_name" in row.profile for row in people)
    assert len(people) / 3 < named < len(people)


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_the_demo_speaks_the_owners_language(type_: Type, session: Session, spoken: str) -> None:
    cafe.found(session, spoken=spoken)
    session.commit()
    assert type_("demo", "--people", "3").code == 0
    shown = session.scalars(select(MailingList).where(MailingList.demo)).one()
    history = consent.history(session, session.scalars(select(Subscriber).limit(1)).one())
    assert history[0].text is not None
    assert history[0].text.language == spoken
    assert shown.name in history[0].text.whole
    # The business was there before: it is not the demo's.
    assert not session.scalars(select(Organisation)).one().demo


def test_every_record_says_that_it_is_of_the_demo(type_: Type, session: Session) -> None:
    made = type_("demo", "--people", "60", "--json").json
    events = session.scalars(select(ConsentEvent)).all()
    assert {(row.method, row.demo) for row in events} == {(Method.DEMO, True)}
    left = session.scalars(select(Subscription).where(Subscription.state == SubscriptionState.UNSUBSCRIBED)).first()
    assert left is not None
    person = session.get_one(Subscriber, left.subscriber_id)
    shown = type_("subscriber", "show", person.email_send, "--json").json
    assert shown["subscriptions"][0]["state"] == "unsubscribed"
    assert [(row["event"], row["method"], row["demo"]) for row in shown["consent"]] == [
        (kind, "demo", True) for kind in ("consent.requested", "consent.given", "consent.withdrawn")
    ]
    assert shown["consent"][0]["text_version"] == "en-1"
    assert shown["subscriptions"][0]["list"] == made["list"]["slug"]


def test_the_story_hangs_together(type_: Type, session: Session) -> None:
    type_("demo", "--people", "400")
    now = clock.now()
    rows = session.execute(
        select(Subscriber, Subscription).join(Subscription, Subscription.subscriber_id == Subscriber.id)
    ).all()
    for person, current in rows:
        moments = [row.at for row in consent.history(session, person)]
        assert moments == sorted(moments)
        assert moments[0] == person.created_at
        assert moments[-1] == current.since
        assert now - timedelta(days=250) < moments[0] <= moments[-1] < now
        kinds = [row.kind for row in consent.history(session, person)]
        assert (EventKind.GIVEN in kinds) is (current.consent_event_id is not None)
    # Spread over the months, and growing.
    older = sum(person.created_at < now - timedelta(days=120) for person, _ in rows)
    assert len(rows) / 10 < older < len(rows) / 2


def test_finished_letters_are_history_and_nothing_is_sent(type_: Type, session: Session) -> None:
    made = type_("demo", "--people", "400", "--json").json["campaigns"]
    assert session.scalars(select(Fact)).all() == []
    assert session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state.in_(OPEN))) == 0
    assert len(made["finished"]) == 3
    before = 0
    for public_id in made["finished"]:
        status = type_("campaign", "status", public_id, "--json").json
        assert status["state"] == "finished"
        assert before < status["recipients"] < 430
        assert status["sent"] + status["failed"] == status["recipients"]
        assert status["in_doubt"] == []
        before = status["recipients"]
    assert type_("campaign", "status", made["draft"], "--json").json["state"] == "draft"
    assert type_("campaign", "send", made["finished"][0], "--yes", "--json").error == "campaign_state"


def test_every_past_delivery_cites_a_consent_that_was_given_before(type_: Type, session: Session) -> None:
    type_("demo", "--people", "700")
    query = (
        select(Delivery, ConsentEvent, Subscription, Campaign)
        .join(ConsentEvent, ConsentEvent.id == Delivery.grant_event_id)
        .join(Subscription, Subscription.subscriber_id == Delivery.subscriber_id)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
    )
    rows = session.execute(query.order_by(Campaign.started_at)).all()
    assert len(rows) == session.scalar(select(func.count()).select_from(Delivery))
    seen: Counter[int | None] = Counter()
    for letter, given, current, campaign in rows:
        assert campaign.state is CampaignState.FINISHED
        assert given.kind is EventKind.GIVEN
        assert letter.handed_at is not None
        assert given.at < letter.handed_at == campaign.started_at
        assert current.state is SubscriptionState.CONFIRMED or current.since > letter.handed_at
        assert letter.letters_before == seen[letter.subscriber_id]
        assert letter.reply_text == "demo: no mail was sent"
        seen[letter.subscriber_id] += 1
    assert {letter.state for letter, *_ in rows} == {DeliveryState.ACCEPTED, DeliveryState.FAILED}


def test_twice_is_refused_in_one_sentence_and_changes_nothing(type_: Type, session: Session) -> None:
    type_("demo", "--people", "5")
    before = _counts(session)
    assert type_("demo", "--people", "5", "--json").error == "demo_exists"
    said = type_("demo")
    assert said.code == 12
    assert "demo --remove" in said.sentence
    assert _counts(session) == before


def test_bad_options_are_told_before_anything_is_made(type_: Type, session: Session) -> None:
    cafe.found(session, spoken="da")
    session.commit()
    before = _counts(session)
    assert type_("demo", "--lang", "de", "--json").error == "demo_language"
    assert type_("demo", "--lang", "fr", "--json").error == "usage"
    assert type_("demo", "--people", "0", "--json").error == "usage"
    assert type_("demo", "--people", "many", "--json").error == "usage"
    assert type_("demo", "--remove", "--people", "3", "--json").error == "demo_options"
    assert _counts(session) == before


def test_a_list_of_the_same_name_stays_the_owners(type_: Type, session: Session) -> None:
    owners = cafe.found(session, list_name="Kettle Notes")
    taken = subscriber.ensure(session, owners.organisation, _somebody_like_the_demos(), "en")
    session.commit()
    made = type_("demo", "--people", "40", "--json").json
    assert made["list"]["slug"] == "kettle-notes-demo"
    session.expire_all()
    assert not taken.demo
    assert session.scalar(select(func.count()).select_from(Subscriber).where(Subscriber.demo)) == 43


def _somebody_like_the_demos() -> Address:
    return address.parse(demo_cafe.read("en").person(4)[1])


def test_a_demo_that_cannot_be_finished_leaves_nothing(type_: Type, session: Session, database: Database) -> None:
    before = _counts(session)
    with database_doors.shut(database, "INSERT", "delivery"):
        said = type_("demo", "--people", "10", "--json")
    assert said.error == "fault"
    assert _counts(session) == before
    assert type_("demo", "--people", "10").code == 0


@pytest.mark.whole_program
def test_two_at_once_make_one_demo(session: Session, settings: Settings, database: Database) -> None:
    cafe.found(session)
    session.commit()
    words = [sys.executable, "-m", "listkeeper.cli.main", "demo", "--people", "200", "--data", str(settings.data)]
    surroundings = running_up.environment(**_told(settings))
    both = [
        subprocess.Popen(words, cwd=running_up.ROOT, env=surroundings, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = sorted((process.communicate(timeout=180)[1], process.returncode) for process in both)
    assert [code for _, code in ends] == [0, 12]
    assert "demo --remove" in ends[1][0]
    session.rollback()
    assert session.scalar(select(func.count()).select_from(MailingList).where(MailingList.demo)) == 1


def _told(settings: Settings) -> dict[str, str]:
    return {"database_url": settings.database_url} if settings.database_url else {}


def test_users_who_were_there_belong_to_the_cafe(type_: Type, session: Session) -> None:
    assert type_("link", "--json").code == 0
    type_("demo", "--people", "2")
    owner, member = session.scalars(select(Organisation)).one(), session.scalars(select(User)).one()
    assert (member.organisation_id, member.address) == (owner.id, None)
    assert [row.action for row in session.scalars(select(AuditEntry))] == ["demo.filled"]


# Not ru_maxrss: a new program inherits that from the process that started it, and pytest is large.
_MEASURED = """
import pathlib, re, sys
from listkeeper.cli.main import main
code = main(sys.argv[1:], standalone_mode=False)
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


@pytest.mark.timeout(300)
def test_many_people_take_little_memory(
    database: Database, settings: Settings, session: Session, share: Callable[[str, int, int], int]
) -> None:
    wanted = share("demo subscribers", 100_000, 1_500)
    words = [sys.executable, "-c", _MEASURED, "demo", "--people", str(wanted), "--data", str(settings.data)]
    surroundings = running_up.environment(**_told(settings))
    done = subprocess.run(words, cwd=running_up.ROOT, env=surroundings, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 250_000
    assert session.scalar(select(func.count()).select_from(Subscriber)) == wanted * 109 // 100
    session.rollback()
    gone = running_up.command("demo", "--remove", "--data", str(settings.data), **_told(settings))
    assert (gone.returncode, gone.stderr) == (0, "")
    assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


def _counts(session: Session) -> dict[str, int]:
    session.rollback()
    tables = Table.metadata.sorted_tables
    counted = {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    # No lock is left behind for those who change the tables.
    session.rollback()
    return counted
