"""What a person takes home: all that is held about her, to read and for other programs (GDPR Art. 15 and 20)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from io import BytesIO
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_told, thread_mail
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.activity import Activity, LatestAct
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.thread import Conversation
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound
from listkeeper.foundation.table import Table
from listkeeper.rendering.paper import certificate_html
from listkeeper.sending import link_visit, opening, proof
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following.follow_up_run import FollowUpAct, FollowUpRun
from listkeeper.sending.frequency_cap import SkippedMail

FILE_NAME = "my-data.zip"
# Every table that holds rows of a person, as far as it is known here, by the name they have in the file.
HELD: dict[str, type[Table]] = {
    "subscriptions": Subscription,
    "sign_ups": Signup,
    "questions": Confirmation,
    "answers": ProfileAnswer,
    "messages": Delivery,
    "links_to_this_page": AccessLink,
    "changes_of_address": AddressChange,
    "conversations": Conversation,
    "activity": Activity,
    "latest_activity": LatestAct,
    "events_of_the_shop": PostedEvent,
    "follow_ups": FollowUpRun,
    "steps_of_follow_ups": FollowUpAct,
    "letters_left_out": SkippedMail,
}
# What would open something if the file fell into other hands, and what only machines use.
_SECRET = frozenset({
    "seed", "token_digest", "visit_digest", "code_digest", "cancel_digest", "brake_key", "suppression_key",
    "sender_key", "idempotency_key", "worker", "lease_until", "lane", "occasion",
})  # fmt: skip


def pack(  # noqa: PLR0913 - whose, where, and what higher chapters hold beside
    session: Session,
    organisation: Organisation,
    person: Subscriber,
    *,
    site: str,
    held: Mapping[str, type[Table]] = HELD,
    also: Mapping[str, object] = MappingProxyType({}),
) -> bytes:
    """Return the ZIP, in her language; that it was handed out is written down, so it needs a writing transaction.

    ``held`` are the tables with rows of hers, also those of higher chapters; ``also`` is what these say in words.
    """
    try:
        handed = proof.hand_out(
            session, organisation, person.subject_ref, actor="subscriber", site=site, spoken=person.language
        )
    except NotFound:
        # Nothing was ever recorded of her in the ledger (the demo's people, or an import that came to nothing).
        return _zipped({"my-data.json": _json({**_everything(session, person, held), **also})})
    return _zipped(
        {
            "my-data.html": certificate_html.render(handed.certificate),
            "my-data.json": _json(
                {**_everything(session, person, held), **also, "record": proof.as_plain(handed.certificate)}
            ),
            "proof.zip": handed.content,
        }
    )


def _everything(session: Session, person: Subscriber, held: Mapping[str, type[Table]]) -> dict[str, Any]:
    found: dict[str, Any] = {"made_at": clock.as_text(clock.now()), "person": _plain(person)}
    for name, table in held.items():
        column = table.__table__.c["subscriber_id"]
        rows = session.scalars(select(table).where(column == person.id))
        found[name] = [_plain(row) for row in rows]
    found["links_followed"] = [
        {name: _value(value) for name, value in each.items()} for each in link_visit.of_person(session, person.id)
    ]
    found["letters_opened"] = [
        {"letter": each.subject, "at": _value(each.at), "by": each.by.value, "it_was": _value(each.verdict)}
        for each in opening.of_person(session, person.id)
    ]
    # The rows name choices and questions by their numbers; here they are in the words she was asked in.
    told = [asdict(each) for each in profile_told.told_by(session, person, person.language)]
    found["what_you_told_us"] = [{name: _value(value) for name, value in each.items()} for each in told]
    found["mails_between_us"] = _letters(session, person)
    return found


def _letters(session: Session, person: Subscriber) -> list[dict[str, Any]]:
    """Return what she wrote to us and what we answered."""
    threads = session.scalars(select(Conversation).where(Conversation.subscriber_id == person.id)).all()
    rows = [(each, row) for each in threads for row in thread_mail.of(session, each)]
    return [
        {
            "conversation": each.public_id,
            "direction": row.direction.value,
            "at": clock.as_text(row.at),
            "subject": said.subject,
            "text": said.text,
        }
        for each, row in rows
        if (said := thread_mail.opened(session, each, row)) is not None
    ]


def _plain(row: Table) -> dict[str, Any]:
    return {
        column.key: _value(getattr(row, column.key)) for column in row.__table__.columns if column.key not in _SECRET
    }


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return clock.as_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _zipped(files: Mapping[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, clock.now().timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(entry, content)
    return target.getvalue()
