"""The composer: write, see the very letter that would go, and what is wrong with it.

Every save names the version it was made on. A save on an old version changes
nothing and gets the present one back, so that no text is lost on either side.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import profile_question
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, preview
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.preflight import Inspection
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.sending import halt, planning
from listkeeper.web import headers, problems
from listkeeper.web.studio import link_memory, member, page, words

blueprint = Blueprint("composer", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")

_CHANGED_ELSEWHERE = 412
# A letter may have 300,000 characters, which a form may write as nine bytes each.
_BODY_LIMIT = 3 * 1024 * 1024


def opened(session: Session, public_id: str) -> Campaign:
    """Return the letter an address names."""
    return campaigns.identified(session, organisation.only_one(session), public_id)


@blueprint.get("")
def show(public_id: str) -> Response | AnyResponse:
    """Show a draft to write on; a letter that has left is shown by its progress."""
    with store.reading() as session:
        letter = opened(session, public_id)
        if letter.state is not CampaignState.DRAFT:
            return redirect(url_for("departure.progress", public_id=public_id), 303)
        newest = campaigns.newest(session, letter)
        return _composer(session, letter, newest, newest.draft)


def _composer(  # noqa: PLR0913 - a letter, its words, and what went wrong with them
    session: Session,
    letter: Campaign,
    newest: Revision,
    draft: Draft,
    *,
    theirs: Revision | None = None,
    problem: ListkeeperError | None = None,
    status: int = 200,
) -> Response:
    found = inspected(session, letter)
    return headers.framing(
        page.answer(
            session,
            "composer",
            letter=letter,
            version=newest.number,
            saved_at=newest.created_at,
            draft=draft,
            theirs=theirs,
            problem=problem,
            halted=halt.words(letter.halted) if letter.halted else "",
            **panel(found.findings),
            follow=bool(found.links),
            answers=profile_question.keys_on(session, letter.list_id),
            status=status,
        )
    )


@blueprint.post("")
def save(public_id: str) -> Response | AnyResponse:
    """Store what was written, whole, or say that somebody else did in the meantime."""
    request.max_content_length = request.max_form_memory_size = _BODY_LIMIT
    draft = Draft(request.form.get("subject", ""), request.form.get("preheader", ""), request.form.get("markdown", ""))
    base = request.form.get("version", -1, type=int)
    try:
        with store.transaction() as session:
            letter = opened(session, public_id)
            kept = campaigns.write(session, letter, draft, base=base)
            version = kept.number
    except Conflict as problem:
        return _elsewhere(public_id, draft, problem)
    if page.wants_json():
        return jsonify(version=version, saved_at=clock.as_text(clock.now()))
    return page.back_to("composer.show", language.text("Saved."), public_id=public_id)


def _elsewhere(public_id: str, draft: Draft, problem: Conflict) -> Response:
    """Give both texts back: the one that is stored, and the one that was not."""
    with store.reading() as session:
        letter = opened(session, public_id)
        newest = campaigns.newest(session, letter)
        changed = problem.code == "changed_elsewhere"
        status = _CHANGED_ELSEWHERE if changed else problems.status_of(problem)
        if page.wants_json():
            answer = jsonify(
                message=problem.message, version=newest.number, subject=newest.subject, body=newest.markdown
            )
            answer.status_code = status
            return answer
        return _composer(
            session, letter, newest, draft, theirs=newest if changed else None, problem=problem, status=status
        )


@blueprint.get("/preview")
def see(public_id: str) -> Response:
    """Serve the letter as HTML, alone, under the policy of letters."""
    return _seen(public_id, "html")


@blueprint.get("/preview/text")
def see_text(public_id: str) -> Response:
    """Serve the plain-text part, alone, as a page a frame can show."""
    return _seen(public_id, "text")


def _seen(public_id: str, kind: str) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        letter = opened(session, public_id)
        draft = campaigns.newest(session, letter).draft
        told = preview.nothing_told(session, letter.mailing_list)
        if "answered" in request.args:
            told = preview.sample_answers(session, owner, letter.mailing_list)
        try:
            filled = preview.of_draft(
                draft, owner, letter.mailing_list, page.settings().site, letter.language, told=told
            )
        except Invalid as problem:
            return _alone(problem.message, "plain")
    return _alone(filled.html, "html") if kind == "html" else _alone(filled.text, "plain")


def _alone(body: str, kind: str) -> Response:
    answer = make_response(body)
    answer.content_type = f"text/{kind}; charset=utf-8"
    return headers.letter(answer)


@blueprint.get("/check")
def check(public_id: str) -> Response:
    """Say what is wrong with the letter; with ``links`` also ask the sites it points at."""
    settings = page.settings()
    with store.reading() as session:
        found = inspected(session, opened(session, public_id))
    findings = found.findings
    asked = "links" in request.args or not page.is_fragment()
    if asked:
        fetcher = link_memory.fetcher(settings.check_links, parts.fetcher)
        findings = findings + preflight.follow_links(found.links, fetcher)
    with store.reading() as session:
        return page.answer(
            session,
            "check" if page.is_fragment() else "check_page",
            letter=opened(session, public_id),
            **panel(findings),
            follow=bool(found.links) and not asked,
        )


def inspected(session: Session, letter: Campaign) -> Inspection:
    """Look at a letter under the settings of this instance."""
    settings = page.settings()
    return preflight.inspect(session, letter, site=settings.site, practice=settings.rehearsing, gate=settings.gate)


def panel(findings: list[Finding]) -> dict[str, Any]:
    """Return findings for the check panel, worst first."""
    ordered = sorted(findings, key=lambda each: -each.severity.rank)
    return {
        "findings": ordered,
        "ready": preflight.ready(findings),
        "clean": all(each.severity is Severity.INFO for each in findings),
        "say_severity": words.severity,
    }


@blueprint.post("/test")
def test(public_id: str) -> AnyResponse:
    """Send the saved letter to one typed address, marked as a test."""
    settings = page.settings()
    typed = request.form.get("to", "").strip()
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            letter = opened(session, public_id)
            planning.mail_test(session, owner, letter, typed, site=settings.site, per_hour=settings.tests_per_hour)
            audit_log.record(session, owner.id, member.present().actor, "campaign.tested", public_id)
    except ListkeeperError as problem:
        return page.back_to("composer.show", problem.message, "bad", public_id=public_id)
    said = (
        language.text("The test is on its way to the practice inbox. Nothing left this machine.")
        if settings.practice
        else language.text("The test is on its way to %(address)s.", address=typed)
    )
    return page.back_to("composer.show", said, public_id=public_id)
