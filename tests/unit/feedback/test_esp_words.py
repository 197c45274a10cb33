"""What each provider tells, in our words: every payload beside this table, and nothing read as more than it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import reply_class
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp
from listkeeper.feedback.esp_event import EspEvent, EventKind
from tests.makers import esp_posts
from tests.makers.esp_posts import ANNA, MESSAGE_ID

K, R = EventKind, ReplyClass
Row = tuple[EventKind, int | None, str, ReplyClass | None, bool | None]
_OURS = "b+2s.abcdefghijklmnop"
# By provider and name: what it is, the code and enhanced code that came along, and what their category means.
TOLD: dict[str, dict[str, Row]] = {
    "ses": {
        "send": (K.SENT, None, "", None, None),
        "delivery": (K.DELIVERED, 250, "2.6.0", None, None),
        "bounce": (K.BOUNCED, 550, "5.1.1", R.INACTIVE, True),
        "bounce of an identity": (K.BOUNCED, 550, "5.1.1", R.INACTIVE, True),
        "bounce without a word": (K.BOUNCED, None, "", R.INVALID_ADDRESS, True),
        "mailbox full": (K.BOUNCED, 452, "4.2.2", R.MAILBOX_FULL, False),
        "not tried": (K.REJECTED, None, "5.1.1", R.INACTIVE, None),
        "complaint": (K.COMPLAINED, None, "", None, None),
        "not spam": (K.UNKNOWN, None, "", None, None),
        "delay": (K.DEFERRED, 421, "4.7.1", R.SPAM, False),
        "reject": (K.REJECTED, None, "", None, None),
        "failure": (K.FAILED, None, "", None, None),
        "open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "subscription": (K.UNSUBSCRIBED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "sendgrid": {
        "processed": (K.QUEUED, None, "", None, None),
        "dropped": (K.REJECTED, None, "5.0.0", R.INACTIVE, None),
        "deferred": (K.DEFERRED, 451, "4.7.1", None, None),
        "delivered": (K.DELIVERED, 250, "2.0.0", None, None),
        "bounce": (K.BOUNCED, 550, "5.1.1", R.INVALID_ADDRESS, True),
        "blocked": (K.BOUNCED, None, "", R.TEMPORARY, False),
        "open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "spamreport": (K.COMPLAINED, None, "", None, None),
        "unsubscribe": (K.UNSUBSCRIBED, None, "", None, None),
        "group_unsubscribe": (K.UNSUBSCRIBED, None, "", None, None),
        "group_resubscribe": (K.SUBSCRIBED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "mailgun": {
        "accepted": (K.QUEUED, None, "", None, None),
        "rejected": (K.REJECTED, None, "", None, None),
        "delivered": (K.DELIVERED, 250, "", None, None),
        "bounce": (K.BOUNCED, 550, "5.1.1", None, True),
        "temporary": (K.DEFERRED, 452, "4.2.2", None, False),
        "not tried": (K.REJECTED, None, "", R.INACTIVE, True),
        "given up": (K.BOUNCED, None, "", R.TEMPORARY, True),
        "opened": (K.OPENED, None, "", None, None),
        "clicked": (K.CLICKED, None, "", None, None),
        "unsubscribed": (K.UNSUBSCRIBED, None, "", None, None),
        "complained": (K.COMPLAINED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "postmark": {
        "hard": (K.BOUNCED, 550, "5.1.1", R.INVALID_ADDRESS, True),
        "soft": (K.BOUNCED, 452, "4.2.2", R.TEMPORARY, False),
        "transient": (K.DEFERRED, 451, "4.7.1", R.TEMPORARY, False),
        "blocked": (K.BOUNCED, 550, "5.7.1", R.REPUTATION, False),
        "autoresponder": (K.AUTORESPONDED, None, "", None, None),
        "content": (K.BOUNCED, None, "", R.INVALID_ADDRESS, True),
        "complaint": (K.COMPLAINED, None, "", None, None),
        "delivery": (K.DELIVERED, 250, "2.0.0", None, None),
        "open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "left": (K.UNSUBSCRIBED, None, "", None, None),
        "by the owner": (K.UNKNOWN, None, "", None, None),
        "back again": (K.SUBSCRIBED, None, "", None, None),
        "unknown sort": (K.UNKNOWN, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "brevo": {
        "request": (K.QUEUED, None, "", None, None),
        "delivered": (K.DELIVERED, None, "", None, None),
        "hard_bounce": (K.BOUNCED, 550, "5.1.1", R.INVALID_ADDRESS, True),
        "soft_bounce": (K.BOUNCED, 452, "4.2.2", R.TEMPORARY, False),
        "deferred": (K.DEFERRED, 451, "4.7.1", R.TEMPORARY, False),
        "blocked": (K.REJECTED, None, "", None, None),
        "invalid_email": (K.REJECTED, None, "", None, None),
        "error": (K.FAILED, None, "", None, None),
        "spam": (K.COMPLAINED, None, "", None, None),
        "unsubscribed": (K.UNSUBSCRIBED, None, "", None, None),
        "opened": (K.OPENED, None, "", None, None),
        "unique_opened": (K.OPENED, None, "", None, None),
        "proxy_open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "mailjet": {
        "sent": (K.DELIVERED, 250, "2.0.0", None, None),
        "open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "bounce": (K.BOUNCED, 550, "5.1.1", R.INVALID_ADDRESS, True),
        "bounce without a word": (K.BOUNCED, None, "", R.MAILBOX_FULL, False),
        "greylisted": (K.DEFERRED, None, "", R.TEMPORARY, False),
        "blocked": (K.REJECTED, None, "", None, None),
        "spam": (K.COMPLAINED, None, "", None, None),
        "unsub": (K.UNSUBSCRIBED, None, "", None, None),
        "with our mark": (K.DELIVERED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "sparkpost": {
        "injection": (K.QUEUED, None, "", None, None),
        "delivery": (K.DELIVERED, None, "", None, None),
        "bounce": (K.BOUNCED, 550, "5.1.1", R.INVALID_ADDRESS, True),
        "full": (K.BOUNCED, 552, "5.2.2", R.MAILBOX_FULL, False),
        "delay": (K.DEFERRED, 454, "4.4.4", R.TEMPORARY, False),
        "away": (K.AUTORESPONDED, None, "", None, False),
        "asks to leave": (K.UNSUBSCRIBED, None, "", None, False),
        "out_of_band": (K.BOUNCED, 550, "", R.INVALID_ADDRESS, True),
        "not tried": (K.REJECTED, 554, "", None, None),
        "failure": (K.FAILED, 554, "", None, None),
        "complaint": (K.COMPLAINED, None, "", None, None),
        "not spam": (K.UNKNOWN, None, "", None, None),
        "list_unsubscribe": (K.UNSUBSCRIBED, None, "", None, None),
        "link_unsubscribe": (K.UNSUBSCRIBED, None, "", None, None),
        "open": (K.OPENED, None, "", None, None),
        "click": (K.CLICKED, None, "", None, None),
        "unknown": (K.UNKNOWN, None, "", None, None),
    },
    "resend": {
        "sent": (K.SENT, None, "", None, None),
        "scheduled": (K.QUEUED, None, "", None, None),
        "delivered": (K.DELIVERED, None, "", None, None),
        "delayed": (K.DEFERRED, None, "", None, None),
        "bounced": (K.BOUNCED, None, "", R.INACTIVE, True),
        "with a reply": (K.BOUNCED, 452, "4.2.2", R.MAILBOX_FULL, False),
        "suppressed": (K.REJECTED, None, "", R.INACTIVE, True),
        "not tried": (K.REJECTED, None, "", None, None),
        "failed": (K.FAILED, None, "", None, None),
        "complained": (K.COMPLAINED, None, "", None, None),
        "opened": (K.OPENED, None, "", None, None),
        "clicked": (K.CLICKED, None, "", None, None),
        "contact": (K.UNKNOWN, None, "", None, None),
    },
}
# Of several events, or of none.
SEVERAL = {
    "sendgrid": {"batch": [K.QUEUED, K.DELIVERED, K.OPENED]},
    "brevo": {"batch": [K.DELIVERED, K.OPENED]},
    "mailjet": {"batch": [K.DELIVERED, K.OPENED]},
    "sparkpost": {"ping": [], "batch": [K.QUEUED, K.DELIVERED]},
    "resend": {"two": [K.DELIVERED, K.DELIVERED]},
}
ROWS = [(provider, name) for provider, rows in TOLD.items() for name in rows]


def events(provider: str, name: str) -> list[EspEvent]:
    return esp.events(provider, esp_posts.named(provider, name).body)


@pytest.mark.parametrize(("provider", "name"), ROWS)
def test_each_event_is_told_in_our_words(provider: str, name: str) -> None:
    (one,) = events(provider, name)
    assert (one.kind, one.code, one.status, one.hint, one.permanent_hint) == TOLD[provider][name]
    assert one.recipient.lower() == ("" if name == "contact" else ANNA)
    assert one.word
    assert one.at is None or one.at.date() == datetime(2026, 11, 30, tzinfo=UTC).date()


def test_every_payload_is_in_the_table_and_nothing_else(summarise: Callable[[str], None]) -> None:
    tested = {provider: {*TOLD[provider], *SEVERAL.get(provider, ())} for provider in TOLD}
    assert tested == {provider: set(esp_posts.payloads(provider)) for provider in esp_posts.PROVIDERS}
    assert set(tested) == set(esp.TABLE)
    summarise(
        f"provider events: {sum(map(len, tested.values()))} payloads of {len(tested)} providers, all as the table says"
    )


@pytest.mark.parametrize(
    ("provider", "name"), [(provider, name) for provider, rows in SEVERAL.items() for name in rows]
)
def test_several_in_one_post_are_several_events(provider: str, name: str) -> None:
    found = events(provider, name)
    assert [one.kind for one in found] == SEVERAL[provider][name]
    assert len({one.event_id for one in found}) == len(found)


@pytest.mark.parametrize("provider", TOLD)
def test_an_event_has_one_name_however_often_it_is_told_and_no_other_has_it(provider: str) -> None:
    names = [*TOLD[provider], *SEVERAL.get(provider, ())]
    first = [one.event_id for name in names for one in events(provider, name)]
    assert first == [one.event_id for name in names for one in events(provider, name)]
    # A bounce that SES tells in two ways is one bounce.
    assert len(set(first)) == len(first) - (1 if provider == "ses" else 0)
    assert all(0 < len(name) <= 100 and name.isprintable() for name in first)


def test_our_own_names_come_back_where_the_provider_has_them() -> None:
    by_id = {"ses": "bounce", "sendgrid": "bounce", "mailgun": "bounce", "brevo": "hard_bounce", "resend": "bounced"}
    for provider, name in by_id.items():
        assert events(provider, name)[0].message_id == MESSAGE_ID, provider
    assert events("postmark", "content")[0].message_id == MESSAGE_ID
    assert events("mailjet", "with our mark")[0].message_id == MESSAGE_ID
    for provider, name in (("ses", "bounce"), ("sparkpost", "bounce")):
        assert events(provider, name)[0].token == f"{_OURS}@bounce.cafe.example"
    assert events("postmark", "hard")[0].token == events("brevo", "hard_bounce")[0].token == _OURS


@pytest.mark.parametrize("provider", [name for name in SEVERAL if name != "resend"])
def test_of_each_event_its_own_words_are_kept_and_nobody_else_s(provider: str) -> None:
    for one in events(provider, "batch"):
        assert one.raw
        # A list of it alone is read as the same event.
        alone = esp.events(provider, one.raw if provider != "sparkpost" else b'[{"msys":{"e":%s}}]' % one.raw)
        assert alone == [one]


def test_two_recipients_of_one_mail_are_two_events() -> None:
    anna, bo = events("resend", "two")
    assert (anna.recipient, bo.recipient) == (ANNA, "bo@guest.example")


def test_of_a_mail_to_very_many_no_more_are_read_than_a_mail_may_have() -> None:
    body = {"type": "email.delivered", "data": {"to": [ANNA] * 1000}}
    assert len(esp.events("resend", json.dumps(body).encode())) == 50


def test_what_a_receiver_said_is_left_as_it_came_and_means_what_the_classifier_says() -> None:
    for provider, name in (("ses", "bounce"), ("sendgrid", "bounce"), ("mailgun", "bounce"), ("postmark", "hard"),
                           ("brevo", "hard_bounce"), ("mailjet", "bounce"), ("sparkpost", "bounce")):  # fmt: skip
        (one,) = events(provider, name)
        verdict = reply_class.classify(one.code, one.status or None, one.text)
        assert (verdict.reply_class, verdict.permanent) == (R.INVALID_ADDRESS, True), provider


@pytest.mark.parametrize(
    ("provider", "name"),
    [("ses", "not tried"), ("sendgrid", "dropped"), ("mailgun", "not tried"), ("sparkpost", "not tried"),
     ("resend", "bounced"), ("resend", "suppressed"), ("brevo", "blocked")],
)  # fmt: skip
def test_a_provider_s_own_prose_is_no_reply_of_a_receiver(provider: str, name: str) -> None:
    assert events(provider, name)[0].text == ""
