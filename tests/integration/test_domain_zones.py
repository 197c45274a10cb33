"""`listkeeper domain check` against a real authoritative server on loopback: one right zone, and wrong ones by name.

Each wrong zone is named by a finding of its own code, and by no other of severity ERROR or BLOCK.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from listkeeper.deliverability.finding import Severity
from listkeeper.settings import Settings
from tests.fakes import dns_server, running_up, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Said, Type
from tests.makers import domain_zones
from tests.makers.domain_zones import DOMAIN, IP, OURS, WRONG, WRONG_AS_SENT, Wrong, Zone

_BAD = {"ERROR", "BLOCK"}
Check = Callable[..., Said]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An instance that has a key for the domain: its folder, and the record to publish."""
    folder = tmp_path_factory.mktemp("instance")
    where = ("--data", str(folder))
    made = running_up.command("init", *where, "--name", "Shop", "--address", "A", "--from", f"hello@{DOMAIN}", "--json")
    assert made.returncode == 0, made.stderr
    added = running_up.command("domain", "add", DOMAIN, *where, "--json")
    assert added.returncode == 0, added.stderr
    return folder, json.loads(added.stdout)["record"]["value"]


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """A name server on loopback."""
    with dns_server.serving({}) as running:
        yield running


@pytest.fixture
def check(
    monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None, instance: tuple[Path, str], server: DnsServer
) -> Check:
    """Publish a zone with this instance's key in it, and type the command."""
    folder, record = instance
    type_ = typed.typing(monkeypatch, Settings(data=folder))

    def run(zone: Zone, *options: str) -> Said:
        server.publish(_with_key(zone, record))
        ask = ("domain", "check", DOMAIN, "--nameserver", server.address, "--ip", IP)
        return type_(*ask, *options, "--json")

    return run


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None, tmp_path: Path) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


def _payload(record: str) -> str:
    return record.partition("p=")[2]


def _with_key(zone: Zone, record: str) -> Zone:
    """Return the zone with the key of this instance in place of the maker's."""
    theirs, ours = _payload(OURS.record), _payload(record)
    return {
        name: {kind: [text.replace(theirs, ours) for text in texts] for kind, texts in at.items()}
        for name, at in zone.items()
    }


def _severities(said: Said) -> dict[str, str]:
    return {row["code"]: row["severity"] for row in said.json["findings"]}


def test_a_right_zone_is_right_in_everything_and_exits_0(check: Check, instance: tuple[Path, str]) -> None:
    said = check(domain_zones.zone())
    assert set(_severities(said).values()) == {"INFO"}, said.out
    assert {row["verdict"] for row in said.json["findings"]} == {"right"}
    assert said.code == 0
    # Nothing is right that was not looked at.
    assert {"X1", "S1", "S2", "G1", "K1", "K3", "D1", "G2", "G3"} <= set(_severities(said))
    assert all(row["evidence"] for row in said.json["findings"])


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_zone_is_named_by_its_own_code_and_no_other(
    check: Check, instance: tuple[Path, str], name: str
) -> None:
    wrong = WRONG[name]
    _is_named(check(wrong.zone), wrong)
    assert sum(one.severity.value in _BAD for one in WRONG.values()) >= 20


def _is_named(said: Said, wrong: Wrong) -> None:
    found = said.json["findings"]
    named = [row for row in found if row["code"] == wrong.code and row["severity"] == wrong.severity.value]
    assert named, said.out
    assert [row["code"] for row in found if row["severity"] in _BAD and row["code"] != wrong.code] == []
    worst = max((Severity(row["severity"]) for row in found), key=lambda severity: severity.rank)
    assert worst is wrong.severity
    assert said.code == wrong.severity.exit_code
    assert all(row["message"].endswith(".") and row["reference"] for row in named)


@pytest.mark.parametrize("name", WRONG_AS_SENT)
def test_what_is_wrong_in_how_mail_leaves_is_named_without_an_instance(
    bare: Type, server: DnsServer, name: str
) -> None:
    wrong = WRONG_AS_SENT[name]
    server.publish(wrong.zone)
    ask = ("domain", "check", DOMAIN, "--nameserver", server.address, "--ip", IP)
    said = bare(*ask, *wrong.options, "--json")
    _is_named(said, wrong)
    if wrong.mend:
        assert wrong.mend in {row["mend"] for row in said.json["findings"]}


@pytest.mark.parametrize("trouble", ["silent", "refused", "garbage"])
def test_a_server_in_trouble_makes_everything_unknown_in_bounded_time(
    check: Check, server: DnsServer, trouble: str
) -> None:
    getattr(server, trouble).add("*")
    began = time.monotonic()
    said = check(domain_zones.zone(), "--timeout", "0.4")
    assert time.monotonic() - began < 4
    assert said.code == 3
    assert set(_severities(said).values()) == {"UNKNOWN"}
    assert {row["verdict"] for row in said.json["findings"]} == {"unknown"}


@pytest.mark.parametrize("trouble", ["silent", "garbage"])
@pytest.mark.parametrize("name", ["_dmarc.shop.example", "lk1._domainkey.shop.example", "10.2.0.192.in-addr.arpa"])
def test_one_name_in_trouble_makes_nothing_wrong(check: Check, server: DnsServer, trouble: str, name: str) -> None:
    getattr(server, trouble).add(name)
    said = check(domain_zones.zone(), "--timeout", "0.4")
    assert said.code == 3
    assert set(_severities(said).values()) == {"UNKNOWN", "INFO"}


@pytest.mark.whole_program
def test_a_real_process_says_the_same(server: DnsServer, tmp_path: Path) -> None:
    ask = ("domain", "check", DOMAIN, "--nameserver", server.address, "--ip", IP, "--data", str(tmp_path / "nothing"))
    server.publish(WRONG["two SPF records"].zone)
    wrong = running_up.command(*ask)
    assert wrong.returncode == 6, wrong.stderr
    assert wrong.stdout.startswith("shop.example: to mend 1, not known 2, worth doing 0, right ")
    assert (
        wrong.stdout.index("To mend\nBLOCK    S1") < wrong.stdout.index("Not known\n") < wrong.stdout.index("Right\n")
    )
    server.publish(domain_zones.zone())
    right = running_up.command(*ask, "--json")
    # Without an instance nobody knows our key.
    assert (right.returncode, '"BLOCK"' in right.stdout, '"ERROR"' in right.stdout) == (3, False, False)
