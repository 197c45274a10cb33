"""Which mail domains belong to a provider, as a condition in SQL: what ``mail_provider`` says of one domain, of many.

A domain's own name answers first; of others it is known as far as it was
looked up who keeps their mail (``mail_host``).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal, or_, select, union_all

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.mail_host import MailHost

# Names sold in most countries, as ``mail_provider`` reads them: two or three letters, and perhaps two more.
_ENDINGS = (".__", ".___", ".__.__", ".___.__")
_IN_MANY = {"yahoo": ("yahoo", "aol"), "microsoft": ("hotmail",)}
_LIVE = (
    "com", "dk", "no", "se", "fi", "nl", "be", "de", "at", "fr", "it", "es", "pt", "ie", "cz", "hu", "sk", "lv", "in",
    "jp", "kr", "ca", "cl", "cn", "ru", "ph", "sa", "sg", "co.uk", "co.id", "co.il", "co.th", "co.za", "com.ar",
    "com.au", "com.br", "com.gr", "com.mx", "com.my", "com.pt", "com.tr", "com.vn",
)  # fmt: skip


def condition(domain: ColumnElement[str], provider: str) -> ColumnElement[bool]:
    """Return whether a domain (A-label, small letters) belongs to a provider of ``mail_provider.TABLE``."""
    names = list(mail_provider.TABLE[provider].domains)
    if provider == "microsoft":
        names += [f"{brand}.{ending}" for brand in ("outlook", "live") for ending in _LIVE]
    looked_up = select(MailHost.domain).where(MailHost.provider == provider)
    # One set, so that the domain of an address is taken out of it once.
    theirs = union_all(looked_up, *(select(literal(name)) for name in names))
    shapes = [domain.like(f"{brand}{ending}") for brand in _IN_MANY.get(provider, ()) for ending in _ENDINGS]
    return or_(domain.in_(theirs), *shapes)
