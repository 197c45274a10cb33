"""The token that opens a mailbox in place of a password (OAuth 2, RFC 6749), had from whoever gives it out.

A token is used until a minute before its end. A new refresh token that comes
with one takes the place of the old: in the file, where there is one, because
some servers let the old one die.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from listkeeper.feedback.mailbox_address import Grant, MailboxAddress
from listkeeper.foundation.fetch import Answer, NotSent, Unanswered
from listkeeper.mailroom.mailbox_line import MailboxTrouble

# Origin, path, body, headers: how something is posted (``parts.line``).
Post = Callable[[str, str, bytes, Mapping[str, str]], Answer | NotSent | Unanswered]
_USUAL_SECONDS = 3600.0
_SOONER_SECONDS = 60.0
_OK = 200
_WORD = re.compile(r"[a-z_]{1,40}")
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Tokens:
    """The tokens of this process."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._known: dict[str, tuple[str, float]] = {}
        self._renewed: dict[str, str] = {}

    def of(self, address: MailboxAddress) -> str | None:
        """Return the token that opens a mailbox; None where a password does. Raises MailboxTrouble."""
        if address.grant is None:
            return None
        token, until = self._known.get(address.name, ("", 0.0))
        if time.monotonic() >= until:
            token, seconds = self._asked(address.name, address.grant)
            self._known[address.name] = (token, time.monotonic() + max(seconds - _SOONER_SECONDS, 0.0))
        return token

    def forget(self, address: MailboxAddress) -> None:
        """Ask anew the next time: the mailbox did not take the token."""
        self._known.pop(address.name, None)

    def _asked(self, name: str, written: Grant) -> tuple[str, float]:
        grant = _completed(written)
        grant = replace(grant, refresh_token=self._renewed.get(name, grant.refresh_token))
        parts = urlsplit(grant.token_url)
        body = urlencode(_question(grant)).encode()
        answer = self._post(f"{parts.scheme}://{parts.netloc}", parts.path, body, _HEADERS)
        if not isinstance(answer, Answer):
            raise MailboxTrouble(f"No token came from {parts.hostname}: {answer.reason}.")
        said = _read(answer)
        token = said.get("access_token")
        if answer.status != _OK or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            word = str(said.get("error", ""))
            why = word if _WORD.fullmatch(word) else str(answer.status)
            raise MailboxTrouble(f"{parts.hostname} gives no token: {why}.")
        renewed = said.get("refresh_token")
        if isinstance(renewed, str) and renewed != grant.refresh_token and grant.refresh_token:
            self._renew(name, written, renewed)
        lasts = said.get("expires_in")
        return token, float(lasts) if isinstance(lasts, int | float) else _USUAL_SECONDS

    def _renew(self, name: str, written: Grant, token: str) -> None:
        if written.file and not written.refresh_token:
            _keep(Path(written.file), token)
        else:
            self._renewed[name] = token


def _question(grant: Grant) -> dict[str, str]:
    asked = {"client_id": grant.client_id}
    if grant.client_secret:
        asked["client_secret"] = grant.client_secret
    if grant.refresh_token:
        asked |= {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    else:
        asked["grant_type"] = "client_credentials"
    if grant.scope:
        asked["scope"] = grant.scope
    return asked


def _completed(grant: Grant) -> Grant:
    """Return a grant with what its file holds, where the setting itself says nothing."""
    if not grant.file:
        return grant
    held = _in_file(Path(grant.file))
    names = [name for name in ("client_id", "client_secret", "refresh_token") if not getattr(grant, name)]
    found = {name: str(held[name]) for name in names if isinstance(held.get(name), str)}
    whole = replace(grant, **found)
    if not whole.client_id or not whole.refresh_token:
        raise MailboxTrouble("The file of the token holds no client_id, or no refresh_token.")
    return whole


def _in_file(path: Path) -> dict[str, object]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MailboxTrouble("The file of the token cannot be read.") from None
    if not isinstance(held, dict):
        raise MailboxTrouble("The file of the token is no JSON object.")
    return held


def _keep(path: Path, token: str) -> None:
    """Put a new refresh token into the file, whole or not at all, closed to others."""
    held = _in_file(path) | {"refresh_token": token}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(held, indent=2), encoding="utf-8")
        draft.replace(path)
    except OSError:
        raise MailboxTrouble("The file of the token cannot be written to, and its token was renewed.") from None


def _read(answer: Answer) -> dict[str, object]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
