"""Cases 5 and 6: a token serves the one list, house and act it was made for; spoilt, it is nobody's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import confirmation, mailing_list, signup, signup_form
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import keys, signing
from listkeeper.settings import Settings
from tests.architecture import routes
from tests.fakes.databases import Database
from tests.makers import attack, signups
from tests.makers.cafe import NO_BRAKES, Cafe
from tests.makers.works import HER, Works

# What a thief would send along, whatever the page asks for.
WISHES = {
    "email": "thief@elsewhere.example", "how": "everything", "sure": "yes", "days": "30", "frequency": "monthly",
    "language": "pl", "why": "other", "words": "ha", "confirm": "true", "_method": "POST",
    "List-Unsubscribe": "One-Click",
}  # fmt: skip


def _second_list(session: Session, house: Cafe) -> Cafe:
    club = mailing_list.create(session, house.organisation, name="Bread club")
    return Cafe(house.organisation, house.owner, club, signup_form.create(session, house.organisation, club))


def _second_house(session: Session, house: Cafe) -> Cafe:
    """Found another business beside this one, as an instance for several would."""
    other = Organisation(language="en")
    organisation.describe(
        other, legal_name="Bageriet", postal_address="Torvet 1\n8000 Aarhus", from_address="hej@bageri.example",
        from_name="Bageriet", brand_colour="#000000", website=None,
    )  # fmt: skip
    session.add(other)
    session.flush()
    theirs = mailing_list.create(session, other, name="Nyt")
    return Cafe(other, house.owner, theirs, signup_form.create(session, other, theirs))


def _ask(session: Session, made: Cafe) -> tuple[str, str, str]:
    row, receipt = signups.post(session, made, HER)
    signup.decide(session, row.id, NO_BRAKES)
    question = signups.question(session, row)
    assert question is not None
    return confirmation.token_of(question), receipt.visit, confirmation.code_of(question)


@pytest.mark.parametrize("make", [_second_list, _second_house])
def test_case_05_one_lists_token_does_nothing_for_another(
    works: Works, client: FlaskClient, make: Callable[[Session, Cafe], Cafe]
) -> None:
    told: dict[str, tuple[str, str, str]] = {}
    names: dict[str, str] = {}

    def both(session: Session, house: Cafe) -> None:
        other = make(session, house)
        told["here"], told["there"] = _ask(session, house), _ask(session, other)
        names["there"], names["list"] = other.form.slug, str(other.mailing_list.id)

    works.write(both)
    there = int(names["list"])
    token, visit, code = told["here"]
    _, other_visit, other_code = told["there"]
    if code != other_code:
        for page, digits in ((visit, other_code), (other_visit, code)):
            for form in ("news", names["there"]):
                assert client.post(f"/f/{form}/code", data={"visit": page, "code": digits}).status_code == 422
    assert _on(works, there) == _on(works, works.list_id) == {"pending": 1}
    before = _rows(works, there)
    assert client.post(f"/c/{token}?list={there}", data={"list": there, "visit": other_visit}).status_code == 200
    assert _on(works, works.list_id) == {"confirmed": 1}
    assert _rows(works, there) == before
    assert client.post(f"/f/{names['there']}/code", data={"visit": visit, "code": code}).status_code == 200
    assert _rows(works, there) == before, "an answered question was taken for another list's"
    assert client.post(f"/c/{told['there'][0]}").status_code == 200
    assert _on(works, there) == {"confirmed": 1}


def _on(works: Works, list_id: int) -> dict[str, int]:
    states = [state for _, state in _rows(works, list_id)]
    return {state: states.count(state) for state in states}


def _rows(works: Works, list_id: int) -> list[tuple[str, str]]:
    def look(session: Session) -> list[tuple[str, str]]:
        rows = session.scalars(select(Subscription).where(Subscription.list_id == list_id)).all()
        return [(repr({key: value for key, value in vars(row).items() if key[0] != "_"}), row.state) for row in rows]

    return works.read(look)


# Another kind


@pytest.fixture
def filled(app: Flask, database: Database) -> routes.Filled:
    """An instance in which everything exists once."""
    return routes.fill(app)


def _kinds(filled: routes.Filled) -> dict[str, str]:
    """Return one live token of each kind, by the part of the address that it belongs to."""
    return {
        prefix: values.get("token") or values["visit"]
        for prefix, values in filled.places
        if ("token" in values or "visit" in values) and not prefix.startswith("/studio")
    }


def _own(rule: str, kinds: dict[str, str]) -> str:
    return kinds[max((prefix for prefix in kinds if rule.startswith(prefix)), key=len)]


def test_case_05_no_token_serves_another_kind(app: Flask, client: FlaskClient, filled: routes.Filled) -> None:
    """Every token of every mail and page, at every address that takes another kind, with every field filled in."""
    kinds, before, tried = _kinds(filled), attack.state(app), 0
    assert len(set(kinds.values())) == len(kinds) - 1, "confirm and not-me share one link; all others have their own"
    for rule, method in routes.rules(app, "GET", "POST"):
        if not {"token", "visit"} & rule.arguments or rule.rule.startswith("/studio"):
            continue
        for foreign in set(kinds.values()) - {_own(rule.rule, kinds)}:
            path = re.sub(r"<(?:token|visit)>", foreign, rule.rule)
            path = re.sub(r"<[^>]+>", _own_name(filled), path)
            answer = client.open(path, method=method, data=WISHES if method == "POST" else None)
            assert answer.status_code == 404, f"{method} {rule.rule}"
            tried += 1
    assert tried > 300
    assert attack.changed(before, attack.state(app)) == set()


def _own_name(filled: routes.Filled) -> str:
    return next(values["public_id"] for prefix, values in filled.places if prefix == "/mine/")


# Case 6


def _spoilt(token: str) -> Iterator[str]:
    """Yield the token with each of its letters changed, cut short, and grown."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, letter in enumerate(token):
        # A neighbour in the alphabet differs in one bit; the last letter may carry bits that mean nothing.
        neighbour = (
            letters[letters.index(letter) ^ 1] if place < len(token) - 1 else letters[letters.index(letter) ^ 32]
        )
        yield token[:place] + neighbour + token[place + 1 :]
    yield from (token[:cut] for cut in range(1, len(token), 5))
    yield from (token[1:], token[::-1], token.swapcase(), token + "A", token * 2)


def _foreign(kind: str, token: str, settings: Settings, folder: Path) -> str:
    """Return what another instance, with keys of its own, would have made for the very same row."""
    purpose = {"/u/": "unsubscribe", "/p/": "preferences", "/w/": "web-view", "/y/": "why"}.get(kind)
    number = signing.read(purpose, token) if purpose else None
    keys.open_folder(folder)
    try:
        if purpose is None:
            return signing.derived("confirmation", "0" * 32)
        assert number is not None
        return signing.token(purpose, number)
    finally:
        keys.open_folder(settings.key_folder)


def test_case_06_spoilt_and_foreign_tokens_are_nobodys(
    app: Flask, client: FlaskClient, filled: routes.Filled, settings: Settings, tmp_path: Path
) -> None:
    """One bit is enough, and the answer, and the work before it, is the one that any random word gets."""
    kinds, before = _kinds(filled), attack.state(app)
    for rule, method in routes.rules(app, "GET", "POST"):
        if not {"token", "visit"} & rule.arguments or rule.rule.startswith("/studio"):
            continue
        own = _own(rule.rule, kinds)
        kind = next(prefix for prefix, token in kinds.items() if token == own)
        wrong = list(_spoilt(own))[:: 1 if rule.rule.count("/") == 2 else 9]
        wrong.append(_foreign(kind, own, settings, tmp_path / "keys-of-another"))
        faces = {_face(app, client, rule.rule, method, filled, token) for token in [*wrong, "A" * len(own)]}
        # A mail shows no broken picture: whatever is asked for, the same pixel comes back.
        status = 200 if rule.endpoint == "opened_page.show" else 404
        assert {face[0] for face in faces} == {status}, f"{method} {rule.rule}"
        assert len(faces) == 1, f"{method} {rule.rule}"
    assert attack.changed(before, attack.state(app)) == set()


def _face(  # noqa: PLR0917 - one request
    app: Flask, client: FlaskClient, rule: str, method: str, filled: routes.Filled, token: str
) -> tuple[object, ...]:
    path = re.sub(r"<[^>]+>", _own_name(filled), re.sub(r"<(?:token|visit)>", token, rule))
    seen: list[tuple[object, ...]] = []
    data = WISHES if method == "POST" else None
    work = attack.statements(app, lambda: seen.append(attack.face(client.open(path, method=method, data=data))))
    return (*seen[0], tuple(work))


# Kind, how long it lives, and whether a POST is what uses it.
LIVES = {"/c/": timedelta(days=7), "/me/": timedelta(hours=1), "/a/": timedelta(days=1), "/mine/": timedelta(hours=1)}


def test_case_06_what_came_too_late_is_like_forged(app: Flask, client: FlaskClient, filled: routes.Filled) -> None:
    kinds, before = _kinds(filled), attack.state(app)
    for kind, lifetime in LIVES.items():
        own = kinds[kind]
        assert client.get(f"{kind}{own}").status_code == 200, "it was not alive, so nothing is tried"
        for rule, method in routes.rules(app, "GET", "POST"):
            if not rule.rule.startswith(kind) or rule.rule.endswith(("/not-me", "/cancel")):
                # Less permission is taken at any time.
                continue
            with time_machine.travel(timedelta(seconds=1) + lifetime):
                late, forged = (_face(app, client, rule.rule, method, filled, token) for token in (own, "A" * len(own)))
            assert late == forged, f"{method} {rule.rule}"
            assert late[0] == 404
    assert attack.changed(before, attack.state(app)) == set()
