"""A person's own page, opened by the button of a fresh link and open for half an hour: all she may see and do.

The secret of the visit stands in the address; there is no cookie. A GET shows,
a POST acts. What destroys asks a second time (``erase_page``); the history and
the messages are ``own_history``.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, request, url_for
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import address_change, complaint, subscriber, subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.importing import brought
from listkeeper.audience.importing.brought import Brought
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.feedback import own_data
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.paper import certificate_words
from listkeeper.sending import relay_offer
from listkeeper.standards import address
from listkeeper.web import headers
from listkeeper.web.public import choices, guest, page, renew_page
from listkeeper.web.public.choices import Act, Actions
from listkeeper.web.public.guest import Guest

blueprint = Blueprint("own_page", __name__)
blueprint.before_request(page.limit_body)

_NOT_POSSIBLE = 422
_SHOWN_LIMIT = 320


@dataclass(frozen=True)
class Held:
    """One list of hers, as the page names it."""

    name: str
    standing: str
    since: str
    address: str
    # When it ends by itself, if that is soon.
    ends: str


@blueprint.get("/mine/<visit>")
def show(visit: str) -> Response:
    """Show what there is."""
    with store.reading() as session:
        found = guest.of(session, visit)
        return _overview(session, found) if found else guest.nobody()


def _overview(session: Session, found: Guest, *, said: str = "", typed: str = "", wrong: str = "") -> Response:
    with language.using(found.spoken):
        lists = [_held(session, current, mailing_list, found) for current, mailing_list in _lists(session, found)]
        restricted = choices.day_of(found.person.restricted_at) if found.person.restricted_at else ""
    return found.answer(
        "own",
        status=_NOT_POSSIBLE if wrong else 200,
        address=address.shown(found.person.email_send),
        lists=lists,
        restricted=restricted,
        said=said,
        typed=typed,
        wrong=wrong,
        to={
            name: url_for(f"own_page.{name}", visit=found.visit)
            for name in ("download", "change_address", "leave_everything", "object_to_marketing", "restrict")
        }
        | {
            "history": url_for("own_history.show", visit=found.visit),
            "answers": url_for("own_answers.show", visit=found.visit),
            "messages": url_for("own_history.messages", visit=found.visit),
            "given": url_for("own_given.show", visit=found.visit),
            "erase": url_for("erase_page.show", visit=found.visit),
        },
    )


def _lists(session: Session, found: Guest) -> list[tuple[Subscription, MailingList]]:
    return subscription.all_of(session, found.person)


def _held(session: Session, current: Subscription, mailing_list: MailingList, found: Guest) -> Held:
    renewing = renew_page.shown(session, found.person, current, mailing_list, _renewing(found, mailing_list))
    return Held(
        mailing_list.name,
        certificate_words.state(current.state.value),
        choices.day_of(current.since),
        url_for("own_page.show_list", visit=found.visit, public_id=mailing_list.public_id),
        renewing.ends if renewing.due else "",
    )


@blueprint.get("/mine/<visit>/lists/<public_id>")
def show_list(visit: str, public_id: str) -> Response:
    """Show what can be chosen about one list."""
    with store.reading() as session:
        found = guest.of(session, visit)
        return _list_page(session, found, public_id) if found else guest.nobody()


@blueprint.post("/mine/<visit>/lists/<public_id>")
def save(visit: str, public_id: str) -> Response:
    """Store what was chosen."""
    return _choose(visit, public_id, choices.save)


@blueprint.post("/mine/<visit>/lists/<public_id>/pause")
def pause(visit: str, public_id: str) -> Response:
    """Pause the list."""
    return _choose(visit, public_id, choices.pause)


@blueprint.post("/mine/<visit>/lists/<public_id>/resume")
def resume(visit: str, public_id: str) -> Response:
    """End the pause."""
    return _choose(visit, public_id, choices.resume)


@blueprint.post("/mine/<visit>/lists/<public_id>/seen")
def track(visit: str, public_id: str) -> Response:
    """Let it be seen what she opens and which links she follows."""
    return _choose(visit, public_id, choices.track)


@blueprint.post("/mine/<visit>/lists/<public_id>/counted")
def count(visit: str, public_id: str) -> Response:
    """Let it be counted without her name."""
    return _choose(visit, public_id, choices.count)


@blueprint.post("/mine/<visit>/lists/<public_id>/unseen")
def untrack(visit: str, public_id: str) -> Response:
    """See and count it no more."""
    return _choose(visit, public_id, choices.untrack)


@blueprint.post("/mine/<visit>/lists/<public_id>/renew")
def renew(visit: str, public_id: str) -> Response:
    """Take her yes once more, while there is one."""

    def act(session: Session, person: Subscriber, current: Subscription, _delivery_id: int | None) -> None:
        renew_page.take(session, person, session.get_one(MailingList, current.list_id))

    return _choose(visit, public_id, act)


def _choose(visit: str, public_id: str, act: Act) -> Response:
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        current, _mailing_list = _one(session, found, public_id)
        wrong = None
        with language.using(found.spoken):
            try:
                act(session, found.person, current, None)
            except Invalid as problem:
                wrong = problem
        return _list_page(session, found, public_id, saved=not wrong, wrong=wrong)


def _one(session: Session, found: Guest, public_id: str) -> tuple[Subscription, MailingList]:
    for current, mailing_list in _lists(session, found):
        if mailing_list.public_id == public_id:
            return current, mailing_list
    raise guest.no_such_page()


def _list_page(
    session: Session, found: Guest, public_id: str, *, saved: bool = False, wrong: Invalid | None = None
) -> Response:
    current, mailing_list = _one(session, found, public_id)
    on_list = current.state in {SubscriptionState.CONFIRMED, SubscriptionState.PENDING, SubscriptionState.BOUNCED}
    actions = Actions(
        **{
            name: url_for(f"own_page.{name}", visit=found.visit, public_id=public_id)
            for name in ("save", "pause", "resume", "track", "count", "untrack")
        }
    )
    text = session.get(ConsentText, current.consent_text_id or 0)
    with language.using(found.spoken):
        standing = certificate_words.state(current.state.value)
        since = choices.day_of(current.since)
        shown = choices.of(session, found.person, current, actions)
        renewing = renew_page.shown(session, found.person, current, mailing_list, _renewing(found, mailing_list))
    return found.answer(
        "own_list",
        status=_NOT_POSSIBLE if wrong else 200,
        list_name=mailing_list.name,
        standing=standing,
        since=since,
        text=text,
        claim=_claim(session, found, current),
        day=choices.day_of,
        choices=shown,
        renewing=renewing,
        saved=saved and shown is not None,
        wrong=wrong,
        stop=url_for("own_page.leave", visit=found.visit, public_id=public_id) if on_list else None,
    )


def _renewing(found: Guest, mailing_list: MailingList) -> str:
    return url_for("own_page.renew", visit=found.visit, public_id=mailing_list.public_id)


def _claim(session: Session, found: Guest, current: Subscription) -> Brought | None:
    """Return what a file claims of her, while nothing but that file carries her subscription."""
    if current.import_id is None or current.consent_event_id is not None:
        return None
    owner = session.get_one(Organisation, found.person.organisation_id)
    rows = brought.of_subject(session, owner, found.person.subject_ref)
    return next((row for row in reversed(rows) if row.stands and row.import_number == current.import_id), None)


@blueprint.post("/mine/<visit>/lists/<public_id>/leave")
def leave(visit: str, public_id: str) -> Response:
    """Leave one list."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        _current, mailing_list = _one(session, found, public_id)
        unsubscribe.leave(session, found.person.id, mailing_list.id, Method.PAGE)
        return _list_page(session, found, public_id)


@blueprint.post("/mine/<visit>/everything")
def leave_everything(visit: str) -> Response:
    """Leave every list."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        complaint.stop_everything(session, found.person.id, method=Method.PAGE)
        return _overview(session, found, said="stopped")


@blueprint.post("/mine/<visit>/object")
def object_to_marketing(visit: str) -> Response:
    """Object to advertising of every kind."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        complaint.object_to_marketing(session, found.person.id, method=Method.PAGE)
        return _overview(session, found, said="objected")


@blueprint.post("/mine/<visit>/restrict")
def restrict(visit: str) -> Response:
    """Keep the data and use it for nothing, while something is in dispute."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        held = subscriber.hold(session, found.person.id) if found else None
        if found is None or held is None:
            return guest.nobody()
        subscriber.restrict(session, held, actor="subscriber")
        return _overview(session, found, said="restricted")


@blueprint.post("/mine/<visit>/address")
def change_address(visit: str) -> Response:
    """Ask a new address whether it is hers; whether we know it already is told to nobody."""
    typed = request.form.get("email", "").strip()
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        with language.using(found.spoken):
            try:
                wide = relay_offer.carries(session, parts.relay_names(), typed)
                address_change.ask(session, found.person, typed, carries_smtputf8=wide)
            except Invalid as problem:
                return _overview(session, found, typed=typed[:_SHOWN_LIMIT], wrong=problem.message)
        return _overview(session, found, said="asked_new_address")


@blueprint.post("/mine/<visit>/download")
def download(visit: str) -> Response:
    """Hand out everything that is held; the record says that it was."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        owner = session.get_one(Organisation, found.person.organisation_id)
        with language.using(found.spoken):
            packed = own_data.pack(session, owner, found.person, site=parts.settings().site)
    answer = make_response(packed)
    answer.content_type = "application/zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{own_data.FILE_NAME}"'
    return headers.private(answer)
