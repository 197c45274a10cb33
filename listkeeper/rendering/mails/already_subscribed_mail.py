"""The mail for an address that is on the list already: the page says the same to everyone, this mail tells her."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled
from listkeeper.rendering.notice import Paragraphs

HEADERS = notice.HEADERS


def compose(  # noqa: PLR0913 - every word of a mail
    *, language_code: str, legal_name: str, postal_address: str, list_name: str, preferences_url: str, said: str = ""
) -> Filled:
    """Return the mail that says that nothing was changed, and where she can change it.

    ``said`` is what the owner of the form says to people who are on the list already.
    """
    words: dict[str, str | Paragraphs] = {"list_name": list_name, "preferences_url": preferences_url}
    if said:
        words["said"] = Paragraphs.of(said)
    with language.using(language_code):
        subject = language.text("You are on the list “%(list_name)s” already", list_name=list_name)
        return notice.printed("already_subscribed", subject, legal_name, postal_address, words)
