"""Templates: whole, used, of their own door, and free of what the content security policy would refuse."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from tests.architecture import source

DOORS = ("public", "studio", "api", "hooks")
ROOT = source.CHECKOUT / "templates"
REFERENCE = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
REFUSED = {
    "an inline style": re.compile(r"""<[^>]*\sstyle\s*=""", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script": re.compile(r"""<script\b(?![^>]*\ssrc=)(?![^>]*type=["']application/json)""", re.IGNORECASE),
    "an event handler": re.compile(r"""<[^>]*\son[a-z]+\s*=""", re.IGNORECASE),
    "a javascript: address": re.compile(r"""=\s*["']?\s*javascript:""", re.IGNORECASE),
    "something from another host": re.compile(
        r"""<(?:link|script|img|iframe|form|source|video|audio|object|embed)\b[^>]*"""
        r"""(?:src|href|action|data|srcset)\s*=\s*["']?(?:https?:)?//""",
        re.IGNORECASE,
    ),
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _text(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


# Mails carry their styles in their elements: mail programs know nothing else. What goes into a proof is a file that
# stands alone, and so carries its own stylesheet; its tests see to it that it asks for nothing else.
PAGES = [path for path in source.templates() if _name(path).partition("/")[0] not in {"mail", "proof"}]


@cache
def _strings(folder: str) -> frozenset[str]:
    return frozenset().union(*(_strings_of(file) for file in source.package() if file.name.startswith(folder)))


@cache
def _strings_of(file: source.Source) -> frozenset[str]:
    nodes = ast.walk(file.tree)
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_there_are_templates() -> None:
    assert {_name(path).partition("/")[0] for path in PAGES} >= {"public", "studio"}


def test_every_template_compiles(app: Flask) -> None:
    for path in source.templates():
        app.jinja_env.get_template(_name(path))


@pytest.mark.parametrize("fault", REFUSED)
def test_nothing_the_policy_would_refuse(fault: str) -> None:
    found = [f"{_name(path)}: {hit.group()[:90]}" for path in PAGES for hit in REFUSED[fault].finditer(_text(path))]
    assert found == []


@pytest.mark.parametrize("door", DOORS)
def test_a_door_shows_its_own_templates(door: str) -> None:
    others = tuple(f"{other}/" for other in DOORS if other != door)
    named = {text for text in _strings(f"listkeeper/web/{door}/") if text.endswith((".html", ".txt"))}
    assert {text for text in named if text.startswith(others)} == set()
    for path in PAGES:
        if _name(path).startswith(f"{door}/"):
            assert [name for name in REFERENCE.findall(_text(path)) if name.startswith(others)] == []


def test_every_template_is_shown_by_somebody() -> None:
    referred = {name for path in source.templates() for name in REFERENCE.findall(_text(path))}
    unused = []
    for path in source.templates():
        door, _, rest = _name(path).partition("/")
        folder = f"listkeeper/web/{door}/" if door in DOORS else "listkeeper/"
        said = _strings(folder) | _strings("listkeeper/web/problems.py")
        names = {_name(path), rest, f"/{rest}", Path(rest).with_suffix("").as_posix(), path.stem}
        if not names & (said | referred):
            unused.append(_name(path))
    assert unused == []


def test_every_page_says_its_language_and_its_width() -> None:
    whole = [path for path in PAGES if "<html" in _text(path)]
    assert whole
    for path in whole:
        assert re.search(r"<html[^>]*\slang=\"\{\{", _text(path)), _name(path)
        assert 'name="viewport"' in _text(path), _name(path)


def test_every_form_that_posts_in_the_studio_carries_its_token() -> None:
    posts = re.compile(r"""method\s*=\s*["']?post""", re.IGNORECASE)
    # The button that stands for RFC 8058 in the practice inbox posts to the public door, as a mail program would.
    # What every form of the composer carries is written once: token, version and name of the change.
    shared = re.search(r"macro hidden.*?endmacro", _text(ROOT / "studio" / "compose_fields.html"), re.DOTALL)
    assert shared
    assert "token()" in shared[0]
    token = re.compile(r"csrf_token|hidden_tag\(|\btoken\(\)|fields\.hidden\(|List-Unsubscribe")
    forms = [
        (_name(path), form)
        for path in PAGES
        if _name(path).startswith("studio/")
        for form in re.findall(r"<form\b.*?</form>", _text(path), re.DOTALL | re.IGNORECASE)
    ]
    assert [f"{name}: {form[:90]}" for name, form in forms if posts.search(form) and not token.search(form)] == []


# Pages on which a script saves a press, and a button does the same without it.
WITH_A_SCRIPT = ["public/one_more_step.html"]


def test_public_pages_need_no_script() -> None:
    scripted = [_name(path) for path in PAGES if _name(path).startswith("public/") and "<script" in _text(path)]
    assert scripted == WITH_A_SCRIPT
    assert all("<button>" in _text(path) for path in PAGES if _name(path) in WITH_A_SCRIPT)


def test_nothing_is_marked_safe_by_hand() -> None:
    """What is HTML already comes as Markup from rendering, which made it safe; a template cannot know."""
    assert [_name(path) for path in PAGES if re.search(r"\|\s*safe\b|autoescape\s+false", _text(path))] == []
