"""`listkeeper spf check`: one sender with the way to its result, and files of them, where there is no instance."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from listkeeper.settings import Settings
from listkeeper.standards import spf
from tests.fakes import dns_server, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Said, Type

_ZONE = {
    "shop.example": {
        "TXT": ["v=spf1 a:none.shop.example include:_spf.mail.example ip4:192.0.2.0/24 -all exp=why.shop.example"]
    },
    "_spf.mail.example": {"TXT": ["v=spf1 mx ip4:198.51.100.0/24 ~all"], "MX": ["10 mx.mail.example"]},
    "mx.mail.example": {"A": ["203.0.113.7"]},
    "why.shop.example": {"TXT": ["%{i} may not send for %{o}"]},
    "soft.example": {"TXT": ["v=spf1 ~all"]},
    "maybe.example": {"TXT": ["v=spf1 ?all"]},
    "two.example": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]},
    "none.example": {"TXT": ["v=spf2"]},
    "down.example": {"TXT": ["v=spf1 +all"]},
    "ring.example": {"TXT": ["v=spf1 include:ring.example -all"]},
    "odd.example": {"TXT": ["v=spf1 -all exp=odd-why.example"]},
    "odd-why.example": {"TXT": ["\x1b[2Jgone"]},
    "xn--caf-dma.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server on loopback, one of whose domains is broken."""
    with dns_server.serving(_ZONE) as server:
        server.refused.add("down.example")
        yield server


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


Ask = Callable[..., Said]


@pytest.fixture
def ask(bare: Type, names: DnsServer) -> Ask:
    """Ask about an address and a sender."""
    return lambda ip, sender, *more: bare(
        "spf", "check", "--ip", ip, "--sender", sender, "--nameserver", names.address, *more
    )


@pytest.mark.parametrize(
    ("ip", "sender", "result", "code"),
    [
        ("192.0.2.7", "news@shop.example", "pass", 0),
        ("203.0.113.7", "news@shop.example", "pass", 0),
        ("203.0.113.9", "news@shop.example", "fail", 6),
        ("203.0.113.9", "news@soft.example", "softfail", 4),
        ("203.0.113.9", "news@maybe.example", "neutral", 4),
        ("203.0.113.9", "news@none.example", "none", 4),
        ("203.0.113.9", "news@nowhere.example", "none", 4),
        ("203.0.113.9", "news@two.example", "permerror", 5),
        ("203.0.113.9", "news@ring.example", "permerror", 5),
        ("203.0.113.9", "news@down.example", "temperror", 3),
        ("::ffff:192.0.2.7", "news@shop.example", "pass", 0),
        ("192.0.2.1", "news@café.example", "pass", 0),
        ("192.0.2.1", "news@..", "none", 4),
    ],
)
def test_each_result_has_its_exit_code(ip: str, sender: str, result: str, code: int, *, ask: Ask) -> None:
    said = ask(ip, sender, "--helo", "mx.shop.example", "--json")
    assert (said.json["result"], said.code) == (result, code)
    assert bool(said.json["reason"]) is (result in {"none", "permerror", "temperror"})


def test_the_answer_holds_the_way_to_it_and_what_everything_costs(ask: Ask, tmp_path: Path) -> None:
    answer = ask("198.51.100.9", "news@shop.example", "--json").json
    assert answer["path"] == ["include:_spf.mail.example", "ip4:198.51.100.0/24"]
    assert (answer["lookups"], answer["most"]) == (3, {"lookups": 3, "allowed": 10, "voids": 1})
    nothing, included = answer["trace"]
    assert (nothing["void"], nothing["lookups_with_below"], nothing["target"]) == (True, 1, "none.shop.example")
    assert (included["lookups"], included["lookups_with_below"], included["outcome"]) == (1, 2, "pass")
    assert [step["term"] for step in included["steps"]] == ["mx", "ip4:198.51.100.0/24"]
    assert included["steps"][0]["ttl"] == 300
    assert [branch["lookups_with_below"] for branch in answer["tree"]] == [1, 2]
    assert not (tmp_path / "nothing").exists()


def test_people_get_the_verdict_first_and_then_the_tree(ask: Ask) -> None:
    lines = ask("203.0.113.9", "news@shop.example").out.splitlines()
    assert lines[:2] == [
        "fail: 203.0.113.9 may not send for shop.example.",
        "The domain explains: 203.0.113.9 may not send for shop.example",
    ]
    assert "  include:_spf.mail.example: no match (2 look-ups)" in lines
    assert "    mx: no match (1 look-up), TTL 300 s" in lines
    assert "All the record leads to: 3 DNS look-ups at worst, and 10 are allowed." in lines
    assert "  a:none.shop.example (1 look-up): finds nothing" in lines
    ring = ask("203.0.113.9", "news@ring.example").out
    assert ring.startswith("permerror: ")
    assert "Why: it takes more than 10 DNS look-ups." in ring
    assert "include:ring.example (1 look-up), TTL 300 s: it leads back to where it came from" in ring


def test_what_a_record_says_does_not_steer_the_terminal(ask: Ask) -> None:
    assert "The domain explains: \N{REPLACEMENT CHARACTER}[2Jgone" in ask("::1", "a@odd.example").out


def test_a_bounce_speaks_for_its_helo_name(ask: Ask) -> None:
    for nobody in ("", "<>"):
        answer = ask("192.0.2.7", nobody, "--helo", "shop.example", "--json").json
        assert (answer["result"], answer["sender"]) == ("pass", "postmaster@shop.example")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--ip", "192.0.2", "--sender", "a@shop.example"), "spf_question"),
        (("--ip", "fe80::1%1", "--sender", "a@shop.example"), "spf_question"),
        (("--ip", "192.0.2.1"), "spf_question"),
        (("--ip", "192.0.2.1", "--helo", "shop.example", "--nameserver", "no such host:x"), "dns_server"),
        (("--ip", "192.0.2.1", "--helo", "shop.example", "--timeout", "0"), "usage"),
        (("--ip", "192.0.2.1", "--helo", "shop.example", "--timeout", "soon"), "usage"),
        (("--sender", "a@shop.example"), "usage"),
        (("--batch", "/nowhere.jsonl"), "usage"),
        (("--batch", "-", "--ip", "192.0.2.1"), "usage"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(bare: Type, words: tuple[str, ...], error: str) -> None:
    said = bare("spf", "check", *words, "--json")
    assert said.error == error
    assert said.code == (2 if error == "usage" else 10)


def _batch(bare: Type, names: DnsServer, tmp_path: Path, lines: bytes, *more: str) -> list[dict[str, Any]]:
    file = tmp_path / "asked.jsonl"
    file.write_bytes(lines)
    said = bare("spf", "check", "--batch", str(file), "--nameserver", names.address, *more)
    assert (said.code, said.err) == (0, "")
    return [json.loads(line) for line in said.out.splitlines()]


def _line(
    name: object, ip: object = "192.0.2.7", mail_from: object = "a@shop.example", helo: object = "x.example"
) -> bytes:
    return json.dumps({"id": name, "ip": ip, "mail_from": mail_from, "helo": helo}).encode() + b"\n"


def test_a_batch_answers_each_line_in_order_whatever_its_id(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    ids = [7, "seven", 7.5, None, True, -1, "", "æ\u2028", "\ud800", 10**30, "7"]
    lines = b"\n".join([b"\xef\xbb\xbf" + _line(ids[0]), *map(_line, ids[1:])]) + b" \r\n"
    answers = _batch(bare, names, tmp_path, lines)
    assert [answer["id"] for answer in answers] == ids
    assert all(answer == {"id": answer["id"], "result": "pass", "explanation": ""} for answer in answers)


def test_a_batch_explains_in_the_domains_words_or_says_why(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    senders = [f"a@{name}.example" for name in ("shop", "soft", "maybe", "none", "two", "down")]
    lines = b"".join(_line(number, "203.0.113.9", sender) for number, sender in enumerate(senders))
    answers = _batch(bare, names, tmp_path, lines + _line(6, "192.0.2.7", "", "shop.example"))
    assert [(answer["result"], answer["explanation"]) for answer in answers] == [
        ("fail", "203.0.113.9 may not send for shop.example"),
        ("softfail", ""),
        ("neutral", ""),
        ("none", "none.example has no SPF record"),
        ("permerror", "two.example has 2 SPF records"),
        ("temperror", "down.example could not be looked up: the server answered SERVFAIL"),
        ("pass", ""),
    ]


_BAD = [
    b"not json",
    b"[1, 2]",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"id": {"a": 1}, "ip": "192.0.2.1", "mail_from": "a@shop.example", "helo": "x"}',
    b"[" * 5000,
    b'{"id": 1e999, "ip": "192.0.2.1", "mail_from": "a@shop.example", "helo": "x"}',
    b'{"id": NaN, "ip": "192.0.2.1", "mail_from": "a@shop.example", "helo": "x"}',
    b'{"id": ' + b"9" * 6000 + b"}",
    b'{"id": 1, "helo": "' + b"x" * 200_000 + b'"}',
    b"x" * 300_001,
]
_BAD_WITH_ID = [
    *(_line("bad", ip) for ip in ("192.0.2", None, 3221225985)),
    *(_line("bad", mail_from=sender) for sender in (7, "\ud800@x.example")),
    _line("bad", helo=["x"]),
    _line("bad", mail_from="", helo=""),
    b'{"id": "bad"}',
]


def test_a_bad_line_says_why_and_the_others_are_answered(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    bad = [*_BAD, *_BAD_WITH_ID]
    lines = b"".join(line.rstrip(b"\n") + b"\n" + _line(number) for number, line in enumerate(bad))
    answers = _batch(bare, names, tmp_path, lines, "--json")
    assert [answer["result"] for answer in answers] == [None, "pass"] * len(bad)
    assert [answer["id"] for answer in answers[1::2]] == list(range(len(bad)))
    wrong = answers[::2]
    assert [answer["line"] for answer in wrong] == list(range(1, 2 * len(bad), 2))
    assert [answer["id"] for answer in wrong] == [None] * len(_BAD) + ["bad"] * len(_BAD_WITH_ID)
    assert all(answer["explanation"].endswith(".") for answer in wrong)


def test_odd_names_get_a_result(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    odd = [
        "@",
        "@@",
        "a@",
        "a b@c d.example",
        "a@\u0000.example",
        "%{s}@shop.example",
        "a@" + "x" * 300,
        "é@é",
        '"@"@x.y',
    ]
    answers = _batch(bare, names, tmp_path, b"".join(_line(one, "203.0.113.1", one) for one in odd))
    assert [answer["id"] for answer in answers] == odd
    results = {answer["result"] for answer in answers}
    assert results <= {*spf.Result, None}
    assert {"none", "fail"} <= results


def test_a_batch_is_evaluated_side_by_side_and_printed_in_order(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    names.delay = 0.2
    began = time.monotonic()
    answers = _batch(
        bare, names, tmp_path, b"".join(_line(number, mail_from="a@soft.example") for number in range(100))
    )
    # One after the other it would be twenty seconds.
    assert time.monotonic() - began < 8
    assert [answer["id"] for answer in answers] == list(range(100))


def test_the_timeout_bounds_what_a_silent_server_costs(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    names.silent.add("silent.example")
    lines = b"".join(_line(number, mail_from=f"a@{'silent' if number % 2 else 'shop'}.example") for number in range(40))
    began = time.monotonic()
    answers = _batch(bare, names, tmp_path, lines, "--timeout", "0.3")
    assert time.monotonic() - began < 6
    assert [answer["result"] for answer in answers] == ["pass", "temperror"] * 20


def test_standard_input_may_be_the_file(bare: Type, names: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(_line("in"))))
    said = bare("spf", "check", "--batch", "-", "--nameserver", names.address)
    assert json.loads(said.out) == {"id": "in", "result": "pass", "explanation": ""}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    said = bare("spf", "check", "--batch", "-", "--nameserver", names.address)
    assert (said.code, said.out) == (0, "")


@pytest.mark.whole_program
def test_a_pipe_is_fed_and_read_in_turns_and_may_be_hung_up(names: DnsServer) -> None:
    words = [sys.executable, "-m", "listkeeper.cli.main", "spf", "check", "--batch", "-", "--nameserver", names.address]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(3):
            running.stdin.write(_line(number))
            running.stdin.flush()
            # Whether it waits for more before it answers: then this would wait for ever.
            assert json.loads(running.stdout.readline())["id"] == number
        running.stdout.close()
        for number in range(20):
            try:
                running.stdin.write(_line(number))
                running.stdin.flush()
            except BrokenPipeError:
                break
            time.sleep(0.1)
        _, err = running.communicate(timeout=30)
    assert b"Traceback" not in err
