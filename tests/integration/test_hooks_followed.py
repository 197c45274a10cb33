"""From a provider's post to the person it is about: what leads back to a mail of ours counts, and nothing else does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import esp_address
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Proof
from listkeeper.feedback.inbound import Inbound
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import message_name, return_path
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, esp_posts
from tests.makers.esp_posts import MESSAGE_ID, PROVIDERS, Post
from tests.makers.works import Works

K = FeedbackKind
HER = "freja@guest.example"
_RETURN_PATH = "b+2s.abcdefghijklmnop"
# By provider: the payload of a bounce for good, and by what it leads back to the mail.
BOUNCES = {
    "sendgrid": ("bounce", Proof.MESSAGE_ID),
    "mailgun": ("bounce", Proof.MESSAGE_ID),
    "postmark": ("hard", Proof.TOKEN),
    "brevo": ("hard_bounce", Proof.TOKEN),
    "mailjet": ("bounce", Proof.MESSAGE_ID),
    "sparkpost": ("bounce", Proof.TOKEN),
    "resend": ("with a reply", Proof.MESSAGE_ID),
}
COMPLAINTS = {"sendgrid": "spamreport", "postmark": "complaint", "sparkpost": "complaint", "brevo": "spam"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that expect every provider, and have a return path."""
    hooks = tuple((name, esp_posts.secret(name)) for name in PROVIDERS)
    return settings.model_copy(update={"hooks": hooks, "return_path": "bounce.cafe.example"})


def _sent(works: Works) -> Delivery:
    """Send her a letter, and return its row."""
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    works.start()
    works.drain()
    return works.deliveries()[-1]


def _about(works: Works, number: int, payload: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a payload about that mail of ours, in place of the one it was written of."""
    with works.app.app_context():
        ours = message_name.of(number, "cafe.example").strip("<>")
        mark = return_path.of_delivery("bounce.cafe.example", number).partition("@")[0]
    written = json.dumps(payload).replace(MESSAGE_ID, ours).replace(_RETURN_PATH, mark)
    return json.loads(written.replace('"CustomID": ""', f'"CustomID": "{ours}"'))


def _post(works: Works, provider: str, payload: Any) -> None:  # noqa: ANN401 - any JSON
    _send(works, provider, esp_posts.post(provider, payload, clock.now()))


def _send(works: Works, provider: str, said: Post) -> None:
    with works.app.app_context():
        path = esp_address.of("", provider)
    assert works.app.test_client().post(path, data=said.body, headers=said.headers).status_code == 200
    works.drain(Lane.BACKGROUND)


def _told(works: Works) -> list[FeedbackEvent]:
    def look(session: Session) -> list[FeedbackEvent]:
        rows = list(session.scalars(select(FeedbackEvent).order_by(FeedbackEvent.id)))
        session.expunge_all()
        return rows

    return works.read(look)


@pytest.mark.parametrize("provider", BOUNCES)
def test_a_bounce_leads_to_the_mail_it_is_about_and_counts_once(
    works: Works, smtp_sink: SmtpSink, provider: str
) -> None:
    sent = _sent(works)
    name, proof = BOUNCES[provider]
    payload = _about(works, sent.id, esp_posts.payloads(provider)[name])
    _post(works, provider, payload)
    (told,) = _told(works)
    assert (told.kind, told.proof, told.delivery_id, told.source) == (K.BOUNCED, proof, sent.id, provider)
    her = works.read(lambda session: session.scalars(select(Subscriber.id)).all())
    assert told.subscriber_id in her
    assert "@guest.example" not in told.reply + told.rule
    assert told.permanent is (provider != "resend")
    # Told once more, in other bytes.
    later = clock.now() + timedelta(seconds=2)
    other = esp_posts.signed(provider, json.dumps(payload, indent=1).encode(), later)
    _send(works, provider, esp_posts.post(provider, payload, later) if provider == "mailgun" else other)
    assert len(works.read(lambda session: session.scalars(select(Inbound.id)).all())) == 2
    assert len(_told(works)) == 1


@pytest.mark.parametrize("provider", COMPLAINTS)
def test_a_complaint_leads_to_her_too(works: Works, smtp_sink: SmtpSink, provider: str) -> None:
    sent = _sent(works)
    _post(works, provider, _about(works, sent.id, esp_posts.payloads(provider)[COMPLAINTS[provider]]))
    (told,) = _told(works)
    assert (told.kind, told.delivery_id) == (K.COMPLAINED, sent.id)
    assert set(attack.standing(works.app, works.list_id).values()) != {"confirmed"}


@pytest.mark.parametrize("provider", BOUNCES)
def test_an_address_alone_proves_nothing(works: Works, smtp_sink: SmtpSink, provider: str) -> None:
    _sent(works)
    payload = json.dumps(esp_posts.payloads(provider)[BOUNCES[provider][0]])
    _post(works, provider, json.loads(payload.replace(esp_posts.ANNA, HER)))
    assert {told.proof for told in _told(works)} <= {Proof.NONE}
    assert set(attack.standing(works.app, works.list_id).values()) == {"confirmed"}
