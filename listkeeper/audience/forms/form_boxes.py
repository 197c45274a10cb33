"""The boxes of a form: one for each of several purposes, the separate consent, the stated age. None is ever ticked."""

from __future__ import annotations

from collections.abc import Collection

from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid


def ticked(shown: ShownForm, names: Collection[str]) -> list[int] | None:
    """Return the lists whose boxes were ticked; None where the form has none, for there the button is the act.

    Raises Invalid when the form has such boxes and nobody ticked one.
    """
    if not shown.boxes:
        return None
    found = [offer.mailing_list.id for offer in shown.boxes if offer.box in names]
    if not found:
        raise Invalid("purpose_missing", language.text("Please tick what you would like to get."))
    return found


def refuse_without(shown: ShownForm, *, second: bool, age: bool) -> None:
    """Raise Invalid when a box is not ticked that the form cannot do without."""
    if shown.version.second_text_id is not None and not second:
        raise Invalid("second_consent_missing", language.text("Please tick the box about your personal data as well."))
    if shown.version.least_age and not age:
        raise Invalid(
            "age_missing",
            language.text("Please tick the box that says you are %(age)s or older.", age=shown.version.least_age),
        )
