"""Merge tags of other products, as they come along with pasted letters, and what they are called here.

Only names that mean the same here are translated; every other one is left as
it is, so that the checks can name it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FIRST_NAME = '{{ subscriber.first_name | default: "" }}'
_NAME = '{{ subscriber.name | default: "" }}'
_CITY = '{{ subscriber.city | default: "" }}'
_UNSUBSCRIBE = "{{ links.unsubscribe }}"
_WEB_VIEW = "{{ links.web_view }}"
_PREFERENCES = "{{ links.preferences }}"
_SUBJECT = "{{ letter.subject }}"
# Folded: without case, underscores and dots.
_OURS = {
    "fname": _FIRST_NAME, "firstname": _FIRST_NAME, "vorname": _FIRST_NAME, "fornavn": _FIRST_NAME,
    "contactfirstname": _FIRST_NAME, "subscriberfirstname": _FIRST_NAME, "prenom": _FIRST_NAME,
    "name": _NAME, "fullname": _NAME, "subscribername": _NAME, "contactname": _NAME,
    "city": _CITY, "contactcity": _CITY,
    "unsub": _UNSUBSCRIBE, "unsubscribe": _UNSUBSCRIBE, "unsubscribeurl": _UNSUBSCRIBE,
    "unsubscribelink": _UNSUBSCRIBE, "archive": _WEB_VIEW, "messageurl": _WEB_VIEW, "webversion": _WEB_VIEW,
    "updateprofile": _PREFERENCES, "preferencesurl": _PREFERENCES, "manageurl": _PREFERENCES,
    "subject": _SUBJECT, "mcsubject": _SUBJECT,
}  # fmt: skip
_SHAPES = re.compile(
    r"""\*\|([A-Z][A-Z0-9_:]{1,40})\|\*"""  # Mailchimp
    r"""|%([A-Z][A-Z0-9_]{2,40})%"""  # Brevo of old, ActiveCampaign
    r"""|\{\$([a-z][a-z0-9_]{1,40})\}"""  # MailerLite
    r"""|\{\{\s*\.?((?:contact|Subscriber|Message)\.[A-Za-z_.]{2,40}|UnsubscribeURL|MessageURL|ManageURL)\s*\}\}"""
)


def translated(text: str, told: Callable[[str, str], None] | None = None) -> str:
    """Return a text with the tags of other products as ours; ``told`` hears of each, and what became of it."""

    def ours(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group)
        here = _OURS.get(re.sub(r"[._:]", "", name).lower())
        if told is not None:
            told(match[0], here or "")
        return here or match[0]

    return _SHAPES.sub(ours, text)
