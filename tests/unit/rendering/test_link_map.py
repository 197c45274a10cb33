"""Numbers behind the links of a letter: each link that is counted, no other, and nothing else is changed."""

from __future__ import annotations

import re

from listkeeper.rendering import link_map

_MARK = re.compile(r'<span class="lk-place"[^>]*>\d+</span>')
NUMBERS = {"https://cafe.example/a?x=1&y=2": 1, "https://cafe.example/b": 2}
SAID = {1: '1: "five" clicks', 2: "2: no click"}


def test_each_counted_link_has_its_number_and_the_rest_stays_as_it_was() -> None:
    page = (
        "<html><head><title>x</title></head><body>"
        '<a href="https://cafe.example/a?x=1&amp;y=2"><b>Bread</b></a> and '
        "<A class='k' HREF='https://cafe.example/b'>buns</A> and again "
        '<a href="https://cafe.example/b">buns</a>, <a href="https://other.example/">other</a>'
        '<!--[if mso]><a href="https://cafe.example/b">x</a><![endif]--><abbr title="a">b</abbr></body></html>'
    )
    marked = link_map.in_html(page, NUMBERS, SAID)
    assert [re.search(r">(\d+)<", mark)[1] for mark in _MARK.findall(marked)] == ["1", "2", "2"]  # type: ignore[index]
    assert re.findall(r'id="(link-\d)"', marked) == ["link-1", "link-2"]
    assert marked.count('tabindex="0"') == 3
    assert 'title="1: &quot;five&quot; clicks"' in marked
    plain = _MARK.sub("", marked).replace(link_map._STYLE, "")  # noqa: SLF001
    assert plain == page


def test_a_page_without_links_or_head_stays_readable() -> None:
    assert link_map.in_html("<p>Hello</p>", NUMBERS, SAID).endswith("<p>Hello</p>")
    assert link_map.in_html("<a href=", NUMBERS, SAID).endswith("<a href=")
    assert link_map.in_html("", {}, {}) == link_map._STYLE  # noqa: SLF001


def test_in_the_text_the_longest_address_is_taken() -> None:
    numbers = {"https://cafe.example/": 1, "https://cafe.example/bread": 2}
    text = "Bread (https://cafe.example/bread) and us: https://cafe.example/"
    marked = "Bread (https://cafe.example/bread [2]) and us: https://cafe.example/ [1]"
    assert link_map.in_text(text, numbers) == marked
    assert link_map.in_text(text, {}) == text
