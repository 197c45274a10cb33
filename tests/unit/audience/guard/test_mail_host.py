"""Whether a domain takes mail: what the DNS says, what is remembered, and that silence turns nobody away."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import signup
from listkeeper.audience.guard import judging
from listkeeper.audience.guard.judging import Verdict
from listkeeper.deliverability import mail_host
from listkeeper.deliverability.mail_host import Learned
from listkeeper.deliverability.mail_host import MailHostState as State
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, TempFail
from tests.makers import signups
from tests.makers.cafe import Cafe
from tests.makers.signups import LIMITS

ZONE: dict[tuple[str, str], Outcome] = {
    ("taking.example", "MX"): Answer("taking.example", "MX", "", ("10 mx.taking.example",), 300),
    ("shut.example", "MX"): Answer("shut.example", "MX", "", ("0 ",), 300),
    ("gone.example", "MX"): NxDomain("gone.example", "MX", ""),
    ("plain.example", "MX"): NoData("plain.example", "MX", ""),
    ("plain.example", "A"): Answer("plain.example", "A", "", ("192.0.2.1",), 300),
    ("bare.example", "MX"): NoData("bare.example", "MX", ""),
}
SAID = {
    "taking.example": Learned(State.TAKES_MAIL, "taking.example"),
    "shut.example": Learned(State.NULL_MX),
    "gone.example": Learned(State.NO_SUCH_DOMAIN),
    "plain.example": Learned(State.TAKES_MAIL, "plain.example"),
    "bare.example": Learned(State.UNKNOWN),
    "silent.example": Learned(State.UNKNOWN),
}


class _Zone:
    def query(self, name: str, kind: str, /) -> Outcome:
        return ZONE.get((name, kind), TempFail(name, kind, "", "nobody answers"))


class _Slow(_Zone):
    def query(self, name: str, kind: str, /) -> Outcome:
        if name == "silent.example":
            time.sleep(2)
        return super().query(name, kind)


def test_what_the_dns_says_of_a_domain() -> None:
    assert mail_host.ask(_Zone(), SAID) == SAID
    assert mail_host.ask(_Zone(), ()) == {}


def test_a_silent_name_server_is_not_waited_for() -> None:
    begun = time.monotonic()
    assert mail_host.ask(_Slow(), ("silent.example", "shut.example"), seconds=0.2) == {
        "silent.example": Learned(State.UNKNOWN),
        "shut.example": Learned(State.NULL_MX),
    }
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("domain", SAID)
def test_only_a_clear_no_turns_somebody_away_and_only_for_a_while(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, domain: str
) -> None:
    typed = f"freja@{domain}"
    assert mail_host.unknown(session, SAID) == set(SAID)
    mail_host.remember(session, SAID)
    mail_host.remember(session, SAID)
    assert mail_host.unknown(session, SAID) == set()
    no = SAID[domain].state in {State.NULL_MX, State.NO_SUCH_DOMAIN}
    expected = Verdict.NO_MAIL if no else Verdict.ASK
    assert judging.judge(session, house.organisation, address.parse(typed), LIMITS) is expected
    if no:
        with pytest.raises(Invalid) as refused:
            signups.post(session, house, typed)
        assert refused.value.code == "domain_takes_no_mail"
    frozen_clock.shift(timedelta(days=1))
    mail_host.forget_past(session)
    assert mail_host.unknown(session, SAID) == set(SAID)
    assert not mail_host.takes_no_mail(session, domain)


def test_the_job_asks_for_domains_that_are_not_known_yet(session: Session, house: Cafe) -> None:
    rows = [signups.post(session, house, f"freja@{domain}")[0].id for domain in ("shut.example", "taking.example")]
    assert signup.unknown_domains(session, rows) == {"shut.example", "taking.example"}
    mail_host.remember(session, SAID)
    assert signup.unknown_domains(session, rows) == set()
    assert signup.decide(session, rows[0], LIMITS) is signup.SignupDecision.NO_MAIL
    assert signup.decide(session, rows[1], LIMITS) is signup.SignupDecision.ASKED
