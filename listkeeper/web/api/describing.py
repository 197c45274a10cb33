"""The document at ``/openapi.json``: OpenAPI 3.1, this door only, everything a program needs and nothing else.

APIFlask collects the routes and their shapes. Here is what it does not know:
that every answer to a mistake is a problem document (RFC 9457), which scope a
route needs, and which headers it listens to.
"""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from listkeeper.accounts.api_key import Scope
from listkeeper.settings import Settings
from listkeeper.web.api import change, lock

_SCHEME = "key"
_PROBLEM = "application/problem+json"
_TOLD = {
    400: "The request could not be read.",
    401: "The key is missing, unknown or revoked.",
    403: "The key does not open this.",
    404: "There is nothing under this name.",
    409: "It is in a state that does not allow this.",
    413: "The body is larger than any of ours.",
    415: "The body is not JSON.",
    422: "What was asked cannot be right; `errors` says where.",
    429: "Too fast; `Retry-After` says how long to wait.",
    503: "Something we depend on does not answer. Nothing was changed.",
}
# A question changes nothing, and an archive is too much to be kept.
_NOT_REMEMBERED = ("/lookup", "/exports")
_ALWAYS = (401, 403, 429, 503)
_OF_A_BODY = (400, 409, 413, 415, 422)

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Programs look at `code`, people at `detail`.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["That did not work"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "description": "One sentence: what happened, what was kept, what to do."},
        "code": {"type": "string", "description": "Stable.", "examples": ["not_valid"]},
        "errors": {
            "type": "array",
            "description": "Where, when it is about single fields.",
            "items": {
                "type": "object",
                "required": ["detail", "pointer"],
                "properties": {
                    "detail": {"type": "string", "examples": ["Field required"]},
                    "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901).", "examples": ["#/address"]},
                },
            },
        },
    },
}
_NAME_OF_A_REQUEST = {
    "name": change.NAME,
    "in": "header",
    "required": False,
    "description": "A name of your own for this change, at most 255 characters. Within 24 hours the same request under "
    "the same name gets the first answer again, marked `Idempotent-Replayed: true`, and changes nothing.",
    "schema": {"type": "string", "maxLength": 255},
}
_SEEN_BEFORE = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of an earlier answer; 304 when nothing has changed.",
    "schema": {"type": "string"},
}
_DESCRIPTION = (
    "A program may read, ask a person to subscribe, make links that lead to a form, send letters that are written, "
    "take permission away, and take everything out. It can never give anybody's permission: whoever is asked decides "
    "by a mail of their own.\n\n"
    "Every request carries a key: `Authorization: Bearer lk_…`. Make one in the studio or with "
    "`listkeeper key create`. Times are RFC 3339 in UTC. Addresses never stand in a URL."
)


def attach(app: APIFlask, settings: Settings) -> None:
    """Say what the document cannot know by itself."""
    app.config |= {
        "OPENAPI_VERSION": "3.1.0",
        "DESCRIPTION": _DESCRIPTION,
        # Not from the Host header of whoever asks first: the document is made once.
        "SERVERS": [{"url": settings.site}],
        "SECURITY_SCHEMES": {
            _SCHEME: {"type": "http", "scheme": "bearer", "description": "A key: `lk_` and 32 characters."}
        },
        "AUTO_OPERATION_ID": True,
        "AUTO_404_RESPONSE": False,
        "AUTO_AUTH_ERROR_RESPONSE": False,
        "AUTO_VALIDATION_ERROR_RESPONSE": False,
        "VALIDATION_ERROR_STATUS_CODE": 422,
    }
    needed = _Needed(app)
    app.spec_processor(needed.complete)


class _Needed:
    """Completes the document with what the lock knows of each route."""

    def __init__(self, app: APIFlask) -> None:
        self._app = app

    def complete(self, document: dict[str, Any] | str) -> dict[str, Any] | str:
        """Add scopes, headers and problems to every operation."""
        if isinstance(document, str):
            raise TypeError("the document is written as JSON, not as YAML")
        scopes = self._scopes()
        document["components"].setdefault("schemas", {})["Problem"] = PROBLEM
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                self._complete(path, method, operation, scopes[path, method])
        return document

    def _scopes(self) -> dict[tuple[str, str], frozenset[Scope]]:
        found = {}
        for rule in self._app.url_map.iter_rules():
            path = rule.rule.replace("<", "{").replace(">", "}")
            for method in rule.methods or ():
                found[path, method.lower()] = lock.needed_by(self._app.view_functions.get(rule.endpoint)) or frozenset()
        return found

    def _complete(self, path: str, method: str, operation: dict[str, Any], scopes: frozenset[Scope]) -> None:
        operation["security"] = [{_SCHEME: sorted(scope.value for scope in scopes)}]
        needs = ", ".join(f"`{scope.value}`" for scope in sorted(scopes)) or "any key"
        operation["description"] = f"{operation.get('description', '')}\n\nScope: {needs}.".strip()
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                parameter |= {"required": True, "description": "A public id."}
        codes = set(_ALWAYS)
        if "{" in path:
            codes.add(404)
        if method == "get":
            operation["parameters"].append(_SEEN_BEFORE)
            operation["responses"]["304"] = {"description": "Nothing has changed since that ETag."}
            codes.add(400)
        else:
            operation["requestBody"]["required"] = True
            codes |= {*_OF_A_BODY, 404}
            if not path.endswith(_NOT_REMEMBERED):
                operation["parameters"].append(_NAME_OF_A_REQUEST)
        for code in sorted(codes):
            operation["responses"][str(code)] = {
                "description": _TOLD[code],
                "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
