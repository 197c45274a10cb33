"""Domains: what receivers read about the name letters come from, and exactly what to publish."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.deliverability import domain_check, proven, sending_domain
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import domain_news
from listkeeper.sending.pacing import warmup
from listkeeper.web.studio import domain_page, member, page, words

blueprint = Blueprint("domains", __name__, url_prefix=page.ROOT)


@blueprint.get("/domains")
def show() -> Response:
    """Show the domains, and a field to type another."""
    return _all()


def _all(*, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        known = sending_domain.every(session, owner.id)
        return page.answer(
            session,
            "domains",
            domains=[(each, _summary(session, each)) for each in known],
            typed=request.form.get("name") or ("" if known else owner.from_domain),
            problem=problem,
            status=status,
        )


def _summary(session: Session, domain: SendingDomain) -> words.Said:
    """Say in one word how a domain stands; never checked is unknown."""
    found = proven.known(session, domain, domain.last_findings) if domain.last_checked_at is not None else []
    return domain_page.stands(found)


@blueprint.post("/domains")
def add() -> Response | AnyResponse:
    """Add a domain and read its records at once."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            made = sending_domain.add(session, owner.id, request.form.get("name", ""))
            audit_log.record(session, owner.id, member.present().actor, "domain.added", made.public_id)
            public_id = made.public_id
    except (Invalid, Conflict) as problem:
        return _all(problem=problem, status=422)
    _look_up(public_id)
    return page.back_to("domains.show_one", public_id=public_id)


def _look_up(public_id: str) -> None:
    """Ask the DNS with no transaction open, then keep what it said."""
    with store.reading() as session:
        asked = domain_check.question(session, _named(session, public_id))
    resolver, known = parts.authoritative(asked.domain), page.settings()
    checked = domain_check.look(
        asked, resolver, egress=known.egress, mail_from=parts.envelope_sender(known), around=parts.surroundings()
    )
    with store.transaction() as session:
        domain_news.keep(session, _named(session, public_id), checked, known.gate)


def _named(session: Session, public_id: str) -> SendingDomain:
    return sending_domain.find(session, organisation.only_one(session).id, public_id)


@blueprint.get("/domains/<public_id>")
def show_one(public_id: str) -> Response:
    """Show the verdict, what to publish in whose form, and what the last check saw behind it."""
    with store.reading() as session:
        return page.answer(session, "domain", **domain_page.values(session, _named(session, public_id)))


@blueprint.post("/domains/<public_id>/warm-up")
def warm_up(public_id: str) -> AnyResponse:
    """Let a domain that nobody knows send few mails at first, or as many as it may."""
    wanted = request.form.get("on") == "yes"
    with store.transaction() as session:
        domain = _named(session, public_id)
        warmup.switch(session, domain, on=wanted)
        action = f"domain.warmup_{'started' if wanted else 'stopped'}"
        audit_log.record(session, domain.organisation_id, member.present().actor, action, public_id)
    said = (
        language.text("It sends few mails a day from now on, and more when they are taken well.")
        if wanted
        else language.text("It sends as many mails as it may from now on. What waits for tomorrow already leaves then.")
    )
    return page.back_to("domains.show_one", said, public_id=public_id)


@blueprint.post("/domains/<public_id>/check")
def check(public_id: str) -> Response | AnyResponse:
    """Read the records again, now; a page that noticed something new asks for itself alone."""
    _look_up(public_id)
    if page.is_fragment():
        looked = min(max(request.form.get("looked", 0, int), 0), domain_page.LOOKS)
        with store.reading() as session:
            shown = domain_page.values(session, _named(session, public_id), looked=looked)
            return page.answer(session, "domain_part", **shown)
    return page.back_to("domains.show_one", language.text("Checked just now."), public_id=public_id)


@blueprint.post("/domains/<public_id>/signing")
def sign(public_id: str) -> AnyResponse:
    """Begin or stop to sign this domain's letters."""
    wanted = request.form.get("sign") == "yes"
    try:
        with store.transaction() as session:
            domain = _named(session, public_id)
            if wanted:
                sending_domain.start_signing(session, domain)
            else:
                sending_domain.stop_signing(session, domain)
            action = "domain.signing_started" if wanted else "domain.signing_stopped"
            audit_log.record(session, domain.organisation_id, member.present().actor, action, public_id)
    except Conflict as problem:
        return page.back_to("domains.show_one", problem.message, "bad", public_id=public_id)
    said = (
        language.text("Letters from this domain are signed from now on.")
        if wanted
        else language.text("Letters from this domain go out unsigned from now on.")
    )
    return page.back_to("domains.show_one", said, public_id=public_id)
