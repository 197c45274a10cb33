"""Bounces, complaints and answers of other projects' corpora: what we make of each, beside what those projects say.

Accepted disagreements stand here by name, each with its reason. They are not left out of any figure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from listkeeper.feedback import mail_reading
from listkeeper.feedback.mail_reading import MailKind, MailReading
from listkeeper.standards import arf
from tests.fakes.corpora import Corpora

Read = dict[str, MailReading]

# Never a reason to give an address up.
NEVER = {
    "mailboxfull", "authfailure", "requireptr", "spamdetected", "blocked", "policyviolation", "badreputation",
    "toomanyconn", "speeding", "networkerror",
}  # fmt: skip
NO_BOUNCE = {"feedback", "vacation", "delivered"}
# Held for permanent by us and not by them.
LABELS_AGAINST_THEIR_WORDS = {
    "lhost-receivingses-02.eml": 'status 5.1.1, "Mailbox does not exist" (RFC 3463 section 3.2)',
    "lhost-apachejames-01.eml": "word for word what lhost-verizon-02.eml says, which they call hard",
}
# Held for permanent by them and not by us.
NOT_FOR_GOOD = {
    "lhost-postfix-05.eml": "450 4.1.1: a reply of class 4 asks to come back (RFC 5321 section 4.2.1)",
    "lhost-sendmail-14.eml": "a person passes a bounce on and quotes it: words of a person prove nothing",
    "lhost-interscanmss-03.eml": "the code stands in the text of the message that came back, which is anybody's",
}
# A mail that is no bounce to us, though they say that it is one.
NO_BOUNCE_TO_US = {
    "lhost-fml-03.eml": "a list tells its owner of a loop, in words to a person",
    "lhost-sendmail-14.eml": "as above",
}
# Their file names call these something else than their words do.
NAMES_AGAINST_THEIR_WORDS = {
    "non-autoreply.msg": 'no auto-reply, but a bounce: 550 "No account by that name here" in answer to RCPT TO',
    "warning-2.msg": "Action: failed, Status: 5.1.1 of both recipients (RFC 3464 section 2.3.3)",
}
# Ours for theirs, for the matrix: what the classes of the table in the reference say.
SAME = {
    "userunknown": "invalid_address", "hasmoved": "invalid_address", "hostunknown": "invalid_domain",
    "notaccept": "invalid_domain", "filtered": "inactive", "suspend": "inactive", "mailboxfull": "mailbox_full",
    "authfailure": "auth", "requireptr": "auth", "blocked": "reputation", "badreputation": "reputation",
    "policyviolation": "policy", "securityerror": "policy", "rejected": "policy", "spamdetected": "spam",
    "virusdetected": "content", "contenterror": "content", "mesgtoobig": "too_big", "exceedlimit": "too_big",
    "norelaying": "relay", "syntaxerror": "syntax", "notcompliantrfc": "syntax", "toomanyconn": "rate",
    "expired": "temporary", "networkerror": "temporary", "systemerror": "temporary", "mailererror": "temporary",
    "onhold": "temporary", "undefined": "temporary",
}  # fmt: skip


def _all(paths: Iterable[Path]) -> Read:
    # The addresses in these mails are of other people: none can hold a token of ours.
    return {path.name: mail_reading.read(path.read_bytes(), token_of=lambda _: None) for path in sorted(paths)}


def _counts(reading: MailReading) -> bool:
    """Whether somebody is given up for a mail."""
    return reading.kind is MailKind.BOUNCE and any(one.verdict and one.verdict.permanent for one in reading.recipients)


@pytest.fixture(scope="module")
def sisimai(corpora: Corpora) -> tuple[dict[str, list[dict[str, Any]]], Read]:
    folder = corpora.folder("bounce_sisimai", at_least=301)
    expected = json.loads((folder / "expected.json").read_text())
    return expected, _all(folder / "bsd" / name for name in expected)


@pytest.fixture(scope="module")
def parser(corpora: Corpora) -> tuple[dict[str, str], Read]:
    folder = corpora.folder("bounce_bounceparser", at_least=65, pattern="*.msg")
    return json.loads((folder / "labels.json").read_text()), _all(folder.glob("*.msg"))


def test_permanent_is_what_is_permanent(
    sisimai: tuple[dict[str, list[dict[str, Any]]], Read], summarise: Callable[[str], None]
) -> None:
    expected, read = sisimai
    theirs = {name for name, rows in expected.items() if any(row["hard"] for row in rows)}
    ours = {name for name, reading in read.items() if _counts(reading)}
    precision, recall = len(ours & theirs) / len(ours), len(ours & theirs) / len(theirs)
    summarise(
        f"bounce_sisimai: {len(read)} messages, permanent precision {precision:.3f}, recall {recall:.3f}, "
        f"too many {sorted(ours - theirs)}, missed {sorted(theirs - ours)}"
    )
    assert precision >= 0.97
    assert recall >= 0.95
    assert ours - theirs == set(LABELS_AGAINST_THEIR_WORDS)
    assert theirs - ours == set(NOT_FOR_GOOD)


def test_nobody_is_given_up_for_a_full_mailbox_or_a_fault_of_the_sender(
    sisimai: tuple[dict[str, list[dict[str, Any]]], Read], summarise: Callable[[str], None]
) -> None:
    expected, read = sisimai
    # Where one of several recipients is lost for good, the others must not be.
    wrong, asked = set(), 0
    for name, rows in expected.items():
        never = sum(row["reason"] in NEVER for row in rows)
        asked += never
        lost = sum(bool(one.verdict and one.verdict.permanent) for one in read[name].recipients)
        if never and lost > sum(row["hard"] for row in rows):
            wrong.add(name)
    summarise(f"bounce_sisimai: {asked} rows of full mailboxes and faults of the sender, permanent: {sorted(wrong)}")
    assert wrong == set()
    assert asked >= 90


def test_complaints_vacations_and_deliveries_are_no_bounces(
    sisimai: tuple[dict[str, list[dict[str, Any]]], Read], summarise: Callable[[str], None]
) -> None:
    expected, read = sisimai
    kinds: dict[str, Counter[str]] = {reason: Counter() for reason in sorted(NO_BOUNCE)}
    for name, rows in expected.items():
        for row in rows:
            if row["reason"] in NO_BOUNCE:
                kinds[row["reason"]][read[name].kind.value] += 1
    bounced = {name for name, reading in read.items() if reading.kind in {MailKind.BOUNCE, MailKind.DELAYED}}
    summarise(f"bounce_sisimai: {'; '.join(f'{reason}: {dict(counted)}' for reason, counted in kinds.items())}")
    assert not any(row["reason"] in NO_BOUNCE for name in bounced for row in expected[name])
    assert kinds["vacation"] == {"autoreply": 3}
    # One complaint is a provider's event in a mail, which its own door takes.
    assert kinds["feedback"] == {"complaint": 11, "unsubscribe": 1, "other": 1}
    others = {
        name for name, rows in expected.items() if not any(row["reason"] in NO_BOUNCE for row in rows)
    } - bounced  # fmt: skip
    assert others == set(NO_BOUNCE_TO_US)


def test_the_matrix_of_classes(
    sisimai: tuple[dict[str, list[dict[str, Any]]], Read], summarise: Callable[[str], None]
) -> None:
    expected, read = sisimai
    matrix: dict[str, Counter[str]] = {}
    for name, rows in expected.items():
        reading = read[name]
        if len(rows) == len(reading.recipients) and reading.kind in {MailKind.BOUNCE, MailKind.DELAYED}:
            for row, one in zip(rows, reading.recipients, strict=True):
                found = one.verdict.reply_class.value if one.verdict else "none"
                matrix.setdefault(row["reason"], Counter())[found] += 1
    for reason, classes in sorted(matrix.items()):
        counts = ", ".join(f"{what} {count}" for what, count in classes.most_common())
        summarise(f"bounce_sisimai: {reason:16} {counts}")
    total = sum(sum(classes.values()) for classes in matrix.values())
    same = sum(classes[SAME.get(reason, "")] for reason, classes in matrix.items())
    summarise(f"bounce_sisimai: {same} of {total} rows are of the class that their reason stands for")
    assert total >= 250
    assert same / total >= 0.85


def test_recipients_and_message_ids_are_found(
    sisimai: tuple[dict[str, list[dict[str, Any]]], Read], summarise: Callable[[str], None]
) -> None:
    _, read = sisimai
    bounced = {name: reading for name, reading in read.items() if reading.kind in {MailKind.BOUNCE, MailKind.DELAYED}}
    nameless = sorted(name for name, reading in bounced.items() if not any(one.address for one in reading.recipients))
    named = sum(bool(reading.message_id) for reading in bounced.values())
    summarise(f"bounce_sisimai: {len(bounced)} bounces, nobody named in {nameless}, message id found in {named}")
    assert len(nameless) <= 5
    assert named / len(bounced) >= 0.75


def test_the_recipients_of_flufl(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("bounce_flufl", at_least=53, pattern="*.txt")
    expected = json.loads((folder / "expected.json").read_text())
    read = _all(folder / name for name in expected)
    wrong = {}
    for name, said in expected.items():
        wanted = {address.lower() for address in (*said["temporary"], *said["permanent"])}
        found = {one.address.lower() for one in read[name].recipients if one.address}
        if found != wanted:
            wrong[name] = sorted(found ^ wanted)
    summarise(f"bounce_flufl: {len(read)} messages, recipients right in {len(read) - len(wrong)}, wrong {wrong}")
    assert len(wrong) / len(read) <= 0.06
    nameless = {name for name, said in expected.items() if not said["temporary"] and not said["permanent"]}
    assert len(nameless) == 2
    assert nameless.isdisjoint(wrong)
    assert {name for name, reading in read.items() if reading.kind not in {MailKind.BOUNCE, MailKind.DELAYED}} == set()


def test_what_the_names_of_bounceparser_say(
    parser: tuple[dict[str, str], Read], summarise: Callable[[str], None]
) -> None:
    labels, read = parser
    for label in sorted(set(labels.values())):
        found = Counter(
            one.verdict.reply_class.value if one.verdict else read[name].kind.value
            for name, said in labels.items()
            if said == label
            for one in (read[name].recipients or ())
        ) or Counter(read[name].kind.value for name, said in labels.items() if said == label)
        summarise(f"bounce_bounceparser: {label:17} {dict(found.most_common())}")
    counted = {name for name, reading in read.items() if _counts(reading)}
    never = {name for name, label in labels.items() if label in {"delayed", "not_bounce"}}
    soft = {
        name for name, label in labels.items() if label in {"spam", "relay", "mailbox_full", "message_too_large"}
    }  # fmt: skip
    assert never & {name for name in never if read[name].kind is MailKind.BOUNCE} == set(NAMES_AGAINST_THEIR_WORDS)
    assert counted & soft == set()
    unknown = {name for name, label in labels.items() if label == "user_unknown"}
    # Three are switched off, in the words or by the code (5.2.1) of their own servers.
    assert unknown - counted == {
        "user-unknown-disabled.msg", "yahoo-via-sendmail.unknown.msg", "polish-unknown.msg",
    }  # fmt: skip
    assert {one.verdict.reply_class for name in unknown - counted for one in read[name].recipients if one.verdict} == {
        "inactive"
    }


def test_every_feedback_report_is_read(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("arf_stalwart", at_least=6)
    kinds = {}
    for path in sorted(folder.glob("*.eml")):
        said = json.loads(path.with_suffix(".json").read_text())
        report, reading = arf.read(path.read_bytes()), mail_reading.read(path.read_bytes(), token_of=lambda _: None)
        assert report is not None
        kinds[path.name] = report.kind
        assert report.kind.replace("-", "") == said["feedback_type"].lower()
        assert str(report.source_ip) == (said["source_ip"] or "None")
        wanted = said.get("original_rcpt_to")
        assert report.recipients == ((wanted.strip("<>"),) if wanted else ())
        assert report.original_mail_from == (said.get("original_mail_from") or "").strip("<>")
        if said.get("arrival_date"):
            assert report.arrival_date is not None
            assert int(report.arrival_date.timestamp()) == said["arrival_date"]
        assert reading.kind is (MailKind.COMPLAINT if report.kind == "abuse" else MailKind.OTHER)
        assert reading.feedback_type == report.kind
    summarise(f"arf_stalwart: {len(kinds)} reports read: {kinds}")
    assert sorted(kinds.values()) == ["abuse", "auth-failure", "auth-failure"]


def test_what_has_no_label_is_read_and_no_letter_is_a_bounce(
    corpora: Corpora, summarise: Callable[[str], None]
) -> None:
    folder = corpora.folder("bounce_sisimai", at_least=301)
    odd, letters = _all((folder / "err").glob("*.eml")), _all((folder / "not").glob("*.eml"))
    kinds = Counter(reading.kind.value for reading in odd.values())
    summarise(f"bounce_sisimai: {len(odd)} without a label: {dict(kinds)}; {len(letters)} letters are no bounces")
    assert (len(odd), len(letters)) == (19, 2)
    assert {reading.kind for reading in letters.values()} == {MailKind.REPLY}
