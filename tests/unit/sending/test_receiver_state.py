"""How receivers stand to us, in words and numbers; and what becomes of one that refuses a domain."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_host
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, language
from listkeeper.sending import incident, planning, refusal
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.pacing import receiver_state, receivers
from listkeeper.sending.pacing.pace import Limits, Memory, Pace
from listkeeper.sending.pacing.pace_news import Kind, Refusing, kind_of
from listkeeper.sending.pacing.receiver_state import ReceiverState, Slowed, Stands
from tests.fakes.queue_server import QueueServer
from tests.makers import cafe, crowd

DOMAIN = "cafe.example"
SITE = "https://mail.cafe.example"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
S = DeliveryState


@pytest.fixture
def letter(session: Session) -> Campaign:
    """A letter to 50: 12 at Gmail, 2 at each of two small hosts, the rest at nobody who matters here."""
    house = cafe.found(session)
    crowd.gather(session, house, 50)
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site=SITE)
    numbers = list(session.scalars(select(Delivery.id).order_by(Delivery.id)))
    for provider, some in (("gmail", numbers[:12]), ("a.dk", numbers[12:14]), ("b.dk", numbers[14:16])):
        session.execute(update(Delivery).where(Delivery.id.in_(some)).values(provider=provider))
    session.execute(update(Delivery).where(Delivery.id == numbers[0]).values(state=S.ACCEPTED))
    return made


def _states(session: Session, letter: Campaign, **memories: Memory) -> list[ReceiverState]:
    found = {(DOMAIN, name.replace("_", ".")): memory for name, memory in memories.items()}
    return receiver_state.states(session, letter, DOMAIN, Slowed(NOW, found))


def test_each_receiver_that_is_slowed_has_a_sentence(session: Session, letter: Campaign) -> None:
    (state,) = _states(session, letter, gmail={"rate": 5.0})
    assert (state.provider, state.name, state.stands, state.until) == ("gmail", "Gmail", Stands.SLOWED, None)
    assert (state.waiting, state.share) == (11, 220)
    assert state.sentence == "Gmail asks us to slow down. 22% of the letter waits for it."
    (shut,) = _states(session, letter, gmail={"rate": 5.0, "shut": NOW.timestamp() + 185})
    assert (shut.stands, shut.until) == (Stands.SHUT, NOW + timedelta(seconds=185))
    assert shut.sentence.startswith("Gmail asked us to stay away; we come back in 3 minutes.")
    (past,) = _states(session, letter, gmail={"rate": 5.0, "shut": NOW.timestamp() - 1})
    assert past.stands is Stands.SLOWED
    (held,) = _states(session, letter, gmail={"held": NOW.timestamp(), "rate": 5.0})
    assert held.sentence.startswith("Gmail refuses our domain: see Domains.")


def test_small_hosts_are_told_together_and_the_worst_stands_first(session: Session, letter: Campaign) -> None:
    told = _states(session, letter, gmail={"rate": 1.0}, a_dk={"rate": 1.0}, b_dk={"shut": NOW.timestamp() + 60})
    assert [(state.provider, state.stands, state.waiting) for state in told] == [
        ("other", Stands.SHUT, 4), ("gmail", Stands.SLOWED, 11),
    ]  # fmt: skip
    assert told[0].sentence.startswith("Some small mail servers asked us to stay away; we come back in 1 minute.")


def test_whom_nothing_waits_for_and_other_domains_are_not_told(session: Session, letter: Campaign) -> None:
    assert _states(session, letter, yahoo={"rate": 1.0}) == []
    elsewhere = Slowed(NOW, {("other.example", "gmail"): {"rate": 1.0}})
    assert receiver_state.states(session, letter, DOMAIN, elsewhere) == []
    assert receiver_state.states(session, letter, DOMAIN, receiver_state.UNKNOWN) == []


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_sentences_are_spoken_in_every_language(session: Session, letter: Campaign, code: str) -> None:
    memories: list[Memory] = [{"rate": 1.0}, {"shut": NOW.timestamp() + 300}, {"held": 1.0}]
    with language.using(code):
        said = {
            state.sentence
            for memory in memories
            for name in ("gmail", "a_dk")
            for state in _states(session, letter, **{name: memory})
        }
    assert len(said) == 6
    assert code == "en" or not any("us" in words.split() or "our" in words.split() for words in said)


# A receiver that refuses


def test_a_refusal_is_written_down_with_its_evidence_and_ends_once(session: Session, letter: Campaign) -> None:
    later = clock.now() + timedelta(hours=1)
    session.execute(update(Delivery).where(Delivery.provider == "gmail").values(due_at=later))
    session.execute(
        update(Delivery).where(Delivery.provider == "a.dk").values(due_at=later, provider="gmail", state=S.DEFERRED)
    )
    refusal.begin(session, DOMAIN, Refusing("gmail", 7, 100, (ReplyClass.REPUTATION, ReplyClass.AUTH)))
    refusal.begin(session, "other.example", Refusing("gmail", 9, 100, ()))
    refusal.begin(session, DOMAIN, Refusing("gmail", 8, 120, (ReplyClass.AUTH,)))
    incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, "away")
    session.flush()
    words = {row.domain: row.words for row in refusal.standing(session)}
    assert set(words) == {DOMAIN, "other.example"}
    assert words[DOMAIN].startswith("Gmail refuses mail from cafe.example because of its sender, ")
    assert "8 of the last 120." in words[DOMAIN]
    assert "SPF, DKIM and DMARC" in words[DOMAIN]
    assert refusal.end(session, DOMAIN, "gmail")
    assert not refusal.end(session, DOMAIN, "gmail")
    assert [row.domain for row in refusal.standing(session)] == ["other.example"]
    # What waited is due; what Gmail itself put off keeps its time.
    due = select(Delivery.state).where(Delivery.provider == "gmail", Delivery.due_at <= clock.now()).distinct()
    assert set(session.scalars(due)) == {S.QUEUED}
    assert {row.kind for row in incident.standing(session)} == {
        IncidentKind.TRANSPORT_UNAVAILABLE, IncidentKind.RECEIVER_REFUSES,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "provider", "kind"),
    [
        (Accepted(Reply(250, "ok")), "gmail", Kind.SENT),
        (Deferred(Reply(450, "4.2.0 greylisted")), "hoster.dk", Kind.OTHER),
        (Deferred(Reply(450, "4.2.1 receiving mail too quickly")), "gmail", Kind.OTHER),
        (Deferred(Reply(450, "4.7.0 rate limit exceeded")), "hoster.dk", Kind.SLOW),
        (Deferred(Reply(421, "4.7.28 unusual rate")), "gmail", Kind.SHUT),
        (Deferred(Reply(421, "4.4.2 idle timeout")), "gmail", Kind.OTHER),
        (Deferred(Reply(421, "mx.example closing")), "hoster.dk", Kind.SHUT),
        (Deferred(Reply(451, "4.3.0 not now")), "gmail", Kind.SOFT),
        (Deferred(Reply(452, "4.2.2 mailbox full")), "gmail", Kind.OTHER),
        (Rejected(Reply(550, "5.7.26 unauthenticated")), "gmail", Kind.FAULT),
        (Rejected(Reply(550, "5.1.1 nobody")), "gmail", Kind.OTHER),
        (Rejected(Reply(550, "what?")), "hoster.dk", Kind.OTHER),
        (Deferred(Reply(0, "no connection")), "gmail", None),
        (InDoubt("lost"), "gmail", None),
        (None, "gmail", None),
    ],
)
def test_what_an_answer_says_about_the_pace(outcome: Outcome | None, provider: str, kind: Kind | None) -> None:
    found = kind_of(outcome, provider)
    assert (found[0] if found else None) is kind


@pytest.mark.parametrize(
    ("sent", "faults", "provider", "holds"),
    [
        (97, 3, "gmail", True),
        (98, 3, "gmail", False),
        (0, 2, "gmail", False),
        (0, 3, "gmail", True),
        (0, 9, "a.dk", False),
    ],
)
def test_three_in_a_hundred_refused_is_a_refusal(
    queue: QueueServer, sent: int, faults: int, provider: str, holds: bool
) -> None:
    pace, limits = Pace(), Limits(DOMAIN)
    if sent:
        pace.heard(limits, provider, Kind.SENT, sent)
        pace.tell(queue.client, limits, now=True)
    pace.later = 600.0
    pace.heard(limits, provider, Kind.FAULT, faults, ReplyClass.AUTH)
    heard = pace.tell(queue.client, limits)
    assert [(one.provider, one.faults, one.of, one.classes) for one in heard.refusing] == (
        [(provider, faults, sent + faults, (ReplyClass.AUTH,))] if holds else []
    )
    assert (len(pace.reserve(queue.client, [(1, provider)], limits)) == 1) is holds


def test_what_was_sent_long_ago_hides_no_refusal(queue: QueueServer) -> None:
    pace, limits = Pace(), Limits(DOMAIN)
    pace.heard(limits, "gmail", Kind.SENT, 10_000)
    pace.tell(queue.client, limits, now=True)
    pace.later = 16 * 60.0
    pace.heard(limits, "gmail", Kind.FAULT, 3)
    assert pace.tell(queue.client, limits).refusing


def _hold(pace: Pace, queue: QueueServer, limits: Limits) -> None:
    pace.heard(limits, "gmail", Kind.FAULT, 10)
    assert pace.tell(queue.client, limits).refusing


def test_after_a_clean_hour_a_few_mails_are_tried_and_free_the_rest(queue: QueueServer) -> None:
    pace, limits, rows = Pace(), Limits(DOMAIN), [(number, "gmail") for number in range(50)]
    _hold(pace, queue, limits)
    waits = pace.reserve(queue.client, rows, limits)
    assert len(waits) == 50
    assert min(waits.values()).timestamp() >= time.time() + 3590
    # What was on its way when the queue was held is no trial.
    pace.heard(limits, "gmail", Kind.SENT, 30)
    assert pace.tell(queue.client, limits, now=True).freed == ()
    pace.later = 3601.0
    assert len(pace.reserve(queue.client, rows, limits)) == 45
    assert len(pace.reserve(queue.client, rows, limits)) == 50
    pace.heard(limits, "gmail", Kind.SENT, 5)
    assert pace.tell(queue.client, limits, now=True).freed == ("gmail",)
    assert pace.reserve(queue.client, rows, limits) == {}


def test_a_trial_that_fails_begins_another_hour(queue: QueueServer) -> None:
    pace, limits, rows = Pace(), Limits(DOMAIN), [(number, "gmail") for number in range(50)]
    _hold(pace, queue, limits)
    pace.later = 3601.0
    assert len(pace.reserve(queue.client, rows, limits)) == 45
    pace.heard(limits, "gmail", Kind.SENT, 4)
    pace.heard(limits, "gmail", Kind.FAULT, 1)
    heard = pace.tell(queue.client, limits)
    assert (heard.refusing, heard.freed) == ((), ())
    pace.later += 3000
    assert len(pace.reserve(queue.client, rows, limits)) == 50
    pace.later += 601
    assert len(pace.reserve(queue.client, rows, limits)) == 45
    # A person need not wait for that.
    pace.free(queue.client, DOMAIN, "gmail")
    assert pace.reserve(queue.client, rows, limits) == {}


def test_rows_know_their_receiver_and_come_back_when_told(session: Session, letter: Campaign) -> None:
    ids = list(session.scalars(select(Delivery.id).where(Delivery.state == S.QUEUED).order_by(Delivery.id)))
    known: dict[str, str] = {}
    (block,) = receivers.of(session, [*ids, 10**6], known)
    small = mail_host.small("crowd.example")
    assert known == {"crowd.example": small}
    assert (block.domain, [row for row, _ in block.rows]) == (DOMAIN, ids)
    assert dict(block.rows)[ids[0]] == "gmail"
    assert dict(block.rows)[ids[-1]] == small
    session.execute(update(Delivery).where(Delivery.id.in_(ids[:2])).values(state=S.LEASED, worker="me"))
    session.execute(update(Delivery).where(Delivery.id == ids[2]).values(state=S.LEASED, worker="another"))
    due = clock.now() + timedelta(seconds=9)
    receivers.put_off(session, dict.fromkeys(ids[:3], due), dict(block.rows), "me")
    receivers.note(session, {ids[3]: "yahoo"})
    session.expire_all()
    rows = [session.get_one(Delivery, number) for number in ids[:4]]
    assert [(row.state, row.due_at == due, row.attempts) for row in rows[:2]] == [(S.QUEUED, True, 0)] * 2
    assert (rows[2].state, rows[2].worker, rows[3].provider) == (S.LEASED, "another", "yahoo")
