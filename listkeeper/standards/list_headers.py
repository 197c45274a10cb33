"""The headers of list mail: RFC 2369 (List-*), RFC 2919 (List-Id), RFC 8058 (one click), and Gmail's Feedback-ID.

Each function returns one ``(name, value)`` pair of printable ASCII, unfolded.
Raises Invalid for anything that could break out of a header or would not be
understood by a receiver.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import encoded_word

Header = tuple[str, str]

ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
"""RFC 8058 section 3.1: exactly this, beside a List-Unsubscribe with exactly one https URI."""

# RFC 3986: what a URI may hold, less the angle brackets, commas and spaces that RFC 2369 section 2 gives a meaning.
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=%]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FEEDBACK_FIELD = re.compile(r"[A-Za-z0-9._-]{1,60}")
_SENDER_ID = re.compile(r"[A-Za-z0-9._-]{5,15}")
_LONGEST_URI = 900
_LONGEST_LIST_ID = 255
_MOST_FIELDS = 3


def list_unsubscribe(url: str, mailto: str | None = None) -> Header:
    """Return List-Unsubscribe: one https URI, then a ``mailto:`` one (RFC 2369 section 3.2, RFC 8058 section 3.1).

    Plain http is taken only for this machine and private networks, where a
    practice instance lives and no certificate can be had.
    """
    # Where it lies is the same for all readers of all letters, and is looked at once.
    end = _uri("List-Unsubscribe", url).find("/", len("https://"))
    if not _is_safe(url if end < 0 else url[:end]):
        raise _refused("List-Unsubscribe", "the address to unsubscribe at must begin with https://")
    value = f"<{url}>"
    if mailto is not None:
        if not mailto.startswith("mailto:") or "@" not in mailto:
            raise _refused("List-Unsubscribe", "the second address must be a mailto: address")
        value = f"{value}, <{_uri('List-Unsubscribe', mailto)}>"
    return ("List-Unsubscribe", value)


def list_unsubscribe_post() -> Header:
    """Return List-Unsubscribe-Post, which must be covered by the DKIM signature (RFC 8058 section 4)."""
    return ONE_CLICK


def list_id(name: str, identifier: str, domain: str) -> Header:
    """Return ``Name <identifier.domain>`` (RFC 2919 section 3).

    The identifier must stay the same for the life of the list; the domain is
    one its owner controls. The name is for people and may be in any language.
    """
    labels = f"{identifier}.{domain}".lower().split(".")
    written = ".".join(labels)
    if len(labels) < 3 or not all(map(_LABEL.fullmatch, labels)) or len(written) > _LONGEST_LIST_ID:  # noqa: PLR2004
        raise _refused("List-Id", "the identifier and the domain must be made of letters, digits and hyphens")
    phrase = encoded_word.phrase(name)
    return ("List-Id", f"{phrase} <{written}>" if phrase else f"<{written}>")


def feedback_id(*fields: str, sender_id: str) -> Header:
    """Return Feedback-ID: up to three fields, narrowest first, and the constant id of the sender, 5 to 15 characters.

    No field may tell one reader from another, and no value may stand in two
    fields (support.google.com/mail/answer/6254652).
    """
    parts = (*fields, sender_id)
    sound = all(map(_FEEDBACK_FIELD.fullmatch, fields)) and _SENDER_ID.fullmatch(sender_id)
    if not sound or not 1 <= len(fields) <= _MOST_FIELDS or len(set(parts)) < len(parts):
        raise _refused("Feedback-ID", "it takes one to three different fields and a sender id of 5 to 15 characters")
    return ("Feedback-ID", ":".join(parts))


def auto_submitted() -> Header:
    """Return the mark of mail that no person wrote, so that no machine answers it (RFC 3834 section 5)."""
    return ("Auto-Submitted", "auto-generated")


def _uri(header: str, text: str) -> str:
    if not _URI.fullmatch(text) or len(text) > _LONGEST_URI:
        raise _refused(header, "an address in it is not a plain URI")
    return text


@lru_cache(maxsize=256)
def _is_safe(origin: str) -> bool:
    parts = urlsplit(origin)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_private(parts.hostname or ""))
    )


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _refused(header: str, why: str) -> Invalid:
    return Invalid("list_header_refused", f"The header {header} cannot be written: {why}. Nothing was sent.")
