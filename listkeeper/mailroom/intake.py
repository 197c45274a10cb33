"""The one way of a mail into the program: kept unread, whole, once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.feedback import inbound
from listkeeper.feedback.inbound import Taken
from listkeeper.mailroom.brought import Brought


def keep(organisation_id: int, mail: Brought) -> Taken:
    """Keep a mail; when this returns it is on the disk. The same bytes twice are one mail.

    Mails that several threads bring at the same time share a transaction.
    Raises TryAgain when the database is away, locked or full; nothing is kept then.
    """
    return store.shared(_keep_all, (organisation_id, mail))


def _keep_all(session: Session, brought: Sequence[tuple[int, Brought]]) -> list[Taken]:
    return [
        inbound.take(session, owner, mail.way, mail.content, envelope_from=mail.sender, envelope_to=mail.recipients)
        for owner, mail in brought
    ]
