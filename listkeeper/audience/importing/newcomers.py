"""The rows that bring somebody whom nobody knew: most of a first import, and written a column at a time.

For such a row the reading half has said all there is to say. Nothing is decided
here, so that nothing is done row by row: each table gets its columns, and the
driver puts them together. Whoever is known, suppressed, has opted out, stands
twice in the chunk or cannot be read goes the long way (``judging``, ``loading``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from listkeeper.audience.importing import bulk, judging
from listkeeper.audience.importing.batch import MADE_KEY, MADE_SUBSCRIBER, MADE_SUBSCRIPTION, ImportBatch, ImportRow
from listkeeper.audience.importing.bulk import Same
from listkeeper.audience.importing.judging import Decision, Seen
from listkeeper.audience.importing.reader import Chunk
from listkeeper.audience.importing.sealing import PERSON
from listkeeper.audience.importing.terms import Terms
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.proof.evidence import Evidence, SubjectKey
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock

_NEW, _KEPT = Outcome.NEW.value, Outcome.UNVERIFIED.value
_MADE, _WITH_KEY = MADE_SUBSCRIBER | MADE_SUBSCRIPTION, MADE_SUBSCRIBER | MADE_SUBSCRIPTION | MADE_KEY


class Newcomers:
    """The newcomers of a chunk, and where the others stand in it."""

    def __init__(self, chunk: Chunk, seen: Seen) -> None:
        self._chunk = chunk
        # Which rows bring somebody new; None when all do.
        self._marks = _marks(chunk, seen)
        # The people are written in the order of their hashes, which are random otherwise: each page of that index is
        # then visited once a chunk. The rows of the file keep their own order.
        keys = self.column("key")
        self._order = itemgetter(*sorted(range(len(keys)), key=keys.__getitem__)) if len(keys) > 1 else tuple
        self._numbers: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self._chunk) if self._marks is None else sum(self._marks)

    @property
    def others(self) -> list[int]:
        """The positions of the rows that bring nobody new."""
        return [position for position, new in enumerate(self._marks or ()) if not new]

    @property
    def positions(self) -> Sequence[int]:
        """The positions of the newcomers in their chunk."""
        return range(len(self._chunk)) if self._marks is None else list(self._of(range(len(self._chunk))))

    def column(self, name: str) -> Sequence[Any]:
        """Return one value of each newcomer's row."""
        found = self._chunk.column(name)
        return found if self._marks is None else list(self._of(found))

    def _of(self, values: Iterable[Any]) -> Iterable[Any]:
        return values if self._marks is None else compress(values, self._marks)

    def _ordered(self, name: str) -> Sequence[Any]:
        """Return one value of each newcomer's row, in the order of their hashes."""
        return self._order(self.column(name))

    def add_people(self, session: Session, batch: ImportBatch, spoken: str) -> None:
        """Write the people, and their evidence under keys of their own."""
        self._numbers = bulk.numbers(session, Subscriber, len(self))
        owner = Same(batch.organisation_id)
        subjects, sealed, wrapped = self.column("subject"), self.column("sealed"), self.column("wrapped")
        people: bulk.Columns = {
            "id": self._numbers, "public_id": self._ordered("public_id"), "organisation_id": owner,
            "subject_ref": self._ordered("subject"), "email_send": self._ordered("send"),
            "email_key": self._ordered("email_key"), "suppression_key": self._ordered("key"),
            "language": Same(spoken), "profile": self._ordered("profile"),
            "demo": Same(value=False), "created_at": Same(bulk.moment(session, clock.now())),
        }  # fmt: skip
        bulk.add_columns(session, Subscriber, people)
        events = self.column("event_id")
        if not all(sealed):
            # A table that says nothing about consent leaves nothing to seal.
            subjects, wrapped, events = (list(compress(column, sealed)) for column in (subjects, wrapped, events))
            sealed = list(filter(None, sealed))
        keys: bulk.Columns = {"subject_ref": subjects, "organisation_id": owner, "wrapped": wrapped}
        pieces: bulk.Columns = {
            "event_id": events, "organisation_id": owner, "subject_ref": subjects, "sealed": sealed,
        }  # fmt: skip
        bulk.add_columns(session, SubjectKey, keys)
        bulk.add_columns(session, Evidence, pieces)

    def subscribe(self, session: Session, terms: Terms) -> None:
        """Write their subscriptions."""
        columns = terms.columns(self._ordered("since"), self._ordered("confirmed_at"))
        bulk.add_columns(session, Subscription, {"subscriber_id": self._numbers, **columns})

    def keep_rows(self, session: Session, batch: ImportBatch, terms: Terms) -> None:
        """Write what became of their rows."""
        evidenced = self.column("evidenced")
        kept: bulk.Columns = {
            "batch_id": Same(batch.id), "part": Same(self._chunk.part), "row": self.column("row"),
            "line": self.column("line"), "key": self.column("key"),
            "outcome": [_NEW if proven else _KEPT for proven in evidenced], "reason": self.column("reason"),
            "subject_ref": self.column("subject"), "event_id": self.column("event_id"),
            "evidence_commit": self.column("commit"), "evidenced": evidenced,
            "requested_at": self.column("requested_at"), "confirmed_at": self.column("confirmed_at"),
            "event_seq": Same(terms.seq), "position": self.positions, "leaf": self.column("leaf"),
            "made": [_WITH_KEY if sealed else _MADE for sealed in self.column("sealed")],
        }  # fmt: skip
        bulk.add_columns(session, ImportRow, kept)

    def tally(self) -> Counter[str]:
        """Count them as ``loading.tally`` does."""
        counts: Counter[str] = Counter()
        for reason, times in Counter(self.column("reason")).items():
            outcome = _KEPT if reason else _NEW
            counts[outcome] += times
            if reason:
                counts[f"{outcome}:{reason}"] += times
        for remarks, times in Counter(self.column("remarks")).items():
            for remark in remarks.split():
                counts[f"remark:{remark}"] += times
        return counts


def _marks(chunk: Chunk, seen: Seen) -> list[bool] | None:
    keys, kinds = chunk.column("key"), chunk.column("kind")
    times = Counter(keys)
    if len(times) == len(keys) and kinds.count(PERSON) == len(keys) and not seen.known and not seen.suppressed:
        return None
    met = seen.known.keys() | seen.suppressed.keys()
    return [kind == PERSON and times[key] == 1 and key not in met for key, kind in zip(keys, kinds, strict=True)]


@dataclass(frozen=True)
class Loaded:
    """A chunk that was written, for whoever wants to know what became of each row."""

    chunk: Chunk
    newcomers: Newcomers | None
    others: Sequence[Decision]
    # Whether anybody on it was known before.
    met: bool

    def decisions(self) -> list[Decision]:
        """Return what became of each row, in order."""
        if self.newcomers is None:
            return []
        positions = self.newcomers.positions
        rows = self.chunk.at_positions(positions)
        found = dict(zip(positions, judging.decide(rows, Seen({}, {})), strict=True))
        found |= dict(zip(self.newcomers.others, self.others, strict=True))
        return [found[position] for position in range(len(self.chunk))]
