"""What all messages of one organisation share, and how any of them becomes bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import revision as revisions
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.sending_domain import Signer
from listkeeper.foundation import clock
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled, Sender
from listkeeper.rendering.message import Attachment
from listkeeper.sending import message_name, return_path
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
    # Where what cannot be delivered comes back to, a domain or a mailbox; to the sender itself when there is none.
    return_path: str | None = None

    def mail_from(self, delivery_id: int) -> str:
        """Return the sender of a delivery's envelope (RFC 5321 section 4.1.1.2)."""
        return return_path.of_delivery(self.return_path, delivery_id) if self.return_path else self.sender.address

    def leaving_by_mail(self, delivery_id: int) -> str | None:
        """Return the ``mailto:`` address by which the reader of a delivery leaves, None where no mail is taken in."""
        if self.return_path is None:
            return None
        return f"mailto:{return_path.leaving(self.return_path, delivery_id)}?subject=unsubscribe"


def of(session: Session, organisation_id: int, site: str, back_to: str | None = None) -> House:
    """Read what the messages of an organisation share; ``back_to`` is the setting ``return_path``."""
    organisation = session.get_one(Organisation, organisation_id)
    domain = organisation.from_domain
    signer = sending_domain.signer(session, organisation_id, domain)
    sender = revisions.sender_of(organisation, site)
    return House(organisation_id, site, organisation.language, domain, sender, signer, back_to)


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
    name, mail_from = message_name.of(row.id, house.domain), house.mail_from(row.id)

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
