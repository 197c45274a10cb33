"""A letter of the café that some read by name, some as a number and some uncounted; and visits to its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.tracking import Counting
from listkeeper.campaigns import link
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.link import Marks
from listkeeper.feedback import engagement_judging
from listkeeper.foundation import clock
from listkeeper.sending import counted_copy, link_visit, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import Agent, LinkVisit
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "http://localhost:8025"
LETTER = "# Buns\n\n" + "".join(f"[Number {number}](https://cafe.example/{number})\n\n" for number in range(5))


@dataclass
class Visited:
    """The letter, handed over an hour ago, and who reads it."""

    session: Session
    house: Cafe
    letter: Campaign
    handed_at: datetime
    people: dict[str, Subscriber] = field(default_factory=dict)

    @property
    def links(self) -> list[int]:
        """The letter's links, in order."""
        return list(link.numbers(self.session, self.letter.sent_revision_id or 0).values())

    @property
    def marks(self) -> Marks:
        """Its canary and picture."""
        found = link.marks(self.session, self.letter.sent_revision_id or 0)
        assert found is not None
        return found

    def delivery(self, name: str) -> Delivery:
        """Return somebody's mail."""
        query = select(Delivery).where(Delivery.campaign_id == self.letter.id)
        return self.session.scalars(query.where(Delivery.subscriber_id == self.people[name].id)).one()

    def follow(
        self,
        name: str = "",
        link_id: int | None = None,
        *,
        after: float = 600.0,
        mail_number: int | None = None,
        agent: Agent = Agent.BROWSER,
    ) -> LinkVisit:
        """Add a visit some seconds after the hand-over: to somebody's mail, to one of a number, or to none."""
        made = LinkVisit(
            link_id=self.links[0] if link_id is None else link_id,
            delivery_id=self.delivery(name).id if name else None,
            mail_number=mail_number,
            at=self.handed_at + timedelta(seconds=after),
            agent=agent,
        )
        self.session.add(made)
        self.session.flush()
        return made

    def judge(self) -> int:
        """Judge whatever waits."""
        judged = engagement_judging.judge(self.session)
        self.session.expire_all()
        return judged


def choose(session: Session, house: Cafe, person: Subscriber, how: Counting) -> None:
    """Say yes to one of the two, as on her own page."""
    words = tracking.text(house.organisation, house.mailing_list, person.language, how).sha256
    assert tracking.agree(session, person.id, house.mailing_list.id, seen=words, how=how)


def letter(session: Session, *, by_name: int = 2, as_number: int = 1, uncounted: int = 1) -> Visited:
    """Send a letter to so many people who chose each way: name0, name1, number0, nothing0."""
    house = cafe.found(session)
    kinds = (
        ("name", by_name, Counting.PERSON),
        ("number", as_number, Counting.NUMBER),
        ("nothing", uncounted, Counting.NOTHING),
    )
    people = {}
    for kind, many, how in kinds:
        for number in range(many):
            who = people[f"{kind}{number}"] = cafe.subscribe(session, house, f"{kind}{number}@gmail.example")
            if how is not Counting.NOTHING:
                choose(session, house, who, how)
    made = cafe.draft(session, house, markdown=LETTER)
    planning.send_campaign(session, house.organisation, made, site=SITE)
    handed_at = clock.now()
    session.execute(
        update(Delivery)
        .where(Delivery.campaign_id == made.id)
        .values(state=DeliveryState.ACCEPTED, handed_at=handed_at, provider="gmail")
    )
    session.expire_all()
    chose = {people[f"{kind}{number}"].id: how for kind, many, how in kinds for number in range(many)}
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == made.id))
    copies = ((counted_copy.of(row, chose[row.subscriber_id or 0]), row.provider) for row in rows)
    counted_copy.arrived(session, ((copy, provider) for copy, provider in copies if copy is not None))
    return Visited(session, house, made, handed_at, people)


def drawn() -> int:
    """Draw the number of a mail."""
    return link_visit.drawn_number()
