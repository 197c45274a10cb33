"""Accounts at three mail providers on loopback, and how each of them answers when it takes a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from listkeeper.foundation.fetch import LiveFetcher
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over import way_address
from listkeeper.sending.handing_over.mailgun_api import MailgunAccount
from listkeeper.sending.handing_over.postmark_api import PostmarkAccount
from listkeeper.sending.handing_over.provider_api import Account, ProviderApi
from listkeeper.sending.handing_over.ses_api import SesAccount
from listkeeper.sending.handing_over.transport import Outcome, TransportUnavailable
from listkeeper.sending.handing_over.way import Way
from tests.fakes import provider
from tests.fakes.provider import Act, Provider, says

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY"
WAYS = {
    "ses": f"ses://AKIDEXAMPLE:{SECRET}@eu-west-1?configuration_set=letters&session_token=lent%2Bfor%3Dhours",
    "postmark": f"postmark://{SECRET.replace('/', '%2F')}?stream=letters",
    "mailgun": f"mailgun://{SECRET}@eu/mg.cafe.example",
}
ACCOUNTS: dict[str, Callable[[Way], Account]] = {
    "ses": SesAccount, "postmark": PostmarkAccount, "mailgun": MailgunAccount,
}  # fmt: skip
# As each provider answers when it takes a message.
TAKEN: dict[str, Act] = {
    "ses": says(200, {"MessageId": "0102018f-77aa"}),
    "postmark": says(200, {
        "To": "freja@guest.example", "SubmittedAt": "2026-11-23T08:15:00Z", "MessageID": "b7bc2f4a-e38e",
        "ErrorCode": 0, "Message": "OK",
    }),
    "mailgun": says(200, {"id": "<20261123.1@mg.cafe.example>", "message": "Queued. Thank you."}),
}  # fmt: skip


@contextmanager
def opened(kind: str, usual: Act | None = None, seconds: float = 5.0) -> Iterator[tuple[ProviderApi, Provider]]:
    """Open a transport to a provider of its own, which takes every message unless it is told otherwise."""
    with provider.running(usual or TAKEN[kind]) as there:
        api = api_of(kind, there.origin, seconds)
        yield api, there
        api.close()


@cache
def _fetcher() -> LiveFetcher:
    # To read all the certificates of a machine takes longer than any of these tests.
    return LiveFetcher(["127.0.0.1"])


def way_of(kind: str, origin: str) -> Way:
    """Return the way to a provider that is somewhere else than in life."""
    return way_address.read(f"{WAYS[kind]}{'&' if '?' in WAYS[kind] else '?'}endpoint={origin}")


def api_of(kind: str, origin: str, seconds: float = 5.0) -> ProviderApi:
    """Return a transport to it."""
    account = ACCOUNTS[kind](way_of(kind, origin))
    return ProviderApi(account, _fetcher().line(account.origin, seconds=seconds))


def handed(api: ProviderApi, envelopes: list[Envelope]) -> tuple[list[Outcome | None], str]:
    """Hand messages over; return what came of each, and why it stopped if it did."""
    outcomes: list[Outcome | None] = []
    try:
        for _, outcome in api.hand_over_each(iter(envelopes)):
            outcomes.append(outcome)
    except TransportUnavailable as problem:
        return outcomes, str(problem)
    return outcomes, ""
