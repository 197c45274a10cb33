"""TXT records that begin with their version: ``v=STSv1; id=1`` (RFC 8461 section 3.1, RFC 8460 section 3, BIMI).

Other TXT records may stand at the same name and mean nothing here; of records
of the version there must be exactly one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from listkeeper.foundation import language

_FIELD = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]*)[ \t]*=(.*)", re.DOTALL)
_SHOWN = 40


def of_version(texts: Iterable[str], version: str) -> list[str]:
    """Return the texts whose first field is ``v=`` with this version, in its exact case."""
    return [text for text in texts if text.partition(";")[0].rstrip(" \t") == f"v={version}"]


def fields(text: str, version: str) -> dict[str, str] | str:
    """Return the fields after the version, or in words why the text is no such record. Never raises.

    Names are kept as they are written; of a field that stands twice the first counts.
    """
    if not of_version([text], version):
        return language.text("it must begin with %(start)s", start=f"v={version};")
    found: dict[str, str] = {}
    for part in text.split(";")[1:]:
        if not part.strip(" \t"):
            continue
        field = _FIELD.fullmatch(part)
        if field is None:
            return language.text("%(part)s is not of the form tag=value", part=ascii(part.strip())[1:-1][:_SHOWN])
        found.setdefault(field.group(1), field.group(2).strip(" \t"))
    return found


def several(count: int) -> str:
    """Return in words that there are too many records of one kind at a name."""
    return language.counted(
        "there is %(number)s such record", "there are %(number)s such records, and then none of them counts", count
    )
