"""Cases 21 to 23: a file brings in whom it proves, keeps out whoever has said no, and nobody is mailed to be asked."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, erasure, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass, NoticeKind, RefusalCode
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.proof import fold
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Suppression
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, exports
from tests.makers.cafe import Cafe
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import PROVEN, Court
from tests.makers.works import Works, recipients, writing

HEAD = ["Email", "First Name", "Status", "OPTIN_TIME", "CONFIRM_TIME"]
# Address → status, request and confirmation as the file says, and what must become of it.
ROWS: dict[str, tuple[str, str, str, str]] = {
    "proven@guest.example": ("active", ASKED, CONFIRMED, "new"),
    "left@guest.example": ("unsubscribed", ASKED, CONFIRMED, "suppressed"),
    "spam@guest.example": ("complained", ASKED, CONFIRMED, "suppressed"),
    "dead@guest.example": ("bounced", ASKED, CONFIRMED, "suppressed"),
    "blocked@guest.example": ("disabled", ASKED, CONFIRMED, "suppressed"),
    "left-here@guest.example": ("active", ASKED, CONFIRMED, "suppressed"),
    "spam-here@guest.example": ("active", ASKED, CONFIRMED, "suppressed"),
    "erased-here@guest.example": ("active", ASKED, CONFIRMED, "suppressed"),
    "info@guest.example": ("active", ASKED, CONFIRMED, "new"),
    "someone@mailinator.com": ("active", ASKED, CONFIRMED, "new"),
    "Twice@guest.example": ("active", ASKED, CONFIRMED, "new"),
    "tWICE@GUEST.example": ("active", ASKED, CONFIRMED, "unchanged"),
    "left-too@guest.example": ("active", ASKED, CONFIRMED, "suppressed"),
    "LEFT-TOO@guest.example": ("unsubscribed", ASKED, CONFIRMED, "suppressed"),
    "=cmd@guest.example": ("active", ASKED, CONFIRMED, "new"),
    "+sum@guest.example": ("active", ASKED, CONFIRMED, "new"),
    "no-time@guest.example": ("active", "", "", "unverified"),
    "no-confirm@guest.example": ("active", ASKED, "", "unverified"),
    "backwards@guest.example": ("active", CONFIRMED, ASKED, "unverified"),
    "tomorrow@guest.example": ("active", ASKED, "{tomorrow}", "unverified"),
    "far@guest.example": ("active", "2099-01-01 10:00:00", "2099-01-01 10:01:00", "unverified"),
    "day-only@guest.example": ("active", "2023-05-01", "2023-05-01", "unverified"),
    "words@guest.example": ("active", "yes", "of course", "unverified"),
    "waiting@guest.example": ("pending", ASKED, CONFIRMED, "unverified"),
    "inactive@guest.example": ("inactive", ASKED, CONFIRMED, "suppressed"),
    "no-address": ("active", ASKED, CONFIRMED, "rejected"),
}
MAILED = {address.partition("@")[0].lower() for address, row in ROWS.items() if row[3] == "new"}
FORMULA = '=HYPERLINK("https://elsewhere.example","win")'


@pytest.fixture
def court(works: Works, tmp_path: Path) -> Court:
    """The court of a café that somebody has left, somebody complained to and somebody was erased from."""

    def people(session: Session, house: Cafe) -> None:
        left, spam, erased = (
            cafe.subscribe(session, house, f"{name}-here@guest.example").id for name in ("left", "spam", "erased")
        )
        unsubscribe.leave(session, left, house.mailing_list.id, Method.PAGE)
        complaint.complain(session, spam)
        erasure.erase(session, erased, actor="subscriber", forget_copies=lambda _session, _person: None)

    works.write(people)
    works.work(Lane.URGENT, 3)
    return Court(works.app, tmp_path, works.list_id)


def _table() -> str:
    tomorrow = f"{clock.now() + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    lines = [
        {"Email": address, "First Name": FORMULA, "Status": status, "OPTIN_TIME": asked,
         "CONFIRM_TIME": confirmed.replace("{tomorrow}", tomorrow)}
        for address, (status, asked, confirmed, _outcome) in ROWS.items()
    ]  # fmt: skip
    return exports.table(HEAD, lines)


def test_case_21_who_has_said_no_stays_out_in_every_dress_of_the_file(court: Court) -> None:
    """With and without a mark, in two bytes a letter and in one, with semicolons and with tabs."""
    text, before = _table(), attack.state(court.app)
    expected = {address: row[3] for address, row in ROWS.items()}
    for name, encoding, separator in (
        ("plain", "utf-8", ","), ("bom", "utf-8-sig", ","), ("utf-16", "utf-16", ","), ("le", "utf-16-le", "\t"),
        ("be", "utf-16-be", ";"), ("windows", "cp1252", ";"),
    ):  # fmt: skip
        lines = [exports.table(row, [], separator) for row in csv.reader(text.splitlines())]
        file = exports.write(court.folder / f"{name}.csv", "".join(lines), encoding)
        _counts, judged = court.judge(file, replace(PROVEN, columns=("First Name",)))
        assert {shown: outcome for shown, outcome, _reason in judged} == expected, name
    # A dry run leaves nothing behind.
    assert attack.state(court.app) == before


def test_case_21_only_who_is_proven_gets_a_letter(
    works: Works, court: Court, smtp_sink: SmtpSink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, report = exports.write(court.folder / "people.csv", _table(), "utf-16"), court.folder / "report.csv"
    given = {
        "--basis": PROVEN.basis, "--origin": PROVEN.origin, "--method": PROVEN.method, "--text": PROVEN.text,
        "--attest": PROVEN.attestation, "--last-letter": PROVEN.last_letter_on, "--columns": "First Name",
        "--report": str(report), "--list": "news",
    }  # fmt: skip
    words = [word for pair in given.items() for word in pair]
    said = typed.typing(monkeypatch, settings)("import", str(file), *words, "--no-opt-outs-file", "--json")
    assert said.code == 0, said
    states = court.states()
    for address, (_status, _asked, _confirmed, outcome) in ROWS.items():
        if outcome in {"new", "unverified"}:
            assert states[address] == ("confirmed" if outcome == "new" else "imported_unverified"), address
        elif not address.startswith(("left-here", "spam-here", "tWICE")):
            assert address not in states
    assert "erased-here@guest.example" not in states
    # A spreadsheet that opens the report runs nothing.
    cells = [cell for row in csv.reader(report.read_text("utf-8-sig").splitlines()) for cell in row]
    assert any("cmd@guest.example" in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    works.start()
    works.drain()
    assert {to.partition("@")[0].lower() for to in recipients(smtp_sink)} == MAILED
    assert set(recipients(smtp_sink).values()) == {1}


@pytest.mark.timeout(1800)
def test_case_21_a_great_file_is_read_whole(court: Court, share: Callable[[str, int, int], int]) -> None:
    """Every tenth has left, every tenth proves nothing, some rows are broken: each is counted, none is lost."""
    count = share("rows of one file", 1_000_000, 3_000)
    file = court.folder / "great.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(HEAD) + "\r\n")
        for number in range(count):
            status = "unsubscribed" if number % 10 == 1 else "active"
            confirmed = "" if number % 10 == 2 else CONFIRMED
            address = "broken" if number % 1000 == 3 else f"person-{number}@crowd.example"
            out.write(f"{address},Anna,{status},{ASKED},{confirmed}\r\n")
    counts = court.load(file).counts
    broken = len(range(3, count, 1000))
    assert counts["suppressed"] == counts["suppressed:unsub"] == count // 10
    assert counts["unverified"] == counts["unverified:no_confirmation"] == count // 10
    assert counts["rejected"] == broken
    assert counts["new"] == count - 2 * (count // 10) - broken
    standing = _by_state(court)
    assert standing["confirmed"] == counts["new"]
    assert standing["imported_unverified"] == counts["unverified"]


def _by_state(court: Court) -> dict[str, int]:
    with writing(court.app) as session:
        query = select(Subscription.state, func.count()).group_by(Subscription.state)
        return {row[0].value: row[1] for row in session.execute(query)}


# Case 22


def test_case_22_the_same_file_again_changes_nothing(court: Court) -> None:
    """Again, under another name, and once more after somebody it names has left."""
    file = exports.write(court.folder / "people.csv", _table())
    first = court.load(file)
    before = court.everything()
    assert court.load(file).id == first.id
    renamed = court.folder / "people of today.csv"
    renamed.write_bytes(file.read_bytes())
    court.load(renamed)
    assert court.everything() == before
    with writing(court.app) as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == "proven@guest.example")).one()
        unsubscribe.leave(session, person.id, court.list_id, Method.ONE_CLICK)
    after = court.everything()
    court.load(file)
    assert court.everything() == after
    other = exports.write(court.folder / "one more line.csv", _table() + "\r\n")
    court.load(other)
    assert court.states()["proven@guest.example"] == "unsubscribed"


def test_case_22_by_two_hands_at_once_it_is_one_file(court: Court) -> None:
    file = exports.write(court.folder / "people.csv", _table())
    at_once(2, lambda _number: court.load(file))
    alone = {name.lower() for name, row in ROWS.items() if row[3] in {"new", "unverified"}}
    here = {"left-here@guest.example", "spam-here@guest.example"}
    assert {name.lower() for name in court.states()} == alone | here
    with writing(court.app) as session:
        rows = session.execute(select(Suppression.key, Suppression.scope, Suppression.reason)).all()
        assert len(rows) == len(set(rows))


# Case 23


def _unverified(court: Court) -> int:
    file = exports.write(court.folder / "bare.csv", "Email\nanna@guest.example\n")
    court.load(file, Claims(no_opt_outs=True))
    assert court.states()["anna@guest.example"] == "imported_unverified"
    with writing(court.app) as session:
        return session.scalars(select(Subscriber.id).where(Subscriber.email_key == "anna@guest.example")).one()


def test_case_23_nobody_is_mailed_to_be_asked(works: Works, court: Court, smtp_sink: SmtpSink) -> None:
    """No door makes such a mail; and when its row is forged in the database, the gate refuses every class of it."""
    person = _unverified(court)
    with pytest.raises(Invalid, match="Nobody on this list"):
        works.start("May we still write to you?")
    works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    letter = works.start("May we still write to you?")
    works.work(Lane.URGENT, 2)
    works.drain()
    assert "anna@guest.example" not in recipients(smtp_sink)
    forged = works.read(lambda session: _forged(session, letter, person))
    with writing(works.app) as session:
        session.add_all([Delivery(**row, occasion=f"forged-{number}") for number, row in enumerate(forged)])
        # Nothing is claimed of a letter that has arrived, so the forger puts it on its way again.
        session.get_one(Campaign, letter).state = CampaignState.SENDING
    works.work(Lane.URGENT, 2)
    works.drain()
    after = [row for row in works.deliveries() if row.occasion.startswith("forged")]
    assert [(row.state, row.refusal_code) for row in after if row.message_class is MessageClass.MARKETING] == [
        (DeliveryState.REFUSED, RefusalCode.NO_BASIS)
    ]
    assert {row.state for row in after} <= {DeliveryState.REFUSED, DeliveryState.FAILED}
    assert {row.handed_at for row in after} == {None}
    assert "anna@guest.example" not in recipients(smtp_sink)


def _forged(session: Session, letter: int, person: int) -> list[dict[str, object]]:
    """Return rows as an attacker with the database would write them: each class, with another person's question."""
    pattern = session.scalars(select(Delivery).where(Delivery.campaign_id == letter)).one()
    asked = session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.DOI)).first()
    common = {"organisation_id": pattern.organisation_id, "subscriber_id": person, "list_id": pattern.list_id}
    marketing = {"campaign_id": letter, "revision_id": pattern.revision_id, "lane": Lane.SENDING}
    question = asked.confirmation_id if asked is not None else None
    urgent = {"lane": Lane.URGENT}
    return [
        common | marketing | {"message_class": MessageClass.MARKETING},
        common | urgent | {"message_class": MessageClass.DOI, "confirmation_id": question},
        common | urgent | {"message_class": MessageClass.SERVICE, "confirmation_id": question},
        common | urgent | {"message_class": MessageClass.SERVICE, "notice": NoticeKind.RECEIPT, "notice_id": 1},
        common | {"lane": Lane.SENDING, "message_class": MessageClass.TRANSACTIONAL},
    ]  # fmt: skip


@pytest.mark.parametrize("keeps_import", [False, True])
def test_case_23_a_state_set_by_hand_is_no_basis(
    works: Works, court: Court, smtp_sink: SmtpSink, *, keeps_import: bool
) -> None:
    """Whoever turns the row to confirmed has nothing in the ledger that carries it, and the ledger takes it back."""
    person = _unverified(court)

    def set_by_hand(session: Session, _house: Cafe) -> None:
        current = session.scalars(select(Subscription).where(Subscription.subscriber_id == person)).one()
        current.state, current.basis = SubscriptionState.CONFIRMED, Basis.CONSENT
        current.double_opt_in, current.purpose = True, "newsletter"
        current.import_id = current.import_id if keeps_import else None

    works.write(set_by_hand)
    works.start("May we still write to you?")
    works.drain()
    [row] = [row for row in works.deliveries() if row.campaign_id is not None]
    assert (row.state, row.refusal_code) == (DeliveryState.REFUSED, RefusalCode.NO_BASIS)
    assert recipients(smtp_sink) == {}
    with writing(court.app) as session:
        [repaired] = fold.heal(session, court.house(session).organisation)
        assert (repaired.was, repaired.now) == (SubscriptionState.CONFIRMED, SubscriptionState.IMPORTED_UNVERIFIED)
    with pytest.raises(Invalid, match="Nobody on this list"):
        works.start("May we still write to you?")
