"""Amazon SES, Postmark and Mailgun on loopback: what arrives there, and what is known when nothing does."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from listkeeper.foundation.fetch import LiveFetcher
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled, Sender
from listkeeper.sending import return_path
from listkeeper.sending.handing_over import postmark_api, way_address
from listkeeper.sending.handing_over.mailgun_api import MailgunAccount
from listkeeper.sending.handing_over.provider_api import ProviderApi
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, TransportUnavailable
from listkeeper.sending.return_path import Token
from tests.fakes import provider, running_up
from tests.fakes.provider import drips, says
from tests.makers.providers import ACCOUNTS, SECRET, TAKEN, WAYS, api_of, handed, opened, way_of
from tests.unit.sending.conftest import Seal

TEXT = "Warm from seven. Æblekage på lørdag.\n"
LETTER = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=cafe.example;\r\n h=from:to;\r\n b=AAAA\r\n"
    b"DKIM-Signature: v=1; a=ed25519-sha256; b=BBBB\r\n"
    b"From: =?utf-8?q?Caf=C3=A9_=22K=22?= <hello@cafe.example>\r\nTo: freja@guest.example\r\n"
    b"Reply-To: Ida <ida@cafe.example>\r\nSubject: =?utf-8?q?K=C3=A6re_boller?=\r\n"
    b"Date: Mon, 23 Nov 2026 08:15:00 +0000\r\nMessage-ID: <abc@cafe.example>\r\n"
    b"List-Unsubscribe: <https://mail.cafe.example/u/1234567890/abcdefghijklmnopqrstuvwxyz>,\r\n"
    b" <mailto:bye@cafe.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
    b"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    b"--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Warm from seven. =C3=86blekage p=C3=A5 l=C3=B8rdag.\r\n\r\n"
    b"--a\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>Warm</p>\r\n\r\n--a--\r\n"
    b'--m\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename="receipt.txt"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nseq 17=3D\r\n\r\n--m--\r\n"
)


# What arrives


def test_ses_gets_the_raw_message_without_the_signatures_it_would_break(seal: Seal) -> None:
    with opened("ses") as (api, there):
        api.connect()
        said = api.hand_over(seal(content=LETTER))
    assert isinstance(said, Accepted)
    assert (said.reply.code, said.reply.text) == (250, "2.0.0 Amazon SES: 0102018f-77aa")
    (asked,) = there.asked
    assert asked.path == "/v2/email/outbound-emails"
    raw = base64.b64decode(asked.fields["Content"]["Raw"].pop("Data"))
    assert raw == LETTER[LETTER.index(b"From:") :]
    assert asked.fields | {"Content": None} == {
        "Destination": {"ToAddresses": ["freja@guest.example"]},
        "Content": None,
        "FeedbackForwardingEmailAddress": "hello@cafe.example",
        "ConfigurationSetName": "letters",
    }
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in asked.headers["authorization"]
    assert "/eu-west-1/ses/aws4_request" in asked.headers["authorization"]
    assert asked.headers["x-amz-security-token"] == "lent+for=hours"
    assert asked.headers["host"] == there.origin.removeprefix("http://")


@pytest.mark.usefixtures("key_folder")
def test_ses_hears_of_the_author_and_not_of_a_return_path_whose_domain_it_does_not_know(seal: Seal) -> None:
    with opened("ses") as (api, there):
        api.connect()
        api.hand_over(seal(content=LETTER, mail_from=return_path.of_delivery("bounce.cafe.example", 7)))
    assert there.asked[0].fields["FeedbackForwardingEmailAddress"] == "hello@cafe.example"


@pytest.mark.usefixtures("key_folder")
def test_postmark_is_given_what_names_the_delivery_and_gives_it_back_with_each_event(seal: Seal) -> None:
    sender = return_path.of_delivery("bounce.cafe.example", 7)
    with opened("postmark") as (api, there):
        api.connect()
        api.hand_over(seal(content=LETTER, mail_from=sender))
        api.hand_over(seal(content=LETTER))
    (told, untold) = (asked.fields for asked in there.asked)
    assert told.pop("Metadata") == {"return-path": sender.partition("@")[0]}
    assert told == untold
    assert return_path.delivery_of(sender.partition("@")[0]) == Token("bounce", 7)


def test_mailgun_gets_every_byte_and_leaves_the_links_alone(seal: Seal) -> None:
    with opened("mailgun") as (api, there):
        api.connect()
        assert isinstance(api.hand_over(seal(content=LETTER)), Accepted)
    (asked,) = there.asked
    assert asked.path == "/v3/mg.cafe.example/messages.mime"
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == f"api:{SECRET}".encode()
    assert asked.form() == [
        ("to", b"freja@guest.example"), ("o:tracking", b"no"), ("o:tracking-clicks", b"no"),
        ("o:tracking-opens", b"no"), ("message", LETTER),
    ]  # fmt: skip


def test_postmark_gets_the_parts_and_what_programs_read(seal: Seal) -> None:
    with opened("postmark") as (api, there):
        api.connect()
        assert isinstance(api.hand_over(seal(content=LETTER)), Accepted)
    (asked,) = there.asked
    assert (asked.path, asked.headers["x-postmark-server-token"]) == ("/email", SECRET)
    assert asked.fields == {
        "From": '"Café \\"K\\"" <hello@cafe.example>',
        "To": "freja@guest.example",
        "ReplyTo": '"Ida" <ida@cafe.example>',
        "Subject": "Kære boller",
        "TextBody": TEXT,
        "HtmlBody": "<p>Warm</p>\n",
        "Attachments": [
            {"Name": "receipt.txt", "Content": base64.b64encode(b"seq 17=\r\n").decode(), "ContentType": "text/plain"}
        ],
        "Headers": [
            {"Name": "Message-ID", "Value": "<abc@cafe.example>"},
            {
                "Name": "List-Unsubscribe",
                "Value": "<https://mail.cafe.example/u/1234567890/abcdefghijklmnopqrstuvwxyz>, "
                "<mailto:bye@cafe.example>",
            },
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            {"Name": "X-PM-KeepID", "Value": "true"},
        ],
        "MessageStream": "letters",
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    read = message_from_bytes(LETTER, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert str(read["List-Unsubscribe"]) == asked.fields["Headers"][1]["Value"]


@pytest.mark.parametrize("kind", WAYS)
def test_a_window_takes_one_connection(kind: str, seal: Seal) -> None:
    with opened(kind) as (api, there):
        outcomes, stopped = handed(api, [seal(content=LETTER)] * 5)
        assert ([type(outcome) for outcome in outcomes], stopped) == ([Accepted] * 5, "")
        assert (len(there.asked), there.connections) == (5, 1)
        assert not api.carries_smtputf8


@pytest.mark.parametrize("kind", WAYS)
def test_an_endless_answer_is_a_doubt_in_time(kind: str, seal: Seal) -> None:
    with opened(kind, seconds=0.6) as (api, there):
        there.then(drips)
        outcomes, stopped = handed(api, [seal(content=LETTER)] * 3)
        assert [type(outcome) for outcome in outcomes] == [InDoubt]
        assert stopped.endswith("cannot be reached: no answer in time")
        assert len(there.asked) == 1


@pytest.mark.parametrize("kind", WAYS)
def test_nobody_there_and_nobody_who_may_be_asked(kind: str, seal: Seal) -> None:
    away = api_of(kind, f"http://127.0.0.1:{running_up.free_port()}")
    outcomes, stopped = handed(away, [seal()])
    assert outcomes == []
    assert stopped.endswith(" cannot be reached: the web server refuses connections")
    with provider.running(TAKEN[kind]) as there:
        account = ACCOUNTS[kind](way_of(kind, there.origin))
        outcomes, stopped = handed(ProviderApi(account, LiveFetcher().line(account.origin)), [seal()])
        assert (outcomes, there.asked) == ([], [])
        assert stopped.endswith("127.0.0.1 lies in a private network")


def test_a_message_alone_says_later_that_the_way_is_closed(seal: Seal) -> None:
    with opened("postmark") as (api, there):
        there.then(says(401, {"ErrorCode": 10, "Message": "Bad token"}))
        api.connect()
        assert isinstance(api.hand_over(seal()), Deferred)
        with pytest.raises(TransportUnavailable, match="does not accept the key"):
            api.connect()
        api.connect()
        assert isinstance(api.hand_over(seal()), Accepted)


def test_a_message_that_cannot_be_taken_apart_stops_nobody(seal: Seal) -> None:
    odd = b"From: a@cafe.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\nhi\r\n"
    with opened("postmark") as (api, there):
        outcomes, stopped = handed(api, [seal(content=odd), seal(content=LETTER)])
        assert ([type(outcome) for outcome in outcomes], stopped) == ([Deferred, Accepted], "")
        assert len(there.asked) == 1


def test_postmark_gets_the_words_that_were_composed() -> None:
    filled = Filled("Bøllefrø – 50 %", "", "<p>Hej „Æsel“ &amp; co.</p>\n", "Hej Æsel,\n\n= ikke = kodet\n")
    cafe = Sender('Café "Kær", ApS', "hello@cafe.example", None, "Café", "Havnegade 1", "#7a4b2a", None, "da")
    made = message.build(
        filled,
        sender=cafe,
        recipient="freja@guest.example",
        message_id="<1@cafe.example>",
        date=datetime(2026, 11, 23, tzinfo=UTC),
        extra_headers=[("List-Id", "=?utf-8?q?N=C3=A6?= <nyt.cafe.example>"), ("Feedback-ID", "a:b:listkeeper")],
    )
    said = postmark_api.taken_apart(made)
    assert (said["Subject"], said["TextBody"], said["HtmlBody"]) == (filled.subject, filled.text, filled.html)
    assert said["From"] == '"Café \\"Kær\\", ApS" <hello@cafe.example>'
    assert {"Name": "List-Id", "Value": "=?utf-8?q?N=C3=A6?= <nyt.cafe.example>"} in said["Headers"]
    assert "Attachments" not in said


def test_where_each_provider_is_asked_of_its_own() -> None:
    origins = {kind: ACCOUNTS[kind](way_address.read(written)).origin for kind, written in WAYS.items()}
    assert origins == {
        "ses": "https://email.eu-west-1.amazonaws.com",
        "postmark": "https://api.postmarkapp.com",
        "mailgun": "https://api.eu.mailgun.net",
    }
    american = way_address.read(f"mailgun://{SECRET}@us/mg.cafe.example")
    assert MailgunAccount(american).origin == "https://api.mailgun.net"
