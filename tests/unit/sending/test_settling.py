"""What is in doubt is settled by a person or by a relay's log, each with its line in the audit log; nothing else is."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, planning, settling
from listkeeper.sending.delivery import TRANSITIONS, Delivery, DeliveryState
from listkeeper.sending.relay_log import Verdict
from listkeeper.sending.settling import Settlement
from tests.makers import cafe, crowd
from tests.unit.sending.test_batch import ME

S = DeliveryState
W = Settlement


@pytest.fixture
def letter(session: Session, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter that has arrived, but for six in doubt; six were taken."""
    house = cafe.found(session)
    crowd.gather(session, house, 12)
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site="https://mail.cafe.example")
    session.flush()
    for number, row in enumerate(session.scalars(select(Delivery).order_by(Delivery.id)).all()):
        row.state = S.IN_DOUBT if number < 6 else S.ACCEPTED
        row.settled_at, row.handed_at, row.attempts = clock.now(), clock.now(), 1
        row.message_id, row.reply_text = f"<{number}@cafe.example>", "the worker stopped"
    made.state = CampaignState.FINISHED
    session.commit()
    return made


def _rows(session: Session) -> list[Delivery]:
    session.flush()
    session.expire_all()
    return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def _acts(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.actor, row.action, row.subject) for row in rows]


def test_what_is_in_doubt_is_listed_with_all_that_is_known(session: Session, letter: Campaign) -> None:
    found = settling.doubts(session, letter)
    rows = _rows(session)
    assert [each.number for each in found] == [row.id for row in rows[:6]]
    assert (found[0].address, found[0].message_id, found[0].attempts) == (
        "person-1@crowd.example",
        "<0@cafe.example>",
        1,
    )
    assert (found[0].handed_at, found[0].said) == (clock.now(), "the worker stopped")
    assert len(settling.doubts(session, letter, limit=2)) == 2
    assert settling.left(session, letter) == 6


def test_each_is_settled_as_its_owner_says(session: Session, letter: Campaign) -> None:
    rows = _rows(session)
    for number, (how, state) in enumerate(((W.SENT, S.ACCEPTED), (W.NOT_SENT, S.FAILED), (W.AGAIN, S.QUEUED))):
        assert settling.settle(session, letter, how, [rows[number].id], actor="user:1") == 1
        row = _rows(session)[number]
        assert (row.state, row.settled_at) == (state, None if state is S.QUEUED else clock.now())
        assert row.state in TRANSITIONS[S.IN_DOUBT]
    assert [row.state for row in _rows(session)[3:]] == [S.IN_DOUBT] * 3 + [S.ACCEPTED] * 6
    acts = ["delivery.settled_sent", "delivery.settled_not_sent", "delivery.queued_again"]
    assert _acts(session) == [
        ("user:1", act, f"{letter.public_id}/{row.id}") for act, row in zip(acts, rows, strict=False)
    ]
    # One leaves again, so the letter is on its way again, and only that one leaves.
    assert letter.state is CampaignState.SENDING
    assert claim.lease(session, Lane.SENDING, ME, 12) == [rows[2].id]


def test_who_got_it_after_all_has_heard_from_us(session: Session, letter: Campaign) -> None:
    query = select(func.count()).select_from(Subscription).where(Subscription.last_contact_at == clock.now())
    before = session.scalar(query) or 0
    settling.settle(session, letter, W.SENT, [_rows(session)[0].id], actor="command")
    assert session.scalar(query) == before + 1


def test_all_are_settled_together(session: Session, letter: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settling.settle(session, letter, W.NOT_SENT, None, actor="command") == 6
    assert len(_acts(session)) == 6
    session.execute(update(Delivery).values(state=S.IN_DOUBT))
    monkeypatch.setattr(settling, "_ONE_LINE_EACH", 5)
    assert settling.settle(session, letter, W.SENT, None, actor="command") == 12
    # After a copy was put back a million may be in doubt: one act, one line.
    assert _acts(session)[6:] == [("command", "delivery.settled_sent_all", letter.public_id)]


@pytest.mark.parametrize("how", Settlement)
def test_what_is_not_in_doubt_is_not_settled(session: Session, letter: Campaign, how: Settlement) -> None:
    before = [row.state for row in _rows(session)]
    with pytest.raises(Conflict) as refused:
        settling.settle(session, letter, how, [row.id for row in _rows(session)[6:]], actor="command")
    session.rollback()
    assert refused.value.code == "nothing_in_doubt"
    assert [row.state for row in _rows(session)] == before
    assert (_acts(session), letter.state) == ([], CampaignState.FINISHED)


def test_a_letter_that_was_stopped_is_settled_but_never_sent_again(session: Session, letter: Campaign) -> None:
    letter.state = CampaignState.CANCELLED
    session.commit()
    with pytest.raises(Conflict) as refused:
        settling.settle(session, letter, W.AGAIN, None, actor="command")
    session.rollback()
    assert refused.value.code == "stopped"
    assert settling.settle(session, letter, W.SENT, None, actor="command") == 6


def test_a_log_settles_by_message_id_and_nothing_without_one(session: Session, letter: Campaign) -> None:
    rows = _rows(session)
    rows[3].message_id = None
    session.commit()
    assert settling.names(session, letter) == {f"{number}@cafe.example": rows[number].id for number in (0, 1, 2, 4, 5)}
    said = {
        "0@cafe.example": Verdict(sent=True, line="to=<person-1@crowd.example>, status=sent (250 ok)"),
        "1@cafe.example": Verdict(sent=False, line="550 nobody"),
        # Taken long ago, and of another letter: neither is in doubt here.
        "7@cafe.example": Verdict(sent=False, line="550 nobody"),
        "99@cafe.example": Verdict(sent=True, line="sent"),
    }
    done = settling.from_log(session, letter, said, actor="command")
    assert (done.sent, done.not_sent, done.left) == (1, 1, 4)
    states = [row.state for row in _rows(session)]
    assert states == [S.ACCEPTED, S.FAILED, *[S.IN_DOUBT] * 4, *[S.ACCEPTED] * 6]
    # What is kept of the log names nobody.
    assert _rows(session)[0].reply_text == "the relay's log: to=<<address>>, status=sent (250 ok)"
    assert len(_acts(session)) == 2
    assert settling.from_log(session, letter, said, actor="command").left == 4
    assert letter.state is CampaignState.FINISHED


def test_somebody_who_was_forgotten_is_still_counted(session: Session, letter: Campaign) -> None:
    person = session.scalars(select(Subscriber).order_by(Subscriber.id).limit(1)).one()
    session.execute(update(Delivery).where(Delivery.subscriber_id == person.id).values(subscriber_id=None))
    assert settling.doubts(session, letter)[0].address is None
    assert settling.settle(session, letter, W.SENT, None, actor="command") == 6
