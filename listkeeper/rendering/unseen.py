"""What a counted copy holds that nobody sees: a link that only programs follow, and the picture of a mail that is open.

The link has no words, takes no room, is passed over by the keyboard and by
screen readers, and stands in no text part: whoever reads can neither see nor
reach it, in Outlook neither. What follows it reads the source, and so is a
program; it lands on a page that says so. The picture is one clear pixel with
no words, and nothing in the letter depends on it. Both stand in front of the
end of the page, in copies of readers who chose to be counted, and nowhere else.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

_END = "</body>"
_HIDDEN = "display:none;max-height:0;overflow:hidden;mso-hide:all"


class Unseen(NamedTuple):
    """The addresses of one reader's canary and picture; either may be empty."""

    canary: str = ""
    picture: str = ""


def html(unseen: Unseen) -> str:
    """Return what stands in front of the end of a page, on one line."""
    link = f'<a href="{escape(unseen.canary)}" tabindex="-1" aria-hidden="true"></a>'
    hidden = f'<div aria-hidden="true" style="{_HIDDEN}">{link}</div>' if unseen.canary else ""
    size = 'width="1" height="1" style="width:1px;height:1px;border:0"'
    shown = f'<img src="{escape(unseen.picture)}" alt="" {size}>' if unseen.picture else ""
    return hidden + shown


def split(page: str) -> tuple[str, str]:
    """Return a page, or the last piece of one, in front of its end and from there on."""
    before, end, after = page.rpartition(_END)
    return (before, f"\n{end}{after}") if end else (page, "")


def put_into(page: str, unseen: Unseen | None) -> str:
    """Return a page with it, for the one reader whose it is."""
    if unseen is None:
        return page
    before, after = split(page)
    return f"{before}{html(unseen)}{after}"
