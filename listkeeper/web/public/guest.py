"""Who is on her own page: somebody whose mailbox answered less than half an hour ago, or nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Response, url_for
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import access_link
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.public import brand, entry_page, page
from listkeeper.web.public.brand import Business


@dataclass(frozen=True)
class Guest:
    """The person of a visit; ``visit`` is the secret in the address."""

    visit: str
    person: Subscriber
    business: Business

    @property
    def spoken(self) -> str:
        """Her language, as it is now."""
        return self.person.language

    def answer(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return one of her pages."""
        return page.secret_answer(
            template,
            self.spoken,
            self.business,
            status=status,
            home=url_for("own_page.show", visit=self.visit),
            **values,
        )


def of(session: Session, visit: str) -> Guest | None:
    """Return who a visit belongs to; None when it is over, forged or never was."""
    person = access_link.visitor(session, visit)
    if person is None:
        return None
    # These pages say more than others, and a picture beside it would make them heavy.
    business = replace(brand.business_of(session.get_one(Organisation, person.organisation_id)), logo=None)
    return Guest(visit, person, business)


def nobody() -> Response:
    """Return the page of a visit that is over."""
    return entry_page.closed(page.visitors_language())


def no_such_page() -> NotFound:
    """Return the error for an address within a visit that names nothing of hers."""
    return NotFound("no_such_page", language.text("There is no page here"))
