"""The one way a program changes anything: one transaction, its name in the audit log, never twice.

The key is looked at again inside the transaction, so a change is stored either
before the key is revoked or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, current_app, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import api_key, audit_log, kept_answer
from listkeeper.accounts.api_key import ApiKey
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid, ListkeeperError
from listkeeper.web.api import lock

NAME = "Idempotency-Key"
_NAME_LIMIT = 255
_REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Done:
    """What was done: the answer, and how the audit log names it.

    ``complete`` makes the answer of what takes a while to find out, such as a count. It is asked once the change stands
    and nobody waits for it any more; until then ``answer`` is kept without.
    """

    answer: BaseModel
    action: str
    subject: str
    status: int = 200
    complete: Callable[[Session], BaseModel] | None = None


def made(act: Callable[[Session, Organisation, ApiKey], Done]) -> Response:
    """Do one change and return its answer; the answer of the first time when it was asked for before."""
    name, asked = name_given(), f"{request.method} {request.path}\n{request.get_data(as_text=True)}"
    with store.transaction() as session:
        key = api_key.acting(session, lock.caller().key_id)
        before = kept_answer.find(session, key.id, name, asked) if name else None
        if before is not None:
            return _answer(before.body, before.status, {_REPLAYED: "true"})
        done = act(session, session.get_one(Organisation, key.organisation_id), key)
        body = done.answer.model_dump_json()
        audit_log.record(session, key.organisation_id, key.actor, done.action, done.subject)
        if name:
            kept_answer.keep(session, key.id, name, asked, status=done.status, body=body)
        number = key.id
    return _answer(body if done.complete is None else _completed(done.complete, body, number, name), done.status, {})


def _completed(complete: Callable[[Session], BaseModel], body: str, number: int, name: str | None) -> str:
    """Return the whole answer, and keep it in the place of the one without."""
    try:
        with store.reading() as session:
            body = complete(session).model_dump_json()
        if name:
            with store.transaction() as session:
                kept_answer.complete(session, number, name, body)
    except ListkeeperError:
        # The change stands: an error now would say that it does not.
        return body
    return body


def name_given() -> str | None:
    """Return the name that the program gave this request, if any. Raises Invalid."""
    name = request.headers.get(NAME)
    if name is None:
        return None
    if not 0 < len(name) <= _NAME_LIMIT or not (name.isascii() and name.isprintable()):
        raise Invalid(
            "idempotency_key",
            language.text("An Idempotency-Key has 1 to 255 printable ASCII characters. Nothing was changed."),
        )
    return name


def _answer(body: str, status: int, headers: dict[str, str]) -> Response:
    return current_app.response_class(body, status=status, headers=headers, mimetype="application/json")
