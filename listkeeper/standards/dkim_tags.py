"""Lists of ``tag=value`` parted by semicolons: what DKIM signatures and key records are written in (RFC 6376 §3.2)."""

from __future__ import annotations

import re

from listkeeper.foundation import language

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)


def parse(text: str) -> dict[str, str] | str:
    """Return the tags in their order, or in words why the text is no list of tags. Never raises."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        found = _TAG.fullmatch(part)
        if found is None:
            return language.text("%(part)s is not of the form tag=value", part=part.strip()[:40])
        if found.group(1) in tags:
            return language.text("the tag %(tag)s= stands twice", tag=found.group(1))
        tags[found.group(1)] = found.group(2).strip()
    return tags
