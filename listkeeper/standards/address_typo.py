"""A hint for the slip of a finger in the domain of a mail address: "did you mean …@gmail.com?".

Only a hint: it never refuses an address. It is silent wherever the domain may
be meant, because a wrong hint sends a reader's confirmation to a stranger.
"""

from __future__ import annotations

from functools import lru_cache

# Domains with many mailboxes in the countries whose languages we speak.
_PROVIDERS = (
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "live.com", "msn.com",
    "aol.com", "protonmail.com", "hotmail.dk", "outlook.dk", "yahoo.dk", "live.dk", "jubii.dk", "hotmail.se", "live.se",
    "outlook.se", "hotmail.no", "live.no", "online.no", "yandex.ru", "mail.ru", "rambler.ru", "inbox.ru", "gmx.de",
    "gmx.net", "t-online.de", "freenet.de", "web.de", "hotmail.de", "outlook.de", "yahoo.de", "interia.pl", "onet.pl",
    "wp.pl", "o2.pl", "hotmail.co.uk", "yahoo.co.uk", "btinternet.com",
)  # fmt: skip
# Real mail domains and companies one slip away from a provider.
_MEANT = frozenset({
    "mail.com", "email.com", "ymail.com", "rocketmail.com", "gmx.com", "gmx.at", "gmx.ch", "me.com", "mac.com",
    "cloud.com", "fastmail.com", "proton.me", "pm.me", "hey.com", "mailbox.org", "list.ru", "bk.ru", "internet.ru",
    "ya.ru", "yandex.com", "inbox.com", "telia.com", "wahoo.com", "onlive.com", "snail.com", "grail.com",
})  # fmt: skip
# Labels that exist under one top-level domain only: gmail.dk is nobody's mailbox.
_ONE_HOME = frozenset({"gmail", "googlemail", "icloud", "protonmail"})
_MANY_HOMES = frozenset({"hotmail", "outlook", "yahoo", "live"})
_LABELS = frozenset(provider.partition(".")[0] for provider in _PROVIDERS)
_MAILBOXES = frozenset(_PROVIDERS) | {
    "mail.com", "ymail.com", "rocketmail.com", "gmx.com", "gmx.at", "gmx.ch", "me.com", "mac.com", "fastmail.com",
    "proton.me", "pm.me", "hey.com", "mailbox.org", "list.ru", "bk.ru", "ya.ru", "yandex.com", "telia.com",
}  # fmt: skip
# Countries whose code is what remains of "com" after a slip.
_NO_COUNTRIES = frozenset({"co", "cm", "om"})

_COUNTRY = 2
_SHORTEST_LABEL = 5
_TWO_SLIPS = 2


def is_provider(domain: str) -> bool:
    """Return whether many people who have nothing to do with each other have their mailbox at this domain."""
    return domain.lower() in _MAILBOXES


def suggest(text: str) -> str | None:
    """Return the address that was probably meant, or None when the domain is fine or unknown."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or not domain:
        return None
    meant = _meant(domain.lower())
    return f"{local}@{meant}" if meant else None


# Most people of a list share a few domains.
@lru_cache(maxsize=4096)
def _meant(typed: str) -> str | None:
    if typed in _PROVIDERS or typed in _MEANT:
        return None
    label, _, ending = typed.partition(".")
    if label in _ONE_HOME or (label in _MANY_HOMES and not _is_country(ending)):
        return f"{label}.com"
    # A right word under another country may well be that country's provider.
    if label in _LABELS and _is_country(ending):
        return None
    return _nearest(typed)


def _is_country(ending: str) -> bool:
    return len(ending.rpartition(".")[2]) == _COUNTRY and ending not in _NO_COUNTRIES


def _nearest(typed: str) -> str | None:
    best = min(_PROVIDERS, key=lambda provider: (distance(typed, provider), _PROVIDERS.index(provider)))
    label = best.partition(".")[0]
    if len(label) < _SHORTEST_LABEL:
        return None
    slips = distance(typed, best)
    # Two slips at once are believed only when the word begins right.
    return best if slips == 1 or (slips == _TWO_SLIPS and typed[:1] == best[:1]) else None


def distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance: letters changed, added, dropped, or two neighbours swapped."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        before, above, row = row, before, [i]
        for j, right in enumerate(other, start=1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
