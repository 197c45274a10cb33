"""``/openapi.json``: a whole OpenAPI 3.1 document of this door alone, that says what the program really does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.web.api import lock
from tests.architecture import routes
from tests.makers import cafe
from tests.makers.programs import Program, program

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
KINDS = {"object", "array", "string", "integer", "number", "boolean", "null"}
# JSON Schema 2020-12, as far as anything of ours uses it.
WORDS = {
    "$ref", "type", "properties", "required", "items", "enum", "const", "anyOf", "description", "examples", "title",
    "default", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "additionalProperties",
    "propertyNames", "maxItems", "maxProperties", "minItems", "exclusiveMinimum", "exclusiveMaximum",
    "oneOf", "discriminator",
}  # fmt: skip


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


@pytest.fixture
def reader(app: Flask) -> Program:
    """A program with every scope, at a café with one person."""
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, cafe.found(session), "anna@shop.example")
    return program(app)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _resolve(document: dict[str, Any], reference: str) -> dict[str, Any]:
    assert reference.startswith("#/")
    place: Any = document
    for step in reference[2:].split("/"):
        place = place[step.replace("~1", "/").replace("~0", "~")]
    assert isinstance(place, dict)
    return place


def _schemas(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of the document
    """Yield every schema below a part of the document that is one."""
    if not isinstance(node, dict):
        return
    yield node
    for held in node.get("properties", {}).values():
        yield from _schemas(held)
    for word in ("items", "additionalProperties", "propertyNames"):
        yield from _schemas(node.get(word))
    for held in node.get("anyOf", []):
        yield from _schemas(held)


def _every_schema(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for schema in document["components"]["schemas"].values():
        yield from _schemas(schema)
    for _path, _method, operation in _operations(document):
        for parameter in operation["parameters"]:
            yield from _schemas(parameter["schema"])
        for answer in (*operation["responses"].values(), operation.get("requestBody", {})):
            for content in answer.get("content", {}).values():
                yield from _schemas(content["schema"])


def test_it_is_openapi_of_this_instance(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document) <= {"openapi", "info", "servers", "paths", "components", "tags"}
    assert document["info"]["title"] == "listkeeper"
    assert re.match(r"\d+\.\d+", document["info"]["version"])
    assert document["servers"] == [{"url": "http://localhost:8025"}]
    [(name, scheme)] = document["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(operation["security"][0].keys() == {name} for _, _, operation in _operations(document))


def test_the_host_header_of_a_stranger_does_not_stay_in_it(client: FlaskClient) -> None:
    assert "evil.example" not in client.get("/openapi.json", headers={"Host": "evil.example"}).text
    assert "evil.example" not in client.get("/openapi.json").text


def test_it_names_this_door_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    expected = {
        (re.sub(r"<([^<>]+)>", r"{\1}", rule.rule), method.lower())
        for rule, method in routes.rules(app, "GET", "POST", "PUT", "PATCH", "DELETE")
        if rule.rule.startswith(lock.ROOT)
    }
    assert {(path, method) for path, method, _ in _operations(document)} == expected
    assert len(expected) >= 12


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)))
    assert len(references) > 8
    for reference in references:
        _resolve(document, reference)


def test_every_operation_is_whole(document: dict[str, Any]) -> None:
    names = []
    for path, method, operation in _operations(document):
        assert method in METHODS
        names.append(operation["operationId"])
        assert len(operation["summary"]) > 10
        assert "Scope: " in operation["description"]
        declared = {(each["name"], each["in"]) for each in operation["parameters"]}
        assert len(declared) == len(operation["parameters"])
        for placeholder in re.findall(r"{([^}]+)}", path):
            assert (placeholder, "path") in declared
        assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
        assert all(
            len(each.get("description", each["schema"].get("description", ""))) > 5 for each in operation["parameters"]
        )
        assert ("requestBody" in operation) is (method in {"post", "put", "patch"})
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[2345]\d\d", status)
            assert answer["description"]
            kinds = set(answer.get("content", {}))
            assert kinds == ({"application/problem+json"} if status >= "400" else kinds)
        assert any(status < "300" for status in operation["responses"])
    assert len(set(names)) == len(names)


def test_every_schema_is_one_and_every_field_is_refused_that_is_not_named(document: dict[str, Any]) -> None:
    found = list(_every_schema(document))
    assert len(found) > 60
    for schema in found:
        assert set(schema) <= WORDS, schema
        kind = schema.get("type")
        assert kind is None or kind in KINDS
        if kind == "object" and "properties" in schema:
            assert set(schema.get("required", [])) <= set(schema["properties"])
        if "pattern" in schema:
            re.compile(schema["pattern"])
            assert all(re.search(schema["pattern"], example) for example in schema.get("examples", []))
    bodies = [
        _resolve(document, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"])
        for _, method, operation in _operations(document)
        if method == "post"
    ]
    assert len(bodies) >= 6
    for body in bodies:
        assert body["additionalProperties"] is False
        assert body["description"]


def test_it_says_which_scope_opens_what(app: Flask, document: dict[str, Any], reader: Program) -> None:
    """Each operation is asked with a key that has every scope but the ones it names."""
    for path, method, operation in _operations(document):
        [(_, needed)] = operation["security"][0].items()
        assert set(needed) <= set(Scope)
        if not needed:
            continue
        others = [scope for scope in Scope if scope.value not in needed]
        without = program(app, *others)
        with_it = program(app, *(Scope(scope) for scope in needed))
        real = re.sub(r"{[^}]+}", "x", path)
        assert without.client.open(real, method=method.upper(), headers=without.headers).status_code == 403
        assert with_it.client.open(real, method=method.upper(), headers=with_it.headers).status_code != 403


def _fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a value is as a schema of ours says."""
    if "$ref" in schema or "anyOf" in schema:
        choices = schema.get("anyOf") or [_resolve(document, schema["$ref"])]
        return any(_fits(document, each, value) for each in choices)
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    kind = schema.get("type")
    if kind is not None and type(value) is not kinds[kind]:
        return False
    if kind == "object":
        return _fields_fit(document, schema, value)
    if kind == "array":
        return all(_fits(document, schema["items"], held) for held in value)
    return kind != "string" or bool(re.search(schema.get("pattern", ""), value))


def _fields_fit(document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any]) -> bool:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    if not set(schema.get("required", [])) <= set(value):
        return False
    others = {name: held for name, held in value.items() if name not in known}
    return (more is not False or not others) and all(
        _fits(document, known[name] if name in known else more if isinstance(more, dict) else {}, held)
        for name, held in value.items()
    )


def _answer_schema(document: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any]:
    found: dict[str, Any]
    [found] = document["paths"][path][method]["responses"][str(status)]["content"].values()
    schema: dict[str, Any] = found["schema"]
    return schema


def test_the_answers_are_as_it_says(document: dict[str, Any], reader: Program) -> None:
    person = (reader.get("/subscribers").json or {})["subscribers"][0]
    news, form = person["subscriptions"][0]["list"], (reader.get("/forms").json or {})["forms"][0]["id"]
    asked = [
        ("get", "/me", {}, None),
        ("get", "/lists", {}, None),
        ("get", "/lists/{list_id}", {"list_id": news}, None),
        ("get", "/forms", {}, None),
        ("get", "/subscribers", {}, None),
        ("get", "/subscribers/{subscriber_id}", {"subscriber_id": person["id"]}, None),
        ("get", "/subscribers/{subscriber_id}/consent", {"subscriber_id": person["id"]}, None),
        ("post", "/subscribers/lookup", {}, {"address": person["address"]}),
        ("post", "/suppressions/lookup", {}, {"address": person["address"]}),
        ("post", "/suppressions/lookup", {}, {"address": "no"}),
        ("post", "/signups", {}, {"form": form, "address": "new@shop.example"}),
        ("post", "/signups", {}, {"form": form}),
        ("post", "/sources", {}, {"form": form, "name": "Till", "channel": "till", "utm": {"utm_source": "till"}}),
        ("post", "/sources", {}, {"form": form, "name": " "}),
        ("get", "/sources", {}, None),
        ("post", "/suppressions", {}, {"address": person["address"], "reason": "unsub", "list": news}),
        ("post", "/subscribers/{subscriber_id}/unsubscriptions", {"subscriber_id": person["id"]}, {"list": news}),
        ("post", "/subscribers/{subscriber_id}/restriction", {"subscriber_id": person["id"]}, {}),
        ("post", "/subscribers/{subscriber_id}/restriction", {"subscriber_id": "sub_x"}, {}),
    ]
    for method, path, values, body in asked:
        answer = reader.get(path.format(**values)) if method == "get" else reader.post(path.format(**values), body)
        schema = _answer_schema(document, f"/api/v1{path}", method, answer.status_code)
        assert _fits(document, schema, answer.json), (path, answer.text)
        if isinstance(answer.json, dict) and answer.status_code < 400:
            assert not _fits(document, schema, answer.json | {"surprise": 1})


def test_there_is_no_page_that_loads_from_another_host(client: FlaskClient) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect", "/openapi.yaml"):
        assert client.get(path).status_code == 404
