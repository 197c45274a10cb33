"""The program that keeps the catalogues: it finds every sentence, and names what is wrong with a translation."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

from listkeeper.foundation import language

ROOT = Path(__file__).resolve().parents[4]
LANGUAGES = [code for code in language.LANGUAGES if code != language.DEFAULT]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The program ``bin/translations``, as a module."""
    loader = SourceFileLoader("translations", str(ROOT / "bin" / "translations"))
    spec = importlib.util.spec_from_loader("translations", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wanted(tool: ModuleType) -> Catalog:
    """Every sentence of the program."""
    catalogue: Catalog = tool.template()
    return catalogue


def test_the_tool_knows_the_languages_of_the_house(tool: ModuleType) -> None:
    assert list(tool.LANGUAGES) == LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_translation_is_broken_or_older_than_its_source(tool: ModuleType, wanted: Catalog, code: str) -> None:
    faults = list(tool.faults(code, wanted))
    open_ends = [fault for fault in faults if "not translated" in fault]
    assert [fault for fault in faults if fault not in open_ends] == []
    assert len(open_ends) <= len(wanted) / 20, open_ends


@pytest.mark.parametrize(
    ("code", "forms"),
    [
        ("pl", {1: "1 osoba", 2: "2 osoby", 5: "5 osób", 12: "12 osób", 22: "22 osoby", 25: "25 osób"}),
        ("ru", {1: "1 человек ", 2: "2 человека", 5: "5 человек ", 11: "11 человек ", 24: "24 человека"}),
        ("de", {1: "1 Person ", 2: "2 Personen"}),
    ],
)
def test_numbers_take_the_right_form(code: str, forms: dict[int, str]) -> None:
    with language.using(code):
        for number, start in forms.items():
            said = language.counted(
                "%(number)s person on this list gets nothing: not confirmed, or has left.",
                "%(number)s people on this list get nothing: not confirmed, or have left.",
                number,
            )
            assert said.startswith(start)


def test_sentences_are_found_where_they_are_said(tool: ModuleType) -> None:
    source = 'language.text("One.")\nlanguage.counted("%(number)s a", "%(number)s b", 2)\ntext("no")\nx.text("no")'
    assert list(tool.in_python(source)) == ["One.", ("%(number)s a", "%(number)s b")]
    page = b'{{ _("Two %(x)s.", x=1) }}{{ ngettext("%(num)s c", "%(num)s d", 3) }}{{ other("no") }}'
    assert list(tool.in_template(page)) == ["Two %(x)s.", ("%(num)s c", "%(num)s d")]
    with pytest.raises(SyntaxError, match="f-string"):
        list(tool.in_python('language.text(f"Three {x}.")'))


def test_a_fault_in_a_translation_is_named(
    tool: ModuleType, wanted: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    message = "There is no list called “%(name)s”."
    catalogue = tool.renewed("da", wanted)
    catalogue[message].string = "Der er ingen liste, der hedder »%(navn)s«."
    tool.write("da", catalogue)
    faults = [fault for fault in tool.faults("da", wanted) if message in fault]
    assert faults == [f"da: names a place the program does not fill: {message!r}"]
    catalogue[message].string = "Der er ingen liste."
    tool.write("da", catalogue)
    faults = [fault for fault in tool.faults("da", wanted) if message in fault]
    assert faults == [f"da: leaves out a place: {message!r}"]
    tool.po_path("da").with_suffix(".mo").write_bytes(b"old")
    assert any("is older than" in fault for fault in tool.faults("da", wanted))
