"""The welcome letter of a list: what it says, who gets it, and the switch that lets it go."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preview, welcome
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.web import headers
from listkeeper.web.studio import member, page

blueprint = Blueprint("welcome", __name__, url_prefix=f"{page.ROOT}/lists/<public_id>/welcome")


@blueprint.get("")
def show(public_id: str) -> Response:
    """Show the letter of a list, in one of the languages of its forms."""
    return _shown(public_id, request.args.get("language", ""))


def _shown(public_id: str, wanted: str, *, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        spoken_here = welcome.languages(session, found)
        spoken = wanted if wanted in spoken_here else next(iter(spoken_here), owner.language)
        letter = welcome.of(session, found.id, spoken)
        answer = page.answer(
            session,
            "welcome",
            mailing_list=found,
            choices=spoken_here,
            spoken_in=spoken,
            welcome=letter,
            written=campaigns.newest(session, letter.campaign) if letter else None,
            waits=letter is not None and welcome.waits(session, letter),
            promises=_promises(session, found, spoken),
            help_at=page.settings().site + url_for("inbox_help.show", language=spoken),
            problem=problem,
            status=status,
        )
    return headers.framing(answer)


def _promises(session: Session, of: MailingList, spoken: str) -> list[str]:
    """Return what the forms of a language promise: the letter is to keep it."""
    forms = [form for form in signup_form.all_of(session, of) if form.language == spoken]
    return list(dict.fromkeys(signup_form.newest(session, form).consent_text.body for form in forms))


@blueprint.get("/<spoken>/preview")
def see(public_id: str, spoken: str) -> Response:
    """Serve the letter as HTML, alone, under the policy of letters; before it is begun, the words to begin with."""
    return _seen(public_id, spoken, "html")


@blueprint.get("/<spoken>/preview/text")
def see_text(public_id: str, spoken: str) -> Response:
    """Serve the plain-text part, alone, as a page a frame can show."""
    return _seen(public_id, spoken, "text")


def _seen(public_id: str, spoken: str, kind: str) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        if spoken not in welcome.languages(session, found):
            raise NotFound("no_letter", language.text("There is no page here"))
        draft = _words(session, owner, found, spoken)
        try:
            filled = preview.of_draft(draft, owner, found, page.settings().site, spoken)
        except Invalid as problem:
            kind, body = "text", problem.message
        else:
            body = filled.html if kind == "html" else filled.text
    answer = make_response(body)
    answer.content_type = f"text/{'html' if kind == 'html' else 'plain'}; charset=utf-8"
    return headers.letter(answer)


def _words(session: Session, owner: Organisation, found: MailingList, spoken: str) -> Draft:
    letter = welcome.of(session, found.id, spoken)
    if letter is None:
        return welcome.starter(owner, found, spoken)
    return campaigns.newest(session, letter.campaign).draft


@blueprint.post("/<spoken>")
def begin(public_id: str, spoken: str) -> Response | AnyResponse:
    """Make the letter from the words to begin with, and open it to be written on."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            letter = welcome.begin(session, owner, found, spoken)
            audit_log.record(session, owner.id, member.present().actor, "welcome.begun", found.public_id)
            written = letter.campaign.public_id
    except Invalid as problem:
        return _shown(public_id, spoken, problem=problem, status=422)
    return page.back_to("composer.show", public_id=written)


@blueprint.post("/<spoken>/on")
def switch_on(public_id: str, spoken: str) -> Response | AnyResponse:
    """Let the words that were seen go to whoever says yes from now on."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            letter = _begun(session, found, spoken)
            welcome.switch_on(session, owner, letter, site=page.settings().site, sha256=request.form.get("sha256"))
            audit_log.record(session, owner.id, member.present().actor, "welcome.switched_on", found.public_id)
    except (Invalid, Conflict) as problem:
        return _shown(public_id, spoken, problem=problem, status=422 if isinstance(problem, Invalid) else 409)
    said = language.text("Switched on. Whoever says yes from now on gets this letter a minute later.")
    return page.back_to("welcome.show", said, public_id=public_id, language=spoken)


@blueprint.post("/<spoken>/off")
def switch_off(public_id: str, spoken: str) -> AnyResponse:
    """Let nobody get it from now on."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        welcome.switch_off(_begun(session, found, spoken))
        audit_log.record(session, owner.id, member.present().actor, "welcome.switched_off", found.public_id)
    said = language.text("Switched off. Whoever says yes from now on gets the receipt alone.")
    return page.back_to("welcome.show", said, public_id=public_id, language=spoken)


def _begun(session: Session, found: MailingList, spoken: str) -> WelcomeLetter:
    letter = welcome.of(session, found.id, spoken)
    if letter is None:
        raise NotFound("no_welcome", language.text("This list has no welcome letter in that language yet."))
    return letter
