"""How strict the policy may be: each threshold from both sides, and never advice on too little."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.deliverability import sending_domain
from listkeeper.insight import policy_advice
from listkeeper.insight.policy_advice import Facts, Step
from tests.makers import kept_reports
from tests.makers.kept_reports import DOMAIN, Mail

ENOUGH = Facts(
    domain=DOMAIN, policy={"p": "none"}, days_reached=30, days_reported=3, messages=100, aligned=98, own_messages=98,
    own_aligned=98, strangers=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "step", "words"),
    [
        ({}, Step.QUARANTINE, "In 30 days 98% of the mail under shop.example passed. The policy may be quarantine now"),
        ({"days_reached": 29}, Step.NOT_KNOWN, "because reports reach back 29 days, and 30 are needed."),
        ({"days_reached": 0}, Step.NOT_KNOWN, "reports reach back 0 days"),
        ({"messages": 99}, Step.NOT_KNOWN, "because receivers counted 99 mails in 30 days, and 100 are needed."),
        ({"messages": 0, "aligned": 0}, Step.NOT_KNOWN, "counted 0 mails"),
        (
            {"days_reported": 2},
            Step.NOT_KNOWN,
            "because receivers saw mail on 2 days of the last 30, and 3 are needed.",
        ),
        ({"aligned": 97}, Step.WAIT, "Leave the policy as it is: 3% of the mail fails. Your own passes; what fails"),
        ({"aligned": 97, "strangers": 2}, Step.WAIT, "comes from 2 sources that are not known to be yours."),
        ({"aligned": 97, "own_aligned": 90}, Step.WAIT, "Mend the sources below first."),
        ({"aligned": 97, "strangers": 0}, Step.WAIT, "Mend the sources below first."),
        ({"messages": 100_000, "aligned": 97_999}, Step.WAIT, "2.1% of the mail fails"),
        ({"messages": 100_000, "aligned": 98_000}, Step.QUARANTINE, "98%"),
    ],
)
def test_each_threshold(changed: dict[str, Any], step: Step, words: str) -> None:
    found = policy_advice.of(replace(ENOUGH, **changed))
    assert found.step is step
    assert words in found.words
    assert bool(found.record) is (step is Step.QUARANTINE)


@pytest.mark.parametrize(
    ("policy", "step", "record"),
    [
        ({}, Step.QUARANTINE, "p=quarantine"),
        ({"p": "none"}, Step.QUARANTINE, "p=quarantine"),
        ({"p": "nonsense"}, Step.QUARANTINE, "p=quarantine"),
        ({"p": "quarantine"}, Step.REJECT, "p=reject"),
        ({"p": "quarantine", "np": "reject"}, Step.REJECT, "p=reject"),
        ({"p": "quarantine", "testing": True}, Step.WHOLE, "t=n"),
        ({"p": "reject", "testing": True}, Step.WHOLE, "t=n"),
        ({"p": "reject", "pct": 99}, Step.WHOLE, "t=n"),
        ({"p": "reject", "pct": 100, "testing": False}, Step.DONE, ""),
        # What stands for names that do not exist: np, else sp, else p.
        ({"p": "reject", "sp": "none"}, Step.NAMES, "np=reject"),
        ({"p": "reject", "np": "quarantine"}, Step.NAMES, "np=reject"),
        ({"p": "reject", "sp": "none", "np": "reject"}, Step.DONE, ""),
        ({"p": "reject"}, Step.DONE, ""),
    ],
)
def test_each_step_follows_on_the_one_before(policy: dict[str, Any], step: Step, record: str) -> None:
    found = policy_advice.of(replace(ENOUGH, policy=policy))
    assert (found.step, found.record) == (step, record)
    short = policy_advice.of(replace(ENOUGH, policy=policy, days_reached=29))
    # A policy that is as strict as can be needs no reports.
    assert short.step is (Step.DONE if step is Step.DONE else Step.NOT_KNOWN)


def test_advice_is_about_the_policy_that_counts_and_all_mail_under_it(
    session: Session, frozen_clock: time_machine.Traveller
) -> None:
    owner = kept_reports.owner(session)
    sending_domain.add(session, owner.id, "news.shop.example")
    about = policy_advice.about(session, owner.id, "news.shop.example")
    assert (about.step, about.domain) == (Step.NOT_KNOWN, "news.shop.example")
    assert "no receiver has reported yet" in about.words
    news = Mail("192.0.2.1", 40, author="news.shop.example")
    first = date(2026, 10, 26)
    reports = [kept_reports.xml(first + timedelta(days=7 * place), news) for place in range(4)]
    kept_reports.bring(session, owner, *reports)
    about = policy_advice.about(session, owner.id, "news.shop.example")
    assert (about.step, about.domain) == (Step.NOT_KNOWN, "shop.example")
    assert "reach back 29 days" in about.words
    frozen_clock.shift(timedelta(days=1))
    about = policy_advice.about(session, owner.id, "news.shop.example")
    assert (about.step, about.domain, about.record) == (Step.QUARANTINE, "shop.example", "p=quarantine")
    # Somebody else's mail under the name above would be thrown away as well.
    other = Mail("192.0.2.9", 10, "fail", "fail")
    kept_reports.bring(session, owner, kept_reports.xml(date(2026, 11, 20), other))
    assert policy_advice.about(session, owner.id, "news.shop.example").step is Step.WAIT
