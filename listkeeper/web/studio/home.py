"""The first screen: three numbers with one button each, what leaves next, and the checklist of the first minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, url_for
from flask import session as kept
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form, subscriber, subscription
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.signup_form import SignupForm
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.deliverability import sending_domain
from listkeeper.foundation import language
from listkeeper.insight import board_warnings
from listkeeper.sending import halt, incident, outlook, pilot, progress
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.sending.trying import trial
from listkeeper.web.studio import board_cards, forms, member, notices, page, words

blueprint = Blueprint("home", __name__, url_prefix=page.ROOT)

_UNDER_WAY = frozenset({CampaignState.SENDING, CampaignState.PAUSED})
_ORDERED = frozenset({CampaignState.SCHEDULED, CampaignState.HELD})
# Where the evidence of an incident stands, when that is not the page of what is going out.
_SEEN_TO = {
    IncidentKind.REPLY_DUE: "conversations.show",
    IncidentKind.RECEIVER_REFUSES: "bounces.show",
    IncidentKind.LEAVE_BURST: "bounces.show",
    IncidentKind.NOTICE_OVERDUE: "notices.show",
}


@dataclass(frozen=True)
class Step:
    """One step of the first ten minutes."""

    word: str
    why: str
    done: bool
    act: str
    address: str


@dataclass(frozen=True)
class Notice:
    """What its reader has to know at once, and where to see to it; ``stops``: nothing leaves until then."""

    tone: str
    words: str
    address: str
    stops: bool = False


@blueprint.get("/")
def show() -> Response:
    """Show the board, what leaves next, and the checklist until it is done."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        letters = campaigns.unfinished(session, owner)
        draft = next((each for each in letters if each.state is CampaignState.DRAFT), None)
        under_way = next((each for each in letters if each.state in _UNDER_WAY), None)
        leaving = _leaving(session, owner, letters)
        # What to set up is for owners; an editor could not.
        steps, form = _first_steps(session, owner) if member.present().owns else ([], None)
        return page.answer(
            session,
            "home",
            warnings=board_warnings.of(session, owner),
            steps=steps,
            address=forms.address_of(form) if form else None,
            under_way=under_way,
            under_way_revision=campaigns.newest(session, under_way) if under_way else None,
            under_way_said=words.letter(under_way.state, asks=_asks(under_way)) if under_way else None,
            leaving=leaving,
            draft=None if leaving else draft,
            draft_revision=campaigns.newest(session, draft) if draft and not leaving else None,
            standing=[*_standing(session), *_halted(session, letters)],
            requests=_requests(session, owner),
            notices=notices.open_rows(session, owner),
            **board_cards.shown(session, owner),
        )


def _first_steps(session: Session, owner: Organisation) -> tuple[list[Step], SignupForm | None]:
    """Return the checklist while something of it is not done, and the form it speaks of."""
    lists = mailing_list.all_of(session, owner)
    form = next((form for each in lists for form in signup_form.all_of(session, each)), None)
    anybody = any(subscription.has_confirmed(session, each) for each in lists)
    steps = _steps(session, owner, form, anybody=anybody, written=campaigns.has_any(session, owner))
    return ([], None) if all(step.done for step in steps) else (steps, form)


def _requests(session: Session, owner: Organisation) -> list[tuple[datetime, str]]:
    """Return when evidence was asked for that this user could release, and on whose page."""
    asked = evidence_request.for_another(session, owner, member.present())
    people = [(row.asked_at, subscriber.with_reference(session, owner.id, row.subject_ref)) for row in asked]
    return [(at, person.public_id) for at, person in people if person is not None]


def _standing(session: Session) -> list[Notice]:
    """Say what keeps mail from leaving, or may soon: loud, on the first screen, until it is mended."""
    return [
        Notice("bad", words.incident(session, row), _place(row), stops=row.stops) for row in incident.standing(session)
    ]


def _place(row: Incident) -> str:
    """Return where its reader can see to it."""
    return url_for(_SEEN_TO.get(row.kind, "queue.show"))


def _halted(session: Session, letters: list[campaigns.Campaign]) -> list[Notice]:
    """Say which letters stopped by themselves, or did not leave, and why; and which wait for a word."""
    said = [
        ("bad", each, halt.words(each.halted))
        for each in letters
        if each.halted and each.state in {CampaignState.PAUSED, CampaignState.DRAFT}
    ]
    asking = language.text("The results are in: the others wait for your word.")
    said += [("warn", each, asking) for each in letters if _asks(each)]
    return [
        Notice(
            tone,
            f"{campaigns.newest(session, each).subject}: {sentence}",
            # A draft is shown there as it is written.
            url_for("departure.progress", public_id=each.public_id),
        )
        for tone, each, sentence in said
    ]


def _leaving(
    session: Session, owner: Organisation, letters: list[campaigns.Campaign]
) -> list[tuple[campaigns.Campaign, str, str]]:
    """Return the letters that were ordered and have not begun, each with its subject and when it leaves."""
    zone, late = storefront.zone_of(session, owner), page.settings().late
    return [
        (
            each,
            campaigns.newest(session, each).subject,
            outlook.sentence(each, progress.report(session, each, late=late), zone),
        )
        for each in letters
        if each.state in _ORDERED
    ]


def _asks(letter: campaigns.Campaign | None) -> bool:
    return letter is not None and letter.state is CampaignState.SENDING and (pilot.asks(letter) or trial.asks(letter))


def _steps(
    session: Session, owner: Organisation, form: SignupForm | None, *, anybody: bool, written: bool
) -> list[Step]:
    form_page = url_for("forms.show", public_id=form.public_id) if form else url_for("lists.show")
    return [
        Step(
            language.text("See your sign-up form"),
            language.text("Read what people agree to, and open it on your phone."),
            bool(kept.get("seen_form")) or anybody,
            language.text("Look at it"),
            form_page,
        ),
        Step(
            language.text("Get your first reader"),
            language.text("Sign up yourself: the mail with the button lands in your inbox."),
            anybody,
            language.text("Share the form"),
            form_page,
        ),
        Step(
            language.text("Write a letter"),
            language.text("A welcome is there already; you only change the words."),
            written,
            language.text("Write"),
            url_for("letters.choose"),
        ),
        Step(
            language.text("Connect your domain"),
            language.text("Two records, so that receivers believe your letters are yours. This can wait."),
            bool(sending_domain.every(session, owner.id)),
            language.text("Type it in"),
            url_for("domains.show"),
        ),
    ]
