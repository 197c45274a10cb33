"""The demo's cafés: whole in seven languages, their letters ready to send, their people nobody."""

from __future__ import annotations

import re
from itertools import islice, pairwise

import pytest

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import demo, demo_cafe
from listkeeper.audience.mailing_list import MailingList, slug_of
from listkeeper.campaigns import preflight
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.standards import address

_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")


@pytest.fixture(params=language.LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _organisation(spoken: str) -> Organisation:
    cafe = demo_cafe.read(spoken)
    return Organisation(
        legal_name=cafe.legal_name,
        postal_address=cafe.postal_address,
        from_name=cafe.legal_name,
        from_address=cafe.from_address,
        website=cafe.website,
        brand_colour=cafe.brand_colour,
        language=spoken,
    )


def test_every_letter_is_ready_to_send(spoken: str) -> None:
    cafe, owner = demo_cafe.read(spoken), _organisation(spoken)
    mailing_list = MailingList(name=cafe.list_name, slug=slug_of(cafe.list_name))
    assert len(cafe.letters) == 4
    for letter in cafe.letters:
        draft = Draft(letter.subject, letter.preheader, letter.markdown)
        found = preflight.inspect_draft(draft, owner, mailing_list, site="https://mail.example")
        assert [row for row in found.findings if row.severity.rank > Severity.INFO.rank] == []
        assert len(found.links) == 1
        assert found.links[0].startswith(f"{cafe.website}/")


def test_no_two_languages_say_the_same() -> None:
    cafes = [demo_cafe.read(code) for code in language.LANGUAGES]
    for said in ("legal_name", "list_name", "postal_address", "from_address"):
        assert len({getattr(cafe, said) for cafe in cafes}) == len(cafes)
    letters = [letter for cafe in cafes for letter in cafe.letters]
    assert len({letter.markdown for letter in letters}) == len(letters)


def test_nobody_can_ever_have_one_of_the_addresses(spoken: str) -> None:
    cafe = demo_cafe.read(spoken)
    hosts = [*cafe.domains, cafe.from_address.partition("@")[2], cafe.website.removeprefix("https://")]
    assert [host for host in hosts if not host.endswith(".example")] == []


def test_names_are_names_and_can_be_spelled_in_an_address(spoken: str) -> None:
    cafe = demo_cafe.read(spoken)
    assert len(set(cafe.first_names)) == len(cafe.first_names) >= 60
    assert [name for name in cafe.first_names if not _LETTERS.fullmatch(name)] == []
    # Whatever has no Latin letters would be spelled as a random word.
    assert [name for name in cafe.first_names if not slug_of(name).isascii() or "-" in slug_of(name)] == []


def test_many_people_have_as_many_addresses(spoken: str) -> None:
    cafe = demo_cafe.read(spoken)
    people = [cafe.person(number) for number in range(25_000)]
    assert len({written for _, written in people}) == len(people)
    for _, written in islice(people, 0, None, 97):
        parsed = address.parse(written)
        assert (parsed.send, parsed.key, parsed.needs_smtputf8) == (written, written, False)
    # Neighbours on the list are different people: names and hosts are mixed.
    assert all(one[0] != other[0] for one, other in pairwise(people))


@pytest.mark.parametrize(("confirmed", "total"), [(1, 1), (10, 10), (650, 650 + 39 + 19), (100_000, 109_000)])
def test_some_have_left_and_some_never_answered(confirmed: int, total: int) -> None:
    crowd = demo.crowd_of(confirmed)
    assert (crowd.confirmed, crowd.total) == (confirmed, total)
