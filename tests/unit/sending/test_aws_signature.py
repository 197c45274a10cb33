"""Signature Version 4 against the examples that Amazon publishes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.sending.handing_over.aws_signature import Signer

MOMENT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAk"
    "iY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)


def _signed(method: str, headers: dict[str, str], body: bytes = b"", *, token: str = "", query: str = "") -> str:
    service = "iam" if query else "service"
    signer = Signer("AKIDEXAMPLE", SECRET, "us-east-1", service, token)
    return signer.signed(method, "/", headers, body, MOMENT, query=query)["authorization"]


def test_the_example_of_the_user_guide() -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Host": "iam.amazonaws.com"}
    assert _signed("GET", headers, query="Action=ListUsers&Version=2010-05-08") == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


@pytest.mark.parametrize(
    ("method", "more", "body", "token", "signature"),
    [
        ("GET", {}, b"", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", {}, b"", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"Param1=value1", "",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        ("POST", {}, b"", TOKEN, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    ],
    ids=["get-vanilla", "post-vanilla", "post-x-www-form-urlencoded", "post-sts-header-before"],
)  # fmt: skip
def test_the_test_suite(method: str, more: dict[str, str], body: bytes, token: str, signature: str) -> None:
    said = _signed(method, {"Host": "example.amazonaws.com", **more}, body, token=token)
    assert said.rpartition("Signature=")[2] == signature


def test_a_signer_shows_no_secret() -> None:
    shown = repr(Signer("AKIDEXAMPLE", SECRET, "us-east-1", "ses", TOKEN))
    assert SECRET not in shown
    assert TOKEN not in shown
