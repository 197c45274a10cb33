"""The composer: write, see the very letter that would go, and what is wrong with it.

What is written is stored by ``letter_document``; a test is sent by
``test_send``. Here the page is put together, and the letter is shown alone.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience import profile_question
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_fix, preflight, preview
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.preflight import Inspection
from listkeeper.campaigns.recipients import Whom
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.rendering.reading import letter_light
from listkeeper.sending import halt, seen_as
from listkeeper.sending.seen_as import View
from listkeeper.web import headers
from listkeeper.web.studio import block_form, block_words, link_memory, page, test_send, words

blueprint = Blueprint("composer", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")


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
        return shown(session, letter, newest, newest.draft)


def shown(  # noqa: PLR0913 - a letter, its words, and what went wrong with them
    session: Session,
    letter: Campaign,
    newest: Revision,
    draft: Draft,
    *,
    theirs: Revision | None = None,
    problem: ListkeeperError | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a letter with these words in its fields; ``theirs`` is what is stored, if it is another."""
    found = inspected(session, letter)
    return headers.framing(
        page.answer(
            session,
            "composer",
            letter=letter,
            version=newest.number,
            saved_at=newest.created_at,
            draft=draft,
            document=draft.document,
            theirs=theirs.draft.document if theirs is not None else None,
            problem=problem,
            halted=halt.words(letter.halted) if letter.halted else "",
            **panel(found.findings),
            **block_words.for_page(session, letter),
            **test_send.offered(session),
            new_key=block_form.new_key,
            people=seen_as.some(session, letter.mailing_list),
            follow=bool(found.links),
            answers=profile_question.keys_on(session, letter.list_id),
            status=status,
        )
    )


@blueprint.get("/preview")
def see(public_id: str) -> Response:
    """Serve one reading of the saved letter, alone, under the policy of letters.

    ``part`` is html, text or raw; ``as`` worst, longest, random or a person; ``tab`` the request she sees; ``images``
    off takes the pictures away; ``scheme`` inverted shows what some programs make of a letter in the dark.
    """
    asked = request.args
    with store.reading() as session:
        owner, letter = organisation.only_one(session), opened(session, public_id)
        view = View(asked.get("as", seen_as.WORST), asked.get("tab", "").removeprefix("none"))
        site, about = page.settings().site, letter.mailing_list
        try:
            if "answered" in asked:
                told = preview.sample_answers(session, owner, about)
                newest = campaigns.newest(session, letter).draft
                filled = preview.of_draft(newest, owner, about, site, letter.language, told=told)
                return _alone(filled.html, "html")
            made = preview.made_of(session, letter, owner, site)
            if asked.get("part") == "raw":
                return _alone(seen_as.raw(session, made, owner, about, site, view).decode(errors="replace"), "plain")
            filled = seen_as.filled(session, made, owner, about, site, view)
        except ListkeeperError as problem:
            return _alone(problem.message, "plain")
    if asked.get("part") == "text":
        return _alone(filled.text, "plain")
    body = letter_light.inverted(filled.html) if asked.get("scheme") == "inverted" else filled.html
    return _alone(body, "html", pictures=asked.get("images") != "off")


def _alone(body: str, kind: str, *, pictures: bool = True) -> Response:
    answer = make_response(body)
    answer.content_type = f"text/{kind}; charset=utf-8"
    return headers.letter(answer, pictures=pictures, site=page.settings().site)


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
        findings = findings + preflight.follow_links(found.links, fetcher) + _as_a_filter_sees_it(public_id)
    with store.reading() as session:
        return page.answer(
            session,
            "check" if page.is_fragment() else "check_page",
            letter=opened(session, public_id),
            **panel(findings),
            follow=bool(found.links) and not asked,
        )


def _as_a_filter_sees_it(public_id: str) -> list[Finding]:
    """Show the message to the owner's own spam filter, if there is one, while no transaction is open."""
    settings = page.settings()
    if settings.spam_check is None:
        return []
    with store.reading() as session:
        owner, letter = organisation.only_one(session), opened(session, public_id)
        try:
            made = preview.made_of(session, letter, owner, settings.site)
        except ListkeeperError:
            # Why it cannot be put together is said by the other checks.
            return []
        raw = seen_as.raw(session, made, owner, letter.mailing_list, settings.site, View())
    return parts.spam_check(raw)


def inspected(session: Session, letter: Campaign, whom: Whom | None = None) -> Inspection:
    """Look at a letter under the settings of this instance; ``whom`` is to whom it would go as chosen just now."""
    settings = page.settings()
    return preflight.inspect(
        session, letter, site=settings.site, practice=settings.rehearsing, gate=settings.gate, whom=whom
    )


def panel(findings: list[Finding]) -> dict[str, Any]:
    """Return findings for the check panel, worst first."""
    ordered = sorted(findings, key=lambda each: -each.severity.rank)
    return {
        "findings": ordered,
        "ready": preflight.ready(findings),
        "clean": all(each.severity is Severity.INFO for each in findings),
        "say_severity": words.severity,
        "can_mend": letter_fix.can_mend,
    }
