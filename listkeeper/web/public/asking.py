"""Where a page of ours asks one question: which it is for somebody, and where its answer goes."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from listkeeper.audience import profile, profile_link
from listkeeper.audience.profile import Asked, How
from listkeeper.audience.subscriber import Subscriber
from listkeeper.web import ask
from listkeeper.web.ask import Ask


def following(session: Session, person: Subscriber, list_id: int, how: How, spoken: str) -> Ask | None:
    """Return the question somebody is asked next on a list, if there is one."""
    found = profile.next_for(session, person, list_id)
    return behind(found, profile_link.token(person.id, found[0].id, how), spoken) if found else None


def behind(asked: Asked, token: str, spoken: str, *, marked: str = "", said: str = "") -> Ask:
    """Return the form of the question that a link leads to."""
    return ask.of(asked, url_for("question_page.answer", token=token), spoken, marked=marked, said=said)
