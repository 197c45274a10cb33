"""Case 20: who called our mail spam comes back by her own button alone, and is told what she comes back from."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, consent, mailing_list, merging, signup_form, suppression
from listkeeper.audience.consent import GIVING, Circumstances, EventKind, Method
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import planning
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, exports, programs
from tests.makers.cafe import Cafe
from tests.makers.imports import PROVEN, Court
from tests.makers.own import Guest, words
from tests.makers.studio import StudioBrowser
from tests.makers.works import HER, SITE, Works, here, writing

OTHER = "bo@guest.example"
# What would have to change for her to be mailed.
HOLDING = ("subscription", "suppression")


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody who was on the list, and complained; another person stays on it."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    works.write(lambda session, house: cafe.subscribe(session, house, OTHER))
    works.write(lambda session, _house: complaint.complain(session, guest.person(session).id))
    works.work(Lane.URGENT, 2)
    return guest


def _holding(her: Guest) -> dict[str, list[str]]:
    found = attack.state(her.works.app)
    return {name: found[name] for name in HOLDING}


def _file(her: Guest, folder: Path) -> Path:
    """Write the file of another tool, in which she is active and confirmed a moment ago."""
    moment = clock.now() - timedelta(minutes=5)
    cells = {"Email": HER, "Status": "subscribed", "OPTIN_TIME": f"{moment:%Y-%m-%d %H:%M:%S}"}
    cells["CONFIRM_TIME"] = f"{moment + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
    return exports.write(folder / "people.csv", exports.table(list(cells), [cells]))


def _by_form(her: Guest, _folder: Path, _settings: Settings) -> None:
    """Type her address, by anybody: a form that nobody confirms raises nothing."""
    for spelling in (HER, HER.upper(), f" {HER} "):
        assert her.client.post("/f/news", data={"email": spelling}).status_code == 200
    her.works.work(Lane.URGENT, 2)


def _by_import(her: Guest, folder: Path, settings: Settings) -> None:
    file = _file(her, folder)
    court = Court(her.works.app, folder, her.works.list_id)
    assert court.load(file, PROVEN).counts["suppressed"] == 1
    claims = [
        "--basis", "consent", "--origin", "https://cafe.example", "--method", "form", "--text", "News once a month.",
        "--attest", "She told me that she did not mean it.", "--last-letter", "2026-11-01", "--no-opt-outs-file",
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        said = typed.typing(patch, settings)("import", str(file), "--list", "news", *claims, "--json")
    assert said.code == 0, said


def _by_program(her: Guest, _folder: Path, _settings: Settings) -> None:
    shop = programs.program(her.works.app)
    form = her.works.read(lambda session: Court.house(session).form.public_id)
    person = her.works.read(lambda session: her.person(session).public_id)
    list_id = her.works.read(lambda session: Court.house(session).mailing_list.public_id)
    assert shop.post("/signups", {"form": form, "address": HER}).status_code == 202
    wish = {"list": list_id, "state": "confirmed", "basis": "consent", "address": HER, "reason": "unsub"}
    for path in (f"/subscribers/{person}", f"/subscribers/{person}/subscriptions", "/subscribers", "/suppressions"):
        for method in ("PUT", "PATCH", "DELETE", "POST"):
            answer = shop.client.open(f"{programs.NOW}{path}", method=method, json=wish, headers=shop.headers)
            assert answer.status_code in {404, 405, 422}, f"{method} {path}"
    assert shop.post(f"/subscribers/{person}/unsubscriptions", {"list": list_id}).status_code == 200
    her.works.work(Lane.URGENT, 2)


def _by_operator(her: Guest, _folder: Path, settings: Settings) -> None:
    person = her.works.read(lambda session: her.person(session).public_id)
    with pytest.MonkeyPatch.context() as patch:
        type_ = typed.typing(patch, settings)
        for line in (["restrict", HER], ["restrict", HER, "--end"], ["leave", HER, "--list", "news"]):
            assert type_("subscriber", *line, "--json").code == 0
        for line in (["subscribe", HER], ["confirm", HER], ["add", HER, "--list", "news"]):
            assert type_("subscriber", *line).code != 0
    browser = StudioBrowser(her.works.app)
    assert browser.enter().status_code == 303
    wish = {"state": "confirmed", "email": HER, "address": HER, "list": "news", "reason": "mistake", "sure": "yes"}
    paths = [rule.rule for rule in her.works.app.url_map.iter_rules() if "POST" in (rule.methods or set())]
    tried = [path for path in paths if path.startswith("/studio/people/") and not path.endswith(("/erase", "/proof"))]
    for path in tried:
        assert browser.post(path.replace("<public_id>", person), wish).status_code < 500
    for path in ("subscribe", "confirm", "unsuppress", "resubscribe"):
        assert browser.post(f"/studio/people/{person}/{path}", wish).status_code in {404, 405}
    assert browser.client.delete("/studio/permissions/never").status_code in {400, 403, 404, 405}


def test_case_20_nobody_else_brings_her_back(her: Guest, tmp_path: Path, settings: Settings) -> None:
    before, given = _holding(her), attack.events(her.works.app, "consent.given")
    assert any("COMPLAINT" in row for row in before["suppression"])
    for door in (_by_form, _by_import, _by_program, _by_operator):
        door(her, tmp_path, settings)
        # One may hold her back by one reason more; none of those that hold is lifted, shortened or rewritten.
        assert set(_holding(her)["suppression"]) >= set(before["suppression"])
        assert attack.standing(her.works.app, her.works.list_id)[HER] == "complained"
        assert attack.events(her.works.app, "consent.given") == given
    her.works.start()
    her.works.drain()
    assert [kept for kept in her.sink.to(HER) if kept.message["List-Unsubscribe"]] == []
    assert len([kept for kept in her.sink.to(OTHER) if kept.message["List-Unsubscribe"]]) == 1


def test_case_20_merging_lists_does_not_either(her: Guest) -> None:
    """She joins another list anew; the owner then makes the two one: she has left both, or stays where she said yes."""
    with writing(her.works.app) as session:
        house = here(session)
        club = mailing_list.create(session, house.organisation, name="Bread club")
        form = signup_form.create(session, house.organisation, club)
        cafe.subscribe(session, Cafe(house.organisation, house.owner, club, form), HER)
        merging.merge(session, house.organisation, club, house.mailing_list, actor="cli")
        letter = cafe.draft(session, house)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
    assert attack.standing(her.works.app, her.works.list_id) == {HER: "complained", OTHER: "confirmed"}
    her.works.drain()
    assert [kept for kept in her.sink.to(HER) if kept.message["List-Unsubscribe"]] == []
    assert len([kept for kept in her.sink.to(OTHER) if kept.message["List-Unsubscribe"]]) == 1


def test_case_20_no_act_of_anybody_else_can_be_written_down_as_consent(her: Guest) -> None:
    before = attack.state(her.works.app)
    for method in sorted(set(Method) - GIVING):
        for kind in (EventKind.GIVEN, EventKind.RENEWED):
            with pytest.raises(Conflict):
                her.works.write(partial(_give, her, method, kind))
    assert attack.state(her.works.app) == before


def _give(her: Guest, method: Method, kind: EventKind, session: Session, house: Cafe) -> None:
    consent.record(session, her.person(session), house.mailing_list.id, kind, method, Circumstances())


def test_case_20_she_comes_back_herself_and_knows_from_what(frozen_clock: time_machine.Traveller, her: Guest) -> None:
    # The mail that asked her the first time counts for the brake of that day, so she comes two days later.
    frozen_clock.shift(timedelta(days=2))
    her.client.post("/f/news", data={"email": HER})
    her.works.work(Lane.URGENT, 2)
    before = _holding(her)
    link = her.links()["c"]
    page = her.client.get(link)
    assert "has reported an e-mail of Café Kardemomme as spam before" in words(page)
    [button] = re.findall(r"<button>([^<]+)</button>", page.text)
    assert "although I reported it as spam" in button
    assert _holding(her) == before
    assert her.client.post(link).status_code == 200
    assert attack.standing(her.works.app, her.works.list_id)[HER] == "confirmed"
    told = her.works.read(lambda session: attack.newest(session, "consent.given"))
    assert (told["actor"], told["method"]) == ("subscriber", "button")
    assert dict(told["details"])["after_complaint"] == 1  # type: ignore[call-overload]
    reasons = her.works.read(lambda session: [row.reason for row in _reasons(session, her)])
    assert Reason.COMPLAINT not in reasons
    her.works.start()
    her.works.drain()
    assert len([kept for kept in her.sink.to(HER) if kept.message["List-Unsubscribe"]]) == 1


def _reasons(session: Session, her: Guest) -> list[suppression.Suppression]:
    person = her.person(session)
    return suppression.reasons(session, person.organisation_id, person.suppression_key)
