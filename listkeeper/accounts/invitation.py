"""Inviting somebody to the studio: a link in a mail, good for seven days and once; its button lets them in.

The database holds the digest of the link and a seed; only the key folder makes
the link again, when the mail is written. Once it has been used or withdrawn,
the address is forgotten here.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import user as users
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import Role, User
from listkeeper.foundation import clock, columns, language, outbox, signing, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Forbidden, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address

ASKED = "invitation.asked"
LIFETIME = timedelta(days=7)
# Each is a mail to somebody who may never have heard of us.
_A_DAY = 20
_PURPOSE = "invitation"


class Invitation(Table):
    """One invitation; it is live until it is used, withdrawn or a week old."""

    __tablename__ = "invitation"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("inv")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    # Whom it was sent to; emptied once it is over.
    address: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[Role] = columns.enum(Role)
    seed: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = columns.created_at()
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def expires_at(self) -> datetime:
        """When it ends by itself."""
        return self.created_at + LIFETIME

    @property
    def live(self) -> bool:
        """Whether it still lets somebody in."""
        return self.used_at is None and self.withdrawn_at is None and self.expires_at > clock.now()


def invite(session: Session, organisation: Organisation, written: str, role: Role, *, actor: str) -> Invitation:
    """Store an invitation and the fact that it waits to be mailed; one before to the same address ends with it.

    Raises Invalid when it is no address, Conflict for whoever works here already, Forbidden past the day's limit.
    """
    parsed = address.parse(written)
    known = users.addressed(session, parsed.send)
    if known is not None and known.active:
        raise Conflict("is_user", language.text("%(address)s works here already.", address=parsed.send))
    if not throttle.allow(session, _PURPOSE, str(organisation.id), _A_DAY, timedelta(days=1)):
        raise Forbidden("too_many_invitations", language.text("That is enough invitations for one day."))
    for before in waiting(session, organisation):
        if (before.address or "").lower() == parsed.send.lower():
            withdraw(before)
    seed = secrets.token_hex(16)
    made = Invitation(
        organisation_id=organisation.id,
        address=parsed.send,
        role=role,
        seed=seed,
        digest=signing.digest(signing.derived(_PURPOSE, seed)),
        invited_by=actor,
    )
    session.add(made)
    session.flush()
    outbox.write(session, ASKED, made.id, Lane.URGENT)
    return made


def forget_over(session: Session) -> None:
    """Delete invitations that nobody took up: their addresses are nobody's business any more; the timetable calls."""
    unused = Invitation.used_at.is_(None) & (Invitation.created_at < clock.now() - LIFETIME)
    session.execute(delete(Invitation).where(unused))


def token_of(invitation: Invitation) -> str:
    """Return the secret of the link, made again from the key folder."""
    return signing.derived_as(_PURPOSE, invitation.seed, invitation.digest)


def waiting(session: Session, organisation: Organisation) -> list[Invitation]:
    """Return the invitations that can still be used, the oldest first."""
    query = select(Invitation).where(Invitation.organisation_id == organisation.id, Invitation.used_at.is_(None))
    return [row for row in session.scalars(query.order_by(Invitation.id)) if row.live]


def find(session: Session, token: str) -> Invitation | None:
    """Return the live invitation of a link; looking at it does not use it."""
    found = session.scalars(select(Invitation).where(Invitation.digest == signing.digest(token))).first()
    return found if found is not None and found.live else None


def identified(session: Session, organisation: Organisation, public_id: str) -> Invitation:
    """Return an invitation of the business by its id. Raises NotFound."""
    query = select(Invitation).where(Invitation.organisation_id == organisation.id, Invitation.public_id == public_id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_invitation", language.text("There is no such invitation."))
    return found


def withdraw(invitation: Invitation) -> None:
    """Make an invitation worthless; one that is over already stays as it is."""
    if invitation.live:
        invitation.withdrawn_at, invitation.address = clock.now(), None


def accept(session: Session, token: str) -> User:
    """Use an invitation up and return the user it lets in. Raises Forbidden when it is spent, old or not ours."""
    query = select(Invitation).where(Invitation.digest == signing.digest(token)).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None or not found.live or found.address is None:
        raise Forbidden(
            "invitation_spent",
            language.text("This invitation was used, withdrawn, or is more than a week old. Ask for a new one."),
        )
    made = users.admit(session, found.organisation_id, found.address, found.role)
    found.used_at, found.address = clock.now(), None
    session.flush()
    return made
