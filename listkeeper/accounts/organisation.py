"""The business that owns the lists: who it is, where it is, how it looks."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sqlalchemy import Integer, String, Text, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns, key_mark, language, throttle
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.standards import address

DEFAULT_COLOUR = "#7a4b2a"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_NAME_LIMIT = 200
_SITE_LIMIT = 500


class Organisation(Table):
    """One owner of lists."""

    __tablename__ = "organisation"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("org")
    legal_name: Mapped[str] = mapped_column(String(200))
    postal_address: Mapped[str] = mapped_column(Text)
    from_name: Mapped[str] = mapped_column(String(200))
    from_address: Mapped[str] = mapped_column(String(320))
    website: Mapped[str | None] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(8))
    brand_colour: Mapped[str] = mapped_column(String(7), default=DEFAULT_COLOUR)
    logo: Mapped[str | None] = mapped_column(String(120))
    # What its letters are set in: a font that is on every machine (``rendering.fonts``).
    letter_font: Mapped[str] = mapped_column(String(32), default="system", server_default="system")
    # How long proof is kept once a permission has ended, and why the owner chose so.
    retention_preset: Mapped[str] = mapped_column(String(32), default="DK-6m", server_default="DK-6m")
    retention_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    # Whether a user's wish for somebody's evidence waits for another user (``audience.evidence_request``).
    evidence_needs_two: Mapped[bool] = mapped_column(default=False, server_default=false())
    # A mailbox elsewhere that keeps the ledger's checkpoints (``audience.checkpoint``); empty: nobody asked for it.
    witness_address: Mapped[str | None] = mapped_column(String(320))
    # No letter leaves between these minutes of the day (``accounts.quiet_hours``); empty: at any time.
    quiet_from: Mapped[int | None] = mapped_column(Integer)
    quiet_until: Mapped[int | None] = mapped_column(Integer)
    # At most so many letters to one person in so many days (``sending.frequency_cap``); empty: as many as there are. It
    # holds for steps of follow-ups, and for letters to everybody where its owner asks for that.
    cap_mails: Mapped[int | None] = mapped_column(Integer, default=4, server_default="4")
    cap_days: Mapped[int] = mapped_column(Integer, default=7, server_default="7")
    cap_letters: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether the form says how quickly who writes is answered, beside the measured truth (``feedback.promise``).
    shows_promise: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Mail programs whose readers are not asked to keep our letters in the first place, and one in how many is held
    # back from being asked, so that it can be measured (``sending.guided``); empty: nobody.
    guidance_off: Mapped[str] = mapped_column(String(40), default="", server_default="")
    guidance_holdout: Mapped[int | None] = mapped_column(Integer)
    # Hosts of the owner's shop, one space between them, and whether counted links to them carry a mark of the letter
    # they were followed in (``accounts.shop_hosts``).
    shop_hosts: Mapped[str] = mapped_column(Text, default="", server_default="")
    marks_shop_links: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Founded by the demo and not yet named by an owner: it goes when the demo goes.
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = columns.created_at()

    @property
    def from_domain(self) -> str:
        """The domain letters come from, as an A-label."""
        return self.from_address.rpartition("@")[2]


def found(  # noqa: PLR0913 - a business has this many sides
    session: Session,
    *,
    legal_name: str,
    postal_address: str,
    from_address: str,
    spoken: str,
    from_name: str | None = None,
    brand_colour: str = DEFAULT_COLOUR,
    website: str | None = None,
) -> Organisation:
    """Store the organisation. Raises Conflict when this instance already has one."""
    throttle.take_turns(session, "organisation", "only")
    if session.scalar(select(Organisation.id).limit(1)) is not None:
        raise Conflict(
            "organisation_exists", language.text("This instance already belongs to a business. Nothing was changed.")
        )
    made = Organisation(language=language.known(spoken))
    describe(
        made,
        legal_name=legal_name,
        postal_address=postal_address,
        from_address=from_address,
        from_name=from_name or legal_name,
        brand_colour=brand_colour,
        website=website,
    )
    session.add(made)
    session.flush()
    # From now on this database needs the keys that it is hashed and sealed with.
    key_mark.keep(session)
    return made


def describe(  # noqa: PLR0913 - a business has this many sides
    organisation: Organisation,
    *,
    legal_name: str,
    postal_address: str,
    from_address: str,
    from_name: str,
    brand_colour: str,
    website: str | None,
) -> None:
    """Change what the business says about itself; raises Invalid and changes nothing when a part is wrong."""
    colour = brand_colour.strip().lower()
    if not _COLOUR.fullmatch(colour):
        raise Invalid("colour", language.text("The colour must look like #7a4b2a."))
    site = (website or "").strip() or None
    if site and (not site.startswith(("https://", "http://")) or len(site) > _SITE_LIMIT or _has_control(site)):
        raise Invalid("website", language.text("The web address must start with https://."))
    sender = address.parse(from_address)
    if sender.needs_smtputf8:
        # It stands in every letter, and a letter that needs SMTPUTF8 reaches few (RFC 6532).
        raise Invalid(
            "from_not_ascii", language.text("The sender address may have only plain letters (a to z) before the @.")
        )
    values = {
        "legal_name": _line(legal_name, language.text("the name of the business")),
        "postal_address": _lines(postal_address, language.text("the postal address")),
        "from_name": _line(from_name, language.text("the sender name")),
        "from_address": sender.send,
        "brand_colour": colour,
        "website": site,
    }
    for name, value in values.items():
        setattr(organisation, name, value)
    # Whoever describes a business makes it theirs.
    organisation.demo = False


def choose_witness(organisation: Organisation, typed: str) -> None:
    """Name the mailbox that the ledger's checkpoints are mailed to; nothing typed: none. Raises Invalid."""
    wanted = address.parse(typed) if typed.strip() else None
    if wanted is not None and wanted.needs_smtputf8:
        raise Invalid(
            "witness_not_ascii", language.text("This address may have only plain letters (a to z) before the @.")
        )
    organisation.witness_address = wanted.send if wanted else None


def _line(value: str, what: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise Invalid("missing", language.text("Please fill in %(what)s.", what=what))
    if len(text) > _NAME_LIMIT or _has_control(value.strip()):
        raise Invalid("too_long", language.text("Please shorten %(what)s to one line.", what=what))
    return text


def _has_control(text: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in text)


def _lines(value: str, what: str) -> str:
    kept = [" ".join(line.split()) for line in value.replace("\0", "").splitlines()]
    text = "\n".join(line for line in kept if line)
    if not text:
        raise Invalid("missing", language.text("Please fill in %(what)s.", what=what))
    return text


def only_one(session: Session) -> Organisation:
    """Return this instance's organisation. Raises NotFound before the first run."""
    organisation = session.scalars(select(Organisation).order_by(Organisation.id).limit(1)).first()
    if organisation is None:
        raise NotFound(
            "no_organisation",
            language.text("No business has been named yet. Open the studio, or run `listkeeper init`."),
        )
    return organisation


def maybe_one(session: Session) -> Organisation | None:
    """Return this instance's organisation, or None before the first run."""
    return session.scalars(select(Organisation).order_by(Organisation.id).limit(1)).first()
