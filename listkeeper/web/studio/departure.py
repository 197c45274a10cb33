"""Sending: one sentence that says to whom, one button bound to what was seen, and a page that moves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation, quiet_hours, storefront
from listkeeper.audience import subscription, topic
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import domain_gate, follow_up_step, preflight, recipients, schedule
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.feedback import poll
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.sending import frequency_cap, pilot, planning, reader_zones
from listkeeper.web import domain_read, headers, problems
from listkeeper.web.studio import (
    audience_choice,
    composer,
    expectation,
    left_out,
    letter_archive,
    link_memory,
    member,
    page,
    stance_form,
    trial_form,
    underway,
    words,
)
from listkeeper.web.studio.audience_choice import Choice

blueprint = Blueprint("departure", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")

_AS_ASKED, _MOVED = 200, 412
# Of the fields in which is said why what blocks shall not stop this letter; the finding's code follows.
_REASON = "reason_"


@blueprint.get("/send")
def look(public_id: str) -> Response | AnyResponse:
    """Say to whom the letter would go, who is left out and why, and show it once more."""
    return _elsewhere(public_id) or _looked(public_id)


def _elsewhere(public_id: str) -> AnyResponse | None:
    """Lead away from a letter that nobody can send to all any more, or never could."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        if (step := follow_up_step.of_campaign(session, letter)) is not None:
            return redirect(url_for("follow_ups.show_one", public_id=step.follow_up.public_id), 303)
        if letter.kind is CampaignKind.WELCOME:
            here = letter.mailing_list.public_id
            return redirect(url_for("welcome.show", public_id=here, language=letter.language), 303)
        if letter.state is not CampaignState.DRAFT:
            return redirect(url_for("departure.progress", public_id=public_id), 303)
    return None


@blueprint.post("/send/trial")
def work_out(public_id: str) -> Response | AnyResponse:
    """Say how many people a trial of two versions takes, as it was typed; nothing is sent, and nothing is stored."""
    if (away := _elsewhere(public_id)) is not None:
        return away
    try:
        trial_form.tested()
    except Invalid as problem:
        return _looked(public_id, problem=problem, status=problems.status_of(problem), working_out=True)
    return _looked(public_id, working_out=True)


def _looked(
    public_id: str, *, problem: ListkeeperError | None = None, status: int = _AS_ASKED, working_out: bool = False
) -> Response:
    findings = _findings(public_id)
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        newest = campaigns.newest(session, letter)
        choice = audience_choice.chosen(session, letter)
        if choice.fault is not None and status == _AS_ASKED:
            status = problems.status_of(choice.fault)
        audience = _audience(session, letter, choice)
        answer = page.answer(
            session,
            "send",
            letter=letter,
            newest=newest,
            zone=storefront.zone_of(session, organisation.only_one(session)),
            hold_minutes=page.settings().hold_minutes,
            least_for_test=2 * pilot.LEAST_PEOPLE,
            rests_until=quiet_hours.rests(session, clock.now()).get(letter.organisation_id),
            typed=request.form,
            stance=stance_form.choice(session, letter, newest),
            trial=trial_form.offer(session, letter, audience["planned"]),
            working_out=working_out,
            problem=problem,
            status=status,
            **audience,
            **_domain(session, letter, findings),
            **composer.panel(findings),
        )
    return headers.framing(answer)


def _audience(session: Session, letter: Campaign, choice: Choice) -> dict[str, Any]:
    """Return to whom the letter would go as the form above says, and who is left out."""
    offered = {
        "topics": topic.offered(session, letter.list_id),
        "about": choice.about,
        "segments": audience_choice.offered(session, letter),
        "segment": choice.whom.segment,
        "astray": choice.fault,
    }
    if choice.fault is not None:
        return {**offered, "planned": 0, "left_out": [], "capped": 0, "zones": 0}
    some, name = choice.whom.within, choice.about.public_id if choice.about else None
    practice = page.settings().rehearsing
    planned = recipients.size(session, letter.mailing_list, name, practice=practice, within=some)
    people = recipients.audience(letter.mailing_list, name, practice=practice, within=some)
    return {
        **offered,
        "planned": planned,
        "left_out": _left_out(session, letter, planned, some),
        "capped": frequency_cap.would_leave_out(session, letter, people),
        "zones": sum(reader_zones.known(session, letter.mailing_list, some).values()),
    }


def _domain(session: Session, letter: Campaign, findings: list[Finding]) -> dict[str, Any]:
    """Return what of the domain blocks, what of it is not known, and whether something else blocks."""
    gate = page.settings().gate
    found = domain_gate.inspect(session, letter, gate)
    return {
        "blocking": [each for each in found if each.severity is Severity.BLOCK],
        "unknown": domain_gate.unknown(found, gate),
        "blocked_otherwise": not preflight.ready(each for each in findings if each not in found),
    }


def _findings(public_id: str) -> list[Finding]:
    """Check everything once more, links too; the sites are asked while no transaction is open."""
    settings = page.settings()
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        choice = audience_choice.chosen(session, letter)
        found = composer.inspected(session, letter, choice.whom if choice.fault is None else None)
    fetcher = link_memory.fetcher(settings.check_links, parts.fetcher)
    return found.findings + preflight.follow_links(found.links, fetcher)


def _left_out(
    session: Session, letter: Campaign, planned: int, some: ColumnElement[bool] | None
) -> list[tuple[int, words.Said]]:
    """Return how many get nothing, and why, in the words of their state."""
    counts = subscription.counts(session, letter.mailing_list)
    rows = [
        (number, words.subscription(state))
        for state, number in counts.items()
        if number and state is not SubscriptionState.CONFIRMED
    ]
    at_rest = left_out.at_rest(session, letter.mailing_list)
    rows += at_rest
    never = counts[SubscriptionState.CONFIRMED] - planned - sum(number for number, _ in at_rest)
    if some is not None:
        practice = page.settings().rehearsing
        everybody = recipients.size(session, letter.mailing_list, practice=practice)
        outside = everybody - recipients.size(session, letter.mailing_list, practice=practice, within=some)
        never -= outside
        if outside:
            rows.append((outside, words.Said(language.text("Not in the segment"))))
    if never > 0:
        rows.append((never, words.Said(language.text("Never mailed, or chose other topics"))))
    return rows


@blueprint.post("/send")
def send(public_id: str) -> Response | AnyResponse:
    """Send what was seen: the button carries its name, and a letter that moved since is shown again."""
    seen = request.form.get("sha256", "")
    settings = page.settings()
    domain_read.again(settings)
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            letter = composer.opened(session, public_id)
            _demand_unordered(letter)
            _override(session, letter)
            # Before it is checked: it is judged by whom it goes to.
            about = audience_choice.take(session, letter)
            found = composer.inspected(session, letter)
            _demand_ready(letter, found.findings)
            domain_gate.demand_known(found.findings, settings.gate, accepted="unknown" in request.form)
            letter_archive.take_typed(letter)
            expectation.take_typed(letter)
            stance_form.take(session, letter, campaigns.newest(session, letter))
            planning.send_campaign(
                session,
                owner,
                letter,
                site=settings.site,
                practice=settings.rehearsing,
                sha256=seen,
                about=about,
                important=bool(request.form.get("important")),
                leaves=underway.leaving(session, owner),
                test=trial_form.tested(),
            )
            audit_log.record(session, owner.id, member.present().actor, schedule.ACTS[letter.state], public_id)
    except (Conflict, Invalid) as problem:
        return _refused(public_id, problem)
    return page.back_to("departure.progress", public_id=public_id)


def _override(session: Session, letter: Campaign) -> None:
    """Note why what blocks shall not stop this letter, as it was typed beside each of the findings."""
    typed = {
        name.removeprefix(_REASON): said
        for name, said in request.form.items()
        if name.startswith(_REASON) and said.strip()
    }
    if typed:
        actor = member.present().actor
        for code in domain_gate.override(session, letter, typed, page.settings().gate, actor):
            audit_log.record(session, letter.organisation_id, actor, f"campaign.overrode_{code}", letter.public_id)


def _demand_unordered(letter: Campaign) -> None:
    if letter.state in schedule.ORDERED:
        raise Conflict("campaign_state", language.text("This letter waits to leave already. Nothing was changed."))


def _demand_ready(letter: Campaign, findings: list[Finding]) -> None:
    """Refuse what is blocked; a letter that has left already is told so by its state instead."""
    if letter.state is CampaignState.DRAFT and not preflight.ready(findings):
        raise Invalid("not_ready", language.text("Something below still has to be mended. Nothing was sent."))


def _refused(public_id: str, problem: Conflict | Invalid) -> Response | AnyResponse:
    if problem.code == "campaign_state":
        # A double click, or two people at once: the first one has sent it.
        return page.back_to("departure.progress", public_id=public_id)
    status = _MOVED if problem.code == "changed_since_preview" else problems.status_of(problem)
    return _looked(public_id, problem=problem, status=status)


@blueprint.get("/progress")
def progress(public_id: str) -> Response | AnyResponse:
    """Show how far the letter is; the part that moves asks for itself until the letter has arrived."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        if letter.state is CampaignState.DRAFT:
            return redirect(url_for("composer.show", public_id=public_id), 303)
        return page.answer(
            session,
            "progress_part" if page.is_fragment() else "progress",
            letter=letter,
            revision=campaigns.newest(session, letter),
            polls=[] if page.is_fragment() else poll.results(session, letter.id),
            **letter_archive.shown(session, letter),
            **underway.shown(session, letter),
        )
