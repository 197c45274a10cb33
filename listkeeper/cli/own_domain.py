"""The sending domain that was typed, for every command that names one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation.errors import NotFound
from listkeeper.standards import address


def named(session: Session, organisation_id: int, typed: str) -> SendingDomain:
    """Return the sending domain of that name. Raises Invalid when it is no name, NotFound when it was not added."""
    label = address.domain_name(typed)
    found = sending_domain.by_name(session, organisation_id, label)
    if found is None:
        raise NotFound("no_domain", f"{label} is not among your sending domains. `listkeeper domain add` adds it.")
    return found
