"""`listkeeper domain`: live records, each right, wrong or unknown, also where there is no instance at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.deliverability.finding import Severity
from listkeeper.sending import refusal
from listkeeper.sending.pacing.pace import Pace
from listkeeper.sending.pacing.pace_news import Refusing
from listkeeper.settings import Settings
from tests.fakes import dns_server, running_up, typed
from tests.fakes.databases import Database
from tests.fakes.dns_server import DnsServer
from tests.fakes.queue_server import QueueServer
from tests.fakes.typed import Said, Type

_ZONE = {
    "cafe.example": {"MX": ["10 mail.cafe.example"], "TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
    "mail.cafe.example": {"A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mail.cafe.example"]},
    "_dmarc.cafe.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@cafe.example"]},
    "two.example": {"MX": ["10 mail.cafe.example"], "TXT": ["v=spf1 -all", "v=spf1 mx -all"]},
}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server on loopback."""
    with dns_server.serving(_ZONE) as server:
        yield server


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, names: DnsServer) -> Type:
    """Type command lines for a founded instance on each database, whose name server is the fake one."""
    typing = typed.typing(monkeypatch, settings.model_copy(update={"dns_server": names.address}))
    assert typing("init", "--name", "Café", "--address", "A", "--from", "a@cafe.example").code == 0
    return typing


def test_a_new_domain_is_warmed_up_when_asked_to(type_: Type) -> None:
    assert type_("domain", "warmup", "cafe.example", "--json").code == 11
    assert type_("domain", "add", "cafe.example").code == 0
    assert type_("domain", "warmup", "cafe.example", "--json").json == {"domain": "cafe.example", "active": False}
    began = type_("domain", "warmup", "cafe.example", "--on", "--json").json
    assert (began["day"], began["allowance"], began["used"], began["standing"]) == (1, 50, 0, "began")
    assert "Warming up, day 1: 50 mails today." in type_("domain", "warmup", "cafe.example").out
    assert not type_("domain", "warmup", "cafe.example", "--off", "--json").json["active"]


def test_who_slowed_us_down_is_shown_and_who_refuses_is_resumed(queue: QueueServer, type_: Type, app: Flask) -> None:
    assert type_("domain", "receivers").out.strip() == "Nobody has slowed us down."
    Pace().hold(queue.client, "cafe.example", "gmail")
    with app.app_context(), store.transaction() as session:
        refusal.begin(session, "cafe.example", Refusing("gmail", 5, 100, ()))
    (row,) = type_("domain", "receivers", "--json").json["receivers"]
    assert (row["domain"], row["provider"], row["refuses"]) == ("cafe.example", "gmail", True)
    assert row["words"].startswith("Gmail refuses mail from cafe.example")
    assert type_("domain", "resume", "cafe.example", "yahoo", "--json").code == 11
    assert type_("domain", "resume", "cafe.example", "gmail").code == 0
    assert type_("domain", "receivers", "--json").json == {"known": True, "receivers": []}


def test_without_the_queue_server_nobody_knows_who_slowed_us_down(type_: Type) -> None:
    assert type_("domain", "receivers", "--json").json == {"known": False, "receivers": []}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


def _found(said: Said) -> dict[str, str]:
    return {row["code"]: row["severity"] for row in said.json["findings"]}


def test_a_check_needs_no_instance_and_makes_none(bare: Type, names: DnsServer, tmp_path: Path) -> None:
    said = bare("domain", "check", "cafe.example", "--nameserver", names.address, "--ip", "192.0.2.1", "--json")
    answer = said.json
    assert answer["domain"] == "cafe.example"
    assert all(row.keys() >= {"code", "severity", "message", "evidence"} for row in answer["findings"])
    found = _found(said)
    right = ("X1", "S1", "S2", "S4", "S6", "G1", "D1", "D4", "D5", "G2", "G3", "T1", "T2", "B1")
    assert [found[code] for code in right] == ["INFO"] * len(right)
    assert any("v=spf1 ip4:192.0.2.1 -all" in row["evidence"] for row in answer["findings"])
    # No DKIM key was looked for under a name: unknown, and never green by default.
    assert said.code == 3
    assert not (tmp_path / "nothing").exists()


def test_the_exit_code_is_that_of_the_worst_finding(bare: Type, names: DnsServer) -> None:
    ask = ("domain", "check", "--nameserver", names.address, "--json")
    wrong = bare(*ask, "two.example")
    assert (wrong.code, _found(wrong)["S1"]) == (6, "BLOCK")
    refused = bare(*ask, "cafe.example", "--ip", "198.51.100.9")
    assert (refused.code, _found(refused)["G1"]) == (6, "BLOCK")
    nobody = bare(*ask, "nowhere.example")
    assert nobody.code == 5
    assert _found(nobody) == {"X1": "ERROR"}
    assert "does not exist" in nobody.json["findings"][0]["message"]


def test_a_dns_that_does_not_answer_makes_everything_unknown(bare: Type) -> None:
    closed = f"127.0.0.1:{running_up.free_port()}"
    said = bare("domain", "check", "cafe.example", "--nameserver", closed, "--json")
    assert said.code == 3
    assert set(_found(said).values()) == {"UNKNOWN"}
    assert all("nknown" in row["message"] for row in said.json["findings"])


def test_a_dns_that_fails_is_not_a_domain_without_records(bare: Type, names: DnsServer) -> None:
    names.refused.add("*")
    said = bare("domain", "check", "cafe.example", "--nameserver", names.address, "--json")
    assert (said.code, set(_found(said).values())) == (3, {"UNKNOWN"})


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check", "not a domain"), "domain"),
        (("check", "localhost"), "domain"),
        (("check", ""), "domain"),
        (("check", "cafe.example", "--nameserver", "no such host:x"), "dns_server"),
        (("check", "cafe.example", "--nameserver", "127.0.0.1:9", "--ip", "a.b.c.d"), "ip"),
        (("check",), "usage"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(bare: Type, words: tuple[str, ...], code: str) -> None:
    said = bare("domain", *words, "--json")
    assert said.error == code
    plain = bare("domain", *words)
    assert plain.code == said.code
    if code != "usage":
        assert plain.sentence.endswith(".")


def test_people_read_the_findings_and_what_to_publish(bare: Type, names: DnsServer) -> None:
    said = bare("domain", "check", "two.example", "--nameserver", names.address)
    assert said.err == ""
    assert "BLOCK    S1    two.example has 2 SPF records." in said.out
    assert "\n               v=spf1 mx -all" in said.out
    # What is to be mended comes first, the worst before all else, and what is right comes last.
    known = {severity.value: severity.rank for severity in Severity}
    ranks = [known[word] for line in said.out.splitlines() if (word := line[:8].strip()) in known]
    assert ranks[0] == Severity.BLOCK.rank
    assert ranks == sorted(ranks, reverse=True)
    assert said.out.startswith("two.example: to mend ")


def test_a_question_waits_no_longer_than_it_may(bare: Type, names: DnsServer) -> None:
    names.silent.add("*")
    began = time.monotonic()
    said = bare("domain", "check", "cafe.example", "--nameserver", names.address, "--timeout", "0.3", "--json")
    assert time.monotonic() - began < 3
    assert (said.code, set(_found(said).values())) == (3, {"UNKNOWN"})
    assert bare("domain", "check", "cafe.example", "--timeout", "0", "--json").error == "usage"


def test_a_domain_gets_a_key_and_the_check_looks_for_it(type_: Type, names: DnsServer) -> None:
    made = type_("domain", "add", "Café.example", "--json")
    assert made.code == 0
    record = made.json["record"]
    assert (made.json["domain"], record["type"]) == ("xn--caf-dma.example", "TXT")
    assert type_("domain", "add", "cafe.example", "--json").json["record"]["name"] == "lk1._domainkey.cafe.example"
    said = type_("domain", "check", "cafe.example", "--json")
    assert (_found(said)["K1"], said.code) == ("ERROR", 5)
    assert type_("domain", "sign", "cafe.example", "--json").error == "key_not_published"

    key = type_("domain", "show", "--json").json["domains"][0]
    names.publish(_ZONE | {key["record"]["name"]: {"TXT": [key["record"]["value"]]}})
    # What another name server says is no reason to sign; ours must have been asked.
    assert _found(type_("domain", "check", "cafe.example", "--nameserver", names.address, "--json"))["K3"] == "INFO"
    assert type_("domain", "sign", "cafe.example", "--json").error == "key_not_published"
    assert _found(type_("domain", "check", "cafe.example", "--json"))["K3"] == "INFO"
    assert type_("domain", "sign", "cafe.example", "--json").json == {"domain": "cafe.example", "signing": True}
    assert "signed" in type_("domain", "show").out
    assert type_("domain", "sign", "cafe.example", "--off", "--json").json["signing"] is False


def test_a_domain_gets_a_second_key_that_signs_once_it_is_published(type_: Type, names: DnsServer) -> None:
    type_("domain", "add", "cafe.example")
    ask = ("domain", "second", "cafe.example")
    assert type_(*ask, "--sign", "--json").error == "no_second_key"
    made = type_(*ask, "--json").json
    assert (made["record"]["name"], made["state"]) == ("lk1e._domainkey.cafe.example", "made")
    assert made["record"]["value"].startswith("v=DKIM1; k=ed25519; p=")
    assert type_(*ask, "--json").json == made
    assert type_(*ask, "--sign", "--json").error == "key_not_published"
    names.refused.add("*")
    assert type_(*ask, "--sign", "--json").error == "dns_silent"
    names.refused.clear()
    names.publish(_ZONE | {made["record"]["name"]: {"TXT": [made["record"]["value"]]}})
    assert type_(*ask, "--sign", "--json").json == {**made, "state": "signing"}
    assert "The key is retired." in type_(*ask, "--off").out


def test_domains_that_are_there_already_or_not_at_all(type_: Type) -> None:
    said = type_("domain", "add", "b.example")
    assert said.code == 0
    assert "lk1._domainkey.b.example IN TXT" in said.out
    assert type_("domain", "add", "B.example", "--json").error == "domain_exists"
    assert type_("domain", "add", "not a domain", "--json").error == "domain"
    assert type_("domain", "sign", "c.example", "--json").error == "no_domain"
    assert [row["domain"] for row in type_("domain", "show", "--json").json["domains"]] == ["b.example"]
