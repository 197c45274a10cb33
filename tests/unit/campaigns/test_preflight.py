"""What is wrong with a letter is said before anything is planned; what cannot be known is never called fine."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import language
from listkeeper.foundation.fetch import Outcome, Reached, Refused, Unreachable
from listkeeper.rendering.links import LinkFault
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
GOOD = "# Buns\n\nThe oven is warm. [See what we bake](https://cafe.example/bread)."


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one person on its list."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "freja@guest.example")
    return made


def _letter(
    session: Session, house: Cafe, markdown: str = GOOD, subject: str = "Buns", before: str = "Warm"
) -> Campaign:
    return campaigns.create(session, house.organisation, house.mailing_list, Draft(subject, before, markdown))


def _found(session: Session, letter: Campaign, site: str = SITE, *, practice: bool = False) -> dict[str, Severity]:
    found = preflight.inspect(session, letter, site=site, practice=practice, gate=Gate.HINT).findings
    assert all(row.message and row.subject for row in found)
    return {row.code: row.severity for row in found}


def test_a_good_letter_has_nothing_to_be_said(session: Session, house: Cafe) -> None:
    inspected = preflight.inspect(session, _letter(session, house), site=SITE, practice=False, gate=Gate.HINT)
    assert inspected.findings == []
    assert inspected.links == ["https://cafe.example/bread"]
    assert preflight.ready(inspected.findings)


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"subject": " "}, "C1", Severity.BLOCK),
        ({"subject": "x" * 51}, "C1a", Severity.WARN),
        ({"before": ""}, "C4", Severity.WARN),
        ({"markdown": " \n"}, "C2", Severity.BLOCK),
        ({"markdown": "Dear {{ subscriber.first_name }}, come by."}, "P1", Severity.WARN),
        ({"markdown": "Dear {{ subscriber.shoe_size | default: 40 }}."}, "P2", Severity.BLOCK),
        ({"markdown": "Dear {{ subscriber.first_name."}, "P2", Severity.BLOCK),
        ({"markdown": "[Here]()"}, "L1", Severity.ERROR),
        ({"markdown": "[Here](cafe.example)"}, "L1", Severity.ERROR),
        ({"markdown": "[Here](http://cafe.example/)"}, "L1a", Severity.WARN),
        ({"markdown": "[Here](https://bit.ly/x)"}, "F12a", Severity.WARN),
        ({"markdown": "[https://bank.example](https://other.example/)"}, "F12b", Severity.WARN),
        ({"markdown": "![](https://cafe.example/bun.jpg)"}, "F11", Severity.WARN),
        ({"markdown": "word " * 16_500}, "F8", Severity.WARN),
        ({"markdown": "word " * 25_000}, "F8", Severity.ERROR),
    ],
)  # fmt: skip
def test_each_fault_is_found(
    session: Session, house: Cafe, change: Mapping[str, str], code: str, severity: Severity
) -> None:
    found = _found(session, _letter(session, house, **change))
    assert found.get(code) is severity, found
    findings = preflight.inspect(
        session, _letter(session, house, **change), site=SITE, practice=False, gate=Gate.HINT
    ).findings
    assert preflight.ready(findings) == (severity is not Severity.BLOCK)


def test_fifty_letters_are_no_long_subject(session: Session, house: Cafe) -> None:
    assert _found(session, _letter(session, house, subject="x" * 50)) == {}


def test_every_fault_of_a_link_has_its_severity() -> None:
    assert set(preflight._LINK_SEVERITY) == set(LinkFault)  # noqa: SLF001 - a new fault must be judged


def test_an_empty_audience_blocks(session: Session, house: Cafe) -> None:
    letter = _letter(session, house)
    (person,) = session.scalars(subscription.mailable(house.mailing_list, practice=False))
    cafe.sign_up(session, house, "pending@guest.example")
    assert _found(session, letter) == {"C5": Severity.INFO}
    unsubscribe.leave(session, person, house.mailing_list.id, Method.PAGE)
    assert _found(session, letter) == {"C3": Severity.BLOCK}


def test_invented_people_are_an_audience_in_practice_alone(session: Session, house: Cafe) -> None:
    letter = _letter(session, house)
    cafe.subscribe(session, house, "invented@guest.example").demo = True
    session.flush()
    assert _found(session, letter, practice=True) == {}
    assert _found(session, letter) == {"C6": Severity.INFO}
    (person,) = session.scalars(subscription.mailable(house.mailing_list, practice=False))
    unsubscribe.leave(session, person, house.mailing_list.id, Method.PAGE)
    assert _found(session, letter)["C3"] is Severity.BLOCK


@pytest.mark.parametrize(
    ("site", "practice", "severity"),
    [
        ("https://mail.cafe.example", False, None),
        ("http://localhost:8025", True, Severity.INFO),
        ("http://localhost:8025", False, Severity.ERROR),
        ("http://mail.cafe.example", False, Severity.BLOCK),
    ],
)
def test_one_click_needs_a_safe_line(
    session: Session, house: Cafe, site: str, severity: Severity | None, *, practice: bool
) -> None:
    assert _found(session, _letter(session, house), site, practice=practice).get("U1") is severity


def test_findings_speak_the_language_of_the_moment(session: Session, house: Cafe) -> None:
    letter = _letter(session, house, subject="")
    english = preflight.inspect(session, letter, site=SITE, practice=False, gate=Gate.HINT).findings[0].message
    with language.using("da"):
        danish = preflight.inspect(session, letter, site=SITE, practice=False, gate=Gate.HINT).findings[0].message
    assert english == "The letter has no subject."
    assert danish != english


# Links


class Web:
    """A web in which each address answers as it is told, and remembers in which language it was asked."""

    def __init__(self, answers: Mapping[str, Outcome]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.languages: set[str] = set()
        self._lock = threading.Lock()

    def head(self, url: str, /) -> Outcome:
        """Answer."""
        with self._lock:
            self.asked.append(url)
            self.languages.add(language.current())
        return self.answers.get(url, Reached(200, url))


@pytest.mark.parametrize("status", [200, 204, 301, 399, 401, 403, 405, 429, 503])
def test_a_site_that_lives_is_fine(status: int) -> None:
    url = "https://cafe.example/"
    assert preflight.follow_links([url], Web({url: Reached(status, url)})) == []


@pytest.mark.parametrize("status", [400, 404, 410, 500, 502])
def test_a_dead_link_is_an_error(status: int) -> None:
    url = "https://cafe.example/"
    (found,) = preflight.follow_links([url], Web({url: Reached(status, url)}))
    assert (found.code, found.severity, found.subject) == ("L2", Severity.ERROR, url)
    assert str(status) in found.message


@pytest.mark.parametrize("answer", [Unreachable("nobody answers"), Refused("a private network")])
def test_what_could_not_be_asked_is_unknown_and_says_why(answer: Unreachable | Refused) -> None:
    url = "https://cafe.example/"
    (found,) = preflight.follow_links([url], Web({url: answer}))
    assert (found.code, found.severity) == ("L2", Severity.UNKNOWN)
    assert answer.reason in found.message


def test_switched_off_checks_are_unknown() -> None:
    found = preflight.follow_links(["https://a.example/", "https://b.example/"], None)
    assert [row.severity for row in found] == [Severity.UNKNOWN] * 2
    assert preflight.ready(found)


def test_thirty_links_are_asked_and_the_rest_is_unknown() -> None:
    urls = [f"https://cafe.example/{number}" for number in range(33)]
    web = Web({urls[2]: Reached(404, urls[2])})
    found = preflight.follow_links(urls, web)
    assert sorted(web.asked) == sorted(urls[:30])
    assert [(row.subject, row.severity) for row in found] == [
        (urls[2], Severity.ERROR),
        *((url, Severity.UNKNOWN) for url in urls[30:]),
    ]


def test_links_are_asked_about_in_the_language_in_use() -> None:
    web = Web({})
    with language.using("sv"):
        preflight.follow_links([f"https://cafe.example/{number}" for number in range(20)], web)
    assert web.languages == {"sv"}


def test_no_links_are_no_findings() -> None:
    assert preflight.follow_links([], Web({})) == []
    assert preflight.ready(
        [Finding("X", severity, "x", "x") for severity in Severity if severity is not Severity.BLOCK]
    )
    assert not preflight.ready([Finding("X", Severity.BLOCK, "x", "x")])
