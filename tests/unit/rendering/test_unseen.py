"""What nobody sees in a counted copy: no word, no room and no key leads to it, and it stands in no text part."""

from __future__ import annotations

import lxml.html
import pytest

from listkeeper.rendering import compiled, filling, unseen
from listkeeper.rendering.content import Filled
from listkeeper.rendering.unseen import Unseen
from tests.unit.rendering.conftest import LETTER, READER
from tests.unit.rendering.letters import UNSEEN


@pytest.fixture(scope="module")
def counted() -> Filled:
    """A letter with both, as its reader gets it."""
    return filling.fill(compiled.compile_letter(LETTER), READER._replace(unseen=UNSEEN))


def test_a_copy_without_it_is_what_it_always_was(counted: Filled) -> None:
    plain = filling.fill(compiled.compile_letter(LETTER), READER)
    assert counted.html.replace(unseen.html(UNSEEN) + "\n", "") == plain.html
    assert (counted.text, counted.subject) == (plain.text, plain.subject)


def test_no_reader_can_see_or_reach_the_link(counted: Filled) -> None:
    page = lxml.html.fromstring(counted.html)
    [link] = [each for each in page.iter("a") if each.get("href") == UNSEEN.canary]
    assert link.text_content() == ""
    assert len(link) == 0
    assert (link.get("tabindex"), link.get("aria-hidden")) == ("-1", "true")
    around = link.getparent()
    assert around.get("aria-hidden") == "true"
    # For browsers, and for Outlook, which knows no "display" of its own.
    assert "display:none" in around.get("style")
    assert "mso-hide:all" in around.get("style")
    assert UNSEEN.canary not in counted.text


def test_the_picture_is_the_last_of_the_page_and_says_nothing(counted: Filled) -> None:
    page = lxml.html.fromstring(counted.html)
    picture = list(page.iter("img"))[-1]
    assert (picture.get("src"), picture.get("alt")) == (UNSEEN.picture, "")
    assert (picture.get("width"), picture.get("height")) == ("1", "1")
    assert counted.html.rstrip().endswith("</body>\n</html>")
    assert UNSEEN.picture not in counted.text


def test_a_copy_may_have_the_link_alone() -> None:
    assert "<img" not in unseen.html(Unseen(canary="https://a.example/l/x"))
    assert "<a " not in unseen.html(Unseen(picture="https://a.example/o/x"))


@pytest.mark.parametrize("page", ["", "words", "<p>", "</body>", "a</body>b</body>c"])
def test_whatever_the_page_nothing_of_it_is_lost(page: str) -> None:
    made = unseen.put_into(page, UNSEEN)
    assert made.replace(unseen.html(UNSEEN), "").replace("\n", "") == page
    assert unseen.put_into(page, None) == page


def test_an_address_cannot_break_out() -> None:
    made = unseen.html(Unseen('"><script>', "'\"><b>"))
    assert "<script" not in made
    assert "<b>" not in made
