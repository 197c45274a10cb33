"""A subscriber as she acts herself: reads her mail, follows its links, presses the buttons of the pages behind them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.works import HER, Works

_LINK = re.compile(r"http://localhost:8025(/[a-z]+/[A-Za-z0-9_/-]+)")
_FORM = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>')


@dataclass
class Guest:
    """One person with a mailbox and a browser without cookies."""

    works: Works
    sink: SmtpSink
    client: FlaskClient
    address: str = HER
    _read: int = field(default=0)

    def subscribe(self) -> None:
        """Sign up and confirm."""
        self.works.write(lambda session, house: cafe.subscribe(session, house, self.address))
        self.works.work(Lane.URGENT, 2)

    def get_letter(self, subject: str = "Cardamom buns") -> dict[str, str]:
        """Get a letter and return its links by their first part, as ``{"u": "/u/…"}``."""
        self.works.start(subject)
        self.works.drain()
        return self.links()

    def links(self) -> dict[str, str]:
        """Return the links of the newest mail to her."""
        newest = [kept for kept in self.sink.messages if self.address in kept.rcpt_tos][-1]
        body = newest.message.get_body(("plain",))
        assert body is not None
        return {path.split("/")[1]: path for path in _LINK.findall(body.get_content())}

    def mails(self) -> int:
        """Return how many mails came for her so far."""
        return len([kept for kept in self.sink.messages if self.address in kept.rcpt_tos])

    def enter(self) -> str:
        """Ask for the link on the entry page, find it in the mailbox, press its button; return where it leads."""
        self.client.post("/me", data={"email": self.address})
        self.works.work(Lane.URGENT, 2)
        answer = self.client.post(self.links()["me"])
        assert answer.status_code == 303
        return str(answer.headers["Location"])

    def person(self, session: Session) -> Subscriber:
        """Return her row."""
        return session.scalars(select(Subscriber).where(Subscriber.email_send == self.address)).one()

    def subscription(self) -> Subscription:
        """Return what she is subscribed to, as it is now."""

        def look(session: Session) -> Subscription:
            query = select(Subscription).where(Subscription.subscriber_id == self.person(session).id)
            found = session.scalars(query).one()
            session.expunge(found)
            return found

        return self.works.read(look)

    def letter(self, session: Session) -> Delivery:
        """Return the newest letter to her."""
        query = select(Delivery).where(
            Delivery.subscriber_id == self.person(session).id, Delivery.campaign_id.is_not(None)
        )
        return session.scalars(query.order_by(Delivery.id.desc())).first()  # type: ignore[return-value]


def actions(answer: TestResponse) -> list[str]:
    """Return where the buttons of a page lead, in order."""
    return [html.unescape(found) for found in _FORM.findall(answer.text)]


def words(answer: TestResponse) -> str:
    """Return what a page says, without its tags, in one line."""
    body = re.sub(r"<(script|style|svg|head)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
