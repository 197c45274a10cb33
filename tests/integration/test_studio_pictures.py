"""The studio's pictures: brought by a form or by the composer's script, said in words, shown to everybody, deleted."""

from __future__ import annotations

import gc
import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns import picture
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.makers import cafe, pictures, studio
from tests.makers.studio import StudioBrowser, words

HEAVY = 40 * 1024 * 1024


class Upload(io.RawIOBase):
    """A file on its way that never ends, and how much of it was read."""

    def __init__(self) -> None:
        self.begins = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n'
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401 - any buffer
        room[:] = self.begins.ljust(len(room), b"\0")[: len(room)]
        self.begins = self.begins[len(room) :]
        self.taken += len(room)
        return len(room)

    def sent_by(self, browser: StudioBrowser, headers: dict[str, str], **environment: Any) -> TestResponse:  # noqa: ANN401
        """Send it, as a server hands it on that says of it what the environment does."""
        form = {"wsgi.input": self, "CONTENT_TYPE": "multipart/form-data; boundary=x"} | environment
        return browser.client.post("/studio/pictures", headers=headers, environ_overrides=form)


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _script(owner: StudioBrowser) -> dict[str, str]:
    """Return the headers with which the composer's script asks."""
    return {"Accept": "application/json", "X-CSRFToken": owner.token()}


def _brought(owner: StudioBrowser, raw: bytes, name: str = "buns.jpg") -> TestResponse:
    data = {"picture": (io.BytesIO(raw), name)}
    return owner.client.post("/studio/pictures", data=data, headers=_script(owner))


def test_the_script_gets_what_it_puts_into_the_letter(app: Flask, owner: StudioBrowser, settings: Settings) -> None:
    exif = pictures.whereabouts(pictures.HELD_SIDEWAYS)
    answer = _brought(owner, pictures.written(pictures.scene(), "JPEG", exif=exif), "Our oven.jpg")
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    assert {name: told[name] for name in ("width", "height", "alt", "title", "note")} == {
        "width": 300, "height": 400, "alt": "", "title": "Our oven.jpg", "note": "",
    }  # fmt: skip
    with owner.get(told["src"]) as served:
        assert pictures.opened(served.data).size == (300, 400)
        assert len(served.data) == told["size"]
        assert b"Somebody" not in served.data
    with app.app_context(), store.reading() as session:
        kept = picture.identified(session, organisation.only_one(session), told["id"])
        assert (settings.data_folder / "media" / kept.name).is_file()
        assert session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "picture.added")).all() == [
            told["id"]
        ]


def test_everybody_gets_it_and_keeps_it_for_ever(app: Flask, owner: StudioBrowser) -> None:
    raw = {"png": pictures.written(pictures.drawing(), "PNG"), "gif": pictures.moving()}
    for ending, content in raw.items():
        place = _brought(owner, content).get_json()["src"]
        assert place.endswith(f".{ending}")
        with app.test_client().get(place) as served:
            assert (served.status_code, served.content_type) == (200, f"image/{ending}")
            assert {name: served.headers[name] for name in _HEADERS} == _HEADERS
            assert "Set-Cookie" not in served.headers
            known = served.headers["ETag"]
        with app.test_client().get(place, headers={"If-None-Match": known}) as known_already:
            assert known_already.status_code == 304
    for place in ("/media/../listkeeper.db", "/media/nothing.png", "/media/.hidden.png", "/media/a.svg"):
        assert app.test_client().get(place).status_code == 404


_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def test_forty_megabytes_are_refused_by_their_length_with_the_reason(owner: StudioBrowser) -> None:
    upload = Upload()
    answer = upload.sent_by(owner, _script(owner), CONTENT_LENGTH=str(HEAVY))
    assert (answer.status_code, answer.content_type, upload.taken) == (413, "application/problem+json", 0)
    told = answer.get_json()
    assert (told["code"], told["status"]) == ("picture_too_heavy", 413)
    upload = Upload()
    answer = upload.sent_by(owner, {"Accept": "text/html"}, CONTENT_LENGTH=str(HEAVY))
    assert (answer.status_code, answer.mimetype, upload.taken) == (413, "text/html", 0)
    for said in (told["detail"], words(answer)):
        assert "15 MB is the most" in said
        assert "1200 pixels" in said


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_what_comes_without_its_length_ends_where_the_limit_is(owner: StudioBrowser) -> None:
    upload = Upload()
    answer = upload.sent_by(owner, _script(owner), **{"wsgi.input_terminated": True})
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert 0 < upload.taken < 16 * 1024 * 1024
    # Werkzeug leaves the half of a file to Python's own tidying.
    gc.collect()


def test_a_picture_that_is_none_is_refused_with_the_reason(owner: StudioBrowser, settings: Settings) -> None:
    answer = _brought(owner, b"<svg onload='alert(1)'/>", "x.png")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert (answer.get_json()["code"], "PNG" in answer.get_json()["detail"]) == ("picture_svg", True)
    assert _brought(owner, pictures.bomb(60_000, 60_000)).get_json()["code"] == "picture_too_many_pixels"
    assert owner.client.post("/studio/pictures", headers=_script(owner)).get_json()["code"] == "no_file"
    answer = owner.post("/studio/pictures", {"picture": (io.BytesIO(b"hello"), "x.png")})
    assert (answer.status_code, "choose a JPEG or PNG" in words(answer)) == (422, True)
    assert not list((settings.data_folder / "media").glob("*"))


def test_who_is_signed_out_is_told_so(app: Flask, owner: StudioBrowser) -> None:
    stranger = StudioBrowser(app)
    stranger.token()
    for length in (9 * 1024 * 1024, HEAVY):
        answer = Upload().sent_by(stranger, _script(stranger), CONTENT_LENGTH=str(length))
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (403, "signed_out")
    assert _brought(stranger, b"x").get_json()["code"] == "signed_out"


def test_the_whole_way_without_a_script(owner: StudioBrowser, settings: Settings) -> None:
    assert "No pictures yet" in words(owner.get("/studio/pictures"))
    raw = pictures.written(pictures.drawing(), "PNG")
    answer = owner.post("/studio/pictures", {"picture": (io.BytesIO(raw), "two buns<b>.png")})
    assert answer.status_code == 303
    page = owner.get(answer.location)
    assert "two buns<b>.png" in words(page)
    assert "<b>" not in page.text
    place = page.text.partition('src="/media/')[2].partition('"')[0]
    assert f'text="http://localhost:8025/media/{place}"' in page.text
    name = page.text.partition('<li id="')[2].partition('"')[0]
    assert owner.post(f"/studio/pictures/{name}/words", {"alt": "Two buns"}).status_code == 303
    assert 'alt="Two buns"' in owner.get("/studio/pictures").text
    assert owner.post(f"/studio/pictures/{name}/words", {"alt": "x" * 501}).status_code == 422
    pick = owner.get("/studio/pictures?pick=1").text
    for said in (f'data-src="/media/{place}"', 'data-width="200"', 'data-height="100"', 'data-alt="Two buns"'):
        assert said in pick
    assert "<html" not in pick
    assert owner.post(f"/studio/pictures/{name}/remove").status_code == 303
    assert owner.post(f"/studio/pictures/{name}/remove").status_code == 404
    assert not (settings.data_folder / "media" / place).exists()


def test_a_picture_in_a_letter_is_not_deleted(app: Flask, owner: StudioBrowser) -> None:
    told = _brought(owner, pictures.written(pictures.drawing(), "PNG")).get_json()
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        cafe.draft(session, house, subject="Buns", markdown=f"![Buns]({told['src']})")
    answer = owner.post(f"/studio/pictures/{told['id']}/remove")
    assert (answer.status_code, "stands in “Buns”" in words(answer)) == (409, True)
    assert told["id"] in owner.get("/studio/pictures").text


def test_what_moved_and_was_too_heavy_is_told(owner: StudioBrowser) -> None:
    wide = pictures.moving(1300, 20)
    assert "first moment" in _brought(owner, wide, "a.gif").get_json()["note"]
    answer = owner.post("/studio/pictures", {"picture": (io.BytesIO(wide), "a.gif")}, follow_redirects=True)
    assert "first moment" in words(answer)


def test_many_pictures_are_pages(app: Flask, owner: StudioBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listkeeper.web.studio.pictures._ON_A_PAGE", 2)
    for number in range(3):
        _brought(owner, pictures.written(pictures.drawing(100 + number), "PNG"), f"number-{number}.png")
    first, second = owner.get("/studio/pictures").text, owner.get("/studio/pictures?page=2").text
    assert ("number-2" in first, "number-1" in first, "number-0" in first) == (True, True, False)
    assert ("number-2" in second, "number-0" in second) == (False, True)
    assert "page=2" in first
    for odd in ("0", "-3", "x", "99999999999999999999"):
        assert owner.get(f"/studio/pictures?page={odd}").status_code == 200
