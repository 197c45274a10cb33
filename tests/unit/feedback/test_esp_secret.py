"""The setting of the providers: read whole, each mistake named, no secret told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from listkeeper.feedback import esp, esp_address, esp_secret
from listkeeper.foundation import keys
from listkeeper.settings import Settings
from tests.architecture import source
from tests.makers import esp_posts

GOOD = "a-password-of-ours-0123"


def test_every_provider_is_read() -> None:
    read = esp_secret.read_all(f"  {esp_posts.setting()}\n")
    assert read == tuple((provider, esp_posts.secret(provider)) for provider in esp_posts.PROVIDERS)
    assert set(esp_secret.PROVIDERS) == set(esp.TABLE) == set(esp_posts.PROVIDERS)
    assert esp_secret.read_all("") == ()
    assert esp_secret.read_all(()) == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pigeon=" + GOOD, "entry 1 is not PROVIDER=SECRET"),
        (GOOD, "entry 1 is not PROVIDER=SECRET"),
        (f"postmark={GOOD} {GOOD}=", "entry 2 is not PROVIDER=SECRET"),
        (f"postmark={GOOD} postmark={GOOD}", "names postmark more than once"),
        ("postmark=tooshort-0123", "what it says of postmark is shorter than 16 characters"),
        ("brevo=with:a/sign@in-it-0123", "what it says of brevo holds other signs"),
        ("mailjet=", "what it says of mailjet is shorter"),
        ("mailgun=short-key", "what it says of mailgun is shorter"),
        ("sendgrid=bm8ga2V5IGF0IGFsbA==", "is not a verification key of SendGrid's"),
        ("sendgrid=*** no base64", "is not base64"),
        ("resend=whsec_c2hvcnQ=", "24 to 64 bytes"),
        ("ses=arn:aws:s3:::bucket-of-mine", "is not the ARN of an SNS topic"),
        ("ses=arn:aws:sns:eu-west-1.evil.example:123456789012:letters", "is not the ARN of an SNS topic"),
    ],
)
def test_a_mistake_is_named_and_no_secret_told(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        esp_secret.read_all(written)
    for part in written.split():
        assert part.partition("=")[2] == "" or part.partition("=")[2] not in str(refused.value)
    assert GOOD not in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"entry 1 .*; names brevo.*; what it says of ses") as refused:
        esp_secret.read_all(f"x brevo={GOOD} brevo={GOOD} ses=none")
    assert GOOD not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(written: str) -> None:
    try:
        read = esp_secret.read_all(written)
    except ValueError as refused:
        assert str(refused)  # noqa: PT017 - either may be
    else:
        assert isinstance(read, tuple)


def test_the_settings_tell_no_secret_either() -> None:
    made = Settings(hooks=f"postmark={GOOD}")
    assert made.hooks == (("postmark", GOOD),)
    assert GOOD not in repr(made)
    with pytest.raises(ValidationError) as refused:
        Settings(hooks=f"pigeon={GOOD}")
    assert GOOD not in str(refused.value)


def test_the_page_about_providers_names_each_of_them() -> None:
    page = (source.CHECKOUT / "docs" / "providers.md").read_text(encoding="utf-8").lower().replace("amazon ses", "ses")
    assert [name for name in esp_secret.PROVIDERS if f"\n## {name}" not in page] == []


def test_an_address_is_right_for_its_provider_alone_and_stays_so(settings: Settings) -> None:
    keys.open_folder(settings.key_folder)
    made = esp_address.of("https://mail.cafe.example", "ses")
    before, _, secret = made.rpartition("/")
    assert before == "https://mail.cafe.example/hooks/in/ses"
    assert esp_address.is_right("ses", secret)
    assert not esp_address.is_right("resend", secret)
    assert not esp_address.is_right("ses", secret[:-1])
    assert not esp_address.is_right("ses", "")
    # A new master key makes new addresses, and the providers still know the old one.
    keys.add(settings.key_folder)
    keys.open_folder(settings.key_folder)
    assert esp_address.of("https://mail.cafe.example", "ses") != made
    assert esp_address.is_right("ses", secret)
