"""The studio's page about what a channel earns: filled in, worked out, kept, printed, and never a traceback."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import source, source_cost
from listkeeper.audience.source import Channel
from listkeeper.audience.source_cost import CostPer
from listkeeper.foundation import clock
from listkeeper.insight.profit_scenario import ProfitScenario
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

_HERE = "/studio/channels/profit/"
_FIELDS = ("people", "mailings", "piece_cost", "fixed_cost", "response", "conversion", "contribution", "decay")
_PRINT = ("Direct mail", "10.000", "1", "6,25", "12.500", "1,5", "40", "487,35", "0")
_MAIL = ("Permission e-mail", "2.400", "6", "0,0125", "3.600", "8,5", "12", "487,35", "1,5")
TYPED = {
    "channels": "2", "currency": "DKK", "overlap": "0", "synergy": "0",
    **{f"0.{name}": said for name, said in zip(("name", *_FIELDS), _PRINT, strict=True)},
    **{f"1.{name}": said for name, said in zip(("name", *_FIELDS), _MAIL, strict=True)},
}  # fmt: skip


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """A Danish owner of a café with two readers and a link that costs money."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session, spoken="en")
        for name in ("anna", "bo"):
            cafe.subscribe(session, house, f"{name}@people.example")
        till = source.create(session, house.form, name="Till", channel=Channel.TILL)
        source_cost.add(
            session, house.organisation, till, written="250", currency="DKK", per=CostPer.ONCE,
            starts_on=clock.now().date(),
        )  # fmt: skip
    found = studio.signed_in(app)
    found.get(_HERE)
    return found


def test_what_is_known_is_filled_in_and_says_where_it_comes_from(browser: StudioBrowser) -> None:
    page = browser.get(_HERE)
    said = words(page)
    assert page.text.count('value="2"') >= 2
    assert "Whom a letter would reach today." in said
    assert "As many as your letters go to" in said
    assert "What your links have cost so far." in said
    assert 'value="250"' in page.text
    # What nobody can know stays empty, and nothing is worked out of it.
    assert "Fill in the empty fields to see what comes of “Direct mail” and “Permission e-mail”." in said
    assert "NaN" not in page.text
    assert _HERE in browser.get("/studio/channels").text


def test_the_owners_two_columns_are_worked_out_without_script(browser: StudioBrowser) -> None:
    shown = browser.post(_HERE, {**TYPED, "act": "recount"})
    assert shown.status_code == 200
    said = words(shown)
    assert "the most is earned by “Permission e-mail”: DKK 65,169.02 in all." in said.replace("\u00a0", " ")
    assert "19,410.02" in said
    assert "45,759.00" in said
    assert 'aria-invalid="true"' not in shown.text
    with browser.app.app_context(), store.reading() as session:
        assert session.scalars(select(ProfitScenario)).all() == []


def test_script_gets_the_figures_alone(browser: StudioBrowser) -> None:
    part = browser.post(_HERE, TYPED, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert 'id="result"' in part.text
    assert "65,169.02" in part.text
    wrong = browser.post(_HERE, {**TYPED, "1.response": "lots"}, headers={"HX-Request": "true"})
    assert wrong.status_code == 200
    assert "Fill in the empty fields to see what comes of “Permission e-mail”." in words(wrong)


def test_channels_come_and_go(browser: StudioBrowser) -> None:
    more = browser.post(_HERE, {**TYPED, "act": "add"})
    assert "Another channel" in more.text
    assert 'name="2.people"' in more.text
    less = browser.post(_HERE, {**TYPED, "act": "remove-0"})
    assert 'name="1.people"' not in less.text
    assert 'value="Permission e-mail"' in less.text
    assert "DKK 65,169.02 is left by “Permission e-mail”." in words(less).replace("\u00a0", " ")
    alone = {name: said for name, said in TYPED.items() if not name.startswith("1.")} | {"channels": "1"}
    assert 'name="0.people"' in browser.post(_HERE, {**alone, "act": "remove-0"}).text
    for act in ("remove-99", "remove-x", "nonsense"):
        assert 'name="1.people"' in browser.post(_HERE, {**TYPED, "act": act}).text
    full = browser.post(_HERE, {**TYPED, "channels": "6", "act": "add"})
    assert 'name="5.people"' in full.text
    assert 'name="6.people"' not in full.text


def _save(browser: StudioBrowser, name: str = "Jul 2026") -> str:
    answer = browser.post(_HERE, {**TYPED, "name": name, "act": "save"})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def test_a_calculation_is_kept_changed_copied_and_deleted(browser: StudioBrowser) -> None:
    place = _save(browser)
    shown = browser.get(place)
    assert "Jul 2026" in words(shown)
    assert 'value="0.0125"' in shown.text
    changed = {**TYPED, "name": "Jul", "version": "1", "act": "save", "0.piece_cost": "1"}
    assert browser.post(place, changed).status_code == 303
    # Somebody else still looks at the first version.
    stale = browser.post(place, {**changed, "name": "Mine", "0.piece_cost": "2"})
    assert stale.status_code == 422
    assert "Somebody changed this calculation meanwhile." in words(stale)
    assert 'value="Mine"' in stale.text
    as_new = browser.post(place, {**changed, "name": "Mine", "act": "save_new"})
    assert as_new.status_code == 303
    assert as_new.location != place
    copied = browser.post(f"{place}/copy")
    assert "Copy of Jul" in words(browser.get(str(copied.location)))
    assert browser.post(f"{place}/delete").status_code == 303
    assert browser.get(place).status_code == 404
    with browser.app.app_context(), store.reading() as session:
        assert sorted(session.scalars(select(ProfitScenario.name))) == ["Copy of Jul", "Mine"]
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("profit")).order_by(AuditEntry.id)
        )
        assert acts.all() == ["profit.saved", "profit.changed", "profit.saved", "profit.saved", "profit.deleted"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"0.response": "101"}, "A share lies between 0 and 100 per cent."),
        ({"0.people": "NaN"}, "Please write a number in digits"),
        ({"1.piece_cost": "-1"}, "This cannot be less than nothing."),
        ({"1.decay": "1e308"}, "Please write a number in digits"),
        ({"synergy": "-101"}, "Please choose between -100 and 1000 per cent."),
        ({"name": ""}, "Please give the calculation a name"),
        ({"name": "x" * 81}, "Please shorten the name to one line."),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_is_saved(
    browser: StudioBrowser, change: dict[str, str], sentence: str
) -> None:
    answer = browser.post(_HERE, {**TYPED, "name": "Jul", "act": "save", **change})
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert "Traceback" not in answer.text
    with browser.app.app_context(), store.reading() as session:
        assert session.scalars(select(ProfitScenario)).all() == []


def test_hostile_posts_break_nothing(browser: StudioBrowser) -> None:
    for change in (
        {"channels": "-1"}, {"channels": "999999999999"}, {"channels": "x"}, {"currency": "XXX"}, {"currency": "<b>"},
        {"0.name": "<script>alert(1)</script>"}, {"0.name": "\x00\x07"}, {"0.people": "9" * 5000}, {"version": "x"},
        {"0.people": "0", "1.people": "1"}, {"0.mailings": "120", "0.decay": "0.000001"},
    ):  # fmt: skip
        answer = browser.post(_HERE, {**TYPED, **change})
        assert answer.status_code in {200, 422}, change
        assert "<script>alert" not in answer.text
        assert "NaN" not in answer.text
    for path in ("prf_no", "prf_no/sheet.pdf", "prf_no/sheet.csv", "%00", "..%2f"):
        assert browser.get(f"{_HERE}{path}").status_code in {404, 308}
    assert browser.post(f"{_HERE}prf_no/delete").status_code == 404


def test_the_paper_holds_the_letters_of_our_languages_and_all_numbers(browser: StudioBrowser) -> None:
    place = _save(browser, "Jul i Ålborg, święta, Рождество")
    answer = browser.get(f"{place}/sheet.pdf")
    assert answer.content_type == "application/pdf"
    [sheet] = PdfReader(io.BytesIO(answer.data)).pages
    said = " ".join(sheet.extract_text().split())
    for part in (
        "Jul i Ålborg, święta, Рождество", "Direct mail", "Permission e-mail", "65,169.02", "-DKK 45,759.00",
        "19,410.02", "What goes in", "What comes of it", "0.0125 DKK",
    ):  # fmt: skip
        assert part in said.replace("\u00a0", " "), part
    assert PdfReader(io.BytesIO(answer.data)).metadata.title == "Jul i Ålborg, święta, Рождество"  # type: ignore[union-attr]
    assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]
    assert browser.get(f"{place}/sheet.pdf").data == answer.data


def test_six_channels_fit_on_a_sheet_that_is_turned(browser: StudioBrowser) -> None:
    six = {"channels": "6", "currency": "DKK", "name": "Six", "act": "save", "overlap": "10", "synergy": "5"}
    six |= {f"{n}.{name}": said for n in range(6) for name, said in zip(("name", *_FIELDS), _MAIL, strict=True)}
    place = str(browser.post(_HERE, six).location)
    pages = PdfReader(io.BytesIO(browser.get(f"{place}/sheet.pdf").data)).pages
    assert all(float(page.mediabox[2]) > float(page.mediabox[3]) for page in pages)
    assert len(pages) <= 2
    said = " ".join(page.extract_text() for page in pages)
    assert said.count("65,169.02") >= 6


def test_a_spreadsheet_gets_the_same_and_runs_nothing(browser: StudioBrowser) -> None:
    place = str(browser.post(_HERE, {**TYPED, "name": "x", "act": "save", "0.name": "=1+1"}).location)
    answer = browser.get(f"{place}/sheet.csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["", "'=1+1", "Permission e-mail", "All together"]
    found = {row[0]: row[1:] for row in rows[1:]}
    assert [cell.replace("\u00a0", " ") for cell in found["Profit"]] == [
        "'-DKK 45,759.00", "DKK 65,169.02", "DKK 19,410.02",
    ]  # fmt: skip
