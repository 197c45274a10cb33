"""SPF macros: what ``%{…}`` may say and what it becomes (RFC 7208 section 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from listkeeper.foundation import language

_LONGEST_NAME = 253
_IN_DOMAIN = "slodiphv"
_IN_EXPLANATION = "slodiphvcrt"
_MACRO = re.compile(r"%\{([A-Za-z])([0-9]{0,6})([rR]?)([.\-+,/_=]*)\}|%(.?)", re.DOTALL)
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
_TOP_LABEL = re.compile(r"(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])")

# A macro letter's value; a call, because the validated name (p) costs look-ups.
Values = Mapping[str, Callable[[], str]]


def text_problem(text: str, letters: str = _IN_DOMAIN) -> str | None:
    """Return in words what is wrong with the macros of a text, or None."""
    for found in _MACRO.finditer(text):
        letter, digits, _, _, plain = found.groups()
        if letter is None and plain == "{":
            macro = text[found.start() :][:20]
            return language.text("the macro %(macro)s is not well formed", macro=macro)
        if letter is None and plain not in _PLAIN:
            return language.text("%(sign)s must be followed by one of %(allowed)s", sign="%", allowed="{ % _ -")
        if letter is not None and letter.lower() not in letters:
            return language.text("there is no macro letter %(letter)s here", letter=letter)
        if digits and int(digits) == 0:
            return language.text("a macro cannot keep 0 parts")
    return None


def domain_problem(text: str) -> str | None:
    """Return in words what is wrong with a domain-spec (section 7.1), or None."""
    if not text:
        return language.text("a domain is missing")
    wrong = text_problem(text)
    if wrong:
        return wrong
    if any(found.end() == len(text) for found in _MACRO.finditer(text)):
        return None
    return _end_problem(text)


def _end_problem(text: str) -> str | None:
    head, _, top = text.removesuffix(".").rpartition(".")
    if not head:
        return language.text("%(domain)s is no full domain name", domain=text)
    if _TOP_LABEL.fullmatch(top):
        return None
    if re.fullmatch(r"[0-9.]+", text):
        return language.text("%(domain)s is an address: write ip4:%(domain)s", domain=text)
    return language.text("%(label)s cannot end a domain name", label=top)


def expand(text: str, values: Values) -> str:
    """Replace the macros of a text that has no ``text_problem``."""
    return _MACRO.sub(lambda found: _expansion(found, values), text)


def expand_domain(text: str, values: Values) -> str:
    """Expand a domain-spec; a name longer than 253 characters loses labels from its left (section 7.3)."""
    name = expand(text, values).removesuffix(".")
    while len(name) > _LONGEST_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def explanation(text: str, values: Values) -> str | None:
    """Return the expanded explanation, or None when it is not ASCII or has an error (section 6.2)."""
    if not text.isascii() or text_problem(text, _IN_EXPLANATION):
        return None
    expanded = expand(text, values)
    return expanded if expanded.isascii() else None


def _expansion(found: re.Match[str], values: Values) -> str:
    letter, digits, reverse, delimiters, plain = found.groups()
    if letter is None:
        return _PLAIN[plain]
    value = values[letter.lower()]()
    if digits or reverse or delimiters:
        parts = re.split("[" + re.escape(delimiters or ".") + "]", value)
        if reverse:
            parts.reverse()
        value = ".".join(parts[-int(digits) :] if digits else parts)
    return quote(value, safe="-._~") if letter.isupper() else value
