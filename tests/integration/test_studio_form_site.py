"""The studio's page "Put it on your site": what to paste, a page to try it on, and the sites that may show it."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import signup_form
from listkeeper.rendering import form_snippet
from listkeeper.rendering.form_snippet import Snippet
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.makers import cafe, programs, studio
from tests.makers.studio import StudioBrowser


@pytest.fixture
def form(app: Flask) -> str:
    """A café's form, by its public id."""
    with app.app_context(), store.transaction() as session:
        return cafe.found(session).form.public_id


@pytest.fixture
def owner(app: Flask, form: str) -> StudioBrowser:
    """The owner, signed in."""
    return studio.signed_in(app)


@pytest.fixture
def snippets(app: Flask, form: str) -> dict[str, str]:
    """What is to be pasted, as the code behind all of them draws it."""
    with app.app_context(), store.reading() as session:
        return form_snippet.all_of(signup_form.shown(session, "news"), "http://localhost:8025")


def test_every_way_shows_and_copies_the_same(owner: StudioBrowser, form: str, snippets: dict[str, str]) -> None:
    page = owner.get(f"/studio/forms/{form}")
    assert f'href="/studio/forms/{form}/site"' in page.text
    for kind, pasted in snippets.items():
        page = owner.get(f"/studio/forms/{form}/site?shape={kind}")
        assert page.status_code == 200
        [shown] = re.findall(r"<pre class=\"plain pasted\"><code>(.*?)</code>", page.text, re.DOTALL)[:1]
        assert html.unescape(shown) == pasted
        assert pasted in map(html.unescape, re.findall(r'<lk-copy text="([^"]*)"', page.text))
    guides = owner.get(f"/studio/forms/{form}/site?shape=guides")
    for name in ("WordPress", "Shopify", "Wix", "Squarespace"):
        assert f"<h3>{name}</h3>" in guides.text
    assert owner.get(f"/studio/forms/{form}/site?shape=nonsense").status_code == 200


def test_the_page_to_try_it_on_is_foreign_and_lets_in_nothing_but_the_form(
    owner: StudioBrowser, form: str, snippets: dict[str, str]
) -> None:
    for kind in (Snippet.HTML, Snippet.COMPONENT, Snippet.FRAME):
        page = owner.get(f"/studio/forms/{form}/try/{kind.value}")
        assert page.status_code == 200
        assert snippets[kind.value] in page.text
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox allow-forms allow-scripts ") is (kind is not Snippet.FRAME)
        assert "allow-same-origin" not in policy
        assert "script-src http://localhost:8025;" in policy
        assert ("Cross-Origin-Opener-Policy" in page.headers) is (kind is Snippet.FRAME)
    assert owner.get(f"/studio/forms/{form}/try/nonsense").status_code == 404
    stranger = owner.app.test_client()
    assert stranger.get(f"/studio/forms/{form}/try/html").status_code in {302, 303}


def test_sites_are_named_whole_or_not_at_all(app: Flask, owner: StudioBrowser, form: str) -> None:
    place = f"/studio/forms/{form}/site?shape=frame"
    wrong = owner.post(place, {"sites": "https://cafe.example\nhttp://shop.example"})
    assert wrong.status_code == 422
    assert "must begin with https://" in wrong.text
    assert ">https://cafe.example\nhttp://shop.example</textarea>" in wrong.text
    assert _allowed(app) is None
    assert owner.post(place, {"sites": "Café.example/menu www.cafe.example"}).status_code == 303
    assert _allowed(app) == ["https://xn--caf-dma.example", "https://www.cafe.example"]
    page = owner.get(place)
    assert ">https://xn--caf-dma.example\nhttps://www.cafe.example</textarea>" in page.text
    assert "sandbox" not in owner.get(f"/studio/forms/{form}/try/frame").headers["Content-Security-Policy"]
    assert owner.post(place, {"sites": ""}).status_code == 303
    assert _allowed(app) is None
    with app.app_context(), store.reading() as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "form.sites_chosen")).all()
        assert len(acts) == 2


def _allowed(app: Flask) -> list[str] | None:
    with app.app_context(), store.reading() as session:
        return signup_form.shown(session, "news").form.allowed_origins


def test_a_closed_form_says_so_before_it_is_pasted(app: Flask, owner: StudioBrowser, form: str) -> None:
    with app.app_context(), store.transaction() as session:
        signup_form.close(signup_form.shown(session, "news").form)
    assert "This form is closed." in owner.get(f"/studio/forms/{form}/site").text


def test_programs_and_commands_get_the_same(
    app: Flask, form: str, snippets: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = programs.program(app)
    told = program.get(f"/forms/{form}").json or {}
    assert told["snippets"] == snippets
    assert (told["id"], told["allowed_origins"]) == (form, [])
    assert program.get("/forms/frm_nobody").status_code == 404
    type_ = typed.typing(monkeypatch, settings)
    for kind, pasted in snippets.items():
        assert type_("form", "snippet", form, "--shape", kind, "--json").json["snippet"] == pasted
        assert type_("form", "snippet", form, "--shape", kind).out == f"{pasted}\n"
    named = type_("form", "sites", form, "--allow", "cafe.example", "--allow", "http://localhost:3000", "--json").json
    assert named == {"id": form, "allowed_origins": ["https://cafe.example", "http://localhost:3000"]}
    assert type_("form", "sites", form, "--allow", "http://cafe.example").code == 10
    assert (program.get(f"/forms/{form}").json or {})["allowed_origins"] == named["allowed_origins"]
    assert type_("form", "sites", form, "--any", "--json").json["allowed_origins"] == []
