"""The one map from what can go wrong to HTTP: a calm page, or a problem document (RFC 9457) when a program asks.

Nothing of the inside is ever shown: an unforeseen error is logged with its
endpoint (a path could hold a token) and answered with words alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apiflask import HTTPError
from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from listkeeper.foundation import language, log
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, ListkeeperError, NotFound, TryAgain
from listkeeper.web import headers

STATUS: dict[type[ListkeeperError], int] = {Invalid: 422, NotFound: 404, Conflict: 409, Forbidden: 403, TryAgain: 503}
# Invalid on a page that was only opened is a bad address, not a bad form.
_BAD_ADDRESS = 400
_TOO_MANY = 429
_OUR_FAULT = 500
# Some codes say more exactly what is wrong than their kind does.
_STATUS_OF_CODE = {
    "no_key": 401, "bad_key": 401, "not_json": 400, "not_json_type": 415, "changed_elsewhere": 412, "name_missing": 428,
}  # fmt: skip
# RFC 6750 section 3: what a program without the right key is told.
_CHALLENGES = {
    "no_key": 'Bearer realm="listkeeper"',
    "bad_key": 'Bearer realm="listkeeper", error="invalid_token"',
    "scope_missing": 'Bearer realm="listkeeper", error="insufficient_scope"',
}
_RETRY_SECONDS = {_TOO_MANY: 3600, 503: 30}


@dataclass(frozen=True)
class Problem:
    """What a person or a program is told."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()


def attach(app: Flask) -> None:
    """Answer every error of this application."""
    app.register_error_handler(ListkeeperError, _foreseen)
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(HTTPError, _not_as_described)
    app.register_error_handler(Exception, _unforeseen)


def _foreseen(error: ListkeeperError) -> Response:
    status = status_of(error)
    with language.using(_spoken()):
        return _answer(Problem(status, error.code, _title(status), error.message))


def status_of(error: ListkeeperError) -> int:
    """Return the HTTP status of one of the five kinds."""
    if error.code.startswith("too_many"):
        return _TOO_MANY
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return _BAD_ADDRESS if status == STATUS[Invalid] and request.method in {"GET", "HEAD"} else status


def _not_as_described(error: HTTPError) -> Response:
    """Answer a request of a program that is not as the document of the api describes it."""
    status = STATUS[Invalid] if "json" in error.detail else _BAD_ADDRESS
    with language.using(_spoken()):
        said = language.text("The request is not as described. Nothing was changed; see what is said about each field.")
        return _answer(Problem(status, "not_valid", _title(status), said, tuple(_places(error.detail))))


def _places(detail: Any) -> Iterator[dict[str, str]]:  # noqa: ANN401 - APIFlask's word for it
    for place, fields in detail.items():
        for field, sentences in fields.items():
            path = "" if field == "_schema" else "/" + field.replace("~", "~0").replace("/", "~1").replace(".", "/")
            pointer = f"#{path}" if place == "json" else f"?{path.removeprefix('/')}"
            for sentence in sentences:
                yield {"detail": sentence, "pointer": pointer}


def _refused_by_http(error: HTTPException) -> Response:
    status = error.code or _OUR_FAULT
    if error.response is not None or status < _BAD_ADDRESS:
        return make_response(error.get_response())
    with language.using(_spoken()):
        answer = _answer(Problem(status, f"http_{status}", _title(status), _detail(status)))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _unforeseen(_error: Exception) -> Response:
    log.get(__name__).exception("request.failed", endpoint=request.endpoint, method=request.method)
    with language.using(_spoken()):
        return _answer(Problem(_OUR_FAULT, "our_fault", _title(_OUR_FAULT), _detail(_OUR_FAULT)))


def _in_studio() -> bool:
    return request.path == "/studio" or request.path.startswith("/studio/")


def _in_api() -> bool:
    return request.path in {"/api", "/metrics"} or request.path.startswith("/api/")


def _spoken() -> str:
    """Return the studio's language, else the one the visitor's browser asks for."""
    return language.current() if _in_studio() else language.best_of(request.headers.get("Accept-Language", ""))


def _title(status: int) -> str:
    titles = {
        400: language.text("That did not work"),
        401: language.text("A key is needed here"),
        403: language.text("This is not allowed"),
        404: language.text("There is no page here"),
        405: language.text("This address has no such page"),
        409: language.text("Something changed in the meantime"),
        413: language.text("That was too much at once"),
        415: language.text("That did not work"),
        422: language.text("That did not work"),
        429: language.text("A little too fast"),
        503: language.text("Please try again in a moment"),
    }
    if status in titles:
        return titles[status]
    return language.text("Something went wrong on our side") if status >= _OUR_FAULT else titles[400]


def _detail(status: int) -> str:
    details = {
        404: language.text(
            "The address may be cut off. Copy the whole link from the e-mail, or go back and try again."
        ),
        405: language.text("Nothing was changed. Go back and use the button on the page."),
        413: language.text("Nothing was saved. Please send less at once."),
        429: language.text("Nothing was saved. Please wait a while, then try again."),
        503: language.text("Nothing was changed. Please wait a moment, then try again."),
    }
    if status in details:
        return details[status]
    if status >= _OUR_FAULT:
        return language.text("Nothing was half-saved. Please try again in a moment; the fault has been noted.")
    return language.text("Nothing was changed. Go back, look over what you typed and try again.")


def _answer(problem: Problem) -> Response:
    answer = _as_json(problem) if _in_api() or _wants_json() else _as_page(problem)
    answer.status_code = problem.status
    if problem.code in _CHALLENGES and _in_api():
        answer.headers["WWW-Authenticate"] = _CHALLENGES[problem.code]
    if problem.status in _RETRY_SECONDS:
        answer.headers["Retry-After"] = str(_RETRY_SECONDS[problem.status])
    return headers.private(answer)


def _wants_json() -> bool:
    accepted = request.accept_mimetypes
    named = max(accepted["application/problem+json"], accepted["application/json"])
    # `*/*` gives both the same weight: a browser or a mail program, which gets the page.
    return named > accepted["text/html"]


def _as_json(problem: Problem) -> Response:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    answer = jsonify(body)
    answer.content_type = "application/problem+json"
    return answer


def _as_page(problem: Problem) -> Response:
    door = "studio" if _in_studio() else "public"
    spoken = language.current()
    return make_response(
        render_template(
            # The studio may have a page of its own; the public one serves both until it does.
            [f"{door}/problem.html", "public/problem.html"],
            problem=problem,
            spoken=spoken,
            direction=language.direction(spoken),
        )
    )
