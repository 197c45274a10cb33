"""What costs a sender trust: each part is measured on both sides, and what nobody can tell us is never fine."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.finding import Finding, Severity, as_json
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import answer
from listkeeper.feedback.event import FeedbackKind, Proof
from listkeeper.foundation import clock
from listkeeper.insight import board, board_action, board_measure, board_trust, board_value
from listkeeper.insight.board import Status
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.insight.board_reading import Reading
from listkeeper.insight.board_trust import Part, Stand
from listkeeper.insight.board_value import BoardValue
from listkeeper.sending.delivery import DeliveryState
from tests.makers import cafe, silent
from tests.makers.cafe import Cafe
from tests.makers.came_back import Postman

K = NumberKind


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café on a Monday at eight."""
    del frozen_clock
    return cafe.found(session)


@pytest.fixture
def postman(session: Session, house: Cafe) -> Postman:
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _measured(session: Session, house: Cafe, kind: NumberKind) -> Reading:
    return board_measure.measure(session, house.organisation, kind, practice=False)


def _parts(session: Session, house: Cafe) -> dict[Part, Stand]:
    return {each.part: each.stand for each in board_trust.look(session, house.organisation)}


def test_nothing_known_is_not_fine(session: Session, house: Cafe) -> None:
    assert set(_parts(session, house).values()) == {Stand.UNKNOWN}
    measured = board_value.measure_all(session, house.organisation, [K.TRUST], practice=False)
    board_value.keep(session, house.organisation, measured)
    card = board.show(session, house.organisation)[2]
    assert (card.status, card.value) == (Status.UNKNOWN, "")
    assert "Complaints: not known" in card.detail


def test_complaints_over_the_limit_are_the_one_thing_to_repair(session: Session, house: Cafe) -> None:
    people = silent.people(session, house, "anna bo carl")
    silent.letters(session, house, 4, people)
    assert _parts(session, house)[Part.BOUNCES] is Stand.FINE
    # Nobody ever told us of anything, so silence is no good news.
    assert _parts(session, house)[Part.COMPLAINTS] is Stand.UNKNOWN
    for each in people[:2]:
        complaint.complain(session, each.subscriber_id)
    session.flush()
    found = _parts(session, house)
    assert (found[Part.COMPLAINTS], found[Part.LEAVING]) == (Stand.REPAIR, Stand.REPAIR)
    reading = _measured(session, house, K.TRUST)
    assert (reading.value, reading.facts["first"]) == (2, "complaints")
    assert board_action.of(K.TRUST, reading).code == "see_complaints"


@pytest.mark.parametrize(
    ("findings", "stand"),
    [
        ([], Stand.FINE),
        ([Severity.WARN, Severity.INFO], Stand.FINE),
        ([Severity.UNKNOWN], Stand.UNKNOWN),
        ([Severity.UNKNOWN, Severity.BLOCK], Stand.REPAIR),
        ([Severity.ERROR], Stand.REPAIR),
    ],
)
def test_the_domain_stands_as_its_last_check(
    session: Session, house: Cafe, findings: list[Severity], stand: Stand
) -> None:
    domain = sending_domain.add(session, house.organisation.id, "cafe.example")
    assert _parts(session, house)[Part.DOMAIN] is Stand.UNKNOWN, "never read"
    domain.last_checked_at = clock.now()
    domain.findings = [as_json(Finding("G2", severity, "cafe.example", "A sentence.")) for severity in findings]
    session.flush()
    assert _parts(session, house)[Part.DOMAIN] is stand


def test_a_met_target_is_not_green_while_a_part_is_unknown() -> None:
    row = BoardValue(
        kind=K.TRUST, day=date(2026, 11, 23), value=1, facts={"parts": {"complaints": "unknown", "bounces": "repair"}},
        counted_at=clock.now(), took_ms=1,
    )  # fmt: skip
    assert board.card(Pick(K.TRUST, 1), row).status is Status.UNKNOWN
    row.facts = {"parts": {"complaints": "fine", "bounces": "repair"}}
    assert board.card(Pick(K.TRUST, 1), row).status is Status.ON_TARGET


# Whether anybody would tell us of a complaint


@pytest.mark.parametrize(
    ("told", "stand"),
    [
        # A mail that came back says that mail comes back, and nothing about a feedback loop.
        ((FeedbackKind.BOUNCED, "imap", Proof.TOKEN), Stand.UNKNOWN),
        ((FeedbackKind.BOUNCED, "smtp", Proof.TOKEN), Stand.UNKNOWN),
        ((FeedbackKind.BOUNCED, answer.SOURCE, Proof.REPLY), Stand.UNKNOWN),
        # Anybody can write such a mail.
        ((FeedbackKind.COMPLAINED, "smtp", Proof.NONE), Stand.UNKNOWN),
        # A report is a loop, by whichever way it came; a provider's events bring its complaints too.
        ((FeedbackKind.COMPLAINED, "smtp", Proof.TOKEN), Stand.FINE),
        ((FeedbackKind.COMPLAINED, "imap", Proof.MESSAGE_ID), Stand.FINE),
        ((FeedbackKind.DELIVERED, "postmark", Proof.MESSAGE_ID), Stand.FINE),
    ],
)
def test_silence_is_good_news_only_where_somebody_would_tell_us(
    session: Session,
    postman: Postman,
    frozen_clock: time_machine.Traveller,
    told: tuple[FeedbackKind, str, Proof],
    stand: Stand,
) -> None:
    """What was told is a year old, so that no complaint counts now."""
    kind, source, proof = told
    found = ReplyClass.MAILBOX_FULL if kind is FeedbackKind.BOUNCED else None
    postman.told(kind, postman.letter(), found=found, source=source, proof=proof)
    frozen_clock.shift(timedelta(days=400))
    postman.letter()
    assert _parts(session, postman.cafe)[Part.COMPLAINTS] is stand


# Of how many mails


def _bounces(postman: Postman, number: int) -> None:
    for place in range(number):
        mail = postman.letter()
        postman.told(FeedbackKind.BOUNCED, mail, found=ReplyClass.INVALID_ADDRESS, permanent=True, again=str(place))


def test_a_letter_that_was_stopped_counts_for_what_left_of_it(session: Session, house: Cafe, postman: Postman) -> None:
    """Ten thousand were planned and fifty left: three of fifty that come back are many."""
    [letter] = silent.letters(session, house, 1, [])
    letter.state, letter.recipients = CampaignState.CANCELLED, 10_000
    for _ in range(47):
        postman.letter()
    for state in (DeliveryState.CANCELLED, DeliveryState.REFUSED, DeliveryState.QUEUED):
        for _ in range(200):
            postman.letter(state=state)
    assert _parts(session, house)[Part.BOUNCES] is Stand.FINE
    _bounces(postman, 3)
    assert _parts(session, house)[Part.BOUNCES] is Stand.REPAIR


def test_what_comes_back_is_held_against_all_that_left(session: Session, house: Cafe, postman: Postman) -> None:
    """Mails of a series and questions are mails, too: three of 150 are not many, though no letter left."""
    for place in range(147):
        postman.letter(message_class=(MessageClass.MARKETING, MessageClass.DOI)[place % 2])
    _bounces(postman, 3)
    assert _parts(session, house)[Part.BOUNCES] is Stand.FINE
    _bounces(postman, 1)
    assert _parts(session, house)[Part.BOUNCES] is Stand.REPAIR


@pytest.mark.parametrize("way", [MessageClass.TEST, MessageClass.SYSTEM, MessageClass.REPLY])
def test_what_goes_to_oneself_or_to_one_who_wrote_is_no_mail_of_these(
    session: Session, house: Cafe, postman: Postman, way: MessageClass
) -> None:
    postman.letter(message_class=way)
    assert _parts(session, house)[Part.BOUNCES] is Stand.UNKNOWN


def test_a_server_that_said_no_at_once_sent_a_mail_back(session: Session, house: Cafe, postman: Postman) -> None:
    for _ in range(20):
        postman.letter()
    for _ in range(2):
        postman.letter(state=DeliveryState.FAILED)
    assert _parts(session, house)[Part.BOUNCES] is Stand.REPAIR
    assert _parts(session, house)[Part.LEAVING] is Stand.FINE


def test_nobody_leaves_a_question(session: Session, house: Cafe, postman: Postman) -> None:
    """Where only questions left, nobody had a letter to leave by, and that nobody left says nothing."""
    postman.letter(message_class=MessageClass.DOI)
    found = _parts(session, house)
    assert (found[Part.BOUNCES], found[Part.LEAVING]) == (Stand.FINE, Stand.UNKNOWN)
    people = silent.people(session, house, "anna bo")
    for each in people:
        unsubscribe.leave(session, each.subscriber_id, house.mailing_list.id, Method.PAGE)
    postman.letter()
    assert _parts(session, house)[Part.LEAVING] is Stand.REPAIR


def test_mails_of_more_than_thirty_days_ago_are_not_counted(
    session: Session, house: Cafe, postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    for state in (DeliveryState.BOUNCED, DeliveryState.BOUNCED, DeliveryState.ACCEPTED):
        postman.letter(state=state)
    assert _parts(session, house)[Part.BOUNCES] is Stand.REPAIR
    frozen_clock.shift(board_trust.OVER + timedelta(minutes=1))
    assert _parts(session, house)[Part.BOUNCES] is Stand.UNKNOWN
    # Planned long ago and put off, or held: what counts is when it left.
    postman.letter()
    assert _parts(session, house)[Part.BOUNCES] is Stand.FINE
