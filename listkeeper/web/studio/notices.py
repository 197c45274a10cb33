"""Status notices: what is out of order, told at once and again when it was promised, to people who asked for that.

Nothing is told before it was looked at: the letter as it would go, how many get
it, and what has no place in it. The button is bound to what was seen.
"""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, Response, make_response, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import notice_letter, notice_starter, preview, schedule, status_notice
from listkeeper.campaigns.notice_starter import StarterName
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.status_notice import (
    About,
    Affected,
    News,
    NoticeState,
    StatusNotice,
    StatusUpdate,
    UpdateState,
)
from listkeeper.foundation import clock, language, signing
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError, NotFound
from listkeeper.rendering import short_text
from listkeeper.sending import status_telling
from listkeeper.sending.status_telling import Instance, Seen
from listkeeper.web import domain_read, headers, problems
from listkeeper.web.studio import left_out, member, page, words
from listkeeper.web.studio.words import Said

blueprint = Blueprint("notices", __name__, url_prefix=f"{page.ROOT}/notices")

_Choice = TypeVar("_Choice", bound=StrEnum)
# What a template is given, or a form was.
_Values = dict[str, Any]
_SEEN = "notice-seen"
_TAG_BYTES = 16
_MOVED = 412
_TONES = {UpdateState.RESOLVED: "good", UpdateState.WATCHING: "warn", UpdateState.PLANNED: "quiet"}


def say(state: UpdateState) -> Said:
    """Say how far something has come."""
    return Said(notice_letter.state_words(state), _TONES.get(state, "bad"))


@dataclass(frozen=True)
class Row:
    """A notice in a list, with the newest that was told of it."""

    notice: StatusNotice
    newest: StatusUpdate
    overdue: bool

    @property
    def said(self) -> Said:
        """How far it has come, in words."""
        return say(self.newest.state)


def open_rows(session: Session, owner: Organisation) -> list[Row]:
    """Return what is not over, for the first screen."""
    return _rows(session, status_notice.open_ones(session, owner))


def _rows(session: Session, found: list[StatusNotice]) -> list[Row]:
    now = clock.now()
    return [Row(each, status_notice.timeline(session, each)[0], each.is_overdue(now)) for each in found]


@blueprint.get("")
def show() -> Response:
    """List the notices, those that are not over first, and teach what they are for."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        rows = _rows(session, status_notice.every(session, owner))
        return page.answer(
            session,
            "notices",
            rows=rows,
            Open=NoticeState.OPEN,
            starters=[(name.value, notice_starter.label(name)) for name in StarterName],
            lists=_lists(session, owner),
            status_at=f"{page.settings().site}/status",
        )


def _lists(session: Session, owner: Organisation) -> list[MailingList]:
    return [each for each in mailing_list.all_of(session, owner) if each.is_service and each.state is ListState.ACTIVE]


@blueprint.get("/new")
def write() -> Response:
    """Offer the words of a starter to write on."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        begins = notice_starter.of(owner, _chosen(StarterName, request.args.get("start"), StarterName.TROUBLE))
        first = next(iter(_lists(session, owner)), None)
        typed = {
            **vars(begins.about),
            **vars(begins.news),
            "list": first.public_id if first is not None else "",
            "key": secrets.token_hex(16),
        }
        return _form(session, owner, typed)


def _form(session: Session, owner: Organisation, typed: _Values, **more: Any) -> Response:  # noqa: ANN401 - for a template
    return page.answer(
        session,
        "notice_new",
        **_words(session, owner, typed),
        lists=_lists(session, owner),
        answers=[(each.value, notice_letter.affected_words(each)) for each in Affected],
        **{"seen": None, "problem": None, **more},
    )


def _words(session: Session, owner: Organisation, typed: _Values) -> _Values:
    return {
        "typed": typed,
        "states": [(each.value, notice_letter.state_words(each)) for each in UpdateState],
        "zone": storefront.zone_of(session, owner),
        "say": say,
    }


@blueprint.post("/look")
def look() -> Response:
    """Show a notice as it would be told; what was typed stays."""
    return _looked()


def _looked(problem: ListkeeperError | None = None) -> Response:
    typed, status = request.form.to_dict(), problems.status_of(problem) if problem else 200
    with store.reading() as session:
        owner = organisation.only_one(session)
        try:
            chosen, about, news = _chosen_list(session, owner), _about(), _news(session, owner)
            seen = status_telling.look(session, owner, chosen, about, news, _instance())
        except Invalid as wrong:
            return _form(session, owner, typed, problem=problem or wrong, status=status if problem else 422)
        shown = _shown(session, seen, chosen, news)
        return headers.framing(_form(session, owner, typed, problem=problem, status=status, **shown))


def _shown(session: Session, seen: Seen, chosen: MailingList | None, news: News) -> _Values:
    return {
        "seen": seen,
        "chosen": chosen,
        "left_out": left_out.of(session, chosen, seen.planned) if chosen is not None else [],
        "on_page": _as_page(news.words),
        "frame": token_of(seen.draft, chosen) if chosen is not None else "",
        "say_severity": words.severity,
    }


def _as_page(written: str) -> Markup:
    return Markup(short_text.as_html(written))  # noqa: S704 - cleaned there


@blueprint.post("")
def begin() -> Response | AnyResponse:
    """Tell it: the page at once, and the letter to whoever is on the list."""
    domain_read.again(page.settings())
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            chosen, about, news = _chosen_list(session, owner), _about(), _news(session, owner)
            _demand_seen(status_telling.look(session, owner, chosen, about, news, _instance()))
            told = status_telling.begin(
                session,
                owner,
                chosen,
                about,
                news,
                _instance(),
                actor=member.present().actor,
                user_id=member.present().id,
                request_key=request.form.get("key", "")[:64] or None,
                sure="sure" in request.form,
            )
            public_id = told.notice.public_id
            audit_log.record(session, owner.id, member.present().actor, "notice.begun", public_id)
    except (Invalid, Conflict) as problem:
        return _looked(problem)
    return page.back_to("notices.show_one", language.text("Told."), public_id=public_id)


def _demand_seen(seen: Seen) -> None:
    if request.form.get("sha256") != seen.draft.sha256:
        sentence = language.text("The words have changed since you looked at them. Nothing was sent; look, then tell.")
        raise Conflict("changed_since_preview", sentence)


@blueprint.get("/<public_id>")
def show_one(public_id: str) -> Response:
    """Show the timeline of a notice, and the next update to write."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = status_notice.named(session, owner, public_id)
        newest = status_notice.timeline(session, found)[0]
        typed = {"words": "", "state": newest.state, "by_mail": "1", "newest": newest.id}
        return _one(session, owner, found, typed)


def _one(
    session: Session,
    owner: Organisation,
    found: StatusNotice,
    typed: _Values,
    **more: Any,  # noqa: ANN401 - the same
) -> Response:
    told = status_notice.timeline(session, found)
    letters = {each.id: session.get(campaigns.Campaign, each.campaign_id) for each in told if each.campaign_id}
    zone = storefront.zone_of(session, owner)
    answer = page.answer(
        session,
        "notice",
        notice=found,
        told=[(each, _as_page(each.words), letters.get(each.id)) for each in told],
        overdue=found.is_overdue(clock.now()),
        promised=language.appointment(found.next_update_at, zone) if found.next_update_at else "",
        affected=notice_letter.affected_words(found.affected),
        who=lambda actor: words.operator(session, actor),
        status_at=f"{page.settings().site}/status/{found.public_id}",
        say_letter=words.letter,
        Open=NoticeState.OPEN,
        **_words(session, owner, typed),
        **{"seen": None, "problem": None, **more},
    )
    return headers.framing(answer)


@blueprint.post("/<public_id>/look")
def look_again(public_id: str) -> Response:
    """Show an update as it would be told; what was typed stays."""
    return _looked_again(public_id)


def _looked_again(public_id: str, problem: ListkeeperError | None = None) -> Response:
    typed, status = request.form.to_dict(), problems.status_of(problem) if problem else 200
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = status_notice.named(session, owner, public_id)
        if problem is not None and problem.code == "told_meanwhile":
            typed["newest"], status = str(status_notice.timeline(session, found)[0].id), _MOVED
        try:
            news = _news(session, owner)
            seen = _seen(session, owner, found, news)
        except Invalid as wrong:
            return _one(session, owner, found, typed, problem=problem or wrong, status=status if problem else 422)
        shown = _shown(session, seen, _by_mail(found), news)
        return _one(session, owner, found, typed, problem=problem, status=status, **shown)


def _seen(session: Session, owner: Organisation, found: StatusNotice, news: News) -> Seen:
    about = notice_letter.about_of(found)
    return status_telling.look(session, owner, _by_mail(found), about, news, _instance(), notice=found)


def _by_mail(found: StatusNotice) -> MailingList | None:
    return found.mailing_list if "by_mail" in request.form else None


@blueprint.post("/<public_id>")
def tell(public_id: str) -> Response | AnyResponse:
    """Tell more, or that it is over."""
    domain_read.again(page.settings())
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = status_notice.named(session, owner, public_id)
            news = _news(session, owner)
            _demand_seen(_seen(session, owner, found, news))
            status_telling.update(
                session,
                owner,
                found,
                news,
                _instance(),
                actor=member.present().actor,
                seen=request.form.get("newest", 0, type=int),
                by_mail="by_mail" in request.form,
                sure="sure" in request.form,
            )
            action = "notice.resolved" if news.state is UpdateState.RESOLVED else "notice.updated"
            audit_log.record(session, owner.id, member.present().actor, action, public_id)
    except (Invalid, Conflict) as problem:
        return _looked_again(public_id, problem)
    return page.back_to("notices.show_one", language.text("Told."), public_id=public_id)


def token_of(draft: Draft, chosen: MailingList) -> str:
    """Return a letter that is not stored as a word of an address, for the frame that shows it."""
    told = [chosen.public_id, draft.subject, draft.preheader, draft.markdown]
    return signing.sealed(_SEEN, zlib.compress(json.dumps(told, ensure_ascii=False).encode()))


@blueprint.get("/see/<token>/<kind>")
def see(token: str, kind: str) -> Response:
    """Serve the letter of a look as HTML or as plain text, alone, under the policy of letters."""
    body = signing.opened(_SEEN, token, len(token) * 3 // 4 - _TAG_BYTES)
    if body is None or kind not in {"html", "text"}:
        raise NotFound("no_letter", language.text("There is no page here"))
    if request.args.get("part") == "text":
        # The switches of a preview ask like this where no script runs.
        kind = "text"
    chosen, *told = json.loads(zlib.decompress(body))
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, chosen)
        filled = preview.of_draft(Draft(*told), owner, found, page.settings().site)
    answer = make_response(filled.html if kind == "html" else filled.text)
    answer.content_type = f"text/{'html' if kind == 'html' else 'plain'}; charset=utf-8"
    return headers.letter(answer)


def _instance() -> Instance:
    settings = page.settings()
    return Instance(settings.site, settings.rehearsing, settings.gate)


def _chosen_list(session: Session, owner: Organisation) -> MailingList | None:
    wanted = request.form.get("list", "")
    return mailing_list.named(session, owner, wanted) if wanted else None


def _about() -> About:
    typed = request.form
    affected = _chosen(Affected, typed.get("affected"), Affected.UNKNOWN)
    return About(typed.get("title", ""), typed.get("owner_name", ""), affected, typed.get("affects", ""))


def _news(session: Session, owner: Organisation) -> News:
    state = _chosen(UpdateState, request.form.get("state"), UpdateState.INVESTIGATING)
    typed = request.form.get("next_update_at", "").strip()
    promised = schedule.read(typed, storefront.zone_of(session, owner)) if typed else None
    return News(request.form.get("words", ""), state, promised)


def _chosen(kind: type[_Choice], value: str | None, otherwise: _Choice) -> _Choice:
    return kind(value) if value in set(kind) else otherwise
