"""What one person agreed to and took back: every event, with the exact text it cites."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, roll
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.importing import brought
from listkeeper.audience.importing.brought import Brought
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import clock
from listkeeper.web.api import forms, lock
from listkeeper.web.api.forms import Text
from listkeeper.web.api.shape import Digest, FormId, ListId, Moment, Shape, SubscriberId

blueprint = APIBlueprint("api_consent", __name__, url_prefix=lock.NOW, tag="Subscribers")


class FormShown(Shape):
    """The form as it was at that time."""

    form: FormId
    version: int = Field(examples=[1])
    sha256: Digest


class Event(Shape):
    """One event of a consent's life; written once, never changed."""

    event: EventKind
    at: Moment
    list: ListId
    method: Method = Field(description="The act by which it happened.")
    actor: str = Field(description="Who did it: `subscriber`, `user:…`, `api:…`.", examples=["subscriber"])
    purpose: str = Field(examples=["newsletter"])
    text: Annotated[Text | None, Field(description="The text that was shown.")]
    form_version: Annotated[FormShown | None, Field(description="The form that was shown.")]
    ledger: Annotated[str | None, Field(description="The row of the ledger that proves it.", examples=["0192f0…"])]


class Told(Shape):
    """One thing that is claimed: in the owner's words for the whole file, or in a column of it, which lies sealed."""

    said: str
    column: str


class Claim(Shape):
    """What a file said of the person when it was imported: somebody's claim, and no event that was seen here."""

    import_id: str = Field(description="The import that brought it.", examples=["imp_7k2v9m4c0x8q3w6n1t5z"])
    at: Moment
    list: ListId
    operator: str = Field(description="Who brought the file.", examples=["user:1"])
    file: str = Field(examples=["subscribed.csv"])
    line: int = Field(examples=[2])
    evidenced: bool = Field(description="Whether the row brought what a permission can rest on.")
    requested_at: Moment | None
    confirmed_at: Moment | None
    origin: Told
    method: Told
    text: Told
    ledger: Annotated[str, Field(description="The row of the ledger that proves its batch.", examples=["0192f0…"])]
    undone_at: Annotated[Moment | None, Field(description="When the import was taken back.")]


class History(Shape):
    """All events of one person, and beside them what was claimed of them by files, each oldest first."""

    subscriber: SubscriberId
    events: list[Event]
    claims: list[Claim]


@blueprint.get("/subscribers/<subscriber_id>/consent")
@lock.needs(Scope.READ)
@blueprint.output(History)
def show(subscriber_id: str) -> History:
    """Show what a subscriber agreed to and took back, with the exact texts."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        person = roll.identified(session, owner, subscriber_id)
        events = [_shown(session, each) for each in consent.history(session, person)]
        claims = [_claimed(each) for each in brought.of_subject(session, owner, person.subject_ref)]
        return History(subscriber=person.public_id, events=events, claims=claims)


def _claimed(row: Brought) -> Claim:
    return Claim(
        import_id=row.import_id,
        at=clock.as_text(row.at),
        list=row.list_public_id,
        operator=row.operator,
        file=row.file_name,
        line=row.line,
        evidenced=row.evidenced,
        requested_at=clock.as_text(row.requested_at) if row.requested_at else None,
        confirmed_at=clock.as_text(row.confirmed_at) if row.confirmed_at else None,
        origin=Told(said=row.origin.said, column=row.origin.column),
        method=Told(said=row.method.said, column=row.method.column),
        text=Told(said=row.text.said, column=row.text.column),
        ledger=row.ledger_id,
        undone_at=clock.as_text(row.undone_at) if row.undone_at else None,
    )


def _shown(session: Session, event: ConsentEvent) -> Event:
    version = event.form_version
    return Event(
        event=event.kind,
        at=clock.as_text(event.at),
        list=session.get_one(MailingList, event.list_id).public_id,
        method=event.method,
        actor=event.actor,
        purpose=event.purpose,
        text=forms.worded(event.text) if event.text else None,
        form_version=FormShown(form=version.form.public_id, version=version.version, sha256=version.sha256)
        if version
        else None,
        ledger=event.ledger_id,
    )
