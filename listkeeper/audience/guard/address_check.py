"""What the request says of an address by itself: a role nobody signs up, and a domain that is known to take no mail."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.deliverability import mail_host
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards.address import Address

# Mailboxes of machines and of those who mind the mail (RFC 2142): nobody reads newsletters there, and asking is abuse.
_ROLES = frozenset({"abuse", "postmaster", "hostmaster", "mailer-daemon", "noreply", "no-reply", "donotreply"})


def refuse(session: Session, parsed: Address) -> None:
    """Raise Invalid, with a sentence for the person, when mail to this address would serve nobody."""
    domain_is_shut = mail_host.takes_no_mail(session, parsed.domain)
    if parsed.key.partition("@")[0] in _ROLES:
        raise Invalid(
            "address_of_a_role",
            language.text("Nobody reads letters at an address like this one. Please type your own."),
        )
    if domain_is_shut:
        raise Invalid(
            "domain_takes_no_mail",
            language.text("%(domain)s takes no mail. Is the part after the @ right?", domain=parsed.domain),
        )
