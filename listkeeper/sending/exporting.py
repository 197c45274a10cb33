"""Everything goes out again: what is in a backup, and what in the owner's export.

A backup is the whole database. An export is the owner's copy: without what
opens doors (passwords, keys of the API, sign-in links) and without machinery
(facts, brakes, leases), and with sheets that any spreadsheet opens. Both can
be restored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import ColumnElement, Enum, func, select
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import exporting, one_list, source_export
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.segments import segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import archive, clock, keys, sheet
from listkeeper.foundation.archive import Contents, Document
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import SENT, Delivery, DeliveryState

BACKUP, EXPORT, LIST = "backup", "export", "list"
# What lies beside this very database: the manifest names the key folder, and the journal is in no backup.
_BESIDE = frozenset({"key_mark"})
# Doors and machinery: nothing an owner would miss, and nothing anybody else should find.
LEFT_OUT = _BESIDE | {
    "access_link",
    "api_key",
    "campaign_tempo",
    "delivery_tally",
    "fact",
    "incident",
    "invitation",
    "kept_answer",
    "passkey",
    "relay_offer",
    "sign_in_link",
    "throttle_window",
    "way_trouble",
}
HIDDEN: Mapping[str, frozenset[str]] = {
    "delivery": frozenset({"lease_until", "worker"}),
    "studio_user": frozenset(
        {
            "fs_uniquifier",
            "fs_webauthn_user_handle",
            "mf_recovery_codes",
            "password",
            "tf_last_counter",
            "tf_primary_method",
            "tf_totp_secret",
        }
    ),
}
# What a user must have though the export leaves it out: fresh, so that no old session opens anything.
FILLERS: Mapping[tuple[str, str], Callable[[], object]] = {
    ("studio_user", "fs_uniquifier"): lambda: secrets.token_hex(16),
    ("studio_user", "fs_webauthn_user_handle"): lambda: secrets.token_hex(16),
}
_README = Path(__file__).with_name("export_readme.txt")
_README_OF_LIST = Path(__file__).with_name("export_list_readme.txt")


def contents(session: Session, kind: str, *, revision: str, media: Path) -> Contents:
    """Return what goes into a backup or an export, read through a session that shows one moment."""
    whole = kind == BACKUP
    left_out = _BESIDE if whole else LEFT_OUT
    return Contents(
        kind=kind,
        revision=revision,
        made_at=clock.as_text(clock.now()),
        key_fingerprint=keys.fingerprint(),
        tables=[table for table in Table.metadata.sorted_tables if table.name not in left_out],
        without={} if whole else HIDDEN,
        documents=archive.pictures(media) if whole else _for_people(session, media),
    )


def of_segment(session: Session, segment: Segment, *, revision: str) -> Contents:
    """Return what is in the export of a segment: as of its list, but of the people who are in it now."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    people = segment_query.members(session, segment)
    return _some(session, one_list.of_some(mailing_list, people), revision)


def of_list(session: Session, mailing_list: MailingList, *, revision: str) -> Contents:
    """Return what is in the export of one list, which is no backup and cannot be restored."""
    return _some(session, one_list.rows(mailing_list) | _welcome_of(mailing_list), revision)


def _some(session: Session, only: exporting.Only, revision: str) -> Contents:
    return Contents(
        kind=LIST,
        revision=revision,
        made_at=clock.as_text(clock.now()),
        key_fingerprint=keys.fingerprint(),
        tables=[table for table in Table.metadata.sorted_tables if table.name in only],
        documents=_of_list_for_people(session, only),
        only=only,
    )


def _welcome_of(mailing_list: MailingList) -> dict[str, ColumnElement[bool]]:
    """Return which rows are the welcome letters of a list, with every version of their words."""
    letters = (Campaign.list_id == mailing_list.id) & (Campaign.kind == CampaignKind.WELCOME)
    return {
        WelcomeLetter.__tablename__: WelcomeLetter.list_id == mailing_list.id,
        Campaign.__tablename__: letters,
        Revision.__tablename__: Revision.campaign_id.in_(select(Campaign.id).where(letters)),
    }


def _of_list_for_people(session: Session, only: exporting.Only) -> Iterator[Document]:
    yield from exporting.documents(session, only)
    yield Document("README.txt", [_README_OF_LIST.read_bytes()])


def write_down(session: Session, actor: str) -> None:
    """Let the ledger and the audit log say that everything, evidence included, went out, and who had it."""
    for owner in session.scalars(select(Organisation).order_by(Organisation.id)).all():
        told = Event(EventType.EVIDENCE_EXPORTED, actor="cli" if actor == "command" else actor)
        ledger.append(session, owner.id, [told])
        audit_log.record(session, owner.id, actor, "archive.exported", owner.public_id)


def words() -> dict[tuple[str, str], frozenset[str]]:
    """Return the words that each column with an enumeration knows."""
    return {
        (table.name, column.name): frozenset(column.type.enums)
        for table in Table.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Enum)
    }


def _for_people(session: Session, media: Path) -> Iterator[Document]:
    yield from exporting.documents(session)
    yield exporting.sheet_of(session, "followers.csv", source_export.followers())
    yield exporting.sheet_of(session, "campaigns.csv", _campaigns())
    yield Document("settings.csv", sheet.pieces(("what", "name", "value"), _settings(session)))
    yield Document("README.txt", [_README.read_bytes()])
    yield from archive.pictures(media)


def _campaigns() -> exporting.Rows:
    counted = (
        select(
            Delivery.campaign_id,
            func.count().filter(Delivery.state.in_(SENT)).label("sent"),
            func.count().filter(Delivery.state == DeliveryState.FAILED).label("failed"),
            func.count().filter(Delivery.state == DeliveryState.IN_DOUBT).label("in_doubt"),
        )
        .group_by(Delivery.campaign_id)
        .subquery()
    )
    return (
        select(
            Campaign.public_id.label("id"),
            MailingList.slug.label("list"),
            Campaign.kind,
            Campaign.language,
            Campaign.state,
            Revision.subject,
            Revision.preheader,
            Revision.mode.label("written_in"),
            Revision.markdown.label("letter"),
            Revision.document,
            Campaign.recipients,
            func.coalesce(counted.c.sent, 0).label("sent"),
            func.coalesce(counted.c.failed, 0).label("failed"),
            func.coalesce(counted.c.in_doubt, 0).label("in_doubt"),
            Campaign.created_at,
            Campaign.started_at,
            Campaign.finished_at,
            Campaign.demo.label("invented"),
        )
        .join(MailingList, MailingList.id == Campaign.list_id)
        .outerjoin(Revision, (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version))
        .outerjoin(counted, counted.c.campaign_id == Campaign.id)
        .order_by(Campaign.id)
    )


def _settings(session: Session) -> Iterator[tuple[str, str, object]]:
    for owner in session.scalars(select(Organisation).order_by(Organisation.id)):
        for name in sorted(Organisation.__table__.columns.keys()):
            yield "business", name, getattr(owner, name)
    for mailing_list in session.scalars(select(MailingList).order_by(MailingList.id)):
        for name in ("name", "purpose", "state", "jurisdiction", "least_age"):
            yield f"list {mailing_list.slug}", name, getattr(mailing_list, name)
    for domain in session.scalars(select(SendingDomain).order_by(SendingDomain.id)):
        for name in ("selector", "signing"):
            yield f"domain {domain.name}", name, getattr(domain, name)
