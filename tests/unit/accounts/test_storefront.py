"""What a business shows beside its form: read with care, stored whole or not at all, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.storefront import Storefront
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe

FACTS = {
    "phone": "+45 (0)12 34 56 78", "mon_opens": "9:00", "mon_shuts": "17:00", "holidays": "Shut at  Easter",
    "place": "Havnegade 1", "coordinates": "55.6761, 12.5683", "links": "https://instagram.com/cafe\nhttps://cafe.example",
}  # fmt: skip


def test_facts_are_told_once_and_told_anew(session: Session) -> None:
    house = cafe.found(session)
    assert storefront.of(session, house.organisation) is None
    storefront.tell(session, house.organisation, storefront.read(house.organisation, FACTS))
    session.expire_all()
    kept = storefront.of(session, house.organisation)
    assert kept is not None
    assert (kept.phone, storefront.dialled(kept.phone)) == ("+45 (0)12 34 56 78", "+4512345678")
    assert (kept.time_zone, kept.holidays, kept.coordinates) == (
        "Europe/London",
        "Shut at Easter",
        "55.676100,12.568300",
    )
    assert kept.links == ["https://instagram.com/cafe", "https://cafe.example"]
    assert kept.opening.days[0][0].as_text == ("09:00", "17:00")
    storefront.tell(session, house.organisation, storefront.read(house.organisation, {}))
    assert (kept.phone, kept.links, bool(kept.opening)) == ("", [], False)
    assert len(session.scalars(select(Storefront)).all()) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"phone": "call me"}, "phone"),
        ({"phone": "1234"}, "phone"),
        ({"phone": "+45 1234567890123456"}, "phone"),
        ({"phone": "12+345678"}, "phone"),
        ({"phone": "+45 12345678;ext=1"}, "phone"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"coordinates": "91, 12"}, "coordinates"),
        ({"coordinates": "55,12,13"}, "coordinates"),
        ({"coordinates": "at the harbour"}, "coordinates"),
        ({"links": "http://cafe.example"}, "link"),
        ({"links": "javascript:alert(1)"}, "link"),
        ({"links": "\n".join(f"https://cafe.example/{number}" for number in range(11))}, "links"),
        ({"place": 301 * "x"}, "too_long"),
        ({"holidays": "a\u202eb"}, "too_long"),
        ({"tue_opens": "9:00"}, "hours_half"),
    ],
)
def test_a_fact_that_makes_no_sense_is_refused(session: Session, wrong: dict[str, str], code: str) -> None:
    house = cafe.found(session)
    with pytest.raises(Invalid) as refused:
        storefront.read(house.organisation, FACTS | wrong)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("written", "dialled"),
    [("0045 12 34 56 78", "+4512345678"), ("12.34.56.78", "12345678"), ("+49 (0) 30-123", "+4930123")],
)
def test_a_number_is_dialled_without_what_people_write_between(written: str, dialled: str) -> None:
    assert storefront.dialled(written) == dialled
