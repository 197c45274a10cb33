"""Row X3: the address every link of a letter leads to, beside the domain the letter comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from listkeeper import parts
from listkeeper.deliverability import blocklist_book, dns_audit, link_audit
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.deliverability.link_audit import Links
from listkeeper.deliverability.surroundings import Surroundings
from listkeeper.foundation import fetch
from listkeeper.settings import Settings
from listkeeper.standards.dns import StaticResolver
from tests.makers.domain_zones import DOMAIN, NOW, zone

_HERE = "https://mail.shop.example"
_DBL = "dbl.spamhaus.org"


class _Web:
    """A web server that says one thing, and what it was asked for."""

    def __init__(self, said: fetch.Answer | fetch.Refused | fetch.Unreachable) -> None:
        self._said = said
        self.asked: list[str] = []

    def get(self, url: str, /) -> fetch.Answer | fetch.Refused | fetch.Unreachable:
        self.asked.append(url)
        return self._said


_OPENS = _Web(fetch.Answer(404, {}, b""))


def _codes(found: list[Finding]) -> list[tuple[str, Severity]]:
    return [(row.code, row.severity) for row in found]


def test_links_under_the_same_name_and_encrypted_are_right() -> None:
    web = _Web(fetch.Answer(303, {}, b""))
    [right] = link_audit.audit(DOMAIN, Links(_HERE), reader=web)
    assert (right.code, right.verdict, right.subject) == ("X3", Verdict.RIGHT, "mail.shop.example")
    # Nobody was asked about bad links, and that is said.
    assert "none was chosen" in right.message
    assert web.asked == [f"{_HERE}/"]
    [asked] = link_audit.audit(DOMAIN, Links(_HERE, lambda _: []), reader=web)
    assert "no list that was asked holds it" in asked.message


@pytest.mark.parametrize(
    ("address", "codes"),
    [
        ("https://shop.example", []),
        ("https://SHOP.example:8443", []),
        ("https://letters.other.example", ["X3b"]),
        # Everybody may register names below a public suffix: they are strangers.
        ("https://shop.co.uk", ["X3b"]),
        ("http://mail.shop.example", ["X3a"]),
        ("http://192.0.2.1", ["X3b", "X3a"]),
        ("http://localhost:8025", ["X3b", "X3a"]),
        ("https://[2001:db8::1]", ["X3b"]),
    ],
)
def test_each_fault_has_its_own_code(address: str, codes: list[str]) -> None:
    found = link_audit.audit(DOMAIN, Links(address), reader=_OPENS)
    assert [row.code for row in found if row.verdict is Verdict.WRONG] == codes
    assert all(row.severity is Severity.WARN and row.mend for row in found if codes)


def test_two_shops_below_one_public_suffix_are_two() -> None:
    found = link_audit.audit("a.co.uk", Links("https://b.co.uk"), reader=_OPENS)
    assert _codes(found) == [("X3b", Severity.WARN)]
    assert _codes(link_audit.audit("news.a.co.uk", Links("https://go.a.co.uk"), reader=_OPENS)) == [
        ("X3", Severity.INFO)
    ]


@pytest.mark.parametrize(
    ("said", "code", "severity"),
    [
        (fetch.Unreachable("its certificate is not valid: expired", distrusted=True), "X3d", Severity.WARN),
        (fetch.Unreachable("no answer in time"), "X3", Severity.UNKNOWN),
        (fetch.Refused("a private network"), "X3", Severity.UNKNOWN),
    ],
)
def test_what_does_not_open_is_wrong_only_where_its_certificate_is(
    said: fetch.Refused | fetch.Unreachable, code: str, severity: Severity
) -> None:
    [only] = link_audit.audit(DOMAIN, Links(_HERE), reader=_Web(said))
    assert (only.code, only.severity) == (code, severity)
    assert said.reason in only.message
    # Not to know it is no reason to wait.
    assert only.is_minor


def test_what_was_not_asked_is_not_known_and_what_is_not_set_is_not_asked() -> None:
    [only] = link_audit.audit(DOMAIN, Links(_HERE))
    assert only.severity is Severity.UNKNOWN
    assert link_audit.audit(DOMAIN, None, reader=_OPENS) == []


@pytest.mark.parametrize(
    ("record", "code", "severity"),
    [(None, "X3", Severity.INFO), ("127.0.1.2", "X3c", Severity.WARN), ("127.255.255.254", "X3", Severity.UNKNOWN)],
)
def test_the_lists_of_bad_links_that_were_chosen_are_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: str | None, code: str, severity: Severity
) -> None:
    zone = {f"dbltest.com.{_DBL}": {"A": ["127.0.1.2"]}}
    zone |= {f"mail.shop.example.{_DBL}": {"A": [record]}} if record else {}
    known = Settings(data=tmp_path, public_url=_HERE, blocklists=("spamhaus_zen", "spamhaus_dbl"))
    links = parts.links(known, StaticResolver(zone))
    assert links is not None
    found = link_audit.audit(DOMAIN, links, reader=_OPENS)
    assert _codes(found) == [(code, severity)]
    # The same book is read by the command and by the next check: within six hours nobody is asked again.
    silent = parts.links(known, StaticResolver({}, failing=[f"dbltest.com.{_DBL}"]))
    assert silent is not None
    assert link_audit.audit(DOMAIN, silent, reader=_OPENS) == found
    assert len(blocklist_book.Book(tmp_path)) == 1


def test_an_instance_without_an_address_has_no_links_to_judge(tmp_path: Path) -> None:
    for url in (None, "http://localhost:8025", "http://127.0.0.1:8025"):
        assert parts.links(Settings(data=tmp_path, public_url=url), StaticResolver({})) is None
    no_lists = parts.links(Settings(data=tmp_path, public_url=_HERE, blocklists=("spamhaus_zen",)), StaticResolver({}))
    # A list of addresses says nothing about links.
    assert no_lists == Links(_HERE)


def test_the_audit_of_a_domain_holds_it() -> None:
    around = Surroundings(_OPENS, links=Links("http://mail.shop.example"))
    found = dns_audit.audit(DOMAIN, StaticResolver(zone()), now=NOW, around=around)
    assert [row.code for row in found if row.row == "X3"] == ["X3a"]
    nothing = dns_audit.audit(DOMAIN, StaticResolver(zone()), now=NOW, around=replace(around, links=None))
    assert [row.code for row in nothing if row.row == "X3"] == []
