"""What came back: bounces by mailbox provider and reason, who refuses us, and mistakes that are mended as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce_figures, bounce_wave, decision_words, sender_evidence
from listkeeper.feedback.bounce_figures import Figures, Receiver, Whose
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.sending import incident
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.standards import address
from listkeeper.web.studio import composer, member, page, words

blueprint = Blueprint("bounces", __name__, url_prefix=page.ROOT)

WIDE = 200
_REVIEWED = 20
_INCIDENTS = 50
_TONES = {Whose.ADDRESS: "bad", Whose.SENDER: "warn", Whose.LATER: "muted", Whose.LETTER: "good"}


@dataclass(frozen=True)
class Piece:
    """One piece of a bar, in units of the drawing."""

    x: float
    width: float
    tone: str
    words: str


@dataclass(frozen=True)
class Row:
    """One mailbox provider, or one reason: its name, its numbers and its bar."""

    name: str
    total: int
    bar: list[Piece]
    receiver: Receiver | None = None


def of_whose(kind: Whose) -> str:
    """Say at whom it lies, as the head of a column."""
    return {
        Whose.ADDRESS: language.text("The address"),
        Whose.LATER: language.text("For a while"),
        Whose.SENDER: language.text("The sender"),
        Whose.LETTER: language.text("The letter"),
    }[kind]


@blueprint.get("/bounces")
def show() -> Response:
    """Show the last thirty days, what stands, and what can be mended."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        figures = bounce_figures.of_days(session, owner.id)
        incidents = incident.newest(session, _INCIDENTS)
        return page.answer(
            session,
            "bounces",
            **_drawn(figures),
            refusals=_refusals(session, incidents),
            bursts=_bursts(session, owner, incidents),
            waves=bounce_wave.recent(session, owner.id),
            of_class=decision_words.of_class,
            called=decision_words.called,
            comes_back_to=page.settings().return_path,
        )


@blueprint.get("/letters/<public_id>/came-back")
def of_letter(public_id: str) -> Response:
    """Show what one letter brought back, and who complained or left, by mailbox provider."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        return page.answer(
            session,
            "bounces_letter",
            letter=letter,
            revision=campaigns.newest(session, letter),
            **_drawn(bounce_figures.of_letter(session, letter)),
        )


@blueprint.get("/bounces/waves/<name>")
def review(name: str) -> Response:
    """Show who is of a wave, before it is taken back."""
    with store.reading() as session:
        wave = bounce_wave.named(session, organisation.only_one(session).id, name)
        return page.answer(
            session,
            "bounces_wave",
            wave=wave,
            people=[(each, address.mask(each.email_send)) for each in bounce_wave.people(session, wave, _REVIEWED)],
            of_class=decision_words.of_class,
            called=decision_words.called,
        )


@blueprint.post("/bounces/waves/<name>/lift")
def lift(name: str) -> AnyResponse:
    """Take a wave back as it was looked at, as one."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session).id
            wave = bounce_wave.named(session, owner, name)
            lifted = bounce_wave.lift(session, owner, wave, actor=member.present().actor)
    except (Conflict, NotFound) as problem:
        return page.back_to("bounces.show", problem.message, "bad")
    said = language.counted(
        "Taken back: %(number)s person is written to again.",
        "Taken back: %(number)s people are written to again.",
        lifted.people - lifted.away,
    )
    if lifted.away:
        said += " " + language.counted(
            "%(number)s more stays away, because they left, complained, or bounced otherwise.",
            "%(number)s more stay away, because they left, complained, or bounced otherwise.",
            lifted.away,
        )
    return page.back_to("bounces.show", said)


@blueprint.post("/people/<public_id>/write-again")
def write_again(public_id: str) -> AnyResponse:
    """Take back that we held one person back; what she herself said stays."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            person = subscriber.hold(session, subscriber.named(session, owner, public_id).id)
            if person is None:
                raise NotFound("no_subscriber", language.text("There is nobody with this address on your lists."))
            bounce_wave.lift_one(session, person, actor=member.present().actor)
    except Conflict as problem:
        return page.back_to("people.show", problem.message, "bad", public_id=public_id)
    said = language.text("Taken back. Letters go to this person again, unless they themselves said no.")
    return page.back_to("people.show", said, public_id=public_id)


def _drawn(figures: Figures) -> dict[str, Any]:
    """Return the figures with their bars, each as long as its share of the longest."""
    longest = max((each.total for each in figures.receivers), default=0) or 1
    commonest = max((number for _, number in figures.classes), default=0) or 1
    return {
        "figures": figures,
        "Whose": Whose,
        "of_whose": of_whose,
        "tone_of": _TONES,
        "wide": WIDE,
        "receivers": [Row(_name(each), each.total, _pieces(each, longest), each) for each in figures.receivers],
        "reasons": [
            Row(decision_words.of_class(found), number, [_whole(found, number, commonest)])
            for found, number in figures.classes
        ],
    }


def _name(receiver: Receiver) -> str:
    return decision_words.called(receiver.provider) if receiver.provider else language.text("others")


def _pieces(receiver: Receiver, longest: int) -> list[Piece]:
    pieces, x = [], 0.0
    for kind in Whose:
        number = receiver.bounced[kind]
        width = round(WIDE * number / longest, 2)
        if number:
            pieces.append(Piece(x, width, _TONES[kind], f"{of_whose(kind)}: {language.number(number)}"))
        x = round(x + width, 2)
    return pieces


def _whole(found: ReplyClass, number: int, commonest: int) -> Piece:
    tone = _TONES[bounce_figures.whose(found)]
    return Piece(0.0, round(WIDE * number / commonest, 2), tone, language.number(number))


def _refusals(session: Session, incidents: list[Incident]) -> list[tuple[Incident, list[str]]]:
    """Return the receivers that refuse us now, with what they said."""
    return [
        (row, sender_evidence.replies(session, row))
        for row in incidents
        if row.kind is IncidentKind.RECEIVER_REFUSES and row.closed_at is None
    ]


def _bursts(session: Session, owner: Organisation, incidents: list[Incident]) -> list[tuple[Incident, str, str | None]]:
    """Return the bursts that look like a scanner, with their words and where their letter is."""
    found = [row for row in incidents if row.kind is IncidentKind.LEAVE_BURST]
    return [(row, words.incident(session, row), _letter_of(session, owner, row)) for row in found]


def _letter_of(session: Session, owner: Organisation, row: Incident) -> str | None:
    public_id = str((row.facts or {}).get("campaign", ""))
    try:
        return url_for("bounces.of_letter", public_id=campaigns.identified(session, owner, public_id).public_id)
    except NotFound:
        return None
