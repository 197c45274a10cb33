"""How many test mails may leave in an hour: whoever tries an address after another is stopped."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language, throttle
from listkeeper.foundation.errors import Forbidden


def demand(session: Session, organisation: Organisation, per_hour: int) -> None:
    """Count one test mail. Raises Forbidden past the hour's limit."""
    if not throttle.allow(session, "test", str(organisation.id), per_hour, timedelta(hours=1)):
        raise Forbidden(
            "too_many_tests",
            language.counted(
                "%(number)s test mail has gone out this hour. Wait a little, then send the next.",
                "%(number)s test mails have gone out this hour. Wait a little, then send the next.",
                per_hour,
            ),
        )
