"""What came of a letter: three numbers, the links on the letter itself, what was believed, and one button."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import leaving_reason, posted_event
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preview
from listkeeper.campaigns.campaign import UNSENT, Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.feedback import conversation_list, poll
from listkeeper.insight import campaign_report, report_plain, report_words
from listkeeper.insight.campaign_report import Report
from listkeeper.insight.next_step import Step
from listkeeper.rendering import link_map
from listkeeper.web import attachment, headers
from listkeeper.web.studio import composer, conversation_words, page, trial_part

blueprint = Blueprint("report", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>/report")


@blueprint.get("")
def show(public_id: str) -> Response | AnyResponse:
    """Show what came of a letter that has left, or is leaving."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        if letter.state in UNSENT:
            return redirect(url_for("departure.progress", public_id=public_id), 303)
        found = campaign_report.of(session, letter)
        return headers.framing(
            page.answer(
                session,
                "report",
                letter=letter,
                revision=_sent(session, letter),
                report=found,
                headlines=report_words.headlines(found),
                income=posted_event.income(list(found.sums)),
                polls=poll.results(session, letter.id),
                trial=trial_part.shown(session, letter),
                answers=conversation_list.described(session, found.answers),
                next_at=_address(letter, found),
                builds=found.next.step is Step.SEGMENT,
                anchor=link_map.anchor,
                words=report_words,
                say_why=leaving_reason.in_words,
                say_clock=conversation_words.clock_of,
            )
        )


def _sent(session: Session, letter: Campaign) -> Revision:
    """Return the words that went; a letter stopped before it was bound shows its newest."""
    if letter.sent_revision_id is None:
        return campaigns.newest(session, letter)
    return session.get_one(Revision, letter.sent_revision_id)


def _address(letter: Campaign, report: Report) -> str:
    """Return where the next step is done."""
    match report.next.step:
        case Step.ANSWER:
            return url_for("conversations.show")
        case Step.WATCH:
            return url_for("departure.progress", public_id=letter.public_id)
        case Step.MEND_COMPLAINTS | Step.MEND_ADDRESSES:
            return url_for("bounces.of_letter", public_id=letter.public_id)
        case Step.LINK_PLACE:
            return "#map"
        case Step.SEGMENT:
            # Asked by a form, whose fields the builder shows filled in; nothing is stored by that.
            return url_for("segments.build", public_id=letter.mailing_list.public_id)
        case Step.WRITE:
            return url_for("letters.choose")


@blueprint.get("/letter")
def see(public_id: str) -> Response:
    """Serve the letter as it went, alone, with a number behind each link; ``part`` is html or text."""
    with store.reading() as session:
        owner, letter = organisation.only_one(session), composer.opened(session, public_id)
        sent = _sent(session, letter)
        filled = preview.of_campaign(session, letter, owner, page.settings().site, sent.number)
        places = campaign_report.places(session, letter)
    numbers = {each.url: each.number for each in places}
    if request.args.get("part") == "text":
        return _alone(link_map.in_text(filled.text, numbers), "plain")
    said = {each.number: report_words.place(each) for each in places}
    return _alone(link_map.in_html(filled.html, numbers, said), "html")


def _alone(body: str, kind: str) -> Response:
    answer = make_response(body)
    answer.content_type = f"text/{kind}; charset=utf-8"
    return headers.letter(answer, site=page.settings().site)


@blueprint.get("/figures.csv")
def download(public_id: str) -> Response:
    """Hand the figures out as a table; no person stands in it."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        body = report_plain.as_csv(report_plain.of(letter, campaign_report.of(session, letter)))
    return attachment.of(body, "text/csv; charset=utf-8", f"report-{letter.public_id}.csv")
