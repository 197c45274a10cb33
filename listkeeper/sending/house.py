"""What all messages of one organisation share, and how any of them becomes bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import revision as revisions
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.sending_domain import Signer
from listkeeper.foundation import clock, signing
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled, Sender
from listkeeper.rendering.message import Attachment
from listkeeper.sending.delivery import AnyDelivery
from listkeeper.sending.prepared import Prepared

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class House:
    """The organisation behind a window's messages, as values: no row is read once the transaction has ended."""

    id: int
    site: str
    language: str
    domain: str
    sender: Sender
    signer: Signer | None


def of(session: Session, organisation_id: int, site: str) -> House:
    """Read what the messages of an organisation share."""
    organisation = session.get_one(Organisation, organisation_id)
    domain = organisation.from_domain
    signer = sending_domain.signer(session, organisation_id, domain)
    return House(organisation_id, site, organisation.language, domain, revisions.sender_of(organisation, site), signer)


def message_id(occasion: str, domain: str) -> str:
    """Return the Message-ID of an occasion: the same one however often it is tried."""
    return f"<{signing.derived('message-id', occasion)}@{domain}>"


def prepared(  # noqa: PLR0913 - what a message is, and what the gate asks about it
    row: AnyDelivery,
    house: House,
    template_sha256: str,
    purpose: str | None,
    write: Callable[[str], tuple[Filled, Headers]],
    *,
    category: str | None = None,
    important: bool = False,
    topic: str | None = None,
    attachment: Attachment | None = None,
    template: dict[str, str] | None = None,
    lint: str = "",
) -> Prepared:
    """Return a message that can be written as soon as the gate names the address."""
    name, mail_from = message_id(row.occasion, house.domain), house.sender.address

    def compose(recipient: str) -> bytes:
        filled, headers = write(recipient)
        raw = message.build(
            filled,
            sender=house.sender,
            recipient=recipient,
            message_id=name,
            date=clock.now(),
            extra_headers=headers,
            attachment=attachment,
        )
        return house.signer.header(raw, mail_from, recipient) + raw if house.signer else raw

    signed = house.signer is not None
    about = (category, important, topic)
    return Prepared(template_sha256, mail_from, name, purpose, compose, *about, template, lint, signed)
