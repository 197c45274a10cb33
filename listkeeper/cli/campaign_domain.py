"""What a send on the command line asks about the sender's domain: a fresh check, and reasons in spite of it."""

from __future__ import annotations

from collections.abc import Sequence

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import domain_gate
from listkeeper.foundation.errors import Invalid
from listkeeper.jobs import domain_watch
from listkeeper.settings import Settings


def refresh() -> None:
    """Check the domain letters come from again, where its last check is older than an hour and mail leaves for real."""
    with store.reading() as session:
        number = organisation.only_one(session).id
    domain_watch.before_leaving(number)


def reasons(typed: Sequence[str]) -> dict[str, str]:
    """Read ``CODE=REASON`` of each ``--override``. Raises Invalid."""
    pairs = [text.partition("=") for text in typed]
    if any(not code.strip() or not sign for code, sign, _ in pairs):
        raise Invalid("override_reason", "Write --override CODE=REASON, such as --override S2a='mended tonight'.")
    return {code.strip(): reason for code, _, reason in pairs}


def override(settings: Settings, campaign_id: str, typed: Sequence[str]) -> None:
    """Let what blocks not stop this letter, for the reasons that were typed."""
    if not typed:
        return
    said = reasons(typed)
    with store.transaction() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, campaign_id)
        for code in domain_gate.override(session, letter, said, settings.gate, "command"):
            audit_log.record(session, owner.id, "command", f"campaign.overrode_{code}", letter.public_id)
