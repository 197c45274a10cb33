"""What a million people did in two years, made by the database itself: seventeen acts and more for each of most.

Seventeen million human acts, a million events of a shop and the two million mails of two letters take the database
two minutes; a row at a time they would take a day. Three of five people ever did something, seven of ten let us see
it, and every number follows from the row's own, so that the same crowd comes out each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import source
from listkeeper.audience.activity import Activity, LatestAct
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.source import Channel
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, multitude, questions
from tests.makers.cafe import Cafe

LETTERS = ("cmp_first", "cmp_second")
_ACTS = 28


def lived(session: Session, people: int) -> Cafe:
    """Return a café whose list is as long as that, with everything its people did."""
    house = cafe.found(session)
    multitude.gather(session, house, people)
    source.create(session, house.form, name="Instagram", channel=Channel.INSTAGRAM, slug="ig-bio")
    questions.drafted(session, house, kind=QuestionKind.CHOICES)
    for name in LETTERS:
        cafe.draft(session, house, subject=name).public_id = name
    session.flush()
    with _without_indexes(session):
        for statement in _statements(session, house, people):
            session.execute(text(statement))
    return house


def settle(kind: str) -> None:
    """Do what PostgreSQL does by itself a little later."""
    if kind != "postgresql":
        return
    with store.reading() as session:
        engine = session.get_bind().engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def _without_indexes(session: Session) -> Iterator[None]:
    """Build the indexes of what very many rows go into afterwards, which takes a fraction of the time."""
    indexes = [
        index for table in (Activity, LatestAct, PostedEvent, Delivery) for index in table.__table__.indexes  # type: ignore[attr-defined]
    ]  # fmt: skip
    for index in indexes:
        index.drop(session.connection())
    yield
    for index in indexes:
        index.create(session.connection())


def _words_of(*, lite: bool) -> tuple[Callable[[str], str], Callable[[str], str], Callable[[str, int], str]]:
    """Return how a database says: so many minutes ago, the day of that, and the numbers from 0."""

    def ago(minutes: str) -> str:
        if lite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || ({minutes}) || ' minutes')"
        return f"(now() - make_interval(mins => ({minutes})::int))"

    def day(minutes: str) -> str:
        return (
            f"date('now', '-' || ({minutes}) || ' minutes')" if lite else f"({ago(minutes)} at time zone 'utc')::date"
        )

    def numbers(name: str, last: int) -> str:
        if lite:
            more = f"SELECT x + 1 FROM c WHERE x < {last}"
            return f"(WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL {more}) SELECT x FROM c) {name}"
        return f"generate_series(0, {last}) {name}(x)"

    return ago, day, numbers


# Nothing of this comes from anybody but this file.
# ruff: noqa: S608, ISC004
def _statements(session: Session, house: Cafe, people: int) -> list[str]:
    """Return what makes the people different, and what they did; every number follows from the row's own."""
    lite = session.get_bind().dialect.name == "sqlite"

    ago, day, numbers = _words_of(lite=lite)
    on, owner = house.mailing_list.id, house.organisation.id
    when = "(s.id * 7919 + e.x * 104729 + s.id % 977 * 3571) % 1051200"
    domains = "CASE id % 10 WHEN 0 THEN 'gmail.com' WHEN 1 THEN 'gmail.com' WHEN 2 THEN 'gmail.com' WHEN 3 THEN "
    domains += "'hotmail.com' WHEN 4 THEN 'yahoo.dk' WHEN 5 THEN 'live.dk' ELSE 'crowd.example' END"
    letters = "(SELECT id FROM campaign WHERE public_id IN ('cmp_first', 'cmp_second'))"
    no = "0" if lite else "false"
    return [
        f"UPDATE subscriber SET language = CASE id % 4 WHEN 0 THEN 'da' WHEN 1 THEN 'sv' ELSE 'en' END,"
        f" email_send = 'person-' || id || '@' || {domains}",
        f"UPDATE subscription SET since = {ago('subscriber_id * 7919 % 1576800')},"
        f" last_contact_at = {ago('subscriber_id * 104729 % 43200')},"
        f" tracking_since = CASE WHEN subscriber_id % 10 < 7 THEN {ago('400 * 1440')} END,"
        " source_id = CASE WHEN subscriber_id % 8 = 0 THEN (SELECT id FROM source WHERE slug = 'ig-bio') END",
        f"INSERT INTO activity (subscriber_id, list_id, kind, campaign_id, day, at)"
        f" SELECT s.id, {on}, CASE e.x % 14 WHEN 3 THEN 'replied' WHEN 9 THEN 'answered' ELSE 'clicked' END,"
        f" CASE WHEN e.x = 0 THEN (SELECT id FROM campaign WHERE public_id = 'cmp_first') ELSE e.x + 1000 END,"
        f" {day(when)}, {ago(when)}"
        f" FROM subscriber s CROSS JOIN {numbers('e', _ACTS - 1)} WHERE s.id % 10 < 6 ORDER BY s.id",
        "INSERT INTO latest_act (subscriber_id, list_id, kind, at)"
        " SELECT subscriber_id, list_id, kind, max(at) FROM activity GROUP BY subscriber_id, list_id, kind",
        "INSERT INTO posted_event (organisation_id, subscriber_id, name, external_id, at, received_at, campaign_id)"
        f" SELECT {owner}, s.id, CASE e.x WHEN 0 THEN 'order' ELSE 'visit' END, s.id || '-' || e.x,"
        f" {ago(when)}, {ago('0')}, 0 FROM subscriber s CROSS JOIN {numbers('e', 2)} WHERE s.id % 3 = 0",
        "INSERT INTO profile_answer (subscriber_id, question_id, version_id, value, declined, how, given_at)"
        " SELECT s.id, v.question_id, v.id, CASE s.id % 3 WHEN 0 THEN 'cakes' ELSE 'rye-bread' END,"
        f" {no}, 'own_page', {ago('s.id % 100000')} FROM subscriber s CROSS JOIN profile_question_version v"
        " WHERE s.id % 10 < 3",
        "INSERT INTO delivery (organisation_id, message_class, lane, occasion, state, campaign_id, subscriber_id,"
        " list_id, letters_before, due_at, wave, attempts, created_at, handed_at, provider)"
        f" SELECT {owner}, 'marketing', 'sending', 'campaign:' || c.id || ':' || s.id,"
        f" CASE WHEN s.id % 50 = 0 THEN 'bounced' ELSE 'accepted' END, c.id, s.id, {on}, 0,"
        f" {ago('0')}, 1, 1, {ago('0')}, {ago('0')}, 'gmail'"
        f" FROM {letters} c CROSS JOIN subscriber s ORDER BY c.id, s.id",
    ]
