"""Signed posts: the example of Standard Webhooks, and what is no secret."""

from __future__ import annotations

import pytest

from listkeeper.standards import webhook

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"


def test_the_example_of_the_specification() -> None:
    # Its secret is shorter than the 24 bytes that it asks for itself.
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = webhook.headers(b'\xa6Rw\x9el\x82\x0c`J"v\xaft\xe2\xb5\xe6;%', "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert made == {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }


def test_a_secret_is_read_with_its_prefix_and_without() -> None:
    written = "A" * 43 + "="
    assert webhook.key(written) == webhook.key(f" whsec_{written}\n") == bytes(32)


@pytest.mark.parametrize("written", ["", "hunter2", "A" * 24, "A" * 100, "*" * 44, SECRET])
def test_what_is_no_secret_is_refused_without_being_quoted(written: str) -> None:
    with pytest.raises(ValueError, match="base64") as refused:
        webhook.key(written)
    assert not written or written not in str(refused.value)
