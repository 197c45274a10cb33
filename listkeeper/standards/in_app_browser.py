"""Which app's built-in browser a page is read in, by its User-Agent (RFC 9110 section 10.1.5).

Such a browser keeps nothing between two visits, opens no second window and
often cannot reach the mail program. What is known of one is evidence and a
number to count; no page behaves differently for it.
"""

from __future__ import annotations

# Marks as the apps write them, the more special first: Instagram's browsers on Apple phones carry Facebook's mark too.
_MARKS = (
    ("instagram", ("Instagram",)),
    ("threads", ("Barcelona ",)),
    ("messenger", ("MessengerForiOS", "MessengerLiteForiOS", "Orca-Android")),
    ("facebook", ("FBAN/", "FBAV/", "FB_IAB/", "FBIOS")),
    ("tiktok", ("musical_ly", "TikTok", "BytedanceWebview", "trill_")),
    ("snapchat", ("Snapchat/",)),
    ("pinterest", ("[Pinterest/",)),
    ("linkedin", ("LinkedInApp",)),
    ("wechat", ("MicroMessenger/",)),
)


def name_of(user_agent: str | None) -> str | None:
    """Return the app whose own browser this is, one short word, or None for every other browser."""
    said = user_agent or ""
    return next((app for app, marks in _MARKS if any(mark in said for mark in marks)), None)
