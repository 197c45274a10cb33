"""What each answer of Amazon SES, Postmark and Mailgun means: to the message, and to those that come after it."""

from __future__ import annotations

import base64

import pytest

from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected
from tests.fakes.provider import Act, babbles, resets, says
from tests.makers.providers import SECRET, WAYS, handed, opened
from tests.unit.sending.conftest import LETTER, Seal

Kind = type[Outcome] | None
CLOSED = None
ALL = tuple(WAYS)
QUOTA = "Domain mg.cafe.example is not allowed to send: recipient limit exceeded"
SANDBOX = "Domain is not allowed to send: … add the address to authorized recipients in Account Settings."
NO_ADDRESS = "'to' parameter is not a valid address. please check documentation"
DELAYED = {"Message": "Message accepted, but delivery may be delayed.", "MessageID": "m"}


def ses(kind: str, words: str, status: int = 400) -> Act:
    return says(status, {"message": words}, x_amzn_ErrorType=f"{kind}:http://internal.amazon.com/coral/")


def postmark(code: int, words: str, status: int = 422) -> Act:
    return says(status, {"ErrorCode": code, "Message": words})


def mailgun(status: int, words: str) -> Act:
    return says(status, {"message": words})


# What they say, what becomes of the message, and a part of the words that are kept or told.
SES: list[tuple[Act, Kind, str]] = [
    (ses("TooManyRequestsException", "Maximum sending rate exceeded.", 429), Deferred, "4.7.28"),
    (ses("ThrottlingException", "Rate exceeded"), Deferred, "4.7.28"),
    (ses("LimitExceededException", "Daily message quota exceeded."), CLOSED, "does not take our mail"),
    (ses("MessageRejected", "Transaction failed: invalid content"), Rejected, "5.6.0"),
    (ses("MessageRejected", "Email address is not verified. The following …"), Deferred, "4.7.1"),
    (ses("MailFromDomainNotVerifiedException", "MX record missing"), Deferred, "4.7.1"),
    (ses("BadRequestException", "Missing final '@domain'"), Rejected, "5.6.0"),
    (ses("AccountSuspendedException", "Sending suspended"), CLOSED, "does not take our mail"),
    (ses("NotFoundException", "Configuration set <letters> does not exist.", 404), CLOSED, "does not exist"),
    (ses("SignatureDoesNotMatch", f"The request signature … {SECRET}", 403), CLOSED, "does not accept the key"),
    (says(403, {"__type": "com.amazonaws#ExpiredTokenException", "Message": "old"}), CLOSED, "does not accept the key"),
    (says(503, b"<html>busy</html>"), Deferred, "4.3.2"),
    (ses("InternalServiceErrorException", "An error occurred", 500), InDoubt, "cannot be understood"),
    (ses("SomethingNewException", "words"), Deferred, "4.0.0"),
]
POSTMARK: list[tuple[Act, Kind, str]] = [
    (postmark(406, "marked as inactive. Found: freja@guest.example."), Rejected, "5.2.1"),
    (postmark(406, "inactive", 200), Rejected, "5.2.1"),
    (postmark(300, "Invalid 'To' address: 'x'."), Rejected, "5.6.0"),
    (postmark(400, "The 'From' address is not a Sender Signature"), Deferred, "4.7.1"),
    (postmark(412, "Your account is pending approval"), Deferred, "4.7.1"),
    (postmark(405, "You ran out of credits."), CLOSED, "does not take our mail"),
    (postmark(1235, "The 'MessageStream' provided does not exist"), CLOSED, "does not take our mail"),
    (postmark(10, f"Bad or missing Server API token {SECRET}.", 401), CLOSED, "does not accept the key"),
    (says(429), Deferred, "4.7.28"),
    (says(413, b"too large"), Rejected, "5.3.4"),
    (postmark(100, "Maintenance", 503), Deferred, "4.3.2"),
    (says(500, b"oops"), InDoubt, "cannot be understood"),
    (postmark(4711, "nobody knows"), Deferred, "4.0.0"),
    (says(200, DELAYED), Accepted, "2.0.0 Postmark: m"),
]
MAILGUN: list[tuple[Act, Kind, str]] = [
    (mailgun(400, NO_ADDRESS), Rejected, "5.1.3"),
    (mailgun(403, SANDBOX), Deferred, "4.7.1"),
    (mailgun(403, QUOTA), Deferred, "4.7.28"),
    (mailgun(403, "Domain mg.cafe.example is not allowed to send: disabled"), CLOSED, "does not take our mail"),
    (says(401, b"Forbidden"), CLOSED, "does not accept the key"),
    (mailgun(402, "payment required"), CLOSED, "does not take our mail"),
    (mailgun(404, "Domain not found: mg.cafe.example"), CLOSED, "does not take our mail"),
    (mailgun(429, "Too many requests"), Deferred, "4.7.28"),
    # Their users saw messages leave that were answered so.
    (mailgun(500, "Internal Server Error"), InDoubt, "cannot be understood"),
    (says(503), InDoubt, "cannot be understood"),
    (says(418, b"teapot"), Deferred, "4.0.0"),
    (says(200, b"Mailgun Magnificent API"), InDoubt, "cannot be understood"),
]
# Whatever stands between us, or a bad day.
ANY: list[tuple[Act, Kind, str]] = [
    (says(200, b"[1, 2"), InDoubt, "cannot be understood"),
    (says(200, [[]]), InDoubt, "cannot be understood"),
    (says(200, b"[" * 100_000), InDoubt, "cannot be understood"),
    (says(307, b"", Location="http://127.0.0.1:1/"), CLOSED, "does not take our mail: 307"),
    (resets, InDoubt, "cannot be reached"),
    (babbles, InDoubt, "cannot be reached"),
]
TABLES = [("ses", SES), ("postmark", POSTMARK), ("mailgun", MAILGUN), *((kind, ANY) for kind in ALL)]
ROWS = [(kind, *row) for kind, table in TABLES for row in table]


@pytest.mark.parametrize(
    ("kind", "act", "outcome", "words"), ROWS, ids=[f"{kind}-{number}" for number, (kind, *_) in enumerate(ROWS)]
)
def test_each_answer_has_its_meaning(kind: str, act: Act, outcome: Kind, words: str, seal: Seal) -> None:
    with opened(kind) as (api, there):
        there.then(act)
        outcomes, stopped = handed(api, [seal(content=LETTER), seal(content=LETTER)])
        first = outcomes[0]
        assert type(first) is (outcome or type(None)), first
        said = "" if first is None else first.reason if isinstance(first, InDoubt) else first.reply.text
        # A way that is closed, or that leaves a message in doubt, is not asked about the next one.
        goes_on = outcome in {Accepted, Deferred, Rejected}
        assert (len(outcomes), len(there.asked), bool(stopped)) == ((2, 2, False) if goes_on else (1, 1, True))
        assert words in (said if goes_on else stopped)
        assert len(stopped) < 400
        for told in (said, stopped, repr(first)):
            assert SECRET not in told
            assert base64.b64encode(f"api:{SECRET}".encode()).decode() not in told
        if isinstance(first, Deferred | Rejected):
            assert first.reply.code == (451 if isinstance(first, Deferred) else 554)
        # When it answers again, so does the next window.
        assert handed(api, [seal(content=LETTER)])[1] == ""
