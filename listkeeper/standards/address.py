"""Mail addresses: what we take, how we write them, when two are the same (RFC 5321, 5322, 6531, 5891).

One address has four forms. ``input`` is what was typed. ``send`` is what mail
goes to: local part in NFC with its case kept, domain as A-label. ``key`` tells
addresses apart: only ASCII letters are lowered, because folding others makes
different mailboxes equal (long s and s, sharp s and ss). ``canon`` also knows that some
providers ignore dots and tags; it serves brakes and hints, never identity.

Quoted local parts, comments, address literals and display names are refused:
nobody types them into a signup form on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import idna
from email_validator import EmailNotValidError, validate_email

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address_typo

_LONGEST = 254
_LONGEST_INPUT = 512
_LONGEST_LOCAL = 64
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_LIST_SIGNS = frozenset(",;")

# Providers that deliver every spelling to one mailbox.
_DOTS_AND_TAGS = frozenset({"gmail.com", "googlemail.com"})
_TAGS = frozenset(
    {
        "fastmail.com",
        "fastmail.fm",
        "icloud.com",
        "me.com",
        "mac.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "msn.com",
    }
)
_TAGS_BY_COUNTRY = re.compile(r"(?:outlook|hotmail|live)\.(?:com|[a-z]{2}|com?\.[a-z]{2})")
_DASHES_BY_COUNTRY = re.compile(r"(?:yahoo\.(?:com|[a-z]{2}|com?\.[a-z]{2})|ymail\.com)")


class Address(NamedTuple):
    """One address in its forms; ``domain`` is the A-label.

    ``needs_smtputf8`` says that only a transport with SMTPUTF8 can carry it.
    """

    input: str
    send: str
    key: str
    canon: str
    domain: str
    needs_smtputf8: bool


def parse(text: str) -> Address:
    """Read one address as a person typed it. Raises Invalid with a code and a sentence for that person."""
    typed = text.strip(" ")
    _refuse_the_obvious(typed)
    try:
        read = validate_email(typed, check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError:
        raise _what_is_wrong(typed) from None
    local, domain = read.local_part, read.ascii_domain
    # The limit counts octets (RFC 6531 section 3.3), where the library counts characters.
    if "." not in domain or len(local.encode()) > _LONGEST_LOCAL:
        raise _what_is_wrong(typed)
    send = f"{local}@{domain}"
    if len(send.encode()) > _LONGEST:
        raise _too_long()
    key = f"{local.translate(_LOWER)}@{domain}"
    return Address(text, send, key, canonical(local, domain), domain, needs_smtputf8=not local.isascii())


def _refuse_the_obvious(typed: str) -> None:
    if not typed:
        raise Invalid("address_missing", language.text("Please type your mail address."))
    if len(typed) > _LONGEST_INPUT:
        raise _too_long()
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in typed):
        raise Invalid("address_control", language.text("The address holds a line break or another hidden character."))
    if typed.count("@") > 1 or _LIST_SIGNS & set(typed):
        raise Invalid("address_several", language.text("Please type one address only, without commas."))
    if "<" in typed or ">" in typed:
        raise Invalid("address_brackets", language.text("Please type the address alone, without a name or < and >."))
    if "@" not in typed:
        raise Invalid("address_no_at", language.text("An address has an @ in it, like name@example.com."))
    if any(char.isspace() for char in typed):
        raise Invalid("address_space", language.text("An address has no spaces in it."))


def _too_long() -> Invalid:
    return Invalid("address_too_long", language.text("That is too long to be a mail address."))


def _what_is_wrong(typed: str) -> Invalid:
    local, _, domain = typed.partition("@")
    if not local or not domain:
        return Invalid("address_incomplete", language.text("The address is not complete, like name@example.com."))
    if len(local.encode()) > _LONGEST_LOCAL:
        return Invalid("address_too_long", language.text("The part before the @ is too long."))
    try:
        domain_name(domain)
    except Invalid:
        return Invalid(
            "address_domain", language.text("The part after the @ is not right: %(domain)s.", domain=domain[:80])
        )
    return Invalid("address_local", language.text("The part before the @ holds something an address cannot have."))


def domain_name(text: str) -> str:
    """Return the A-label of a domain as a person typed it: alone, in an address or in a web address.

    Raises Invalid when it cannot be a domain of at least two labels.
    """
    typed = text.strip().removesuffix(".")
    if "//" in typed:
        try:
            typed = (urlsplit(typed).hostname or "").removeprefix("www.")
        except ValueError:
            typed = ""
    typed = typed.rpartition("@")[2]
    try:
        found = validate_email(f"x@{typed}", check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError:
        found = None
    if found is None or "." not in found.ascii_domain:
        raise Invalid(
            "domain", language.text("%(text)s is no domain name. Write it like example.com.", text=text.strip()[:80])
        )
    return found.ascii_domain


def canonical(local: str, domain: str) -> str:
    """Return the form that brakes and hints count: without what the provider of the mailbox ignores."""
    low = local.lower() if local.isascii() else local.translate(_LOWER)
    sign = _ignored_from(domain)
    if not sign:
        return f"{low}@{domain}"
    kept = low.partition(sign)[0]
    if domain in _DOTS_AND_TAGS:
        kept, domain = kept.replace(".", ""), "gmail.com"
    return f"{kept or low}@{domain}"


# Asked for every row of an import, which has far fewer domains than people.
@lru_cache(maxsize=65_536)
def _ignored_from(domain: str) -> str:
    """Return the sign from which on a provider ignores the rest of the local part; empty when it reads all of it."""
    if domain in _DOTS_AND_TAGS or domain in _TAGS or _TAGS_BY_COUNTRY.fullmatch(domain):
        return "+"
    return "-" if _DASHES_BY_COUNTRY.fullmatch(domain) else ""


def shown(send: str) -> str:
    """Return an address as people read it, its domain in U-labels; what cannot be read so stays as it is."""
    local, at, domain = send.rpartition("@")
    if "xn--" not in domain:
        return send
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except idna.IDNAError:
        return send


def searched(text: str) -> str:
    """Return the beginning of an address, as somebody types it to find people, in the letters of a key."""
    local, at, domain = text.translate(_LOWER).partition("@")
    if domain.isascii():
        return f"{local}{at}{domain}"
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return f"{local}{at}{domain}"


def suggest(text: str) -> str | None:
    """Return the address that was probably meant when its domain looks mistyped, else None."""
    return address_typo.suggest(text)


def mask(address: str) -> str:
    """Return an address that its owner recognises and nobody else can use: ``a***@example.com``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"
