"""What a visitor calls itself: a browser, a program, or a mail program's own store of pictures. Tables, and no more.

Neither its words nor its network are kept; what is kept is one of three words
(``link_visit.Agent``). Who lies about it is found out by what it does
(``feedback.engagement_rules``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from listkeeper.sending.link_visit import Agent
from listkeeper.web.public import short_link

# Filters that follow links before a mail is in the mailbox, or when somebody presses one, as they name themselves.
_FILTER = re.compile(
    r"safelinks|mimecast|proofpoint|urldefense|barracuda|trend ?micro|fireeye|trellix|symantec|messagelabs|forcepoint|"
    r"websense|cloudmark|ironport|cisco-|sophos|avanan|vade|hornetsecurity|zscaler|checkpoint|fortiguard|bitdefender|"
    r"kaspersky|urlscan|virustotal|phishtank|netcraft|google-safety|microsoft office|ms-office|msoffice|bingpreview|"
    r"microsoftpreview|linkcheck|validator",
    re.IGNORECASE,
)
_PROXY = re.compile(r"googleimageproxy|ggpht\.com|yahoo ?mail ?proxy", re.IGNORECASE)
# Apple Mail fetches the pictures of every mail by itself, read or not, and calls itself this and nothing more.
_FETCHED_UNREAD = frozenset({"Mozilla/5.0"})


def agent(environ: Mapping[str, Any]) -> Agent:
    """Return what asks for a link."""
    return Agent.PROGRAM if short_link.is_machine(environ) else _named(environ.get("HTTP_USER_AGENT", ""))


def agent_of_picture(environ: Mapping[str, Any]) -> Agent:
    """Return what asks for a picture of a mail."""
    named = environ.get("HTTP_USER_AGENT", "")
    found = _named(named)
    if found is Agent.PROXY:
        return found
    return Agent.PROGRAM if named.strip() in _FETCHED_UNREAD else agent(environ)


@lru_cache(maxsize=2048)
def _named(words: str) -> Agent:
    if _PROXY.search(words):
        return Agent.PROXY
    return Agent.PROGRAM if _FILTER.search(words) else Agent.BROWSER
