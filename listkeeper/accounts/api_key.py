"""Keys for programs: what a shop, a script or a form of one's own may do over the API.

A key is a secret of 160 random bits that is shown once; only its SHA-256 is
stored. Its scopes say what it opens. None of them raises anybody's permission:
a program can ask a person to subscribe, make links that lead to a form, send what was written, take
permission away, and tell what people did in a shop. ``metrics`` is for machines that watch: it opens
figures, and nothing of anybody.
"""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, language, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Forbidden, Invalid, NotFound
from listkeeper.foundation.table import Table

PREFIX = "lk_"
_SECRET_BYTES = 20
_SHAPE = re.compile(r"lk_[a-z2-7]{32}")
_NAME_LIMIT = 120
# Often enough to see whether a key is still in use, seldom enough not to make every change a write to this row.
_NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a key may open; the whole list."""

    READ = "read"
    SUBSCRIBE = "subscribe"
    LOWER = "lower"
    EXPORT = "export"
    LINKS = "links"
    CAMPAIGNS = "campaigns"
    METRICS = "metrics"
    EVENTS = "events"


class ApiKey(Table):
    """One program's key; the row outlives its use, because the audit log names it."""

    __tablename__ = "api_key"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("key")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(columns.Json)
    created_at: Mapped[datetime] = columns.created_at()
    # When it last changed something; looking leaves no trace, because a GET writes nothing.
    last_acted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def actor(self) -> str:
        """How the audit log and the ledger name this key."""
        return f"api:{self.public_id}"

    @property
    def opens(self) -> frozenset[Scope]:
        """What this key opens; a scope that this version does not know opens nothing."""
        return frozenset(scope for scope in Scope if scope.value in self.scopes)


def make(session: Session, organisation: Organisation, *, name: str, scopes: Iterable[Scope]) -> tuple[ApiKey, str]:
    """Store a new key and return it with its secret, which cannot be shown again. Raises Invalid."""
    named = " ".join(name.split())
    if not named:
        raise Invalid("missing", language.text("Please say what the key is for."))
    if len(named) > _NAME_LIMIT or any(unicodedata.category(char) in {"Cc", "Cs"} for char in named):
        raise Invalid(
            "too_long", language.text("Please shorten %(what)s to one line.", what=language.text("the name of the key"))
        )
    wanted = set(scopes)
    if not wanted:
        raise Invalid("no_scope", language.text("Please choose at least one thing that the key may do."))
    secret = PREFIX + base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().lower()
    made = ApiKey(
        organisation_id=organisation.id,
        name=named,
        digest=signing.digest(secret),
        scopes=[scope.value for scope in Scope if scope in wanted],
    )
    session.add(made)
    session.flush()
    return made, secret


def looks_right(secret: str) -> bool:
    """Tell whether a text has the shape of our secrets; the database is not asked about any other."""
    return _SHAPE.fullmatch(secret) is not None


def find(session: Session, secret: str) -> ApiKey | None:
    """Return the live key of a secret, looked up by its digest; looking does not change it."""
    if not looks_right(secret):
        return None
    digest = signing.digest(secret)
    found = session.scalars(select(ApiKey).where(ApiKey.digest == digest)).first()
    return found if found is not None and found.revoked_at is None and signing.same(found.digest, digest) else None


def acting(session: Session, key_id: int) -> ApiKey:
    """Return a key that is about to change something, and keep it from being revoked until that is stored.

    Raises Forbidden when it has been revoked in the meantime.
    """
    moment = clock.now()
    # The note comes before the shared lock: two changes that both hold the lock would wait for each other to write it.
    session.execute(
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.last_acted_at.is_(None), ApiKey.last_acted_at < moment - _NOTED_EVERY),
        )
        .values(last_acted_at=moment)
    )
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).with_for_update(read=True)
    found = session.scalars(query).first()
    if found is None:
        raise Forbidden("bad_key", language.text("This key is not known here, or has been revoked."))
    return found


def revoke(key: ApiKey) -> bool:
    """Make a key worthless from this commit on; False when it was so already."""
    if key.revoked_at is not None:
        return False
    key.revoked_at = clock.now()
    return True


def identified(session: Session, organisation: Organisation, public_id: str) -> ApiKey:
    """Return the organisation's key with a public id, also a revoked one. Raises NotFound."""
    query = select(ApiKey).where(ApiKey.organisation_id == organisation.id, ApiKey.public_id == public_id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_such_key", language.text("There is no such key."))
    return found


def all_of(session: Session, organisation: Organisation) -> list[ApiKey]:
    """Return the organisation's keys, newest first, the revoked ones too."""
    query = select(ApiKey).where(ApiKey.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(ApiKey.id.desc())))
