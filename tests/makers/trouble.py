"""Trouble at the café: a list for status notices, people on it, and a notice about what is out of order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.mailing_list import SERVICE
from listkeeper.campaigns import status_notice
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.status_notice import About, Affected, News, StatusUpdate, UpdateState
from listkeeper.web.studio import notices
from tests.makers.cafe import Cafe

ABOUT = About("The till is out of order", "Gerda at the counter", Affected.YES, "You cannot pay by card.")
WORDS = "We are looking for the cause. *Cash* works."


def room(session: Session, house: Cafe) -> Cafe:
    """Return the café with a list for status notices, and a form for it."""
    made = mailing_list.create(session, house.organisation, name="Trouble", purpose=SERVICE)
    form = signup_form.create(session, house.organisation, made)
    session.flush()
    return Cafe(house.organisation, house.owner, made, form)


def begun(session: Session, house: Cafe, promised: datetime | None = None) -> StatusUpdate:
    """Begin a notice that stands on the page alone."""
    news = News(WORDS, UpdateState.INVESTIGATING, promised)
    return status_notice.begin(session, house.organisation, None, ABOUT, news, actor=house.owner.actor)


def places(session: Session, house: Cafe) -> tuple[tuple[str, dict[str, str]], ...]:
    """Begin a notice, and name the pages that show it."""
    public_id = begun(session, house).notice.public_id
    frame = notices.token_of(Draft("Trouble", "", "We are looking."), house.mailing_list)
    return (
        ("/status/", {"public_id": public_id}),
        ("/studio/notices/", {"public_id": public_id}),
        ("/studio/notices/see/", {"token": frame, "kind": "html"}),
    )
