"""Who reads where, what she is told to do there, in every language; and the drawings beside it are only drawings."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from listkeeper.foundation import language
from listkeeper.rendering import inbox_help, primary_tab
from listkeeper.rendering.inbox_help import Program
from listkeeper.web import asset

_HELP = Path(asset.__file__).parent / "static" / "help"
_PICTURES = [f"{program}-{device}" for program in Program for device in ("phone", "computer")]
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 Version/18.4 Mobile Safari/604.1"
_INSTAGRAM = f"{_IPHONE} Instagram 370.0.0.28 (iPhone15,2; iOS 18_4; da_DK)"


@pytest.mark.parametrize(
    ("address", "program"),
    [
        ("a@gmail.com", Program.GMAIL),
        ("A@GoogleMail.com", Program.GMAIL),
        ("a@icloud.com", Program.APPLE),
        ("a@me.com", Program.APPLE),
        ("a@mac.com", Program.APPLE),
        ("a@outlook.com", Program.OUTLOOK),
        ("a@outlook.dk", Program.OUTLOOK),
        ("a@hotmail.co.uk", Program.OUTLOOK),
        ("a@live.se", Program.OUTLOOK),
        ("a@MSN.com", Program.OUTLOOK),
        ("a@shop.example", None),
        ("a@live.com.evil.example", None),
        ("a@notoutlook.com", None),
        ("a@me.com.example", None),
        ("outlook.com", Program.OUTLOOK),
        ("", None),
    ],
)
def test_the_domain_says_where_mail_is_read(address: str, program: Program | None) -> None:
    assert inbox_help.of_address(address) is program


@pytest.mark.parametrize(
    ("browser", "program"),
    [
        (_IPHONE, Program.APPLE),
        (_INSTAGRAM, Program.APPLE),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", Program.APPLE),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 8)", Program.GMAIL),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Program.OUTLOOK),
        ("", Program.GMAIL),
        ("\x00'\"><script>", Program.GMAIL),
    ],
)
def test_a_browser_lets_guess_where(browser: str, program: Program) -> None:
    assert inbox_help.likely(browser) is program


@pytest.mark.parametrize("code", language.LANGUAGES)
@pytest.mark.parametrize("program", Program)
def test_every_program_is_explained_in_every_language(code: str, program: Program) -> None:
    told = inbox_help.of(program, code)
    assert [on.device for on in told.devices] == ["phone", "computer"]
    for on in told.devices:
        assert 2 <= len(on.steps) <= 3
        assert not re.search(r"[{}]", "".join((*on.steps, on.alt)))
        assert on.alt.endswith(".")
        assert (_HELP / f"{on.picture}.svg").is_file()
    said = " ".join(step for on in told.devices for step in on.steps)
    # The place is named by its label, and by the English word where it is another.
    assert inbox_help.label_of(program, code)[0] in said
    assert {"gmail": "Primary", "apple": "Primary", "outlook": "Focused"}[program.value] in said or code == "en"


@pytest.mark.parametrize("program", Program)
def test_no_language_borrows_the_words_of_another(program: Program) -> None:
    said = {inbox_help.of(program, code).devices for code in language.LANGUAGES}
    assert len(said) == len(language.LANGUAGES)


def test_an_unknown_language_gets_english() -> None:
    assert inbox_help.of(Program.GMAIL, "fi") == inbox_help.of(Program.GMAIL, "en")


def test_labels_have_their_evidence_and_gmails_are_those_of_the_letters() -> None:
    for program in (Program.APPLE, Program.OUTLOOK):
        for code, label in inbox_help.labels(program).items():
            assert code in language.LANGUAGES
            assert label["name"]
            assert label["evidence"]
            assert isinstance(label["verified"], bool)
    for code in language.LANGUAGES:
        assert primary_tab.LABELS[code].primary in " ".join(inbox_help.of(Program.GMAIL, code).devices[1].steps)


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_nothing_is_promised(code: str) -> None:
    words = " ".join(step for told in inbox_help.every(code) for on in told.devices for step in on.steps).lower()
    for promise in ("guarante", "garant", "always land", "never miss", "altid lande", "immer im posteingang", "гарант"):
        assert promise not in words


@pytest.mark.parametrize("name", _PICTURES)
def test_a_picture_is_a_few_light_shapes_without_words_or_code(name: str) -> None:
    raw = (_HELP / f"{name}.svg").read_bytes()
    assert len(raw) < 2500
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(raw).iter()}  # noqa: S314 - our own files
    # No text (it would be in one language), no script, no style (the policy allows none), nothing from elsewhere.
    assert tags <= {"svg", "rect", "circle", "path"}
    assert b"href" not in raw
    assert b"style" not in raw


def test_no_picture_lies_there_that_nobody_shows() -> None:
    assert {path.name for path in _HELP.iterdir()} == {f"{name}.svg" for name in _PICTURES}
