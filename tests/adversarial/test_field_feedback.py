"""F36 to F39: what comes back to us, and what only says that it does."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.activity import Activity
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import bounce_wave, engagement, mail_reading
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import counting
from tests.architecture.routes import SAFE
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.makers import attack, cafe, reports, seen
from tests.makers.own import Guest
from tests.makers.works import HER, Works

BO = "bo@guest.example"
# What receivers say about a letter, its signature or its sender, and not about whoever it was for (RFC 3463, 7372).
POLICY = ("5.7.1", "5.7.26", "5.7.509", "5.7.606", "5.7.28")


@pytest.fixture(autouse=True)
def _return_path(works: Works) -> None:
    reports.have_a_return_path(works)


def _take_back(session: Session, house: cafe.Cafe, since: datetime) -> None:
    for wave in bounce_wave.recent(session, house.organisation.id, least=1):
        if wave.first_at >= since:
            bounce_wave.lift(session, house.organisation.id, wave, actor="cli")


def _subscribed(works: Works, *people: str) -> None:
    for who in people:
        works.write(lambda session, house, who=who: cafe.subscribe(session, house, who))  # type: ignore[misc]
    works.work(Lane.URGENT, 2)


def _suppressed(works: Works) -> list[Reason]:
    live = suppression.live(clock.now())
    return works.read(lambda session: list(session.scalars(select(Suppression.reason).where(live))))


def _letter(works: Works, sink: SmtpSink, to: str = HER) -> Received:
    works.start()
    works.drain()
    return sink.to(to)[-1]


def test_field_f36_a_receivers_policy_suppresses_nobody_and_our_own_mistake_is_undone_in_bulk(
    works: Works, smtp_sink: SmtpSink
) -> None:
    _subscribed(works, HER, BO)
    sent = _letter(works, smtp_sink)
    for status in POLICY:
        reports.comes_back(works, sent, reports.bounce(sent, status=status))
    assert _suppressed(works) == []
    assert attack.standing(works.app, works.list_id)[HER] == "confirmed"
    # We took both for dead; one of them has left since.
    since = clock.now()
    for who in (HER, BO):
        mail = smtp_sink.to(who)[-1]
        reports.comes_back(works, mail, reports.bounce(mail, who))
    works.leave(works.read(lambda session: Guest(works, smtp_sink, works.app.test_client(), BO).person(session).id))
    assert sorted(_suppressed(works)) == ["hard_bounce", "hard_bounce", "unsub"]
    works.write(lambda session, house: _take_back(session, house, since))
    assert _suppressed(works) == [Reason.UNSUBSCRIBED]
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed", BO: "unsubscribed"}


def test_a_policy_said_while_the_letter_is_handed_over_suppresses_nobody(works: Works, smtp_sink: SmtpSink) -> None:
    """What of F36 holds already: the answer is recorded, the letter has failed, and the person is as she was."""
    works.gather(len(POLICY))
    for number, status in enumerate(POLICY, 1):
        smtp_sink.script(
            "RCPT" if number % 2 else "CONTENT", f"550 {status} not as you sent it", to=f"person-{number}@"
        )
    letter = works.start()
    works.drain()
    assert (works.progress(letter).sent, works.progress(letter).failed) == (0, len(POLICY))
    assert _suppressed(works) == []
    assert set(attack.standing(works.app, works.list_id).values()) == {"confirmed"}


def _unrelated() -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "news@far.example", "hello@cafe.example", "Delivery failed? No."
    letter.set_content(f"Final-Recipient: rfc822; {HER}\nAction: failed\nStatus: 5.1.1\nPlease take her off.")
    return bytes(letter)


def test_field_f37_a_report_needs_our_token_and_other_mail_is_neither_trusted_nor_deleted(
    works: Works, smtp_sink: SmtpSink
) -> None:
    _subscribed(works, HER)
    sent = _letter(works, smtp_sink)
    # Neither the way back nor the name of the mail nor the way out is ours: each holds a proof that only we can make.
    named = re.sub(rb"(?im)^Message-ID:.*$", b"Message-ID: <1.aaaaaaaaaaaaaaaa@cafe.example>\r", sent.content)
    named = re.sub(rb"(?im)^List-Unsubscribe:.*\r\n(?:[ \t].*\r\n)*", b"", named)
    plain = Received("hello@cafe.example", (HER,), named, "", False, None)
    settled = attack.state(works.app)
    for raw in (_unrelated(), reports.bounce(plain), reports.complaint(plain)):
        reports.comes_back(works, plain, raw)
    assert attack.state(works.app) == settled
    # Only what is proved to be ours is taken out of somebody's mailbox, where its owner wants that at all.
    assert mail_reading.read(reports.bounce(sent)).token_valid is True
    assert mail_reading.read(_unrelated()).token_valid is None
    hooks = [rule.rule for rule in works.app.url_map.iter_rules() if rule.rule.startswith("/hooks/")]
    assert hooks
    for path in hooks:
        asked = path.replace("<provider>", "ses").replace("<secret>", "guessed")
        answer = works.app.test_client().post(asked, json={"Type": "SubscriptionConfirmation"})
        assert answer.status_code in {401, 403, 404}
    assert attack.state(works.app) == settled


def test_no_door_but_the_signed_one_takes_a_report(works: Works, smtp_sink: SmtpSink) -> None:
    """Beside F37: there is no address at which a report is believed because it came there."""
    _subscribed(works, HER)
    sent, settled = _letter(works, smtp_sink), attack.state(works.app)
    client = works.app.test_client()
    for path in ("/hooks/ses", "/hooks/sns", "/hooks/mailgun", "/webhooks/bounce", "/api/v1/bounces"):
        for body in (_unrelated(), reports.bounce(sent), reports.complaint(sent)):
            assert client.post(path, data=body).status_code in {401, 404, 405}
    assert attack.state(works.app) == settled


def test_field_f38_a_complaint_about_any_class_of_mail_is_taken_and_kept(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    asked, noted, written = (
        Guest(works, smtp_sink, client, f"{name}@guest.example") for name in ("asked", "noted", "w")
    )
    works.post(asked.address)
    works.work(Lane.URGENT, 2)
    reports.comes_back(works, *_complained(smtp_sink, asked))
    for one in (noted, written):
        one.subscribe()
    noted.enter()
    reports.comes_back(works, *_complained(smtp_sink, noted))
    written.get_letter()
    reports.comes_back(works, *_complained(smtp_sink, written))
    assert _suppressed(works).count(Reason.COMPLAINT) == 3
    assert attack.events(works.app, "consent.complained")["consent.complained"] == 3
    assert set(attack.standing(works.app, works.list_id).values()) == {"complained"}


def _complained(sink: SmtpSink, guest: Guest) -> tuple[Received, bytes]:
    """Return the newest mail to somebody, and her complaint about it."""
    sent = sink.to(guest.address)[-1]
    return sent, reports.complaint(sent, guest.address)


@pytest.mark.parametrize("chosen", ["seen", "counted"])
def test_field_f39_what_machines_open_is_counted_apart_and_keeps_no_permission_alive(
    works: Works, guest: Guest, chosen: str
) -> None:
    guest.subscribe()
    seen.agree(guest, chosen)
    links = guest.get_letter()
    before = works.read(_clocks)
    for path in {*links.values(), *seen.counted(guest), *seen.unseen(guest)}:
        guest.client.get(path, headers={"User-Agent": "GoogleImageProxy"}, environ_base={"REMOTE_ADDR": "66.249.84.1"})
    assert works.read(_clocks) == before
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False), works.app.app_context():
        counting.judge()
    letter = works.read(lambda session: session.scalars(select(Campaign.id)).one())
    counted = works.read(lambda session: engagement.of_campaign(session, letter))
    assert counted.clicks.machine > 0
    assert counted.clicks.human == counted.opens.human == counted.clickers == 0
    assert works.read(lambda session: session.scalars(select(Activity.kind)).all()) == []
    assert works.read(_clocks) == before


def _clocks(session: Session) -> tuple[datetime | None, ...]:
    current = session.scalars(select(Subscription)).one()
    return current.valid_until, current.first_use_deadline, current.last_contact_at, current.since


def test_nothing_that_is_opened_or_followed_moves_a_clock_of_permission(
    works: Works, smtp_sink: SmtpSink, guest: Guest
) -> None:
    """What of F39 holds already: a letter reports nothing back, and looking keeps nobody's permission alive."""
    guest.subscribe()
    links, before = guest.get_letter(), works.read(_clocks)
    body = smtp_sink.to(HER)[-1].message.get_body(("html",))
    assert body is not None
    # No pixel, and the links of its writer lead where they were written to.
    assert "https://cafe.example/bread" in body.get_content()
    assert "<img" not in body.get_content()
    for path in links.values():
        for method in SAFE:
            guest.client.open(path, method=method)
    assert works.read(_clocks) == before
