"""The history on a person's own page: every event with all its evidence, every message, and signed receipts.

A page is as long as a phone on a bad line can bear; the rest is on the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.importing import proving
from listkeeper.audience.proof import checkpoint, dossier, ledger
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.foundation import language, signing
from listkeeper.rendering.paper import certificate_paper, certificate_words
from listkeeper.rendering.paper.certificate_paper import Entry
from listkeeper.sending import authorisation
from listkeeper.web.public import guest, page, why_page
from listkeeper.web.public.guest import Guest

blueprint = Blueprint("own_history", __name__)
blueprint.before_request(page.limit_body)

# Bytes of words that one page carries; with its markup and stylesheets it stays below 15 KB.
_WORDS_A_PAGE = 3_000
_MESSAGES_A_PAGE = 12


@dataclass(frozen=True)
class Event:
    """One event of the history, under the name of its list."""

    section: str
    entry: Entry


@dataclass(frozen=True)
class Message:
    """One message, with the way to the reason it was sent for."""

    subject: str
    sent: str
    list_name: str
    why: str | None


@blueprint.get("/mine/<visit>/history")
def show(visit: str) -> Response:
    """Show the events, oldest first."""
    with store.reading() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        pages = _in_pages(_events(session, found))
        number = min(max(_number("page"), 1), len(pages))
        return found.answer(
            "own_history",
            events=pages[number - 1],
            number=number,
            pages=len(pages),
            earlier=_page(found, number - 1) if number > 1 else None,
            later=_page(found, number + 1) if number < len(pages) else None,
            receipts=url_for("own_history.receipt", visit=visit),
            given=_given(session, found) if number == len(pages) else [],
        )


def _number(name: str) -> int:
    try:
        return int(request.args.get(name, "")[:9])
    except ValueError:
        return 0


def _page(found: Guest, number: int) -> str:
    return url_for("own_history.show", visit=found.visit, page=number)


def _events(session: Session, found: Guest) -> list[Event]:
    owner = session.get_one(Organisation, found.person.organisation_id)
    # A page that is only looked at signs nothing; what is checked against a checkpoint goes with the download.
    at = checkpoint.newest(session, owner.id) or Checkpoint(size=0, root="", note="", public_key="")
    claims = proving.claims_by_list(proving.of_subject(session, owner, found.person.subject_ref))
    known = dossier.certificate(session, owner, found.person.subject_ref, spoken=found.spoken, at=at, claims=claims)
    paper = certificate_paper.lay_out(known)
    return [Event(section.title, entry) for section in paper.sections for entry in section.entries]


def _in_pages(events: list[Event]) -> list[list[Event]]:
    pages: list[list[Event]] = [[]]
    filled = 0
    for event in events:
        weight = _weight(event.entry)
        if pages[-1] and filled + weight > _WORDS_A_PAGE:
            pages.append([])
            filled = 0
        pages[-1].append(event)
        filled += weight
    return pages


def _weight(entry: Entry) -> int:
    rows = [*entry.rows, *(row for frame in entry.frames for row in frame.rows)]
    # Some forty bytes of markup stand around each row.
    markup = 40 * len(rows)
    texts = (" ".join(frame.sentences) + frame.button for frame in entry.frames)
    return markup + sum(len(f"{row.label}{row.value}".encode()) for row in rows) + sum(len(t.encode()) for t in texts)


def _given(session: Session, found: Guest) -> list[tuple[str, str]]:
    """Return the events that a receipt can be had for: number and moment."""
    query = select(LedgerRow).where(
        LedgerRow.organisation_id == found.person.organisation_id,
        LedgerRow.subject == found.person.subject_ref,
        LedgerRow.type.in_([EventType.GIVEN.value, EventType.RENEWED.value]),
    )
    with language.using(found.spoken):
        return [(row.id, certificate_words.moment(row.at)) for row in session.scalars(query.order_by(LedgerRow.seq))][
            -3:
        ]


@blueprint.post("/mine/<visit>/receipt")
def receipt(visit: str) -> Response:
    """Sign a receipt for one of her events and show it; it is a POST because the record may need a fresh signature."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        owner = session.get_one(Organisation, found.person.organisation_id)
        wanted = request.form.get("event", "")
        hers = {row.id for row in ledger.of_subject(session, owner.id, found.person.subject_ref)}
        signed = checkpoint.receipt(session, owner, wanted) if wanted in hers else None
        if signed is None:
            raise guest.no_such_page()
        note, covered = signed
        return found.answer("own_receipt", note=note, checkpoint=covered.note, key=covered.public_key)


@blueprint.get("/mine/<visit>/messages")
def messages(visit: str) -> Response:
    """Show the messages that left, newest first."""
    with store.reading() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        with language.using(found.spoken):
            sent = authorisation.sent_to(
                session, found.person, before=_number("before") or None, limit=_MESSAGES_A_PAGE + 1
            )
            shown = [
                Message(
                    each.subject,
                    f"{language.moment(each.at)} UTC",
                    each.list_name,
                    url_for("why_page.show", token=signing.token(why_page.PURPOSE, each.delivery_id)),
                )
                for each in sent[:_MESSAGES_A_PAGE]
            ]
        more = len(sent) > _MESSAGES_A_PAGE
        last = sent[_MESSAGES_A_PAGE - 1].delivery_id if more else 0
        return found.answer(
            "own_messages",
            messages=shown,
            older=url_for("own_history.messages", visit=visit, before=last) if more else None,
        )
