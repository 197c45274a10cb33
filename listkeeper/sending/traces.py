"""What sending holds of a person, and how it is forgotten when she is erased."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import seed_address
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import caught_mail
from listkeeper.sending import frequency_cap, link_visit
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_run


def forgetter(practice_folder: Path) -> Callable[[Session, Subscriber], None]:
    """Return what ``erasure.erase`` calls: deliveries let go of the person, inbox and seed list of her address.

    The deliveries stay, without a name, so that a campaign's counts stay true.
    What still waits is then refused by the gate, because nobody is there. Which links she followed is a number then.
    They are locked in id order, as a worker's window is.
    """

    def forget(session: Session, person: Subscriber) -> None:
        hers = select(Delivery.id).where(Delivery.subscriber_id == person.id).order_by(Delivery.id)
        session.execute(hers.with_for_update()).all()
        link_visit.forget(session, person.id)
        follow_up_run.forget(session, person.id)
        frequency_cap.forget(session, person.id)
        session.execute(
            update(Delivery)
            .where(Delivery.subscriber_id == person.id)
            .values(subscriber_id=None, confirmation_id=None)
            .execution_options(synchronize_session=False)
        )
        seed_address.forget(session, person.organisation_id, person.email_key)
        caught_mail.remove_all_of(practice_folder, person.email_send)

    return forget
