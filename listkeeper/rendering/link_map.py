"""A map of a letter's links: the letter as it went, with a number behind each link, so that clicks have a place.

Only looks are added: a small number behind each link, and a rule that shows
which one was asked for. The numbers are those of the list beside the letter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_LINK = re.compile(r"""<a\b((?:[^>"']|"[^"]*"|'[^']*')*)>.*?</a>""", re.IGNORECASE | re.DOTALL)
_HREF = re.compile(r"""\shref=("[^"]*"|'[^']*')""", re.IGNORECASE)
# What only Outlook reads is drawn by no browser.
_REMARK = re.compile(r"<!--.*?-->", re.DOTALL)
_LOOK = (
    "display:inline-block;min-width:14px;padding:0 4px;margin:0 2px;border-radius:10px;border:1px solid #ffffff;"
    "background:#1b1b1b;color:#ffffff;font:bold 12px/20px sans-serif;text-align:center;text-decoration:none"
)
_STYLE = "<style>.lk-place:target,.lk-place:focus{outline:3px solid #b3261e;outline-offset:2px}</style>"


def anchor(number: int) -> str:
    """Return the name of a link's place in the letter."""
    return f"link-{number}"


def in_html(page: str, numbers: Mapping[str, int], said: Mapping[int, str]) -> str:
    """Return a letter with a number behind each link of ``numbers`` (by address); ``said`` is read out for each."""
    remarks = [remark.span() for remark in _REMARK.finditer(page)]
    placed: set[int] = set()

    def marked(found: re.Match[str]) -> str:
        if any(start <= found.start() < end for start, end in remarks):
            return found[0]
        href = _HREF.search(f" {found[1]}")
        number = numbers.get(html.unescape(href[1][1:-1]).strip()) if href else None
        if number is None:
            return found[0]
        name = "" if number in placed else f' id="{anchor(number)}"'
        placed.add(number)
        words = html.escape(said.get(number, ""), quote=True)
        return f'{found[0]}<span class="lk-place"{name} tabindex="0" title="{words}" style="{_LOOK}">{number}</span>'

    body = _LINK.sub(marked, page)
    head = body.find("</head>")
    return f"{body[:head]}{_STYLE}{body[head:]}" if head >= 0 else f"{_STYLE}{body}"


def in_text(text: str, numbers: Mapping[str, int]) -> str:
    """Return the text part with ``[number]`` behind each address."""
    if not numbers:
        return text
    # The longest first, so that no address is taken for the beginning of another.
    known = sorted(numbers, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, known)), lambda found: f"{found[0]} [{numbers[found[0]]}]", text)
