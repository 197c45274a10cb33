"""Events drafted first, told to the ledger with others and stored then: the same rows as recorded one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent
from listkeeper.audience.consent import Circumstances, ConsentEvent, Draft, EventKind, Method
from listkeeper.audience.proof import ledger, ledger_audit
from listkeeper.audience.proof.ledger import LedgerRow, Written
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.errors import Conflict
from tests.makers import cafe
from tests.makers.cafe import Cafe

Keep = Callable[[Session, Sequence[Draft], Sequence[Written]], None]
# What is another one each time.
_OWN = {"id", "at", "ledger_seq", "ledger_id"}


def _people(session: Session, house: Cafe) -> list[Subscriber]:
    people = [cafe.subscribe(session, house, f"guest-{number}@guest.example") for number in range(3)]
    people[1].demo = True
    session.flush()
    return people


def _stored(session: Session) -> list[dict[str, object]]:
    session.expire_all()
    query = select(ConsentEvent).where(ConsentEvent.kind == EventKind.WITHDRAWN).order_by(ConsentEvent.id)
    names = [column.name for column in ConsentEvent.__table__.columns]
    return [{name: getattr(event, name) for name in names} for event in session.scalars(query)]


@pytest.mark.parametrize("keep", [consent.keep, consent.store])
def test_drafts_become_what_is_recorded(session: Session, house: Cafe, keep: Keep) -> None:
    people = _people(session, house)
    of = [(person, Circumstances(delivery_id=number, actor="me")) for number, person in enumerate(people)]
    drafted = consent.draft(session, house.mailing_list.id, EventKind.WITHDRAWN, Method.ONE_CLICK, of)
    # Invented people are no business of the ledger's.
    assert [event.subject for event in drafted.told] == [people[0].subject_ref, people[2].subject_ref]
    assert _stored(session) == []
    rows = ledger.append(session, drafted.organisation_id, drafted.told)
    keep(session, [drafted], rows)
    found = _stored(session)
    assert [row["ledger_id"] for row in found] == [rows[0].id, None, rows[1].id]
    assert [row["ledger_seq"] for row in found] == [rows[0].seq, None, rows[1].seq]
    assert ledger_audit.check(session, house.organisation).faults == []
    consent.record_all(session, house.mailing_list.id, EventKind.WITHDRAWN, Method.ONE_CLICK, of)
    recorded = _stored(session)[3:]
    for ours, theirs in zip(found, recorded, strict=True):
        assert {name: ours[name] for name in ours.keys() - _OWN} == {
            name: theirs[name] for name in theirs.keys() - _OWN
        }


def test_a_draft_that_is_no_act_of_the_person_is_refused(session: Session, house: Cafe) -> None:
    [person, *_] = _people(session, house)
    with pytest.raises(Conflict):
        consent.draft(session, house.mailing_list.id, EventKind.GIVEN, Method.OPERATOR, [(person, Circumstances())])


def test_drafts_and_rows_that_do_not_match_are_never_stored(session: Session, house: Cafe) -> None:
    [person, *_] = _people(session, house)
    drafted = consent.draft(
        session, house.mailing_list.id, EventKind.WITHDRAWN, Method.PAGE, [(person, Circumstances())]
    )
    before = session.scalars(select(LedgerRow.seq)).all()
    with pytest.raises(ValueError, match="zip"):
        consent.store(session, [drafted], [])
    assert _stored(session) == []
    assert session.scalars(select(LedgerRow.seq)).all() == before
