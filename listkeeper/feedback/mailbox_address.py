"""A mailbox that is emptied, as it is written in the settings: one address each, because one line then says it all.

What is wrong is said of all at once, and nothing of what is secret with it.
Mailboxes are read over TLS alone: their passwords open more than what comes
back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from listkeeper.foundation import written_list
from listkeeper.sending.handing_over.way import LOOPBACK
from listkeeper.sending.handing_over.way_address import SAMPLES

_MOST_MAILBOXES = 10
# Scheme: the protocol, its port, whether the line is encrypted from its first byte.
_SCHEMES: Mapping[str, tuple[str, int, bool]] = {
    "imaps": ("imap", 993, True),
    "imap+starttls": ("imap", 143, False),
    "pop3s": ("pop3", 995, True),
    "pop3+starttls": ("pop3", 110, False),
}
_OPTIONS = frozenset(
    {"name", "oauth", "client_id", "client_secret", "refresh_token", "tenant", "token_url", "file", "delete", "ca"}
)
_NAME = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,39}")
_OPTION = re.compile(r"[a-z_]{1,20}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,100}")
_NOT_IN_HOSTS = frozenset(',;@<>"\\')
_LONGEST = 4096
_UNREADABLE = "cannot be read; write a / ? # or % within a password as %2F, %3F, %23 or %25"
_SHAPE = "is not a mailbox (imaps://user:password@host/INBOX, imap+starttls://…, pop3s://… or pop3+starttls://…)"


@dataclass(frozen=True)
class Grant:
    """How a token is had in place of a password (OAuth 2, RFC 6749): by a refresh token, or as the program itself."""

    token_url: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    # What is asked for; empty: what was granted before.
    scope: str = ""
    # A JSON file that holds what is not said here, and keeps a refresh token that was changed for a new one.
    file: str = ""


@dataclass(frozen=True)
class MailboxAddress:
    """Where a mailbox is and how to sign in; ``name`` may be shown and logged."""

    name: str
    kind: str
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    folder: str = "INBOX"
    # Encrypted from the first byte, and not only after STARTTLS.
    implicit_tls: bool = True
    grant: Grant | None = None
    # Delete what was taken and is certainly an answer to a letter of ours; all else stays in any case.
    deletes: bool = False
    # A file of certificate authorities to trust in place of the system's.
    authorities: str | None = None


def read_all(value: object) -> object:
    """Read mailboxes that are written one after another, parted by spaces. Raises ValueError that tells no secret."""
    if not isinstance(value, str):
        return value
    return written_list.read(value.split(), read, one="mailbox", several="mailboxes", most=_MOST_MAILBOXES)


def read(written: str) -> MailboxAddress:
    """Read one mailbox. Raises ValueError that says what is wrong, and nothing of what is secret."""
    parts = _split(written)
    if parts.scheme not in _SCHEMES or not parts.hostname or set(parts.hostname) & _NOT_IN_HOSTS:
        raise ValueError(_SHAPE)
    kind, usual_port, implicit = _SCHEMES[parts.scheme]
    user, password = _clear(parts.username or "", "user"), _clear(parts.password or "", "password")
    folder = _clear(parts.path.lstrip("/"), "folder")
    if kind == "pop3" and folder:
        raise ValueError("names a folder, and POP3 has none")
    asked = _asked(parts.query)
    grant = _grant(asked)
    _require_one_secret(user, password, grant)
    return MailboxAddress(
        name=asked["name"] if "name" in asked else _name_of(kind, parts.hostname, folder),
        kind=kind,
        host=parts.hostname,
        port=parts.port or usual_port,
        user=user,
        password=password,
        folder=folder or "INBOX",
        implicit_tls=implicit,
        grant=grant,
        deletes=asked.get("delete") == "yes",
        authorities=asked.get("ca"),
    )


def _split(written: str) -> SplitResult:
    try:
        parts = urlsplit(written)
        usable = len(written) <= _LONGEST and parts.port != 0 and not parts.fragment
    except ValueError:
        # Its own words may quote the password.
        raise ValueError(_UNREADABLE) from None
    if not usable:
        raise ValueError(_UNREADABLE)
    return parts


def _clear(escaped: str, what: str) -> str:
    # What is no UTF-8 is told by a sign that is none, and not by an error that quotes it.
    text = unquote(escaped, errors="replace")
    if not text.isprintable() or "\ufffd" in text:
        # A line break in a password would begin a command of its own.
        raise ValueError(f"has a {what} with characters that are hidden, or no UTF-8")
    return text


def _asked(query: str) -> dict[str, str]:
    # A plus sign that nobody encoded would become a space, and tokens hold many.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    asked = dict(pairs)
    unknown = sorted(set(asked) - _OPTIONS)
    if unknown:
        # What stands after a ? may be the end of a password.
        raise ValueError(f"does not know {', '.join(name if _OPTION.fullmatch(name) else '…' for name in unknown)}")
    if len(pairs) != len(asked):
        raise ValueError("says something twice")
    if not all(value and value.isprintable() for value in asked.values()):
        raise ValueError("has an option that says nothing, or holds hidden characters")
    if not _NAME.fullmatch(asked.get("name", "a")):
        raise ValueError("has a name that is not made of up to 40 small letters, digits and : . _ / -")
    if asked.get("delete", "no") not in {"yes", "no"}:
        raise ValueError("says neither yes nor no to delete")
    return asked


def _require_one_secret(user: str, password: str, grant: Grant | None) -> None:
    if not user:
        raise ValueError("has no user")
    if bool(password) == bool(grant):
        raise ValueError("has both a password and ?oauth=…" if grant else "has no password")
    if password.lower() in SAMPLES:
        raise ValueError("still holds a sample for the password")


def _grant(asked: Mapping[str, str]) -> Grant | None:
    kind = asked.get("oauth")
    own = {"client_id", "client_secret", "refresh_token", "tenant", "token_url", "file"} & set(asked)
    if kind is None:
        if own:
            raise ValueError("says how to have a token, and not of whom (?oauth=google or ?oauth=microsoft)")
        return None
    if kind not in {"google", "microsoft"}:
        raise ValueError("knows no such oauth (google or microsoft)")
    refreshes = "refresh_token" in asked or "file" in asked
    if "client_id" not in asked and "file" not in asked:
        raise ValueError("has no client_id, nor a file that holds one")
    token_url, scope = (_google if kind == "google" else _microsoft)(asked, refreshes=refreshes)
    return Grant(
        token_url=_token_url(asked["token_url"]) if "token_url" in asked else token_url,
        client_id=asked.get("client_id", ""),
        client_secret=asked.get("client_secret", ""),
        refresh_token=asked.get("refresh_token", ""),
        scope=scope,
        file=asked.get("file", ""),
    )


def _google(_asked: Mapping[str, str], *, refreshes: bool) -> tuple[str, str]:
    if not refreshes:
        raise ValueError("has no refresh_token, nor a file that holds one")
    return "https://oauth2.googleapis.com/token", ""


def _microsoft(asked: Mapping[str, str], *, refreshes: bool) -> tuple[str, str]:
    tenant = asked.get("tenant", "common")
    if not _TENANT.fullmatch(tenant):
        raise ValueError("has a tenant that is none")
    if not refreshes and ("tenant" not in asked or "client_secret" not in asked):
        raise ValueError("needs a tenant and a client_secret, or a refresh_token")
    # As the program itself it asks for what an administrator has granted it.
    scope = "" if refreshes else "https://outlook.office365.com/.default"
    return f"https://login.microsoftonline.com/{quote(tenant)}/oauth2/v2.0/token", scope


def _token_url(value: str) -> str:
    parts = _split(value)
    # In the clear the secrets would be read by anybody on the way.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not parts.hostname or not safe or parts.username or parts.query:
        raise ValueError("has a token_url that is not https://host/…")
    return value


def _name_of(kind: str, host: str, folder: str) -> str:
    plain = re.sub(r"[^a-z0-9:._/-]", "-", f"{kind}:{host}{f'/{folder}' if folder else ''}".lower())
    return plain[:40]
