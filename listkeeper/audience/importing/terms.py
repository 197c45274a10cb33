"""What all subscriptions that a chunk of rows makes have in common, and which clocks run for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from listkeeper.audience import jurisdiction
from listkeeper.audience.importing import bulk
from listkeeper.audience.importing.batch import ImportBatch
from listkeeper.audience.importing.bulk import Columns, Same
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import Basis, SubscriptionState
from listkeeper.foundation import clock

_CONFIRMED, _KEPT = SubscriptionState.CONFIRMED.value, SubscriptionState.IMPORTED_UNVERIFIED.value


@dataclass(frozen=True)
class Terms:
    """What all subscriptions of a chunk have in common."""

    # What the database's own text of a time in UTC ends with.
    zone: str
    list_id: int
    purpose: str
    jurisdiction: str
    basis: str
    seq: int
    import_id: int
    now: datetime
    # When the owner last wrote to these people, as she states; None when she does not, so that all clocks run.
    last_letter: datetime | None

    def last_contact(self, since: datetime) -> datetime | None:
        """Return when a person was last written to; never before she agreed."""
        return min(max(self.last_letter, since), self.now) if self.last_letter is not None else None

    def deadline(self, since: datetime) -> datetime | None:
        """Return until when the first letter must have gone; None when it has, or when no rule asks."""
        return None if self.last_letter is not None else _deadline_of_day(self.jurisdiction, since.date().isoformat())

    def columns(self, since: Sequence[str], confirmed: Sequence[int]) -> Columns:
        """Return the columns of new subscriptions but for their people.

        ``since`` has when each agreed (``Candidate.since``, empty without evidence) and ``confirmed`` when each
        confirmed it.
        """
        written = [self._written(at) if at else "" for at in since] if self.zone else since
        now, basis, none = self._text(self.now), self.basis, Basis.NONE.value
        return {
            "list_id": Same(self.list_id),
            "state": [_CONFIRMED if at else _KEPT for at in since],
            "basis": [basis if at else none for at in since],
            "since": [at or now for at in written],
            "ledger_seq": Same(self.seq),
            "purpose": Same(self.purpose),
            "double_opt_in": [moment > 0 and at != "" for at, moment in zip(since, confirmed, strict=True)],
            **self._clocks(written, now),
            "import_id": Same(self.import_id),
        }

    def _clocks(self, since: Sequence[str], now: str) -> Columns:
        """Return the two columns that the clocks run by. Times of one zone and length compare as their texts do."""
        if self.last_letter is not None:
            letter = self._text(self.last_letter)
            contact = [min(max(letter, at), now) if at else None for at in since]
            return {"first_use_deadline": Same(None), "last_contact_at": contact}
        days = {at[:10] for at in since if at}
        ends = {day: self._text(end) if (end := _deadline_of_day(self.jurisdiction, day)) else None for day in days}
        return {"first_use_deadline": [ends.get(at[:10]) for at in since], "last_contact_at": Same(None)}

    def _text(self, at: datetime) -> str:
        return self._written(at.astimezone(UTC).isoformat(" ", "microseconds")[:26])

    def _written(self, at: str) -> str:
        return f"{at}{self.zone}"


def of(session: Session, batch: ImportBatch, mailing_list: MailingList, seq: int) -> Terms:
    """Return the terms of a batch's subscriptions that a row of the ledger carries."""
    stated = batch.last_letter_on
    return Terms(
        "" if bulk.is_sqlite(session) else "+00:00", mailing_list.id, mailing_list.purpose, mailing_list.jurisdiction,
        batch.claimed_basis, seq, batch.id, clock.now(),
        datetime.fromisoformat(stated).replace(tzinfo=UTC) if stated else None,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _deadline_of_day(code: str, day: str) -> datetime | None:
    since = datetime.fromisoformat(day).replace(tzinfo=UTC)
    months = jurisdiction.profile(code, clock.now().date()).first_use_months
    return clock.months_later(since, months) if months else None
