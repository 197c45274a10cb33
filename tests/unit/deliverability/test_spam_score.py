"""What a spam filter of one's own says of a letter: asked over real connections, with reasons, and never a guess."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import rspamd, spam_score, spamd
from listkeeper.deliverability.finding import Severity, Verdict
from listkeeper.deliverability.spam_answer import NotAsked, Reason, Scored
from listkeeper.deliverability.spam_score import Daemon
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.fetch import LiveFetcher
from tests.fakes import raw_server, spam_daemon
from tests.fakes.raw_server import Caller

_WEB = LiveFetcher(("127.0.0.1",))
_HEAD = b"From: shop@example.com\r\nTo: reader@example.com\r\nDate: Tue, 10 Nov 2026 08:30:00 +0000\r\n"
_GOOD = _HEAD + b"Subject: Tea\r\nList-Unsubscribe: <https://example.com/u>\r\n\r\nDear reader.\r\n"
_BAD = b"From: shop@example.com\r\nSubject: FREE MONEY\r\n\r\nFree money, free money!\r\n"


@pytest.mark.parametrize(
    ("written", "daemon"),
    [
        ("rspamd://localhost:11333", Daemon("rspamd", "localhost", 11333)),
        ("spamd://127.0.0.1:783/", Daemon("spamd", "127.0.0.1", 783)),
        ("rspamd://filter.example", Daemon("rspamd", "filter.example", 11333)),
        (" spamd://filter.example ", Daemon("spamd", "filter.example", 783)),
        ("spamd://[::1]:1783", Daemon("spamd", "::1", 1783)),
    ],
)
def test_an_address_is_read(written: str, daemon: Daemon) -> None:
    assert spam_score.parse(written) == daemon
    assert daemon.origin.startswith("http://")


@pytest.mark.parametrize(
    "written",
    [
        "", "localhost:783", "http://localhost:11333", "rspamd:", "rspamd://", "rspamd://:11333", "spamd://host:0",
        "spamd://host:99999", "spamd://host:x", "spamd://[::1", "rspamd://user:secret@host", "rspamd://host/checkv2",
        "rspamd://host?x=1", "rspamd://host#x", "rspamd://ho st:1", "spamd:/run/spamd.sock",
    ],
)  # fmt: skip
def test_what_is_no_address_says_how_one_is_written(written: str) -> None:
    with pytest.raises(Invalid, match="rspamd://host:11333") as refused:
        spam_score.parse(written)
    assert refused.value.code == "spam_check_address"
    assert "secret" not in refused.value.message


def _asked(kind: str, raw: bytes) -> tuple[Scored, spam_daemon.Filter]:
    with spam_daemon.spamd() if kind == "spamd" else spam_daemon.rspamd() as daemon:
        said = spam_score.ask(Daemon(kind, "127.0.0.1", daemon.port), raw, _WEB)
    assert isinstance(said, Scored), said
    return said, daemon


@pytest.mark.parametrize(("kind", "by"), [("spamd", "SpamAssassin"), ("rspamd", "rspamd")])
def test_a_filter_reads_the_very_bytes_and_says_why(kind: str, by: str) -> None:
    said, daemon = _asked(kind, _BAD)
    assert daemon.asked == [_BAD]
    assert (said.by, said.is_spam, round(said.score, 1), said.threshold) == (by, True, 6.1, 5.0)
    assert [reason.name for reason in said.by_weight] == ["FREE_MONEY", "SUBJ_ALL_CAPS", "MISSING_DATE"] + (
        ["MIME_GOOD"] if kind == "spamd" else []
    )
    # A description that takes two lines is one, and what stands in brackets is left out.
    words = "BODY: Talks of free money, and of how quickly it can be yours if you only act today"
    assert said.heaviest(1) == [Reason("FREE_MONEY", 3.2, words)]

    [finding] = spam_score.findings(said)
    assert (finding.code, finding.severity) == ("W2", Severity.WARN)
    assert "6.1 points, where 5.0 are enough" in finding.message
    assert f"What weighs most: “{words}” (3.2), “Subject is all capitals” (1.5), and “Missing Date" in finding.message
    assert "FREE_MONEY 3.2; SUBJ_ALL_CAPS 1.5" in finding.evidence
    assert "example.com" not in finding.message + finding.evidence
    assert finding.mend


@pytest.mark.parametrize("kind", ["spamd", "rspamd"])
def test_a_good_letter_is_told_so_with_its_points(kind: str) -> None:
    said, _ = _asked(kind, _GOOD)
    [finding] = spam_score.findings(said)
    assert (finding.code, finding.severity, finding.verdict) == ("W2", Severity.INFO, Verdict.RIGHT)
    assert "-0.7 points; it takes one for spam from 5.0. Nothing in it speaks against it." in finding.message
    # Under the bar the reasons are told as well.
    near, _ = _asked(kind, _GOOD.replace(b"Tea", b"TEA"))
    assert "“Subject is all capitals” (1.5)" in spam_score.findings(near)[0].message


def test_rspamd_is_asked_for_all_of_its_reasons() -> None:
    _, daemon = _asked("rspamd", _GOOD)
    assert daemon.heads[0]["pass"] == "all"


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (403, b"", "403"),
        (500, b'{"error": "Cannot\\nparse"}', "500: Cannot parse"),
        (200, b"", "cannot be read"),
        (200, b"[]", "cannot be read"),
        (200, b'{"symbols": {}}', "cannot be read"),
        (200, b'{"score": "5", "required_score": 15}', "cannot be read"),
        (200, b'{"score": NaN, "required_score": 15, "symbols": {}}', "cannot be read"),
        (200, b'{"score": true, "required_score": 15}', "cannot be read"),
        (200, b'{"is_skipped": true, "score": 0, "required_score": 15, "symbols": {}}', "did not look"),
        (200, b'{"score": 9, "required_score": 6, "action": "reject"}', "no reasons"),
        (200, b'{"score": 9, "required_score": 15, "symbols": [1]}', "no reasons"),
        (200, b"[" * 60_000, "cannot be read"),
        (200, b'{"score": 1, "x": "' + b"x" * 200_000 + b'"}', "cannot be read"),
    ],
)
def test_an_answer_of_rspamd_without_reasons_is_no_answer(status: int, said: bytes, words: str) -> None:
    with spam_daemon.rspamd(lambda _: (status, said)) as daemon:
        answer = spam_score.ask(Daemon("rspamd", "127.0.0.1", daemon.port), _GOOD, _WEB)
    assert isinstance(answer, NotAsked)
    assert words in answer.reason
    [finding] = spam_score.findings(answer)
    assert (finding.code, finding.severity, finding.verdict) == ("W2", Severity.UNKNOWN, Verdict.UNKNOWN)
    assert words in finding.message


def _rspamd(**said: object) -> Scored:
    answer = rspamd.read(200, json.dumps({"score": 7, "required_score": 15, **said}).encode())
    assert isinstance(answer, Scored)
    return answer


def test_rspamd_marks_spam_long_before_it_refuses_it() -> None:
    symbols = {"A": {"score": 7}}
    marked = _rspamd(action="add header", thresholds={"reject": 15, "add header": 6}, symbols=symbols)
    assert (marked.threshold, marked.is_spam) == (6.0, True)
    # Greylisting is a wait, and says nothing of the letter.
    assert not _rspamd(action="greylist", symbols=symbols).is_spam
    assert not _rspamd(action="soft reject", symbols=symbols).is_spam
    assert not _rspamd(symbols=symbols).is_spam
    assert _rspamd(score=15, symbols=symbols).is_spam
    assert _rspamd(thresholds={"add header": None}, symbols=symbols).threshold == 15.0


def test_a_rule_without_points_is_told_only_where_it_alone_says_why() -> None:
    forced = _rspamd(action="reject", is_skipped=True, symbols={"GTUBE": {"score": 0.0, "description": "Test\x00."}})
    assert forced.heaviest(3) == [Reason("GTUBE", 0.0, "Test\ufffd")]
    other = _rspamd(symbols={"NOTE": {"score": 0}, "RULE": {"score": 2, "description": 5}, "": {}, "ODD": 3})
    assert other.reasons == (Reason("RULE", 2.0, ""),)
    assert other.reasons[0].words == "RULE"
    many = _rspamd(symbols={f"R{i}": {"score": 1, "description": "x" * 900} for i in range(999)})
    assert len(many.reasons) == 200
    assert len(many.reasons[0].description) == 160


def _spamd(body: str, head: str = "SPAMD/1.1 0 EX_OK", verdict: str = "Spam: True ; 7.9 / 5.0") -> Scored | NotAsked:
    whole = f"{head}\r\nContent-length: {len(body.encode())}\r\n{verdict}\r\n\r\n{body}"
    return spamd.read(whole.encode())


_RULER = "---- ---------------------- --------------------------------------------------\n"


def test_the_table_of_spamassassin_is_read_as_it_lays_it_out() -> None:
    said = _spamd(
        "Content preview: 9.9 NOT_A_RULE from the letter itself\n"
        f"{_RULER} 9.9 NOT_THIS_EITHER         the letter can hold a table as well\n\n"
        "Content analysis details:   (7.9 points, 5.0 required)\n\n"
        f" pts rule name              description\n{_RULER}"
        " 5.0 URIBL_BLOCKED          ADMINISTRATOR NOTICE: The query was\n"
        "                            blocked.  See\n"
        "                            for more information.\n"
        "                            [URIs: example.com]\n"
        "-0.0 SPF_PASS               SPF: sender matches SPF record\n"
        " 3.0 HEADER_FROM_DIFFERENT_DOMAINS From and EnvelopeFrom 2nd level\n"
        "                            mail domains are different\n"
        "1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email\n"
        " 0.1 NO_WORDS\n\n"
        " 9.9 AFTER                  what follows the table\n"
    )
    assert isinstance(said, Scored)
    assert said.reasons == (
        Reason("URIBL_BLOCKED", 5.0, "ADMINISTRATOR NOTICE: The query was blocked. See for more information"),
        Reason("SPF_PASS", 0.0, "SPF: sender matches SPF record"),
        Reason("HEADER_FROM_DIFFERENT_DOMAINS", 3.0, "From and EnvelopeFrom 2nd level mail domains are different"),
        Reason("GTUBE", 1000.0, "BODY: Generic Test for Unsolicited Bulk Email"),
        Reason("NO_WORDS", 0.1, ""),
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "--allowed-ips"),
        (b"SPAMD/1.0 76 Bad header line: (EX_PROTOCOL)\r\n", "EX_PROTOCOL"),
        (b"SPAMD/1.0 69 EX_UNAVAILABLE\r\n\r\n", "EX_UNAVAILABLE"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "cannot be read"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n", "cannot be read"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9..9 / 5\r\n\r\n", "cannot be read"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: Maybe ; 9 / 5\r\n\r\n", "cannot be read"),
        (b"SPAMD/1.1 0 EX_OK\r\nContent-length: 99\r\nSpam: True ; 9 / 5\r\n\r\nhalf", "cannot be read"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n\r\nno table", "no reasons"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n\r\n" + b"x" * 500_000, "cannot be read"),
    ],
)
def test_an_answer_of_spamassassin_without_reasons_is_no_answer(answer: bytes, words: str) -> None:
    def act(caller: Caller) -> None:
        caller.take(1 << 30)
        caller.say(answer)

    with raw_server.running(act) as server:
        said = spam_score.ask(Daemon("spamd", "127.0.0.1", server.port), _GOOD, _WEB)
    assert isinstance(said, NotAsked)
    assert words in said.reason


def test_who_is_answered_before_she_is_heard_out_still_hears_it() -> None:
    def act(caller: Caller) -> None:
        caller.hear()
        caller.say(b"SPAMD/1.0 67 EX_NOUSER\r\n\r\n")

    with raw_server.running(act) as server:
        said = spam_score.ask(Daemon("spamd", "127.0.0.1", server.port), _GOOD + b"x" * 1_500_000, _WEB)
    assert isinstance(said, NotAsked)


def _silent(caller: Caller) -> None:
    caller.take(10)
    threading.Event().wait(0.6)


def _dripping(caller: Caller) -> None:
    caller.take(10)
    for _ in range(8):
        caller.say(b"S")
        time.sleep(0.1)


@pytest.mark.parametrize("act", [_silent, _dripping])
@pytest.mark.parametrize("kind", ["spamd", "rspamd"])
def test_a_filter_that_is_slow_is_left(
    kind: str, act: Callable[[Caller], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spam_score, "SECONDS", 0.3)
    with raw_server.running(act) as server:
        begun = time.monotonic()
        said = spam_score.ask(Daemon(kind, "127.0.0.1", server.port), _GOOD, _WEB)
        assert time.monotonic() - begun < 2
        assert isinstance(said, NotAsked)
        assert "in time" in said.reason or "was not reached" in said.reason


@pytest.mark.parametrize("kind", ["spamd", "rspamd"])
def test_a_filter_that_is_not_there_is_unknown(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, *_: object, **__: object) -> list[object]:
        if host != "127.0.0.1":
            raise socket.gaierror(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, gone.port))]

    with spam_daemon.spamd() as gone:
        pass
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for host in ("127.0.0.1", "no-such-host.example", "xn--a.example", "a" * 70, "ø" * 70):
        said = spam_score.ask(Daemon(kind, host, gone.port), _GOOD, _WEB)
        assert isinstance(said, NotAsked), host
        assert "was not reached" in said.reason
        assert spam_score.findings(said)[0].severity is Severity.UNKNOWN


@pytest.mark.parametrize("kind", ["spamd", "rspamd"])
def test_a_letter_of_many_megabytes_is_not_sent_there(kind: str) -> None:
    said = spam_score.ask(Daemon(kind, "127.0.0.1", 9), b"x" * (spam_score.MOST_BYTES + 1), _WEB)
    assert isinstance(said, NotAsked)
    assert "larger" in said.reason


@given(st.binary(max_size=300), st.text(max_size=200))
def test_no_answer_makes_it_stumble(said: bytes, text: str) -> None:
    rspamd.read(200, said)
    spamd.read(said)
    spamd.read(b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n\r\n" + _RULER.encode() + said)
    odd = rspamd.read(200, json.dumps({"score": 9, "required_score": 5, "symbols": {text: {"score": 9}}}).encode())
    assert isinstance(odd, Scored)
    assert spam_score.findings(odd)
