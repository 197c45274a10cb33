"""Domains whose addresses anybody may have: a mailbox there is somebody's own, the domain is not (check G9).

Their owners publish policies under which mail that names them and comes from
elsewhere is refused, and Gmail refuses such a From of its own anyway.
"""

from __future__ import annotations

# Of each provider the names that many people have; those of countries follow a stem.
_NAMES = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "msn.com", "icloud.com", "me.com", "mac.com", "aol.com", "gmx.net",
    "gmx.de", "gmx.at", "gmx.ch", "gmx.com", "web.de", "t-online.de", "freenet.de", "posteo.de", "mail.ru", "bk.ru",
    "inbox.ru", "list.ru", "internet.ru", "yandex.ru", "yandex.com", "ya.ru", "rambler.ru", "wp.pl", "o2.pl", "onet.pl",
    "op.pl", "interia.pl", "poczta.onet.pl", "proton.me", "protonmail.com", "pm.me", "zoho.com", "mail.com",
    "fastmail.com", "hey.com", "tutanota.com", "tuta.com", "ymail.com", "rocketmail.com", "qq.com", "163.com",
    "126.com", "seznam.cz", "laposte.net",
    "orange.fr", "free.fr", "libero.it", "online.no", "telia.com", "mail.dk", "jubii.dk",
})  # fmt: skip
# ``yahoo.de``, ``hotmail.co.uk``, ``live.dk``.
_STEMS = frozenset({"yahoo", "hotmail", "live"})
_LONGEST_TAIL = 2


def is_freemail(label: str) -> bool:
    """Return whether an A-label is a domain whose addresses anybody may have."""
    stem, _, tail = label.lower().rstrip(".").partition(".")
    return label.lower() in _NAMES or (stem in _STEMS and 0 < len(tail.split(".")) <= _LONGEST_TAIL and bool(tail))
