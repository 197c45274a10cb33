"""The public archive of a list: its letters by their subjects, each as a page, and all of them as a feed.

What stands here was mailed to everybody and names nobody, so it is the same
for whoever asks and may be kept for a few minutes. A letter is alone under the
sandbox policy of letters; unlike the letter of one reader it may be found.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, request, url_for
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import signup_form
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.signup_form import FormState
from listkeeper.campaigns import archive
from listkeeper.campaigns.archive import Letter
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import web_view
from listkeeper.rendering.archive_copy import Around
from listkeeper.standards import atom
from listkeeper.web import headers
from listkeeper.web.public import brand, page

blueprint = Blueprint("archive_page", __name__, url_prefix="/archive/<slug>")

_PAGE = _FEED = 20
_UNCHANGED = 304
_KEPT = "public, max-age=300"


@blueprint.get("")
def show(slug: str) -> Response:
    """Show what was sent, newest first, twenty at a time."""
    with store.reading() as session:
        owner = _owner(session)
        found = archive.opened(session, owner, slug)
        last = request.args.get("before")
        before = archive.letter(session, owner, slug, last).campaign if last else None
        letters = archive.shown(session, found, limit=_PAGE + 1, before=before)
        here = letters[:_PAGE]
        older = url_for(".show", slug=found.slug, before=here[-1].campaign.public_id) if letters[_PAGE:] else ""
        answer = page.answer(
            "archive",
            owner.language,
            brand.business_of(owner),
            list_name=found.name,
            lines=[(each, url_for(".show_letter", slug=found.slug, public_id=each.public_id))
                   for each in archive.lines(owner, here)],
            zone=ZoneInfo(storefront.zone_of(session, owner)),
            day=language.day,
            feed=url_for(".feed", slug=found.slug),
            form=sign_up(session, found),
            older=older,
            newest=url_for(".show", slug=found.slug) if before is not None else "",
        )  # fmt: skip
    return _told(answer, _digest(answer.get_data()))


@blueprint.get("/feed.xml")
def feed(slug: str) -> Response:
    """Tell feed readers the twenty newest letters (Atom, RFC 4287); one that knows them is told so in a line."""
    site = parts.settings().site
    with store.reading() as session:
        owner = _owner(session)
        found = archive.opened(session, owner, slug)
        letters = archive.shown(session, found, limit=_FEED)
        updated = max([each.campaign.started_at or each.campaign.created_at for each in letters] or [found.created_at])
        tag = _digest(f"{site} {archive.stamp(owner, found, letters)}".encode())
        answer = _told(make_response(), tag, updated)
        if answer.status_code != _UNCHANGED:
            answer.set_data(atom.written(_feed(owner, found, letters, updated, site)))
            answer.content_type = f"{atom.MEDIA_TYPE}; charset=utf-8"
    return answer


def _feed(owner: Organisation, found: MailingList, letters: list[Letter], updated: datetime, site: str) -> atom.Feed:
    entries = []
    for each in letters:
        excerpt = archive.excerpt_of(each)
        entries.append(
            atom.Entry(
                id=archive.feed_id(each.campaign.public_id),
                title=excerpt.subject,
                updated=each.campaign.started_at or each.campaign.created_at,
                link=archive.address_of(each.campaign, site),
                summary=excerpt.summary,
                html=excerpt.html,
            )
        )
    return atom.Feed(
        id=archive.feed_id(found.public_id),
        title=found.name,
        updated=updated,
        link=archive.list_address(found, site),
        own=archive.feed_address(found, site),
        author=owner.from_name,
        language=owner.language,
        entries=entries,
    )


@blueprint.get("/<public_id>")
def show_letter(slug: str, public_id: str) -> Response:
    """Show a letter as everybody got it, and as nobody in particular did."""
    site = parts.settings().site
    with store.reading() as session:
        owner = _owner(session)
        letter = archive.letter(session, owner, slug, public_id)
        whole = archive.page_of(letter, _around(session, owner, letter, site))
    answer = make_response(whole)
    answer.content_type = web_view.CONTENT_TYPE
    answer.headers["Content-Security-Policy"] = headers.LETTER
    return _told(answer, _digest(whole))


def _around(session: Session, owner: Organisation, letter: Letter, site: str) -> Around:
    about = letter.campaign.mailing_list
    with language.using(letter.campaign.language or owner.language):
        form = sign_up(session, about)
        ways = [(language.text("Get the next letter by e-mail"), f"{site}{form}")] if form else []
        if about.archive_public:
            ways.insert(0, (language.text("All letters"), archive.list_address(about, site)))
    address = archive.address_of(letter.campaign, site)
    return Around(address, archive.feed_address(about, site) if about.archive_public else "", tuple(ways))


def way_in(session: Session, found: MailingList) -> str:
    """Return where earlier letters of a list can be read, empty where there are none for everybody."""
    if not found.archive_public or not archive.shown(session, found, limit=1):
        return ""
    return url_for("archive_page.show", slug=found.slug)


def _owner(session: Session) -> Organisation:
    owner = organisation.maybe_one(session)
    if owner is None:
        raise NotFound("not_in_archive", language.text("There is no page here"))
    return owner


def sign_up(session: Session, found: MailingList) -> str:
    """Return where somebody gets the next letter, empty where nobody can sign up."""
    if found.state is not ListState.ACTIVE:
        return ""
    forms = (form for form in signup_form.all_of(session, found) if form.state is FormState.OPEN)
    first = next(forms, None)
    return url_for("signup_page.show", slug=first.slug) if first is not None else ""


def _told(answer: Response, tag: str, updated: datetime | None = None) -> Response:
    """Let whoever has it already be told so, and everybody keep it for a few minutes."""
    answer.headers["Cache-Control"] = _KEPT
    answer.set_etag(tag)
    if updated is not None:
        answer.last_modified = updated
    answer.make_conditional(request)
    return answer


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
