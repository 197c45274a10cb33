"""Logging in to a mail server (RFC 4954) by PLAIN (RFC 4616), LOGIN or CRAM-MD5 (RFC 2195)."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable

from listkeeper.sending.handing_over.smtp_line import LineLost, SmtpLine
from listkeeper.standards.smtp_reply import Reply

_DONE = 235
_GO_ON = 334
_NEVER = range(500, 600)
# This way is not for this user or this line (RFC 4954 section 6); another may be.
_ANOTHER_WAY = frozenset({504, 534, 538})


class LoginRefused(Exception):
    """The server does not know this user, or not with this password."""


def log_in(line: SmtpLine, offered: str, user: str, password: str) -> None:
    """Log in by a way that is offered and that we know. Raises LoginRefused or LineLost."""
    mechanisms = set(offered.upper().split())
    reply = None
    for name, way in _WAYS.items():
        if name in mechanisms:
            reply = way(line, user.encode(), password.encode())
            if reply.code not in _ANOTHER_WAY:
                break
    if reply is None:
        raise LineLost("the server offers no way to log in that we know")
    if reply.code in _NEVER:
        raise LoginRefused
    if reply.code != _DONE:
        raise LineLost(f"the server answered {reply.code} to the login")


def _plain(line: SmtpLine, user: bytes, password: bytes) -> Reply:
    return line.ask(b"AUTH PLAIN " + b64encode(b"\0" + user + b"\0" + password))


def _login(line: SmtpLine, user: bytes, password: bytes) -> Reply:
    reply = line.ask(b"AUTH LOGIN")
    for secret in (user, password):
        if reply.code != _GO_ON:
            break
        reply = line.ask(b64encode(secret))
    return reply


def _cram_md5(line: SmtpLine, user: bytes, password: bytes) -> Reply:
    reply = line.ask(b"AUTH CRAM-MD5")
    if reply.code != _GO_ON:
        return reply
    try:
        challenge = b64decode(reply.text, validate=True)
    except ValueError:
        raise LineLost("the server's challenge cannot be read") from None
    return line.ask(b64encode(user + b" " + hmac.new(password, challenge, "md5").hexdigest().encode()))


_WAYS: dict[str, Callable[[SmtpLine, bytes, bytes], Reply]] = {"PLAIN": _plain, "LOGIN": _login, "CRAM-MD5": _cram_md5}
