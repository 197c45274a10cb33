"""Mailboxes as they are written: what is read from an address, what is refused, and that nothing secret is repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import mailbox_address
from listkeeper.feedback.mailbox_address import MailboxAddress

SECRET = "k8Fj2mXq9Tz"


def _seen(box: MailboxAddress) -> tuple[object, ...]:
    return box.name, box.kind, box.host, box.port, box.user, box.password, box.folder, box.implicit_tls, box.deletes


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (
            f"imaps://bounces@cafe.example:{SECRET}@mail.example",
            ("imap:mail.example", "imap", "mail.example", 993, "bounces@cafe.example", SECRET, "INBOX", True, False),
        ),
        (
            "imap+starttls://b:p%2F%40%3A%23%C3%B8@mail.example:1143/Post/Tilbage%20igen?delete=yes&name=back",
            ("back", "imap", "mail.example", 1143, "b", "p/@:#ø", "Post/Tilbage igen", False, True),
        ),
        (
            f"pop3s://b:{SECRET}@[2001:db8::5]?delete=no",
            ("pop3:2001:db8::5", "pop3", "2001:db8::5", 995, "b", SECRET, "INBOX", True, False),
        ),
        (
            f"pop3+starttls://b:{SECRET}@mail.example",
            ("pop3:mail.example", "pop3", "mail.example", 110, "b", SECRET, "INBOX", False, False),
        ),
    ],
)
def test_an_address_is_read(written: str, seen: tuple[object, ...]) -> None:
    assert _seen(mailbox_address.read(written)) == seen


def test_a_refresh_token_opens_a_mailbox_of_google() -> None:
    box = mailbox_address.read(
        f"imaps://b%40cafe.example@imap.gmail.com?oauth=google&client_id=abc&client_secret={SECRET}&refresh_token=1//0g+x"
    )
    assert box.grant is not None
    assert box.grant.token_url == "https://oauth2.googleapis.com/token"
    assert (box.grant.client_id, box.grant.client_secret, box.grant.refresh_token) == ("abc", SECRET, "1//0g+x")
    assert box.grant.scope == ""
    assert box.password == ""


def test_a_program_opens_a_mailbox_of_microsoft_by_itself() -> None:
    box = mailbox_address.read(
        f"imaps://b%40cafe.example@outlook.office365.com?oauth=microsoft&tenant=cafe.example&client_id=a&client_secret={SECRET}"
    )
    assert box.grant is not None
    assert box.grant.token_url == "https://login.microsoftonline.com/cafe.example/oauth2/v2.0/token"
    assert box.grant.scope == "https://outlook.office365.com/.default"


def test_what_is_secret_may_stand_in_a_file() -> None:
    box = mailbox_address.read("imaps://b@mail.example?oauth=microsoft&file=/etc/listkeeper/token.json")
    assert box.grant is not None
    assert box.grant.file == "/etc/listkeeper/token.json"
    assert box.grant.token_url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert box.grant.scope == ""


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (f"imap://b:{SECRET}@mail.example", "is not a mailbox"),
        (f"https://b:{SECRET}@mail.example", "is not a mailbox"),
        (f"imaps://b:{SECRET}@", "is not a mailbox"),
        (f"imaps://b:{SECRET}@mail.example,imaps:", "is not a mailbox"),
        (f"imaps://b:{SECRET}@mail.example:0", "cannot be read"),
        (f"imaps://b:{SECRET}@mail.example:70000", "cannot be read"),
        (f"imaps://b:{SECRET}#x@mail.example", "cannot be read"),
        (f"imaps://b:{SECRET}/x@mail.example", "cannot be read"),
        (f"imaps://b:{SECRET}%0d%0aDELE@mail.example", "has a password with characters that are hidden, or no UTF-8"),
        (f"imaps://b:{SECRET}%ff@mail.example", "has a password with characters that are hidden, or no UTF-8"),
        (f"imaps://:{SECRET}@mail.example", "has no user"),
        ("imaps://b@mail.example", "has no password"),
        ("imaps://b:password@mail.example", "still holds a sample for the password"),
        (f"pop3s://b:{SECRET}@mail.example/INBOX", "names a folder, and POP3 has none"),
        (f"imaps://b:{SECRET}@mail.example?{SECRET}=1", "does not know …"),
        (f"imaps://b:{SECRET}@mail.example?delete=perhaps", "says neither yes nor no to delete"),
        (f"imaps://b:{SECRET}@mail.example?delete=yes&delete=no", "says something twice"),
        (f"imaps://b:{SECRET}@mail.example?name=", "has an option that says nothing, or holds hidden characters"),
        (f"imaps://b:{SECRET}@mail.example?name=Caf%C3%A9", "has a name that is not made of up to 40 small letters"),
        (f"imaps://b:{SECRET}@mail.example?oauth=google&client_id=a&refresh_token=r", "has both a password and ?oauth"),
        (f"imaps://b@mail.example?client_secret={SECRET}", "says how to have a token, and not of whom"),
        ("imaps://b@mail.example?oauth=yahoo&client_id=a", "knows no such oauth"),
        ("imaps://b@mail.example?oauth=google&client_id=a", "has no refresh_token"),
        ("imaps://b@mail.example?oauth=google&refresh_token=r", "has no client_id"),
        ("imaps://b@mail.example?oauth=microsoft&client_id=a&client_secret=s", "needs a tenant and a client_secret"),
        ("imaps://b@mail.example?oauth=microsoft&client_id=a&refresh_token=r&tenant=a/b", "has a tenant that is none"),
        (
            "imaps://b@mail.example?oauth=google&client_id=a&refresh_token=r&token_url=http://tokens.example/t",
            "has a token_url that is not https",
        ),
    ],
)
def test_what_is_wrong_is_said_without_what_is_secret(written: str, why: str) -> None:
    with pytest.raises(ValueError, match="mailbox 1") as wrong:
        mailbox_address.read_all(written)
    assert str(wrong.value).removeprefix("mailbox 1 ").startswith(why.removesuffix("…")), str(wrong.value)
    assert SECRET.lower() not in str(wrong.value).lower()
    assert wrong.value.__cause__ is None


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="mailbox 1 has no password; mailbox 3 is not a mailbox"):
        mailbox_address.read_all(f"imaps://b@mail.example pop3s://b:{SECRET}@mail.example ftp://x@mail.example")


def test_two_of_one_name_and_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="two mailboxes are called imap:mail"):
        mailbox_address.read_all(f"imaps://a:{SECRET}@mail.example imaps://b:{SECRET}@mail.example")
    many = " ".join(f"imaps://b{number}:{SECRET}@mail.example?name=m{number}" for number in range(11))
    with pytest.raises(ValueError, match="more than 10 mailboxes"):
        mailbox_address.read_all(many)
    assert len(mailbox_address.read_all(many.rpartition(" ")[0])) == 10  # type: ignore[arg-type]


def test_nothing_written_is_no_mailbox() -> None:
    assert mailbox_address.read_all("  ") == ()


def test_what_is_shown_of_a_mailbox_holds_nothing_secret() -> None:
    box = mailbox_address.read(
        f"imaps://anna@mail.example?oauth=google&client_id=a&client_secret={SECRET}&refresh_token={SECRET}"
    )
    assert SECRET not in repr(box)
    assert "anna" not in repr(box)
    assert "anna" not in mailbox_address.read(f"imaps://anna:{SECRET}@mail.example").name


@given(st.text(max_size=60), st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused_in_words(before: str, after: str) -> None:
    hidden = "qZ7" + "x" * 20
    written = f"imaps://{before}:{hidden}@{after}".replace(" ", "")
    found = _read_or_refused(written)
    if isinstance(found, str):
        assert hidden not in found
    else:
        assert all(box.host and box.user and box.name == box.name.lower() for box in found)


def _read_or_refused(written: str) -> tuple[MailboxAddress, ...] | str:
    try:
        found = mailbox_address.read_all(written)
    except ValueError as wrong:
        return str(wrong)
    assert isinstance(found, tuple)
    return found
