"""Where a registry ends and a registered name begins, by the public suffix list (publicsuffix.org).

Whether two names belong together is for DMARC's tree walk to say; the list
serves where nothing is published that could say it, and where a person is
shown "your domain". It is read on the first question, which takes a tenth of a
second and a few megabytes that most processes never need.
"""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _published() -> PublicSuffixList:
    return PublicSuffixList()


def registrable(domain: str) -> str | None:
    """Return the name that a person registers: ``shop.co.uk`` for ``www.shop.co.uk``, in lower case.

    A top-level domain that the list does not know is taken for a suffix. None
    when the domain is itself a public suffix, or no domain at all.
    """
    return _published().privatesuffix(domain)


def is_suffix(domain: str) -> bool:
    """Return whether anybody may register names below this one, as below ``com`` or ``co.uk``."""
    return bool(domain) and _published().publicsuffix(domain) == domain.lower().removesuffix(".")
