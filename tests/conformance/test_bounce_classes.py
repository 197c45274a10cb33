"""Bounces of other projects' mail (sisimai): what the classifier makes of their diagnostic texts.

The reader of bounces is not here: a loose one takes the texts out. So the
figures are floors for the classifier, not the bar that the reader must reach.
"""

from __future__ import annotations

import email
import json
import re
from email.message import Message
from pathlib import Path

import pytest

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import Verdict, classify
from tests.fakes.corpora import Corpora

# Never a reason to give an address up.
NEVER = {
    "mailboxfull", "authfailure", "requireptr", "spamdetected", "blocked", "policyviolation", "badreputation",
    "toomanyconn", "speeding", "networkerror",
}  # fmt: skip
NO_BOUNCE = {"feedback", "vacation", "delivered"}
# Their own words say "User unknown", of the very recipient or of a second one.
LABELS_AGAINST_THEIR_WORDS = {"rfc3464-01.eml", "lhost-sendmail-38.eml"}
_ORIGINAL = re.compile(
    r"^(?:[-* ]*(?:original message|below is a copy|below this line|message headers? follow|unsent message|"
    r"the header of the original|this is a copy|included is a copy)|(?:received|return-path|from|message-id):)",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_RECIPIENT = re.compile(r"\n\s*\n|\n(?=<?[^\s<>\"]+@[^\s<>\"]+>?:)")
_SAYS_A_CODE = re.compile(r"[45]\d\d[ -]|[45]\.\d+\.\d")
_ADDRESS_DOMAIN = re.compile(r"@([\w.-]+)")


def _body(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            raw = part.get_payload(decode=True)
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
            if text.strip():
                return _ORIGINAL.split(text, maxsplit=1)[0]
    return ""


def _statuses(message: Message) -> list[Message]:
    blocks = [
        block
        for part in message.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in (part.get_payload() if isinstance(part.get_payload(), list) else [])
    ]
    return [block for block in blocks if isinstance(block, Message) and (block["status"] or block["final-recipient"])]


def _of_status(block: Message, body: str) -> Verdict:
    text = re.sub(r"^\s*[\w-]+;\s*", "", str(block["diagnostic-code"] or ""))
    host = (re.sub(r"^\s*\w+;\s*", "", str(block["remote-mta"] or "")).split() or [""])[0]
    reader = _ADDRESS_DOMAIN.findall(str(block["final-recipient"] or ""))
    known = mail_provider.of_host(host) or (mail_provider.of_domain(reader[0]) if reader else None)
    return classify(None, block["status"], text if len(text.strip()) > 5 else f"{text} {body}", known)


def _verdicts(raw: bytes) -> list[Verdict]:
    message = email.message_from_bytes(raw)
    body, blocks = _body(message), _statuses(message)
    if blocks:
        return [_of_status(block, body) for block in blocks]
    domains = (mail_provider.of_domain(domain) for domain in _ADDRESS_DOMAIN.findall(body))
    known = next((name for name in domains if name is not None), None)
    parts = [part for part in _NEXT_RECIPIENT.split(body) if _SAYS_A_CODE.search(part)] or [body]
    return [classify(None, None, part, known) for part in parts]


@pytest.fixture(scope="module")
def judged(corpora: Corpora) -> dict[str, tuple[set[str], bool, list[Verdict]]]:
    """Return by file: the reasons it is labelled with, whether one of them is hard, and what we make of it."""
    folder = corpora.folder("bounce_sisimai", at_least=280)
    expected = json.loads((folder / "expected.json").read_text())
    return {
        name: ({row["reason"] for row in rows}, any(row["hard"] for row in rows), _read(folder / "bsd" / name))
        for name, rows in expected.items()
        if not any(row["reason"] in NO_BOUNCE for row in rows)
    }


def _read(path: Path) -> list[Verdict]:
    return _verdicts(path.read_bytes())


def test_permanent_is_what_is_permanent(judged: dict[str, tuple[set[str], bool, list[Verdict]]]) -> None:
    ours = {name for name, (_, _, verdicts) in judged.items() if any(verdict.permanent for verdict in verdicts)}
    theirs = {name for name, (_, hard, _) in judged.items() if hard}
    precision, recall = len(ours & theirs) / len(ours), len(ours & theirs) / len(theirs)
    print(f"permanent: precision {precision:.3f}, recall {recall:.3f}, too many {sorted(ours - theirs)}")
    assert precision >= 0.85
    assert recall >= 0.85
    # What is too many is labelled "filtered", and says word for word that there is no such user.
    assert {name for name in ours - theirs if "filtered" not in judged[name][0]} <= LABELS_AGAINST_THEIR_WORDS


def test_nobody_is_given_up_for_a_full_mailbox_or_a_fault_of_the_sender(
    judged: dict[str, tuple[set[str], bool, list[Verdict]]],
) -> None:
    wrong = {
        name
        for name, (reasons, hard, verdicts) in judged.items()
        if reasons & NEVER and not hard and any(verdict.permanent for verdict in verdicts)
    }
    assert wrong <= LABELS_AGAINST_THEIR_WORDS
    assert sum(bool(reasons & NEVER) for reasons, _, _ in judged.values()) > 80
