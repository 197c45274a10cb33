"""A campaign: one letter to one mailing list, and the states of its life."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import revision
from listkeeper.campaigns.revision import ChangeName, Draft, Revision
from listkeeper.foundation import clock, columns, language, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

STARTED = "campaign.started"


class CampaignState(StrEnum):
    """The words scripts rely on. ``held`` is ordered and can still be undone; ``paused`` stands where it was."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    HELD = "held"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


S = CampaignState
TRANSITIONS: dict[CampaignState, frozenset[CampaignState]] = {
    S.DRAFT: frozenset({S.SCHEDULED, S.HELD, S.SENDING}),
    S.SCHEDULED: frozenset({S.DRAFT, S.HELD, S.SENDING, S.CANCELLED}),
    # Another moment was chosen while it could still be undone.
    S.HELD: frozenset({S.DRAFT, S.SCHEDULED, S.SENDING, S.CANCELLED}),
    S.SENDING: frozenset({S.PAUSED, S.FINISHED, S.CANCELLED}),
    S.PAUSED: frozenset({S.SENDING, S.CANCELLED}),
    # In doubt may be settled long after the end, which changes counts but not the state. Under way again: its owner
    # tries once more what failed, or sends again what is in doubt; or a doubt turns out not to have left.
    S.FINISHED: frozenset({S.SENDING}),
    S.CANCELLED: frozenset(),
}
# Nothing of it has left yet, and its owner may still think better of it.
UNSENT = frozenset({S.DRAFT, S.SCHEDULED, S.HELD})


class CampaignKind(StrEnum):
    """What makes a letter leave: its owner, for everybody at once; or a yes, for that person alone (``welcome``).

    A ``notice`` carries one update of a status notice: class service, to people who are on its list for nothing else.
    A ``follow_up`` is one step of a short series (``follow_up``): it goes to one person after what happened to her.
    """

    LETTER = "letter"
    WELCOME = "welcome"
    NOTICE = "notice"
    FOLLOW_UP = "follow_up"


class Campaign(Table):
    """One letter; its words live in revisions."""

    __tablename__ = "campaign"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("cmp")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    state: Mapped[CampaignState] = columns.enum(CampaignState, default=CampaignState.DRAFT)
    kind: Mapped[CampaignKind] = columns.enum(CampaignKind, default=CampaignKind.LETTER, server_default="letter")
    # The language of its frame; empty: the language of the business.
    language: Mapped[str | None] = mapped_column(String(8))
    # The number of the newest revision: every write names the one it was made on.
    version: Mapped[int] = mapped_column(Integer, default=0)
    # No foreign key: revisions point back here, and two tables that point at each other cannot be made in one go.
    sent_revision_id: Mapped[int | None] = mapped_column(columns.RowId)
    recipients: Mapped[int] = mapped_column(Integer, default=0)
    # What it is about, for people whose permission covers one kind of product; and whether it is important.
    category: Mapped[str | None] = mapped_column(String(80))
    important: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The topic it is about, by public id: whoever chose others does not get it. Empty: it goes to all.
    topic: Mapped[str | None] = mapped_column(String(40))
    # The segment of its list that it goes to (``audience.segment``); empty: everybody on the list.
    segment_id: Mapped[int | None] = mapped_column(columns.RowId)
    # What the segment said when the letter's audience was frozen, with the segments inside it written out.
    segment_text: Mapped[str | None] = mapped_column(Text)
    # Whether it gives or asks (``stance``), and what its owner believes will come of it (``assumption``).
    stance: Mapped[str | None] = mapped_column(String(16))
    assumption: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # Two subjects or letters tried on a few first (``sending.trial``): what was ordered, and what came of it.
    trial: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # The status notice whose update it carries; no foreign key, because its updates point back here.
    notice_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Deliveries up to this wave may leave (``sending.delivery``): 0 while the few that go first are watched.
    waves_open: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    # When it shall leave, as its owner chose; and until when a send that was ordered can be undone.
    scheduled_for: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # At that hour by each reader's own clock; it then begins when the first of them reach it.
    each_zone: Mapped[bool] = mapped_column(default=False, server_default=false())
    begins_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Why it stands still, or did not leave: a code with its figures, or with words.
    halted: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # For which of those reasons it does not stop again, because its owner let it go on.
    overruled: Mapped[list[str] | None] = mapped_column(columns.Json)
    # What blocked and did not stop it, by code: the reason its owner gave, who that was and when (``domain_gate``).
    overrides: Mapped[dict[str, dict[str, str]] | None] = mapped_column(columns.Json)
    # The test with a few first (``sending.pilot``): what was ordered, what is expected, and how it stands.
    pilot: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # What the first message was worth that left (``sending.first_message``): verdict, words, when.
    first_message: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # Whether anybody may read it (``archive``): as its list says (empty), or as its owner chose.
    in_archive: Mapped[bool | None] = mapped_column()
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = columns.created_at()
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    mailing_list: Mapped[MailingList] = relationship()


def create(  # noqa: PLR0913 - whose letter, to which list, and of which kind
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    draft: Draft,
    *,
    demo: bool = False,
    kind: CampaignKind = CampaignKind.LETTER,
    spoken: str | None = None,
) -> Campaign:
    """Store a new draft with its first revision. Raises Invalid for a list that is for something else."""
    if fault := purpose_fault(kind, mailing_list):
        raise Invalid("purpose_mismatch", fault)
    made = Campaign(
        organisation_id=organisation.id, list_id=mailing_list.id, demo=demo, kind=kind, language=spoken, version=0
    )
    made.mailing_list = mailing_list
    session.add(made)
    session.flush()
    write(session, made, draft, base=0)
    return made


def purpose_fault(kind: CampaignKind, mailing_list: MailingList) -> str:
    """Return why a kind of letter may not go to a list, in a sentence; empty where it may."""
    if kind is CampaignKind.NOTICE and not mailing_list.is_service:
        return language.text(
            "The people on “%(list)s” said yes to letters, not to status notices.", list=mailing_list.name
        )
    if kind is not CampaignKind.NOTICE and mailing_list.is_service:
        return language.text(
            "The people on “%(list)s” get status notices and nothing else. Choose another list for this letter.",
            list=mailing_list.name,
        )
    return ""


def write(session: Session, campaign: Campaign, draft: Draft, *, base: int) -> Revision:
    """Store words written on version ``base``; the same words again return the newest revision.

    Raises Conflict when the campaign is no draft, or was changed elsewhere since.
    """
    demand_writable(session, campaign, base=base)
    return store_words(session, campaign, draft)


def demand_writable(session: Session, campaign: Campaign, *, base: int) -> None:
    """Lock a letter for a change made on version ``base``. Raises Conflict when that is not the newest any more."""
    # The row lock lets two people who save at once, or save while another sends, see each other.
    session.refresh(campaign, with_for_update=True)
    if campaign.state is not CampaignState.DRAFT:
        raise Conflict("not_a_draft", language.text("This letter has been sent and can no longer be changed."))
    if campaign.version != base:
        raise Conflict(
            "changed_elsewhere",
            language.text(
                "This letter was changed elsewhere in the meantime. Your text is kept here; compare, then save."
            ),
        )


def store_words(session: Session, campaign: Campaign, draft: Draft, change: ChangeName | None = None) -> Revision:
    """Store the next revision of a letter that was locked for it, and let go of those long past."""
    if campaign.version and revision.same(newest(session, campaign), draft):
        return newest(session, campaign)
    campaign.version += 1
    made = revision.add(session, campaign.id, campaign.version, draft, change)
    revision.forget_old(session, campaign.id, campaign.version, [campaign.sent_revision_id or 0])
    return made


def newest(session: Session, campaign: Campaign) -> Revision:
    """Return the newest revision of a campaign."""
    return revision.numbered(session, campaign.id, campaign.version)


def identified(session: Session, organisation: Organisation, public_id: str) -> Campaign:
    """Return the organisation's campaign with a public id. Raises NotFound."""
    query = select(Campaign).where(Campaign.public_id == public_id, Campaign.organisation_id == organisation.id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_campaign", language.text("There is no letter with the id %(id)s.", id=public_id))
    return found


def all_of(session: Session, organisation: Organisation) -> list[Campaign]:
    """Return the letters that the organisation sends to everybody at once, newest first."""
    query = select(Campaign).where(Campaign.organisation_id == organisation.id, Campaign.kind == CampaignKind.LETTER)
    return list(session.scalars(query.order_by(Campaign.id.desc())))


def unfinished(session: Session, organisation: Organisation) -> list[Campaign]:
    """Return those of them that have not come to their end, newest first."""
    over = (CampaignState.FINISHED, CampaignState.CANCELLED)
    query = select(Campaign).where(Campaign.organisation_id == organisation.id, Campaign.kind == CampaignKind.LETTER)
    return list(session.scalars(query.where(Campaign.state.not_in(over)).order_by(Campaign.id.desc())))


def has_any(session: Session, organisation: Organisation) -> bool:
    """Return whether anybody ever wrote a letter here."""
    query = select(Campaign.id).where(Campaign.organisation_id == organisation.id, Campaign.kind == CampaignKind.LETTER)
    return session.scalars(query.limit(1)).first() is not None


def about_to_leave(session: Session) -> list[int]:
    """Return the letters that are leaving, or will without another word."""
    coming = (CampaignState.SCHEDULED, CampaignState.HELD, CampaignState.SENDING)
    return list(session.scalars(select(Campaign.id).where(Campaign.state.in_(coming)).order_by(Campaign.id)))


def under_way(session: Session) -> list[int]:
    """Return the numbers of the letters that are leaving now."""
    query = select(Campaign.id).where(Campaign.state == CampaignState.SENDING)
    return list(session.scalars(query.order_by(Campaign.id)))


def move(campaign: Campaign, target: CampaignState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[campaign.state]:
        raise Conflict(
            "campaign_state",
            language.text("A letter that is %(state)s cannot become %(target)s.", state=campaign.state, target=target),
        )
    campaign.state = target
    if target is CampaignState.SENDING:
        campaign.started_at = campaign.started_at or clock.now()
        campaign.finished_at = None
    if target in {CampaignState.FINISHED, CampaignState.CANCELLED}:
        campaign.finished_at = clock.now()


def lock(session: Session, campaign: Campaign) -> None:
    """Lock a letter's row and read it fresh: a double click, or two people at once, see each other."""
    # What this transaction did to it before is written first, or reading it again would forget that.
    session.flush()
    session.refresh(campaign, with_for_update=True)


def bind(session: Session, campaign: Campaign, *, sha256: str | None = None) -> Revision:
    """Bind the newest revision to a letter that is ordered now, however much later it leaves.

    Raises Conflict when it has left already, or ``sha256`` is not the newest.
    """
    lock(session, campaign)
    demand_unsent(campaign)
    chosen = newest(session, campaign)
    if sha256 is not None and sha256 != chosen.sha256:
        raise Conflict(
            "changed_since_preview",
            language.text("The letter has changed since you looked at it. Nothing was sent; look again, then send."),
        )
    campaign.sent_revision_id = chosen.id
    campaign.halted = None
    return chosen


def start(session: Session, campaign: Campaign, *, sha256: str | None = None) -> Revision:
    """Bind the newest revision and begin to send.

    The planning of its deliveries happens in the same transaction, by
    ``sending.planning``. Raises Conflict when ``sha256`` is not the newest.
    """
    chosen = bind(session, campaign, sha256=sha256)
    set_out(session, campaign)
    return chosen


def set_out(session: Session, campaign: Campaign) -> None:
    """Put a letter on its way, or on its way again, and call the workers."""
    move(campaign, CampaignState.SENDING)
    outbox.write(session, STARTED, campaign.id, Lane.SENDING)


def demand_unsent(campaign: Campaign) -> None:
    """Raise Conflict when the letter has left already, was stopped, or is none that goes to everybody at once."""
    if campaign.kind is CampaignKind.FOLLOW_UP:
        sentence = language.text("This letter is a step of a follow-up: it goes to one person at a time.")
        raise Conflict("follow_up_letter", sentence)
    if campaign.kind is CampaignKind.WELCOME:
        sentence = language.text("A welcome letter goes to each person after the yes, never to all at once.")
        raise Conflict("welcome_letter", sentence)
    if campaign.state not in UNSENT:
        raise Conflict(
            "campaign_state",
            language.text("This letter was sent or stopped already. Nothing was sent again; see `campaign status`."),
        )
