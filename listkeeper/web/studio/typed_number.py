"""A number typed into a field of the send page, with a comma or a point."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask import request

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid


def of_field(name: str, *, most: int, code: str) -> Decimal | None:
    """Return what was typed; None for an empty field. Raises Invalid, with that code, for what is no number."""
    typed = request.form.get(name, "").strip().replace(",", ".")
    if not typed:
        return None
    try:
        found = Decimal(typed)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > most:
        raise Invalid(code, language.text("Please write numbers such as 5 or 1.5. Nothing was sent."))
    return found


def thousandths(percent: Decimal | None) -> int | None:
    """Return a typed percentage in thousandths; None stays None."""
    return round(percent * 10) if percent is not None else None
