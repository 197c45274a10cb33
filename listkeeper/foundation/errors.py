"""The five kinds of error that may reach a person.

Each carries a stable ``code`` for programs and one sentence for people that
says what happened, what was kept and what to do. ``web.problems`` is the only
map from these to HTTP, and ``cli.main`` the only one to exit codes.
"""

from __future__ import annotations


class ListkeeperError(Exception):
    """Base of the five kinds. Never raised itself. ``place`` names the part of what was written that it is about."""

    def __init__(self, code: str, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place


class Invalid(ListkeeperError):
    """What was asked cannot be right; asking again the same way will not help."""


class NotFound(ListkeeperError):
    """What was named does not exist (or not for this organisation)."""


class Conflict(ListkeeperError):
    """The thing has changed, or is in a state that does not allow this."""


class Forbidden(ListkeeperError):
    """The rules of permission, or the lock of a door, say no."""


class TryAgain(ListkeeperError):
    """Something we depend on is not answering; nothing was changed."""
