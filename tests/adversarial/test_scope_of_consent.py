"""Cases 25, 26 and 33: a yes carries letters of that list, for that purpose, under that law, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text, list_rules, mailing_list, signup_form
from listkeeper.audience.consent_text import ConsentText, Wording
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscription import Basis, Subscription
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lines
from listkeeper.sending import planning
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.makers import attack, cafe, exports
from tests.makers.cafe import Cafe
from tests.makers.imports import Court
from tests.makers.works import HER, SITE, Works, make_due

S = DeliveryState
Act = Callable[[Session, Cafe], object]


def _codes(works: Works, letter: int) -> list[RefusalCode | None]:
    return [row.refusal_code for row in works.deliveries() if row.campaign_id == letter]


def _archived(_session: Session, house: Cafe) -> None:
    mailing_list.archive(house.mailing_list)


def _deleted(session: Session, house: Cafe) -> None:
    mailing_list.tombstone(session, house.mailing_list, actor="user:1")


@pytest.mark.parametrize("put_away", [_archived, _deleted])
def test_case_25_a_list_put_away_with_mails_queued(works: Works, smtp_sink: SmtpSink, put_away: Act) -> None:
    """Three letters are out, thirty-seven wait, and somebody's question lies in the queue too."""
    works.gather(40)
    letter = works.start()
    with works.app.app_context():
        # The line is open before the server begins to turn callers away.
        lines.look()
    smtp_sink.script("RCPT", DROP, to="person-4@", times=1)
    closed = smtp_sink.script("BANNER", "421 4.3.2 closing")
    works.work(Lane.SENDING)
    out = len(smtp_sink.messages)
    assert out == 3
    works.post(HER)
    works.write(put_away)
    closed.left = 0
    works.write(make_due)
    works.drain()
    works.work(Lane.URGENT, 3)
    rows = [row for row in works.deliveries() if row.campaign_id == letter]
    assert [row.state for row in rows].count(S.ACCEPTED) == out
    assert {row.refusal_code for row in rows if row.state is not S.ACCEPTED} == {RefusalCode.LIST_INACTIVE}
    assert len(smtp_sink.messages) == out
    assert smtp_sink.to(HER) == []
    assert set(attack.standing(works.app, works.list_id).values()) <= {"confirmed", "pending"}


def test_case_25_a_deleted_list_is_not_brought_back(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(3)
    letter = works.start()
    works.write(_deleted)
    settled = attack.state(works.app)
    for wish in (mailing_list.reopen, mailing_list.archive):
        with pytest.raises(Conflict):
            works.write(lambda _session, house, wish=wish: wish(house.mailing_list))  # type: ignore[misc]
    works.write(_deleted)
    assert works.app.test_client().post("/f/news", data={"email": HER}).status_code in {404, 410}
    assert attack.state(works.app) == settled
    works.drain()
    assert _codes(works, letter) == [RefusalCode.LIST_INACTIVE] * 3
    assert smtp_sink.messages == []
    assert attack.events(works.app)["list.tombstoned"] == 1


def _for_offers(session: Session, house: Cafe) -> None:
    """Let the list be for something else from now on, as somebody at the database would."""
    session.execute(update(MailingList).where(MailingList.id == house.mailing_list.id).values(purpose="offers"))


def test_case_26_a_list_that_changed_its_purpose(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    queued = works.start("Written before")
    works.write(_for_offers)
    after = works.start("Written after")
    mails = len(smtp_sink.to(HER))
    works.drain()
    assert _codes(works, queued) + _codes(works, after) == [RefusalCode.PURPOSE_MISMATCH] * 2
    assert len(smtp_sink.to(HER)) == mails
    assert works.read(lambda session: session.scalars(select(Subscription.purpose)).one()) == "newsletter"
    # The old purpose restored is the old permission, no more and no less.
    works.write(lambda _session, house: setattr(house.mailing_list, "purpose", "newsletter"))
    again = works.start("As agreed")
    works.drain()
    assert _codes(works, again) == [None]


def _other_words(session: Session, house: Cafe) -> ConsentText:
    """Publish wider words and let the form show them."""
    old = signup_form.newest(session, house.form).consent_text
    body = "Café Kardemomme may send me news and offers by e-mail every day."
    text = consent_text.publish(
        session, house.organisation, house.mailing_list, "en", Wording(body, "Yes to all", old.withdrawal)
    )
    signup_form.publish(session, house.form, text, title="Everything", thank_you="Thanks")
    return text


def test_case_26_words_that_changed_after_the_yes(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    old = works.read(lambda session: attack.newest(session, "consent.given"))
    works.write(_other_words)
    letter = works.start()
    works.drain()
    [row] = [row for row in works.deliveries() if row.campaign_id == letter]
    # Her letter rests on her own yes to the words she saw.
    assert (row.state, row.grant_seq) == (S.ACCEPTED, old["seq"])
    assert works.read(lambda session: attack.newest(session, "text.published"))["text_sha256"] != old["text_sha256"]

    def put_under(session: Session, _house: Cafe) -> None:
        newer = session.scalars(select(ConsentText.id).order_by(ConsentText.id.desc())).first()
        session.execute(update(Subscription).values(consent_text_id=newer))

    works.write(put_under)
    forged, mails = works.start("Under words she never saw"), len(smtp_sink.to(HER))
    works.drain()
    assert _codes(works, forged) == [RefusalCode.TEXT_UNPUBLISHED]
    assert len(smtp_sink.to(HER)) == mails


# Case 33: customers who never said yes

_CUSTOMER = {"basis": Basis.SOFT_OPT_IN, "categories": ["bread"]}


def _under(code: str) -> Act:
    return lambda _session, house: list_rules.choose(house.mailing_list, code)


def _customer(**without: object) -> Act:
    """Make her a customer, as a row in the database says it; ``without`` is the proof that it lacks."""
    return lambda session, _house: session.execute(update(Subscription).values(**_CUSTOMER | without))


def _letter_about(works: Works, category: str | None) -> int:
    def act(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house)
        letter.category = category
        session.flush()
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    works.write(act)
    works.drain()
    return works.read(lambda session: session.scalars(select(Campaign.id).order_by(Campaign.id.desc())).first() or 0)


@pytest.mark.parametrize(
    ("law", "customer", "category", "verdict"),
    [
        ("uk", {}, "bread", None),
        ("uk", {}, "insurance", RefusalCode.CATEGORY_DISSIMILAR),
        ("uk", {}, None, RefusalCode.CATEGORY_DISSIMILAR),
        ("uk", {"categories": []}, "bread", RefusalCode.CATEGORY_DISSIMILAR),
        # Nothing says that the way out was offered when the address was taken.
        ("uk", {"consent_event_id": None}, "bread", RefusalCode.NO_BASIS),
        ("uk", {"ledger_seq": None}, "bread", RefusalCode.NO_BASIS),
        ("uk", {"consent_text_id": None}, "bread", RefusalCode.TEXT_UNPUBLISHED),
        ("pl", {}, "bread", RefusalCode.PROFILE_FORBIDS_BASIS),
        ("strictest", {}, "bread", RefusalCode.PROFILE_FORBIDS_BASIS),
        ("uk", {"basis": Basis.IMPLIED_CASL}, "bread", RefusalCode.PROFILE_FORBIDS_BASIS),
        ("uk", {"basis": Basis.INFERRED_AU}, "bread", RefusalCode.PROFILE_FORBIDS_BASIS),
    ],
)
def test_case_33_a_sale_is_no_yes_everywhere_nor_for_everything(  # noqa: PLR0917 - the row of the table
    works: Works,
    smtp_sink: SmtpSink,
    law: str,
    customer: dict[str, object],
    category: str | None,
    verdict: RefusalCode | None,
) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    for act in (_under(law), _customer(**customer)):
        works.write(act)
    mails = len(smtp_sink.to(HER))
    assert _codes(works, _letter_about(works, category)) == [verdict]
    assert len(smtp_sink.to(HER)) == mails + (verdict is None)


def test_case_33_no_file_claims_a_sale(works: Works, tmp_path: Path) -> None:
    court = Court(works.app, tmp_path, works.list_id)
    file = exports.write(tmp_path / "customers.csv", f"Email\n{HER}\n")
    settled = attack.state(works.app)
    for basis in [*sorted({basis.value for basis in Basis} - {"none", "consent"}), "anything"]:
        claims = Claims(basis=basis, attestation="They all bought bread from us last year.", no_opt_outs=True)
        with pytest.raises(Invalid) as refused:
            court.load(file, claims)
        assert refused.value.code == "import_basis", basis
    assert attack.state(works.app) == settled


def test_case_33_a_law_nobody_wrote_down_permits_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    with pytest.raises(NotFound):
        works.write(_under("atlantis"))
    works.write(lambda _session, house: setattr(house.mailing_list, "jurisdiction", "atlantis"))
    mails = len(smtp_sink.messages)
    assert _codes(works, works.start()) == [None]
    works.drain()
    assert [row.refusal_code for row in works.deliveries()][-1] is RefusalCode.GATE_ERROR
    assert len(smtp_sink.messages) == mails
    assert EventType.GIVEN.value in attack.events(works.app)
