"""The double opt-in mail: the whole consent text again, one link, one code, and a way to say "not me".

The code stands in the subject too, so that it can be read off a locked phone
and typed into the page that is still open.
"""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled
from listkeeper.rendering.notice import Paragraphs

HEADERS = notice.HEADERS


def compose(  # noqa: PLR0913 - the mail says eight things, each by name
    *,
    language_code: str,
    legal_name: str,
    postal_address: str,
    list_name: str,
    consent_text: str,
    confirm_url: str,
    code: str,
    refuse_url: str,
) -> Filled:
    """Return the mail that asks for the yes; nothing in it comes from whoever filled in the form."""
    words: dict[str, str | Paragraphs] = {
        "list_name": list_name,
        "consent": Paragraphs.of(consent_text),
        "confirm_url": confirm_url,
        "code": code,
        "refuse_url": refuse_url,
    }
    with language.using(language_code):
        subject = language.text("%(code)s is your code to confirm “%(list_name)s”", code=code, list_name=list_name)
        return notice.printed("confirmation", subject, legal_name, postal_address, words)


def wording(language_code: str) -> dict[str, str]:
    """Return the fixed words of this mail in a language: what its version is named by."""
    with language.using(language_code):
        subject = language.text(
            "%(code)s is your code to confirm “%(list_name)s”", code="{code}", list_name="{list_name}"
        )
        names = ("code", "confirm_url", "consent", "list_name", "refuse_url")
        return {"subject": subject, **notice.wording("confirmation", names)}
