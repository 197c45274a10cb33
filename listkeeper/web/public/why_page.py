"""Why did I get this? The very event that let this one message go, as the gate wrote it down. Looking changes nothing.

The page shows no address: whom the letter was forwarded to learns no more than
the letter's own last lines say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent_text import ConsentText
from listkeeper.foundation import clock, language
from listkeeper.rendering.paper import certificate_words
from listkeeper.sending import authorisation
from listkeeper.sending.delivery import Delivery
from listkeeper.web.public import page, reader
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("why_page", __name__)

PURPOSE = "why"


@dataclass(frozen=True)
class Because:
    """What the page says about one message."""

    subject: str
    sent: str
    event: str
    when: str
    how: str
    text: ConsentText | None
    imported: bool
    row: int
    digest: str


@blueprint.get("/y/<token>")
def show(token: str) -> Response:
    """Name the event that authorised this message."""
    with store.reading() as session:
        found = reader.of_token(session, PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        with language.using(found.spoken):
            because = _because(session, found.delivery)
        return page.secret_answer(
            "why",
            found.spoken,
            found.business,
            list_name=found.list_name,
            because=because,
            left=not found.on_list,
            stop=_stop(found),
        )


def _because(session: Session, letter: Delivery) -> Because:
    found = authorisation.of_delivery(session, letter)
    event, row = found.event, found.row
    return Because(
        subject=authorisation.subject_of(session, letter),
        sent=_moment(letter.handed_at),
        event=certificate_words.event(row.type if row else event.kind.value if event else ""),
        when=_moment(event.at) if event else _moment(clock.of_milliseconds(row.at)) if row else "",
        how=certificate_words.method(event.method.value) if event else "",
        text=event.text if event else None,
        imported=found.imported,
        row=row.seq if row else 0,
        digest=row.hash if row else "",
    )


def _moment(moment: datetime | None) -> str:
    return f"{language.moment(moment)} UTC" if moment else ""


def _stop(found: Reader) -> str | None:
    if not found.on_list or found.delivery is None:
        return None
    return url_for("leave_page.show", token=unsubscribe.token_for(found.delivery.id))
