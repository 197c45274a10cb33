"""A person's proof: how long the ZIP takes, of somebody with two years of letters in a ledger of many thousand rows.

The bar is one second. What is timed is what a press of the button does: the note in the ledger, a fresh checkpoint,
the paths to it, the pages, the ZIP and the commit.
"""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import proof
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.benchmarks import figure, ledger
from tests.benchmarks.figure import Figure
from tests.makers import cafe
from tests.makers.cafe import Cafe

_LETTERS = 104


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Hand out one person's proof again and again."""
    rows, kind = (100_000 if full else 20_000), ledger.kind_wanted()
    with ledger.ready(kind) as session:
        made = cafe.found(session)
        person = cafe.subscribe(session, made, "anna@crowd.example")
        _letters(session, made, person)
        ledger.append(session, made, rows, 500)
        subject_ref, sizes = person.subject_ref, list[int]()

        def hand_out() -> float:
            start = time.perf_counter()
            sizes.append(
                len(
                    proof.hand_out(
                        session, made.organisation, subject_ref, actor="cli", site="https://l.example"
                    ).content
                )
            )
            session.commit()
            return (time.perf_counter() - start) * 1000

        hand_out()
        return figure.compare(
            name, "ms", hand_out, None, repeats=max(repeats, 5), limit_is="the bar is 1,000 ms",
            note=f"{rows} rows, {_LETTERS} letters, {kind}, ZIP of {sizes[-1] // 1024} KiB",
        )  # fmt: skip


def _letters(session: Session, made: Cafe, person: Subscriber) -> None:
    held = subscription.of(session, person.id, made.mailing_list.id)
    for number in range(_LETTERS):
        letter = cafe.draft(session, made, subject=f"Cardamom buns, week {number}")
        session.add(
            Delivery(
                organisation_id=made.organisation.id, message_class=MessageClass.MARKETING, lane=Lane.SENDING,
                occasion=f"bench:{number}", state=DeliveryState.ACCEPTED, campaign_id=letter.id,
                subscriber_id=person.id, list_id=made.mailing_list.id, handed_at=clock.now(),
                message_id=f"<{number}@cafe.example>", reply_code=250, reply_text="2.0.0 Ok: queued as 4F2A81C0",
                grant_seq=held.ledger_seq if isinstance(held, Subscription) else 0,
            )
        )  # fmt: skip
    session.flush()
