"""What somebody steers by: a poll, a group of people, a proposal, a trial, and a consent that can be renewed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import renewal_link
from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.trial import Measure, Rule, Trial
from listkeeper.insight import clean_up
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from listkeeper.sending import planning, poll_link
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe
from tests.makers.cafe import Cafe


def places(session: Session, made: Cafe, person: Subscriber) -> tuple[tuple[str, dict[str, str]], ...]:
    """Ask a question in a letter, make a group of some people, and let a consent be renewed."""
    some = segment.create(session, made.organisation, made.mailing_list, "Danes", "language is da").public_id
    clean_up.keep(session, made.mailing_list.id, clean_up.count(session, made.mailing_list))
    tried = cafe.draft(session, made, subject="Two ways")
    tried.trial = Trial(Measure.CLICKS, Rule.ASK, wait_minutes=60, expected=50, difference=20).as_json()
    return (
        ("/poll/", {"token": _poll(session, made)}),
        ("/renew/", {"token": renewal_link.token_of(person.id, made.mailing_list.id)}),
        ("/studio/segments/", {"segment_id": some}),
        ("/studio/board/", {"kind": "left", "log_id": "blg_0123456789abcdefghjk"}),
        ("/studio/lists/<public_id>/clean-up/", {"batch_id": "rst_0123456789abcdefghjk"}),
        ("/api/v1/segments/", {"segment_id": some}),
        ("/api/v1/campaigns/<campaign_id>/trial", {"campaign_id": tried.public_id}),
    )


def _poll(session: Session, made: Cafe) -> str:
    asks = {"id": "b0123456789", "type": "poll", "question": "Rye?", "answers": [{"text": "Yes"}, {"text": "No"}]}
    words = Draft("Your loaf", "Warm", mode=Mode.BLOCKS, blocks=document.blocks_of([asks]))
    letter = campaigns.create(session, made.organisation, made.mailing_list, words)
    planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025")
    handed = session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id).limit(1)).one()
    return poll_link.token_of(handed.id, "b0123456789", 0)
