"""What proves that a post comes from a provider: good, tampered, unsigned, of another topic, old."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import esp, esp_sns
from listkeeper.feedback.esp_proof import Proof
from tests.makers import esp_posts
from tests.makers.esp_posts import NOW, PROVIDERS, SIGNING, TOPIC, Amazon, Post

# Mailgun signs a second and a token, and nothing of what it tells; a password signs nothing at all.
SIGNS_THE_BODY = ("ses", "sendgrid", "resend")


@pytest.fixture(autouse=True)
def _no_certificate_is_known() -> None:
    esp_sns._kept.clear()  # noqa: SLF001 - as in a process that has just begun


def proof(provider: str, post: Post, *, later: timedelta = timedelta(), amazon: Amazon | None = None) -> Proof:
    return esp.verify(provider, post.headers, post.body, esp_posts.secret(provider), NOW + later, amazon or Amazon())


def first(provider: str) -> str:
    return next(iter(esp_posts.payloads(provider)))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_proves_itself(provider: str) -> None:
    for name in esp_posts.payloads(provider):
        assert proof(provider, esp_posts.named(provider, name)) is Proof.RIGHT, name


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_its_proof_nothing_is_believed(provider: str) -> None:
    post = esp_posts.named(provider, first(provider))
    bare = Post({}, json.dumps(esp_posts.payloads(provider)[first(provider)]).encode())
    assert proof(provider, bare) is Proof.MISSING
    for name in post.headers:
        if provider not in {"ses", "mailgun"}:
            assert proof(provider, post.without(name)) is Proof.MISSING, name
            wrong = Post(post.headers | {name: "Basic Og==" if name == "authorization" else "x"}, post.body)
            assert proof(provider, wrong) in {Proof.WRONG, Proof.MISSING}


@pytest.mark.parametrize("provider", SIGNS_THE_BODY)
def test_one_changed_byte_is_seen(provider: str, chance: random.Random) -> None:
    post = esp_posts.named(provider, "bounced" if provider == "resend" else "bounce")
    for place in chance.sample(range(len(post.body)), 60):
        changed = bytearray(post.body)
        changed[place] ^= 1
        # Between members of the SNS envelope, and in one that is not signed, there are bytes that mean nothing.
        if provider == "ses" and esp.events("ses", bytes(changed)) == esp.events("ses", post.body):
            continue
        assert proof(provider, post.with_body(bytes(changed))) is not Proof.RIGHT, place


def test_mailgun_s_token_is_proven_and_what_stands_beside_it_is_not() -> None:
    post = esp_posts.named("mailgun", "bounce")
    said = json.loads(post.body)
    for name in ("timestamp", "token", "signature"):
        value = said["signature"][name]
        wrong = said | {"signature": said["signature"] | {name: ("1" if value[0] != "1" else "2") + value[1:]}}
        assert proof("mailgun", Post({}, json.dumps(wrong).encode())) is Proof.WRONG
    # This is why its address holds a secret, and why a post is old after five minutes.
    other = said | {"event-data": said["event-data"] | {"recipient": "bo@guest.example"}}
    assert proof("mailgun", Post({}, json.dumps(other).encode())) is Proof.RIGHT


@pytest.mark.parametrize(
    ("provider", "still", "no_more"),
    [
        ("mailgun", timedelta(minutes=4), timedelta(minutes=6)),
        ("resend", timedelta(minutes=4), timedelta(minutes=6)),
        # Tried again for so long, and perhaps not signed anew: what was taken before is known by its bytes.
        ("sendgrid", timedelta(hours=24), timedelta(hours=26)),
        ("ses", timedelta(days=6), timedelta(days=8)),
    ],
)
def test_what_is_old_is_refused(provider: str, still: timedelta, no_more: timedelta) -> None:
    post = esp_posts.named(provider, first(provider))
    assert proof(provider, post, later=still) is Proof.RIGHT
    assert proof(provider, post, later=no_more) is Proof.OLD
    assert proof(provider, post, later=timedelta(minutes=-6)) is Proof.OLD


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name not in SIGNING])
def test_a_password_is_taken_as_such_and_as_a_bearer_s_token(provider: str) -> None:
    body, secret = b"{}", esp_posts.secret(provider)
    assert proof(provider, Post({"authorization": f"Bearer {secret}"}, body)) is Proof.RIGHT
    for user in ("", "anybody", "a name"):
        written = base64.b64encode(f"{user}:{secret}".encode()).decode()
        assert proof(provider, Post({"authorization": f"basic  {written}"}, body)) is Proof.RIGHT
    for wrong in (
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(secret.encode()).decode(),
        f"Bearer {secret}x",
        "Bearer æ",
    ):
        assert proof(provider, Post({"authorization": wrong}, body)) is Proof.WRONG
    for nothing in ("", secret, f"Digest {secret}"):
        assert proof(provider, Post({"authorization": nothing}, body)) is Proof.MISSING


def test_resend_may_sign_with_an_old_and_a_new_secret_at_once() -> None:
    post = esp_posts.named("resend", "sent")
    both = f"v1,{base64.b64encode(bytes(32)).decode()} {post.headers['svix-signature']}"
    assert proof("resend", Post(post.headers | {"svix-signature": both}, post.body)) is Proof.RIGHT


# Amazon


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_of_sns(version: str) -> None:
    post = esp_posts.sns({"Type": "Notification", "Message": "{}"}, version=version)
    assert proof("ses", post) is Proof.RIGHT
    said = json.loads(post.body)
    other = "1" if version == "2" else "2"
    for wrong in (other, "3", 1.5, None):
        assert proof("ses", Post({}, json.dumps(said | {"SignatureVersion": wrong}).encode())) is Proof.WRONG


def test_a_subject_is_signed_where_there_is_one() -> None:
    post = esp_posts.sns({"Type": "Notification", "Message": "{}", "Subject": "Amazon SES"})
    assert proof("ses", post) is Proof.RIGHT
    changed = json.loads(post.body) | {"Subject": "Another"}
    assert proof("ses", Post({}, json.dumps(changed).encode())) is Proof.WRONG


def test_another_topic_is_refused_however_well_it_is_signed() -> None:
    amazon = Amazon()
    other = esp_posts.sns({"Type": "Notification", "Message": "{}", "TopicArn": TOPIC + "2"})
    assert proof("ses", other, amazon=amazon) is Proof.WRONG
    assert proof("ses", esp_posts.subscription(TOPIC + "2"), amazon=amazon) is Proof.WRONG
    # Nobody is asked for it.
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem#x",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/?Action=GetTopicAttributes",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "HTTPS://SNS.EU-WEST-1.AMAZONAWS.COM/SimpleNotificationService-0123456789abcdef.pem",
        "https://[",
        "",
    ],
)
def test_a_certificate_is_fetched_from_amazon_and_from_nowhere_else(url: str) -> None:
    amazon = Amazon()
    post = esp_posts.sns({"Type": "Notification", "Message": "{}", "SigningCertURL": url})
    assert proof("ses", post, amazon=amazon) is Proof.WRONG
    assert amazon.asked == []


def test_a_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    for name in ("bounce", "complaint", "delivery"):
        assert proof("ses", esp_posts.named("ses", name), amazon=amazon) is Proof.RIGHT
    assert amazon.asked == [esp_posts.CERTIFICATE_URL]


def test_what_cannot_be_compared_just_now_is_neither_right_nor_wrong() -> None:
    post = esp_posts.named("ses", "bounce")
    assert proof("ses", post, amazon=Amazon(answers=False)) is Proof.UNKNOWN
    assert proof("ses", post, amazon=Amazon(ends=NOW - timedelta(days=1))) is Proof.UNKNOWN
    assert proof("ses", post) is Proof.RIGHT


def test_the_yes_to_a_subscription_leads_to_amazon_whatever_the_message_says() -> None:
    post = esp_posts.subscription()
    assert proof("ses", post) is Proof.RIGHT
    astray = json.loads(post.body) | {"SubscribeURL": "https://evil.example/"}
    for body in (post.body, json.dumps(astray).encode()):
        assert esp.confirmation("ses", body, TOPIC) == (
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
            "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aletters&Token=2336412f37fb687f5d51e6e2425c464de257"
        )
    assert proof("ses", Post({}, json.dumps(astray).encode())) is Proof.WRONG


def test_nothing_else_is_taken_for_a_question_about_a_subscription() -> None:
    quoting = esp_posts.sns({"Type": "Notification", "Message": '"SubscriptionConfirmation"', "Token": "1"})
    assert esp.confirmation("ses", quoting.body, TOPIC) is None
    assert esp.confirmation("ses", b'"SubscriptionConfirmation', TOPIC) is None
    assert esp.confirmation("sendgrid", esp_posts.subscription().body, TOPIC) is None
    assert esp.events("ses", esp_posts.subscription().body) == []


def test_nobody_else_is_a_provider() -> None:
    assert esp.verify("pigeon", {}, b"", "", NOW, Amazon()) is Proof.WRONG
    assert esp.events("pigeon", b"{}") == []


_HEADERS = st.dictionaries(
    st.sampled_from(
        ["authorization", "svix-id", "svix-timestamp", "svix-signature", "x-twilio-email-event-webhook-signature",
         "x-twilio-email-event-webhook-timestamp"]
    ),
    st.text(max_size=60),
)  # fmt: skip
_SIGNED_INSIDE = st.fixed_dictionaries({
    "signature": st.one_of(st.none(), st.text(), st.dictionaries(
        st.sampled_from(["timestamp", "token", "signature"]), st.one_of(st.text(), st.integers(), st.floats())
    )),
    "Signature": st.one_of(st.none(), st.text(), st.integers()),
    "SignatureVersion": st.sampled_from(["1", "2", 1, None]),
    "Type": st.sampled_from(["Notification", "SubscriptionConfirmation", "x", None, 1]),
    "TopicArn": st.sampled_from([TOPIC, "", None, 4]),
    "SigningCertURL": st.sampled_from([esp_posts.CERTIFICATE_URL, "https://[", None, 7]),
    "Message": st.one_of(st.text(), st.none(), st.integers()),
    "Timestamp": st.one_of(st.text(), st.none(), st.integers()),
}).map(lambda said: json.dumps(said).encode())  # fmt: skip


@given(st.sampled_from(PROVIDERS), _HEADERS, st.one_of(st.binary(max_size=200), _SIGNED_INSIDE))
def test_no_stranger_proves_anything_and_none_raises(provider: str, headers: dict[str, str], body: bytes) -> None:
    assert proof(provider, Post(headers, body)) in {Proof.MISSING, Proof.WRONG}
