"""Where people come from: the links of a list, one for each place, with what each of them brought."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form, source
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import SOCIAL, Channel, Source
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import brought
from listkeeper.rendering.paper import poster
from listkeeper.web.studio import member, page

blueprint = Blueprint("sources", __name__, url_prefix=page.ROOT)

_HERE = {"localhost", "127.0.0.1", "::1"}


def address_of(found: Source) -> str:
    """Return the short link of a source, whole."""
    return page.settings().site + url_for("short_link.follow", slug=found.slug)


def only_here() -> bool:
    """Whether our address leads nowhere from another machine, so that nothing should be printed yet."""
    return urlsplit(page.settings().site).hostname in _HERE


@blueprint.get("/lists/<public_id>/links")
def show(public_id: str) -> Response:
    """Show the links of a list with their numbers; htmx asks for the numbers alone."""
    return _all(public_id)


def _all(public_id: str, *, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        here = source.all_of(session, found)
        used = [each for each in here if each.archived_at is None]
        return page.answer(
            session,
            "sources_numbers" if page.is_fragment() else "sources",
            mailing_list=found,
            sources=used,
            archived=[each for each in here if each.archived_at is not None],
            brought=brought.by_source(session, here),
            forms=signup_form.all_of(session, found),
            channels=[(each, source.called(each)) for each in Channel],
            called=source.called,
            missing=set(SOCIAL) - {each.channel for each in used},
            address_of=address_of,
            only_here=only_here(),
            problem=problem,
            status=status,
        )


@blueprint.post("/lists/<public_id>/links")
def create(public_id: str) -> Response | AnyResponse:
    """Make a link for one more place."""
    try:
        with store.transaction() as session:
            owner, found = _list(session, public_id)
            made = source.create(
                session,
                _form(session, found),
                name=request.form.get("name", ""),
                channel=channel_typed(),
                slug=request.form.get("slug", ""),
            )
            audit_log.record(session, owner.id, member.present().actor, "source.created", made.public_id)
            made_id = made.public_id
    except (Invalid, Conflict) as problem:
        return _all(public_id, problem=problem, status=422)
    return page.back_to("sources.show_one", language.text("The link is ready to be shared."), public_id=made_id)


@blueprint.post("/lists/<public_id>/links/ready")
def make_ready_set(public_id: str) -> Response | AnyResponse:
    """Make a link for each social channel that has none yet."""
    try:
        with store.transaction() as session:
            owner, found = _list(session, public_id)
            made = source.ready_set(session, _form(session, found))
            for each in made:
                audit_log.record(session, owner.id, member.present().actor, "source.created", each.public_id)
    except (Invalid, Conflict) as problem:
        return _all(public_id, problem=problem, status=422)
    said = language.counted("%(number)s link is ready.", "%(number)s links are ready.", len(made))
    return page.back_to("sources.show", said, public_id=public_id)


def _list(session: Session, public_id: str) -> tuple[Organisation, MailingList]:
    owner = organisation.only_one(session)
    return owner, mailing_list.named(session, owner, public_id)


def _form(session: Session, found: MailingList) -> SignupForm:
    """Return the form that was chosen, or the list's first one where nobody needs to choose."""
    forms, wanted = signup_form.all_of(session, found), request.form.get("form")
    chosen = next((form for form in forms if form.public_id == wanted), None)
    if chosen is None and (wanted or not forms):
        raise Invalid("no_form", language.text("Please choose a sign-up form of this list."))
    return chosen or forms[0]


def channel_typed() -> Channel:
    """Return the channel that was chosen. Raises Invalid."""
    try:
        return Channel(request.form.get("channel", ""))
    except ValueError:
        raise Invalid("channel", language.text("Please choose what kind of place it is.")) from None


@blueprint.get("/links/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one link: its code, its posters, its numbers, and how it is changed."""
    return _one(public_id)


def _one(public_id: str, *, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        found = source.named(session, organisation.only_one(session), public_id)
        shown = signup_form.describe(session, signup_form.newest(session, found.form))
        return page.answer(
            session,
            "source",
            found=found,
            mailing_list=shown.mailing_list,
            form=source.destination(session, found),
            forms=signup_form.all_of(session, shown.mailing_list),
            brought=brought.by_source(session, [found])[found.id],
            channels=[(each, source.called(each)) for each in Channel],
            called=source.called,
            poster=poster.of_source(found, shown, address_of(found)),
            utm=source.UTM,
            typed=request.form if problem else {},
            address=address_of(found),
            only_here=only_here(),
            problem=problem,
            status=status,
        )


_Act = Callable[[Session, Source], str]


def _do(public_id: str, action: str, act: _Act) -> Response | AnyResponse:
    """Do one thing to a link, note who did it, and say what was done."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = source.named(session, owner, public_id)
            said = act(session, found)
            audit_log.record(session, owner.id, member.present().actor, action, found.public_id)
    except (Invalid, Conflict) as problem:
        return _one(public_id, problem=problem, status=422)
    return page.back_to("sources.show_one", said, public_id=public_id)


@blueprint.post("/links/<public_id>")
def change(public_id: str) -> Response | AnyResponse:
    """Change what a link is called, where it leads, and its marks; the address itself stays."""

    def act(session: Session, found: Source) -> str:
        form = _form(session, found.form.mailing_list)
        marks = {name: request.form.get(name, "") for name in source.UTM}
        source.change(found, form, name=request.form.get("name", ""), channel=channel_typed(), utm=marks)
        return language.text("Saved. The address stays as it is, so nothing printed is lost.")

    return _do(public_id, "source.changed", act)


@blueprint.post("/links/<public_id>/poster")
def word_poster(public_id: str) -> Response | AnyResponse:
    """Choose the words of the poster."""

    def act(_session: Session, found: Source) -> str:
        said = request.form
        source.say_on_poster(found, headline=said.get("headline", ""), line=said.get("line", ""))
        return language.text("Saved. Download the poster to see it.")

    return _do(public_id, "source.poster_worded", act)


@blueprint.post("/links/<public_id>/state")
def switch(public_id: str) -> Response | AnyResponse:
    """Archive a link, or take it into use again."""
    archiving = request.form.get("state") == "archived"

    def act(_session: Session, found: Source) -> str:
        if archiving:
            source.archive(found)
            return language.text("Archived. Whoever still finds it gets to the form, and is counted.")
        source.reopen(found)
        return language.text("The link is in use again.")

    return _do(public_id, "source.archived" if archiving else "source.reopened", act)
