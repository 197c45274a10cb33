"""What could not be checked on a domain's page: one silence of the DNS is said once, in any language."""

from __future__ import annotations

import pytest

from listkeeper.deliverability import domain_check
from listkeeper.deliverability.domain_check import Checked
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.sending_domain import Question
from listkeeper.foundation import language
from listkeeper.standards.dns import NoData, Outcome, Resolver, TempFail
from listkeeper.web.studio import domain_unknown, domain_verdict
from listkeeper.web.studio.domain_unknown import Unknown

_DOMAIN = "cafe.example"


class _SilentAt:
    """A DNS that has no records, and gives no answer about some names; about all when none is named."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def query(self, name: str, kind: str, /) -> Outcome:
        if not self._names or name in self._names:
            return TempFail(name, kind.upper(), "192.0.2.53:53", "no answer in time")
        return NoData(name, kind.upper(), "192.0.2.53:53")


def _look(resolver: Resolver, *, egress: tuple[str, ...] = ("192.0.2.7",)) -> Checked:
    return domain_check.look(Question(_DOMAIN, None), resolver, egress=egress)


def _of(checked: Checked) -> Unknown:
    return domain_unknown.of(checked.findings, _DOMAIN, checked.records)


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_what_a_silent_dns_left_open_is_one_cause_in_every_language(code: str) -> None:
    with language.using(code):
        unknown = _of(_look(_SilentAt()))
    assert [row.code for row in unknown.silent] == ["X1", "S1", "K1", "D1", "G2", "G3", "T1", "T2", "B1"]
    # That there is no key of ours is no fault of the DNS.
    assert [row.code for row in unknown.others] == ["K3"]
    assert "so 9 checks could not be made" in unknown.words


def test_a_sending_address_that_is_not_known_is_another_cause() -> None:
    unknown = _of(_look(_SilentAt(), egress=()))
    assert {"G3", "K3"} == {row.code for row in unknown.others}


def test_silence_about_one_name_folds_what_hangs_on_it_and_nothing_else() -> None:
    unknown = _of(_look(_SilentAt("_dmarc.cafe.example")))
    assert [row.code for row in unknown.silent] == ["D1", "G2"]
    # The usual selectors hold no key, and were answered.
    assert "K1" in [row.code for row in unknown.others]


def test_a_single_silent_check_is_shown_as_it_is() -> None:
    unknown = _of(_look(_SilentAt("_smtp._tls.cafe.example")))
    assert unknown.silent == ()
    assert unknown.words == ""
    assert "T2" in [row.code for row in unknown.others]


def test_all_that_is_unknown_is_shown_once() -> None:
    for names in ((), ("cafe.example",), ("_dmarc.cafe.example",), ("nothing.example",)):
        checked = _look(_SilentAt(*names))
        unknown = _of(checked)
        shown = sorted(row.code for row in (*unknown.silent, *unknown.others))
        assert shown == sorted(row.code for row in checked.findings if row.severity is Severity.UNKNOWN)


def test_name_servers_that_nobody_found_belong_to_the_silence_of_the_whole_domain_only() -> None:
    servers = Finding("X4", Severity.UNKNOWN, _DOMAIN, "Unknown whether all say the same.")
    for resolver, folded in ((_SilentAt(), True), (_SilentAt("_dmarc.cafe.example"), False)):
        checked = _look(resolver)
        unknown = domain_unknown.of([*checked.findings, servers], _DOMAIN, checked.records)
        assert (servers in unknown.silent) is folded


def test_words_of_strangers_in_the_evidence_are_no_silence() -> None:
    page = "cafe.example TXT\nelsewhere.example TXT: no answer in time"
    hostile = [Finding("T1", Severity.UNKNOWN, name, "Unknown.", page) for name in ("one", "two")]
    records = _look(_SilentAt("_dmarc.cafe.example")).records
    assert domain_unknown.of(hostile, _DOMAIN, records).silent == ()
    assert domain_unknown.of(hostile, _DOMAIN, {}).silent == ()


def test_the_verdict_names_the_silence_where_a_receiver_decides_by_what_is_silent() -> None:
    row = Finding("S1", Severity.UNKNOWN, _DOMAIN, "Unknown.")
    minor = Finding("T1", Severity.UNKNOWN, _DOMAIN, "Unknown.")
    bad = Finding("S2a", Severity.BLOCK, _DOMAIN, "Too many.")
    said = domain_verdict.of([row, minor], checked=True, silent=[row, minor])
    assert (said.word, said.tone) == ("You can send: not known, because the DNS gave no answer.", "warn")
    counted = domain_verdict.of([row, minor], checked=True, silent=[minor])
    assert counted.word == "You can send: not known, because 1 check could not be made."
    # What is known to be wrong comes first, and silence about trifles is no reason to doubt.
    assert domain_verdict.of([row, bad], checked=True, silent=[row]).tone == "bad"
    assert domain_verdict.of([minor], checked=True, silent=[minor]).tone == "good"
