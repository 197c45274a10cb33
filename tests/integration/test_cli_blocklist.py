"""`listkeeper blocklist check` against a name server on loopback: off by default, and what was said lasts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from listkeeper.settings import Settings
from tests.fakes import dns_server, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Type

_ZONE = {
    "2.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2"]},
    "25.2.0.192.zen.spamhaus.org": {"A": ["127.0.0.3"]},
    "dbltest.com.dbl.spamhaus.org": {"A": ["127.255.255.254"]},
}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that plays the publishers."""
    with dns_server.serving(_ZONE) as server:
        yield server


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: DnsServer, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    typing = typed.typing(monkeypatch, Settings(data=tmp_path / "data"))
    monkeypatch.setenv("LISTKEEPER_DNS_SERVER", names.address)
    return typing


def test_nobody_is_asked_until_a_list_is_chosen(type_: Type, names: DnsServer) -> None:
    said = type_("blocklist", "check", "--ip", "192.0.2.25", "--json")
    assert said.code == 3
    assert [(row["code"], row["severity"]) for row in said.json["findings"]] == [("R1a", "UNKNOWN")]
    assert all(row["terms"].startswith("https://") and row["asked"] is False for row in said.json["lists"])
    assert names.asked == []
    assert "spamhaus_zen: https://" in type_("blocklist", "check", "--ip", "192.0.2.25").out


def test_chosen_lists_are_asked_and_remembered(
    type_: Type, names: DnsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LISTKEEPER_BLOCKLISTS", "spamhaus_zen, SPAMHAUS_DBL")
    monkeypatch.setenv("LISTKEEPER_EGRESS", "192.0.2.25")
    ask = ("blocklist", "check", "--domain", "Shop.example", "--json")
    said = type_(*ask)
    assert said.code == 4
    assert {(row["code"], row["severity"], row["subject"]) for row in said.json["findings"]} == {
        ("R1", "WARN", "192.0.2.25"),
        ("R1a", "UNKNOWN", "shop.example"),
    }
    assert [row["name"] for row in said.json["lists"]] == ["spamhaus_zen", "spamhaus_dbl"]
    # Without an instance nothing is kept, with one the lists are left alone for six hours.
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    type_(*ask)
    names.asked.clear()
    assert type_(*ask).json == said.json
    assert names.asked == []
    (tmp_path / "data" / "blocklists.json").write_bytes(b"\xff{")
    assert type_(*ask).json == said.json
    assert names.asked


@pytest.mark.parametrize(
    ("words", "code"), [(("--ip", "a.b"), "ip"), (("--domain", "no domain"), "domain"), ((), "usage")]
)
def test_what_cannot_be_asked_is_said(
    type_: Type, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str
) -> None:
    monkeypatch.setenv("LISTKEEPER_BLOCKLISTS", "spamcop")
    assert type_("blocklist", "check", *words, "--json").error == code


def test_a_list_that_nobody_knows_and_a_key_that_is_none_are_mistakes_in_the_settings(
    type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTKEEPER_BLOCKLISTS", "nowhere")
    monkeypatch.setenv("LISTKEEPER_BLOCKLIST_KEY", "a.b!secret")
    said = type_("blocklist", "check", "--ip", "192.0.2.25", "--json")
    assert said.error == "settings"
    assert "LISTKEEPER_BLOCKLISTS: names nowhere; there are spamhaus_zen" in said.out
    assert "LISTKEEPER_BLOCKLIST_KEY" in said.out
    assert "secret" not in said.out.replace("LISTKEEPER", "")
