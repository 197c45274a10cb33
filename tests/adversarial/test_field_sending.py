"""F30 to F35, F40 and F43: each letter once or accounted for, whoever is killed, slow, away, paused or gone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from listkeeper.audience import preferences
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.proof import ledger
from listkeeper.audience.subscription import Frequency
from listkeeper.campaigns import campaign
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping, identity, sending, timetable
from listkeeper.rendering.content import Reader
from listkeeper.rendering.mime_slots import Cut
from listkeeper.sending import batch, claim, composing, planning, restoring
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_lines import SmtpLines
from listkeeper.sending.handing_over.transport import Outcome
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, crowd, programs
from tests.makers.cafe import Cafe
from tests.makers.own import Guest
from tests.makers.works import HER, SITE, Works, make_due, recipients, writing

S = DeliveryState


class Killed(BaseException):
    """The process is gone: no handler of the program runs, what is not committed is lost."""


def _crowd(count: int) -> set[str]:
    return {f"person-{number}@crowd.example" for number in range(1, count + 1)}


def _kill(works: Works, where: str, after: int) -> None:
    """Work until the process dies: before the gate, before a hand-over, after one, or before the replies are kept."""
    hand_over_each = SmtpLines.hand_over_each

    def deadly(self: SmtpLines, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        def pulled() -> Iterator[Envelope]:
            for seen, each in enumerate(sealed, 1):
                if where == "before" and seen == after:
                    raise Killed
                yield each

        for seen, found in enumerate(hand_over_each(self, pulled()), 1):
            if where == "after" and seen == after:
                raise Killed
            yield found

    def die(*_given: object, **_named: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SmtpLines, "hand_over_each", deadly)
        if where in {"hand_out", "record"}:
            patch.setattr(batch, where, die)
        with pytest.raises(Killed):
            works.work(Lane.SENDING)
        sending.hang_up()
        patch.setattr(identity, "is_dead", lambda _name: True)
        with works.app.app_context():
            housekeeping.settle_left_behind()
    works.write(make_due)


def test_field_f30_killed_at_random_points_nothing_is_lost_and_nothing_is_sent_again_blindly(
    works: Works, smtp_sink: SmtpSink, chance: random.Random, share: Callable[[str, int, int], int]
) -> None:
    """In one process, to the line; ``test_killed_anywhere`` does it to a real instance with SIGKILL."""
    count, kills = share("letters of a send that is killed (F30)", 5_000, 75), share("kills of it (F30)", 50, 2)
    works.gather(count)
    letter = works.start()
    for number in range(kills):
        where = ("after", "record", "before", "hand_out")[number % 4]
        _kill(works, where, chance.randint(2, batch.WINDOW))
        said = works.progress(letter)
        assert len(said.in_doubt) <= batch.WINDOW * (number + 1)
    works.drain()
    said, got = works.progress(letter), recipients(smtp_sink)
    assert said.state is CampaignState.FINISHED
    assert set(got.values()) == {1}
    # Whoever is in doubt is shown; of all others it is known, and nobody was lost.
    assert set(got) | set(said.in_doubt) == _crowd(count)
    assert (said.sent, said.waiting, said.failed) == (count - len(said.in_doubt), 0, 0)
    assert 0 < len(said.in_doubt) <= batch.WINDOW * kills


def test_field_f31_a_failed_delivery_is_never_called_sent(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(8)
    letter, write = works.start(), Cut.write

    def broken(self: Cut, reader: Reader, **own: Any) -> bytes:  # noqa: ANN401 - as in Cut.write
        if reader.address == "person-5@crowd.example":
            raise Invalid("too_long", "This letter cannot be written.")
        return write(self, reader, **own)

    monkeypatch.setattr(Cut, "write", broken)
    smtp_sink.script("RCPT", "550 5.1.1 nobody here", to="person-2@")
    smtp_sink.script("RCPT", "451 4.7.1 greylisted", to="person-3@", times=1)
    smtp_sink.script("CONTENT", "554 5.6.0 refused", to="person-4@")
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.deferred, said.failed) == (CampaignState.SENDING, 4, 1, 3)
    works.write(make_due)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.deferred, said.failed) == (CampaignState.FINISHED, 5, 0, 3)
    assert set(recipients(smtp_sink)) == _crowd(8) - {f"person-{number}@crowd.example" for number in (2, 4, 5)}
    codes = {row.reply_code: row.state for row in works.deliveries() if row.state is not S.ACCEPTED}
    assert codes == {550: S.FAILED, 554: S.FAILED, None: S.FAILED}


def test_field_f32_two_workers_a_double_start_and_an_old_copy_send_nothing_twice(
    works: Works, smtp_sink: SmtpSink
) -> None:
    works.gather(30)
    letter = works.start()

    def again(session: Session, house: Cafe) -> None:
        started = session.get_one(campaign.Campaign, letter)
        planning.send_campaign(session, house.organisation, started, site=SITE)

    with pytest.raises(Conflict):
        works.write(again)
    # All rows bear one time stamp, and two workers take them in pages at the same moment: each row is one worker's.
    assert len({row.due_at for row in works.deliveries()}) == 1
    taken = at_once(2, lambda number: _take_all(works, f"worker-{number}", page=4))
    assert sorted(taken[0] + taken[1]) == [row.id for row in works.deliveries()]
    # Neither gets a yes for what the other holds.
    with writing(works.app) as session:
        assert _hand_out(session, taken[1], "worker-0") == 0
    for number in range(2):
        works.write(lambda session, _house, number=number: _give_back(session, taken[number], number))  # type: ignore[misc]
    works.drain()
    assert recipients(smtp_sink) == dict.fromkeys(_crowd(30), 1)
    # A copy from while the next one was on its way: what waited there may have left since.
    second = works.start("Rye")
    works.write(lambda session, _house: claim.lease(session, Lane.SENDING, identity.me(), 3))
    works.write(lambda session, _house: restoring.hold_what_waited(session))
    works.write(make_due)
    works.drain()
    assert recipients(smtp_sink) == dict.fromkeys(_crowd(30), 1)
    assert set(works.progress(second).in_doubt) == _crowd(30)


def _take_all(works: Works, worker: str, page: int) -> list[int]:
    found: list[int] = []
    while True:
        with writing(works.app) as session:
            ids = claim.lease(session, Lane.SENDING, worker, page)
        if not ids:
            return found
        found += ids


def _hand_out(session: Session, ids: list[int], worker: str) -> int:
    prepare = composing.preparer(SITE)
    window = ids[: batch.WINDOW]
    return len(batch.hand_out(session, window, worker, prepare=prepare, carries_smtputf8=True, practice=True))


def _give_back(session: Session, ids: list[int], number: int) -> None:
    claim.give_back(session, ids, f"worker-{number}")


def test_field_f33_the_audience_is_frozen_and_whoever_leaves_during_the_send_gets_nothing_more(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch, guest: Guest
) -> None:
    monkeypatch.setattr(batch, "WINDOW", 4)
    # Asked before the others came, so that her number is the lowest; she says yes once the letter is under way.
    works.post()
    works.work(Lane.URGENT, 2)
    works.gather(12)
    letter, hand_over_each = works.start(), SmtpLines.hand_over_each
    rows = [row for row in works.deliveries() if row.campaign_id == letter]

    def slowly(self: SmtpLines, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        def pulled() -> Iterator[Envelope]:
            for each in sealed:
                if each.delivery_id == rows[2].id:
                    assert guest.client.post(guest.links()["c"]).status_code == 200
                    # Behind the window that is under way, and inside the lease.
                    works.leave(*(number for row in rows[5:7] if (number := row.subscriber_id) is not None))
                yield each

        return hand_over_each(self, pulled())

    monkeypatch.setattr(SmtpLines, "hand_over_each", slowly)
    works.drain()
    letters = Counter(to for kept in smtp_sink.messages if kept.message["List-Id"] for to in kept.rcpt_tos)
    assert letters == dict.fromkeys(_crowd(12) - {"person-6@crowd.example", "person-7@crowd.example"}, 1)
    assert works.progress(letter).skipped_because == {RefusalCode.WITHDRAWN: 2}
    works.start("The next one")
    works.drain()
    assert "The next one" in str(smtp_sink.to(HER)[-1].message["Subject"])


def test_field_f34_a_letter_can_be_paused_and_resumed_and_what_failed_tried_again(
    works: Works, smtp_sink: SmtpSink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(6)
    letter = works.start()
    named = works.read(lambda session: session.get_one(campaign.Campaign, letter).public_id)
    type_ = typed.typing(monkeypatch, settings)
    assert type_("campaign", "pause", named, "--json").code == 0, "a letter on its way cannot be paused"
    works.drain()
    assert smtp_sink.messages == []
    assert works.progress(letter).state is CampaignState.PAUSED
    assert type_("campaign", "resume", named, "--json").code == 0
    smtp_sink.script("RCPT", "550 5.7.1 not today", to="person-2@", times=1)
    works.drain()
    assert works.progress(letter).failed == 1
    assert type_("campaign", "retry", named, "--json").code == 0
    works.drain()
    assert recipients(smtp_sink) == dict.fromkeys(_crowd(6), 1)


def test_a_letter_can_be_cancelled_a_stuck_one_says_why_and_a_stale_lease_is_taken_over(
    works: Works, smtp_sink: SmtpSink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What of F34 holds already."""
    works.gather(6)
    letter = works.start()
    smtp_sink.script("BANNER", "421 4.3.2 no service", times=1)
    works.work(Lane.SENDING)
    assert works.progress(letter).standing_still == (
        f"The mail server at 127.0.0.1:{smtp_sink.port} does not answer as it should.",
    )
    works.write(make_due)
    works.write(lambda session, _house: claim.lease(session, Lane.SENDING, "gone@another-machine:1", 4))
    # The longest that a row is held by somebody who is gone, with the timetable's own wait on top.
    [round_] = [seconds for job, seconds, _lane in timetable.TABLE if job.endswith("settle_left_behind")]
    assert claim.LEASE + timedelta(seconds=round_) < timedelta(seconds=60)
    with time_machine.travel(clock.now() + claim.LEASE + timedelta(seconds=1), tick=True):
        with works.app.app_context():
            housekeeping.settle_left_behind()
        smtp_sink.script("RCPT", "451 4.7.1 later", to="person-6@", times=1)
        works.drain()
        assert works.progress(letter).sent == 5
        named = works.read(lambda session: session.get_one(campaign.Campaign, letter).public_id)
        said = typed.typing(monkeypatch, settings)("campaign", "cancel", named, "--json")
        assert said.json["stopped"] == 1
        works.write(make_due)
        works.drain()
    assert set(recipients(smtp_sink)) == _crowd(5)


def test_field_f35_one_slow_or_limited_receiver_stalls_no_other_letter_and_its_waits_survive_a_restart(
    works: Works, smtp_sink: SmtpSink
) -> None:
    works.gather(6)
    works.write(lambda session, house: crowd.gather(session, house, 3, domain="quick.example"))
    smtp_sink.script("RCPT", "451 4.7.28 too many from you", to="@crowd.example", delay=0.02)
    first = works.start("Cardamom buns")
    second = works.start("Rye bread")
    works.drain()
    # Whom the limited receiver takes nothing for waits by itself; both letters reached all others.
    for letter in (first, second):
        assert (works.progress(letter).sent, works.progress(letter).deferred) == (3, 6)
    waits = {row.id: row.due_at for row in works.deliveries() if row.state is S.DEFERRED}
    assert min(waits.values()) > clock.now() + timedelta(seconds=40)
    # Another start: the line, and all that a process keeps in its head, are gone.
    sending.hang_up()
    works.work(Lane.SENDING)
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    assert {row.id: row.due_at for row in works.deliveries() if row.state is S.DEFERRED} == waits
    assert {to.partition("@")[2] for to in recipients(smtp_sink)} == {"quick.example"}
    smtp_sink.forget()
    works.write(make_due)
    works.drain()
    assert recipients(smtp_sink) == dict.fromkeys(_crowd(6), 2)


def test_field_f40_with_sending_off_everything_else_works(
    works: Works, guest: Guest, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    guest.subscribe()
    letter, visit, shop = guest.get_letter(), guest.enter(), programs.program(works.app)
    sending.hang_up()
    smtp_sink.script("BANNER", "421 4.3.2 no service")
    works.write(lambda session, house: ledger.mark_forked(session, house.organisation.id))
    mails = len(smtp_sink.messages)
    assert client.post("/f/news", data={"email": "bo@guest.example"}).status_code == 200
    assert client.get(letter["p"]).status_code == client.get(letter["w"]).status_code == 200
    assert client.post(f"{letter['p']}/pause", data={"days": "30"}).status_code == 200
    assert guest.subscription().snooze_until is not None
    assert client.post(f"{visit}/download").data.startswith(b"PK")
    packed = shop.post("/exports", {}, buffered=True)
    assert (packed.status_code, packed.data[:2]) == (200, b"PK")
    assert client.post(letter["u"], data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert attack.standing(works.app, works.list_id)[HER] == "unsubscribed"
    works.work(Lane.URGENT, 2)
    # What was posted meanwhile is decided, waits, and nothing went out.
    assert attack.standing(works.app, works.list_id)["bo@guest.example"] == "pending"
    assert len(smtp_sink.messages) == mails


def test_field_f43_whoever_is_passed_over_is_written_down_with_the_reason(works: Works, guest: Guest) -> None:
    guest.subscribe()
    works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    works.start("The first one")
    works.drain()

    def choose(session: Session, house: Cafe) -> None:
        preferences.snooze(session, guest.person(session).id, house.mailing_list.id, 30)
        preferences.choose_frequency(session, guest.person(session).id + 1, house.mailing_list.id, Frequency.MONTHLY)

    works.write(choose)
    letter = works.start("The second one")
    works.drain()
    said = works.progress(letter)
    assert said.skipped_because == {RefusalCode.SNOOZED: 1, RefusalCode.FREQUENCY: 1}
    assert (said.recipients, said.sent, said.skipped, said.state) == (2, 0, 2, CampaignState.FINISHED)
    rows = [row for row in works.deliveries() if row.campaign_id == letter]
    assert {(row.state, row.refusal_code, row.handed_at) for row in rows} == {
        (S.REFUSED, RefusalCode.SNOOZED, None), (S.REFUSED, RefusalCode.FREQUENCY, None),
    }  # fmt: skip
