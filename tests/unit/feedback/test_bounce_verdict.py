"""What a report at second hand is worth: when words give an address up, and when they only make us careful."""

from __future__ import annotations

import pytest

from listkeeper.deliverability.reply_class import ReplyClass as R
from listkeeper.feedback import bounce_verdict
from listkeeper.feedback.bounce_verdict import Hearsay

UNKNOWN = "550 <freja@guest.example>: User unknown"


def _told(said: str, status: str = "", text: str = "", provider: str | None = None, **more: bool) -> Hearsay:
    return Hearsay(said, status, text, provider, **more)


@pytest.mark.parametrize(
    "told",
    [
        _told(UNKNOWN, for_machines=True),
        _told(UNKNOWN, keeps_mailboxes=True),
        _told(f"{UNKNOWN} (in reply to RCPT TO command)"),
        _told(f"SMTP error from remote mail server after RCPT TO:<freja@guest.example>: {UNKNOWN}"),
        _told(f">>> RCPT TO:<freja@guest.example>\n<<< {UNKNOWN}"),
        _told("550 5.1.1 User unknown"),
        _told("User unknown", "5.1.1"),
        _told("550 user unknown", "5.1.10"),
        _told("554 delivery error: dd This user doesn't have a yahoo.com account", provider="yahoo"),
        _told("", "5.1.1", for_machines=True),
    ],
)
def test_what_proves_that_there_is_no_such_address(told: Hearsay) -> None:
    verdict = bounce_verdict.judge(told)
    assert (verdict.reply_class, verdict.permanent) == (R.INVALID_ADDRESS, True)


@pytest.mark.parametrize(
    "told",
    [
        _told(UNKNOWN),
        _told(UNKNOWN, "5.2.1"),
        _told("550 User unknown", "5.0.0"),
        # The address was taken, and the mail refused after it was read.
        _told("550 5.0.0 User unknown", "5.0.0", ">>> DATA\n<<< 550 5.0.0 User unknown\n", for_machines=True),
    ],
)
def test_words_alone_make_us_careful_and_give_nobody_up(told: Hearsay) -> None:
    verdict = bounce_verdict.judge(told)
    assert (verdict.reply_class, verdict.permanent) == (R.INACTIVE, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The mailbox of this reader is full", R.MAILBOX_FULL),
        ("The user(s) account is disabled.", R.INACTIVE),
        ("Your message could not be delivered.", R.INVALID_ADDRESS),
        # A page of advice names every reason there is.
        (f"{'Here is what you can do. ' * 40} Maybe the mailbox is full.", R.INVALID_ADDRESS),
    ],
)
def test_a_mailbox_that_somebody_knows_is_there(text: str, found: R) -> None:
    verdict = bounce_verdict.judge(_told("550 5.1.1 User unknown", "5.1.1", text, for_machines=True))
    assert (verdict.reply_class, verdict.permanent) == (found, found is R.INVALID_ADDRESS)


@pytest.mark.parametrize(
    ("said", "status", "text", "found"),
    [
        ("", "5.0.0", "the mailbox is over quota", R.MAILBOX_FULL),
        ("", "5.5.0", "Connection timed out", R.TEMPORARY),
        ("550", "5.0.0", "blocked using zen.spamhaus.org", R.REPUTATION),
        ("", "5.0.0", "", R.TEMPORARY),
        # Where the code says something, the advice for people is not asked.
        ("", "5.2.2", "This address does not exist", R.MAILBOX_FULL),
        ("552 5.3.4 too big", "5.3.4", "mailbox full", R.TOO_BIG),
    ],
)
def test_words_for_people_are_asked_when_the_others_say_nothing(said: str, status: str, text: str, found: R) -> None:
    verdict = bounce_verdict.judge(_told(said, status, text, for_machines=True))
    assert (verdict.reply_class, verdict.permanent) == (found, False)


def test_who_asks_to_come_back_has_not_said_no() -> None:
    assert not bounce_verdict.judge(_told("450 4.1.1 User unknown", "4.1.1", for_machines=True)).permanent


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("550 5.1.1 <a@b.example>", False),
        ("", False),
        ("550 no such user", True),
        ("#5.1.1", False),
        ("無此用戶", True),
    ],
)
def test_codes_and_addresses_are_no_words(said: str, says: bool) -> None:
    assert bounce_verdict.says_something(said) is says
