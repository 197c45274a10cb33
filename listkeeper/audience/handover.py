"""A hand-over that is about to happen, as ``sending`` describes it, and the words for the gate's no."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class MessageClass(StrEnum):
    """What kind of mail it is; each has its own clause."""

    MARKETING = "marketing"
    DOI = "doi"
    SERVICE = "service"
    TRANSACTIONAL = "transactional"
    TEST = "test"
    REPLY = "reply"
    SYSTEM = "system"


class NoticeKind(StrEnum):
    """Which note it is: to a subscriber about her own subscription (classes service and doi), or to the owner's people.

    A welcome is a letter (class marketing) that one yes makes leave: the note names that yes, and the gate asks as
    for any letter. A status notice is a letter too (class service), to a list that is for nothing else.

    The latter (class system) are the ledger's checkpoint for a mailbox of the owner's, an invitation to a user, and
    the word to owners that a form of theirs is being abused, or that their mail does not leave as it should, and the
    weekly mail about the board to the users who want it. What
    tests a way to send (class test) goes to whatever address its owner types,
    and so does the one that asks somebody to publish a domain's records.
    """

    ALREADY = "already"
    RECEIPT = "receipt"
    ACCESS = "access"
    NEW_ADDRESS = "new_address"
    OLD_ADDRESS = "old_address"
    WITNESS = "witness"
    INVITATION = "invitation"
    DEFENCE = "defence"
    INCIDENT = "incident"
    WELCOME = "welcome"
    STATUS = "status"
    WAY_TEST = "way_test"
    RECORDS = "records"
    BOARD = "board"


class RefusalCode(StrEnum):
    """Why a message may not go, stored on the delivery and counted per campaign."""

    NO_BASIS = "no_basis"
    PENDING = "pending"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    DORMANT = "dormant"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
    RESTRICTED = "restricted"
    ERASED = "erased"
    SNOOZED = "snoozed"
    FREQUENCY = "frequency"
    OTHER_TOPIC = "other_topic"
    LIST_INACTIVE = "list_inactive"
    PURPOSE_MISMATCH = "purpose_mismatch"
    CATEGORY_DISSIMILAR = "category_dissimilar"
    PROFILE_FORBIDS_BASIS = "profile_forbids_basis"
    MISSING_SECOND_CONSENT = "missing_second_consent"
    AGE_NOT_STATED = "age_not_stated"
    TEXT_UNPUBLISHED = "text_unpublished"
    NO_SMTPUTF8 = "transport_no_smtputf8"
    INVENTED = "invented"
    LEDGER_FORKED = "ledger_forked"
    GRANT_EXPIRED = "grant_expired"
    GATE_ERROR = "gate_error"


class Handover(NamedTuple):
    """A hand-over that is about to happen."""

    delivery_id: int
    organisation_id: int
    message_class: MessageClass
    template_sha256: str
    subscriber_id: int | None = None
    list_id: int | None = None
    purpose: str | None = None
    # What a campaign is about, for a soft opt-in: it covers products like the one bought and no others.
    category: str | None = None
    # For people who asked to hear important things only.
    important: bool = False
    # The topic a campaign is about, by public id.
    topic: str | None = None
    confirmation_id: int | None = None
    notice: NoticeKind | None = None
    notice_id: int | None = None
    typed_address: str | None = None
    carries_smtputf8: bool = False
    # Whether it goes to practice mode's own server, so that nothing leaves.
    practice: bool = False


@dataclass(frozen=True)
class Refusal:
    """The gate's no."""

    code: RefusalCode
