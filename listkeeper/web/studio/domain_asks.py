"""Questions to the DNS while a domain's page is open: whether the records are there now, and what another would do.

Each changes nothing and is answered in bounded time.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.deliverability import domain_check, key_rotation, provider_figures, sending_domain, spf_what_if
from listkeeper.deliverability.kept_answers import Hurried, KeptAnswers
from listkeeper.deliverability.record_form import Record
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.sending import planning
from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail, ask_all
from listkeeper.web import headers
from listkeeper.web.studio import domain_history, domain_page, domain_records, member, page

blueprint = Blueprint("domain_asks", __name__, url_prefix=f"{page.ROOT}/domains/<public_id>")

_SECONDS = 8.0
# A record that no name server would hold.
_LONGEST = 4000


def _named(session: Session, public_id: str) -> SendingDomain:
    return sending_domain.find(session, organisation.only_one(session).id, public_id)


@blueprint.get("/live")
def live(public_id: str) -> Response:
    """Look whether something new was published; where it was, the page is told to check."""
    looked = min(max(request.args.get("looked", 0, int), 0), domain_page.LOOKS)
    with store.reading() as session:
        domain = _named(session, public_id)
        kept = domain_page.kept_of(domain_check.history(session, domain, 1))
        found, egress = domain_page.findings_of(session, domain, kept), page.settings().egress
        awaited = domain_records.missing(domain_records.problems(domain.name, found, kept, egress))
    is_new = looked < domain_page.LOOKS and _something_new(
        awaited, kept, Hurried(parts.authoritative(domain.name), _SECONDS)
    )
    with store.reading() as session:
        return page.answer(
            session,
            "domain_live",
            domain=_named(session, public_id),
            is_new=is_new,
            looked=looked + 1,
            looks=domain_page.LOOKS - looked - 1 if awaited else 0,
            pause=domain_page.PAUSE,
        )


def _something_new(awaited: Sequence[Record], kept: KeptAnswers, resolver: Resolver) -> bool:
    now = ask_all(resolver, [(record.name, record.kind) for record in awaited])
    then = [kept.query(record.name, record.kind) for record in awaited]
    return any(_differs(*pair) for pair in zip(then, now, strict=True))


def _differs(then: Outcome, now: Outcome) -> bool:
    if isinstance(now, TempFail):
        return False
    return isinstance(then, TempFail) or _records(then) != _records(now)


def _records(said: Outcome) -> set[str]:
    return set(said.records) if isinstance(said, Answer) else set()


@blueprint.get("/what-if")
def suppose(public_id: str) -> Response:
    """Show what receivers would make of an SPF record that somebody thinks of publishing."""
    typed = request.args.get("record", "").strip()[:_LONGEST]
    with store.reading() as session:
        name = _named(session, public_id).name
    egress = page.settings().egress
    supposed = spf_what_if.suppose(name, typed, Hurried(parts.resolver(), _SECONDS), egress=egress) if typed else None
    with store.reading() as session:
        template = "domain_if" if page.is_fragment() else "domain_if_page"
        return page.answer(session, template, domain=_named(session, public_id), typed=typed, supposed=supposed)


@blueprint.post("/key")
def change_key(public_id: str) -> AnyResponse:
    """Make the next key, to be published before it signs."""
    try:
        with store.transaction() as session:
            domain = _named(session, public_id)
            key_rotation.begin(session, domain)
            audit_log.record(session, domain.organisation_id, member.present().actor, "domain.key_made", public_id)
    except Conflict as problem:
        return page.back_to("domains.show_one", problem.message, "bad", public_id=public_id)
    said = language.text("The next key is made. Publish its record; nothing changes until the DNS shows it.")
    return page.back_to("domains.show_one", said, public_id=public_id)


@blueprint.post("/figures")
def keep_figures(public_id: str) -> AnyResponse:
    """Keep what only a provider's own pages show."""
    try:
        with store.transaction() as session:
            domain = _named(session, public_id)
            provider_figures.tell(domain, request.form.get("rate", ""), yahoo_loop="yahoo" in request.form)
            audit_log.record(session, domain.organisation_id, member.present().actor, "domain.figures_told", public_id)
    except Invalid as problem:
        return page.back_to("domains.show_one", problem.message, "bad", public_id=public_id)
    return page.back_to("domains.show_one", language.text("Saved."), public_id=public_id)


@blueprint.post("/request")
def mail_request(public_id: str) -> AnyResponse:
    """Mail what has to be published to whoever looks after the domain, as it was shown."""
    typed, settings = request.form.get("to", "").strip(), page.settings()
    try:
        with store.transaction() as session:
            domain = _named(session, public_id)
            asked = domain_page.asking(session, domain)
            if asked is None:
                raise Conflict("nothing_to_publish", language.text("There is nothing to publish any more."))
            planning.mail_records(
                session, domain, asked, typed, spoken=language.current(), per_hour=settings.tests_per_hour
            )
            audit_log.record(session, domain.organisation_id, member.present().actor, "domain.asked_for", public_id)
    except ListkeeperError as problem:
        return page.back_to("domains.show_one", problem.message, "bad", public_id=public_id)
    said = (
        language.text("The mail is on its way to the practice inbox. Nothing left this machine.")
        if settings.practice
        else language.text("The mail is on its way to %(address)s.", address=typed)
    )
    return page.back_to("domains.show_one", said, public_id=public_id)


@blueprint.get("/evidence")
def evidence(public_id: str) -> Response | AnyResponse:
    """Hand out a check as a file: the newest, or the one that is named by its number."""
    number = request.args.get("check", type=int)
    with store.reading() as session:
        domain = _named(session, public_id)
        checks = domain_check.history(session, domain, domain_history.MOST)
        check = next((check for check in checks if number in {None, check.id}), None)
        if check is None:
            said = language.text("This check is not kept here.")
            return page.back_to("domains.show_one", said, "bad", public_id=public_id)
        answer = jsonify(domain_history.evidence(domain.name, check))
        answer.headers["Content-Disposition"] = f'attachment; filename="{domain.name}-{check.at:%Y%m%d-%H%M%S}.json"'
    return headers.private(answer)
