"""What a mail server's log says of our messages: by Message-ID alone, and nothing where it says nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.sending import relay_log

OURS = {"5f0c-1@cafe.example", "5f0c-2@cafe.example", "5f0c-3@cafe.example"}
POSTFIX = """\
Nov 30 10:00:01 mx postfix/smtpd[11]: 4Xyz1a2b3c: client=localhost[127.0.0.1]
Nov 30 10:00:01 mx postfix/cleanup[12]: 4Xyz1a2b3c: message-id=<5f0c-1@cafe.example>
Nov 30 10:00:01 mx postfix/qmgr[13]: 4Xyz1a2b3c: from=<hello@cafe.example>, size=13031, nrcpt=1 (queue active)
Nov 30 10:00:01 mx postfix/cleanup[12]: 4Xyz9Z8Y7X: message-id=<5f0c-2@cafe.example>
Nov 30 10:00:02 mx postfix/smtp[14]: 4Xyz9Z8Y7X: to=<bo@reader.example>, relay=mx.reader.example[192.0.2.7]:25, \
delay=1, dsn=4.7.1, status=deferred (host mx.reader.example said: 451 4.7.1 greylisted)
Nov 30 10:00:02 mx postfix/smtp[14]: 4Xyz1a2b3c: to=<anna@reader.example>, relay=mx.reader.example[192.0.2.7]:25, \
delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5500)
Nov 30 10:00:03 mx postfix/qmgr[13]: 4Xyz1a2b3c: removed
Nov 30 10:05:00 mx postfix/smtp[14]: 4Xyz9Z8Y7X: to=<bo@reader.example>, relay=mx.reader.example[192.0.2.7]:25, \
delay=301, dsn=5.1.1, status=bounced (host mx.reader.example said: 550 5.1.1 no such user (in reply to RCPT TO))
"""
EXIM = """\
2026-11-30 10:00:01 1abcDE-000123-4F <= hello@cafe.example P=esmtp S=13031 id=5f0c-1@cafe.example
2026-11-30 10:00:02 1abcDE-000123-4F => anna@reader.example R=dnslookup T=remote_smtp H=mx.reader.example [192.0.2.7] \
C="250 2.0.0 OK"
2026-11-30 10:00:02 1abcDE-000123-4F Completed
2026-11-30 10:00:03 1abcDF-00000000abc-9zZ1 <= hello@cafe.example P=esmtp S=13031 id=5f0c-2@cafe.example
2026-11-30 10:00:04 1abcDF-00000000abc-9zZ1 == bo@reader.example R=dnslookup T=remote_smtp defer (-44): 451 later
2026-11-30 10:09:04 1abcDF-00000000abc-9zZ1 ** bo@reader.example R=dnslookup T=remote_smtp: 550 5.1.1 no such user
"""
AT_ONCE = """\
2026-11-30T10:00:02Z relay delivered message <5f0c-1@cafe.example> to reader.example
{"id": "5f0c-2@cafe.example", "answer": "550 5.1.1 no such user"}
"""


@pytest.mark.parametrize("log", [POSTFIX, EXIM, AT_ONCE], ids=["postfix", "exim", "at once"])
def test_what_a_log_says_is_said(log: str) -> None:
    found = relay_log.verdicts(log.splitlines(), OURS)
    assert {name: verdict.sent for name, verdict in found.items()} == {
        "5f0c-1@cafe.example": True, "5f0c-2@cafe.example": False,
    }  # fmt: skip
    assert "no such user" in found["5f0c-2@cafe.example"].line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "relay delivered everything",
        "relay delivered <somebody-else@cafe.example>",
        "relay delivered <5f0c-1@cafe.example> after <5f0c-2@cafe.example>",
        "relay could not be delivered <5f0c-1@cafe.example>",
        "relay has not yet sent <5f0c-1@cafe.example>",
        "deferred <5f0c-1@cafe.example>: sent later",
        "<5f0c-1@cafe.example> delivered, then bounced",
        # Numbers that are no answers of a server.
        "10:25:50 <5f0c-1@cafe.example> size=250 delay=550 from 192.0.2.250",
        "<5f0c-1@cafe.example> queued",
        "postfix/smtp[1]: 4UNKNOWN1: to=<a@b.example>, status=sent (250 ok)",
        "postfix/cleanup[1]: 4Xyz1a2b3c: message-id=<>",
    ],
)
def test_a_line_that_says_nothing_certain_settles_nothing(line: str) -> None:
    assert relay_log.verdicts([line], OURS) == {}


def test_the_last_word_counts_and_a_queue_id_is_used_again() -> None:
    lines = [
        "cleanup: AAAAA1: message-id=<5f0c-1@cafe.example>",
        "smtp: AAAAA1: to=<a@b.example>, status=deferred (451)",
        "smtp: AAAAA1: to=<a@b.example>, status=sent (250 ok)",
        # Days later the same id is another message's, which is none of ours.
        "cleanup: AAAAA1: message-id=<other@elsewhere.example>",
        "smtp: AAAAA1: to=<c@d.example>, status=bounced (550 nobody)",
        # Through a filter and back: the same message under another id.
        "cleanup: BBBBB2: message-id=<5f0c-2@cafe.example>",
        "smtp: BBBBB2: to=<e@f.example>, relay=127.0.0.1, status=sent (250 queued as CCCCC3)",
        "cleanup: CCCCC3: message-id=<5f0c-2@cafe.example>",
        "smtp: CCCCC3: to=<e@f.example>, status=bounced (550 nobody)",
        "smtp: DDDDD4: to=<g@h.example>, status=expired, returned to sender",
    ]
    found = relay_log.verdicts(lines, OURS)
    assert {name: verdict.sent for name, verdict in found.items()} == {
        "5f0c-1@cafe.example": True, "5f0c-2@cafe.example": False,
    }  # fmt: skip


def test_a_foreign_log_of_any_length_settles_nothing(chance: random.Random) -> None:
    words = ["status=sent", "250", "message-id=<x@y>", "to=<a@b>", "AAAAA1:", "=>", "550 nobody", "<=", "id=z@z"]
    lines = (" ".join(chance.choices(words, k=6)) for _ in range(20_000))
    assert relay_log.verdicts(lines, OURS) == {}


@given(st.lists(st.text(max_size=80), max_size=20))
def test_no_text_breaks_it(lines: list[str]) -> None:
    assert relay_log.verdicts(lines, OURS).keys() <= OURS
