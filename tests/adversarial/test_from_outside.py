"""Cases 39 and 40: mail that comes back to us, and mail that only says so."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.guard import judging
from listkeeper.audience.guard.judging import Verdict
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation.outbox import Lane
from listkeeper.standards import address
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.makers import attack, cafe, reports, signups
from tests.makers.works import HER, Works, here


@pytest.fixture(autouse=True)
def _return_path(works: Works) -> None:
    reports.have_a_return_path(works)


@pytest.mark.parametrize("comes", [reports.bounce, reports.complaint])
def test_case_39_a_question_that_bounced_or_was_complained_about(
    works: Works, smtp_sink: SmtpSink, comes: Callable[[Received], bytes]
) -> None:
    works.post(HER)
    works.work(Lane.URGENT, 2)
    [sent] = smtp_sink.to(HER)
    assert attack.standing(works.app, works.list_id) == {HER: "pending"}
    reports.comes_back(works, sent, comes(sent))
    assert attack.standing(works.app, works.list_id)[HER] in {"bounced", "complained", "expired", "refused"}

    def judged(session: Session) -> Verdict:
        return judging.judge(session, here(session).organisation, address.parse(HER), signups.LIMITS)

    # Asking again at once would be the second mail to a stranger: the mailbox stays in the brake.
    assert works.read(judged) in {Verdict.BRAKED, Verdict.SUPPRESSED}
    works.post(HER)
    works.work(Lane.URGENT, 2)
    assert len(smtp_sink.to(HER)) == 1
    assert attack.events(works.app)["consent.given"] == 0


def _letters(works: Works, smtp_sink: SmtpSink) -> tuple[Received, Received]:
    """Return the letter that the forger got himself, and the victim's."""
    for who in (HER, "forger@far.example"):
        works.write(lambda session, house, who=who: cafe.subscribe(session, house, who))  # type: ignore[misc]
    works.start()
    works.drain()
    return smtp_sink.to("forger@far.example")[-1], smtp_sink.to(HER)[-1]


@pytest.mark.parametrize("comes", [reports.bounce, reports.complaint])
def test_case_40_a_stranger_forges_a_report_about_somebody_else(
    works: Works, smtp_sink: SmtpSink, comes: Callable[[Received, str], bytes]
) -> None:
    """He has a letter of his own, and names another recipient in a report about it."""
    own, _victims = _letters(works, smtp_sink)
    before = attack.events(works.app)
    reports.comes_back(works, own, comes(own, HER))
    after = attack.events(works.app)
    # Whatever it did, nobody may be written to who could not be before.
    assert after["consent.given"] == before["consent.given"]
    assert after["suppression.lifted"] == before["suppression.lifted"]
    # A report by the return path is about whom that path names: the victim stays as she was.
    assert attack.standing(works.app, works.list_id)[HER] == "confirmed"
    new = works.read(lambda session: list(session.scalars(select(LedgerRow.record).order_by(LedgerRow.seq))))
    assert any('"actor":"feedback' in record or '"provenance"' in record for record in new[sum(before.values()) :])


def test_case_40_a_forged_return_path_lowers_nothing_and_raises_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    _own, victims = _letters(works, smtp_sink)
    local, _, domain = victims.mail_from.partition("@")
    forged = Received(
        f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}", (HER,), victims.content, "", False, None
    )
    held = works.read(lambda session: len(session.scalars(select(Suppression.id)).all()))
    settled = attack.standing(works.app, works.list_id)
    reports.comes_back(works, forged, reports.complaint(forged))
    assert attack.standing(works.app, works.list_id) == settled
    assert works.read(lambda session: len(session.scalars(select(Suppression.id)).all())) == held


def test_case_40_today_no_door_takes_a_report(works: Works, smtp_sink: SmtpSink) -> None:
    """What cannot be read cannot be used against anybody: our web takes no report, whatever it is called."""
    own, _victims = _letters(works, smtp_sink)
    letter = EmailMessage()
    letter.set_content("Please take freja@guest.example off.")
    settled = attack.state(works.app)
    client = works.app.test_client()
    for path in ("/hooks/arf", "/hooks/bounce", "/hooks/complaint", "/feedback", "/bounce"):
        for raw in (reports.complaint(own), reports.bounce(own), bytes(letter)):
            assert client.post(path, data=raw, content_type="message/rfc822").status_code in {404, 405}
    assert attack.state(works.app) == settled
    key = works.read(lambda session: suppression.key_of(here(session).organisation.id, HER))
    assert works.read(lambda session: suppression.reasons(session, here(session).organisation.id, key)) == []
