"""The fields of a block's form, read into the value that programs send: dots for what is inside, numbers for many."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.rendering import document

_OURS = frozenset({"csrf_token", "version", "key", "op", "id", "type", "after"})
_NUMBERED = re.compile(r"(\w+)-(\d{1,2})-(\w+)")
_KINDS: Mapping[str, type[BaseModel]] = {kind.model_fields["type"].default: kind for kind in document.TYPES}


def new_key() -> str:
    """Return a name for the change that a form is about to ask for."""
    return str(uuid.uuid4())


def change_of(form: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    """Return the change that a form asks for, as JSON values; what does not fit is said when it is read."""
    ask = _ASKED.get(form.get("op", ""))
    if ask is None:
        raise Invalid("no_change", language.text("This form asks for nothing we know. Nothing was changed."))
    return ask(form, draft)


def _head(form: Mapping[str, str], _draft: Draft) -> dict[str, Any]:
    return {"op": "head", "subject": form.get("subject", ""), "preheader": form.get("preheader", "")}


def _theme(form: Mapping[str, str], _draft: Draft) -> dict[str, Any]:
    colour = form.get("colour") if "own_colour" in form else None
    return {"op": "theme", "theme": {"colour": colour or None, "font": form.get("font", "")}}


def _body(form: Mapping[str, str], _draft: Draft) -> dict[str, Any]:
    return {"op": "body", **{name: form[name] for name in ("markdown", "html") if name in form}}


def _set(form: Mapping[str, str], _draft: Draft) -> dict[str, Any]:
    return {"op": "set", "block": _block(form, form.get("type", ""))}


def _insert(form: Mapping[str, str], _draft: Draft) -> dict[str, Any]:
    block = _block(form, form.get("type", ""), ticked=False) | {"id": document.new_id()}
    return {"op": "insert", "block": block, "after": form.get("after") or None}


def _move(form: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    name, way = form.get("id", ""), form.get("op", "")
    after = form.get("after") or None if way == "move" else _beside(draft, name, way)
    return {"op": "move", "id": name, "after": after}


def _plain(*fields: str) -> Callable[[Mapping[str, str], Draft], dict[str, Any]]:
    return lambda form, _draft: {name: form.get(name, "") for name in ("op", *fields)}


def _words(form: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    """Return the whole document with what stands in the fields of a page without script: head and text at once."""
    given = {name: form[name] for name in ("subject", "preheader", "markdown", "html") if name in form}
    if any(name in given and draft.mode.value != name for name in ("markdown", "html")):
        sentence = language.text("This letter is written in another way by now. Nothing was changed; load it again.")
        raise Conflict("other_mode", sentence)
    return {"op": "document", "document": draft.document.model_dump(mode="json") | given}


def _block(form: Mapping[str, str], kind: str, *, ticked: bool = True) -> dict[str, Any]:
    """Return the values of a block's fields; where its boxes were shown, one that is not ticked is not sent at all."""
    model = _KINDS.get(kind)
    if model is None:
        raise Invalid("no_block", language.text("There is no block of that kind. Nothing was changed."))
    values: dict[str, Any] = {"id": form.get("id", ""), "type": kind}
    for name, field in model.model_fields.items():
        if ticked and field.annotation is bool:
            values[name] = name in form
    for name, value in form.items():
        if name in _OURS:
            continue
        numbered = _NUMBERED.fullmatch(name)
        if numbered:
            rows = values.setdefault(numbered[1], {})
            rows.setdefault(int(numbered[2]), {})[numbered[3]] = value
        else:
            _put(values, name.split("."), value)
    for name, value in values.items():
        if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
            values[name] = [row for _place, row in sorted(value.items()) if any(row.values())]
    return _without_empty_pictures(values, kind)


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    # A level is one of three numbers and no text; every other number is read from its digits.
    values[path[-1]] = int(value) if path == ["level"] and value.isdecimal() else value


def _without_empty_pictures(values: dict[str, Any], kind: str) -> dict[str, Any]:
    for holder in (values, values.get("left"), values.get("right")):
        picture = holder.get("picture") if isinstance(holder, dict) else None
        if isinstance(picture, dict):
            picture["decorative"] = "decorative" in picture
            for size in ("width", "height"):
                picture[size] = picture.get(size) or 0
            if not picture.get("src", "").strip() and holder is not None and kind != "image":
                holder["picture"] = None
    return values


def _beside(draft: Draft, name: str, way: str) -> str | None:
    """Return after which block one stands once it has moved one place."""
    order = [block.id for block in draft.blocks]
    if name not in order:
        return None
    place = order.index(name)
    others = [each for each in order if each != name]
    at = max(place - 1, 0) if way == "up" else min(place + 1, len(others))
    return others[at - 1] if at else None


def _copy(form: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    name = form.get("id", "")
    for block in draft.blocks:
        if block.id == name:
            return {"op": "insert", "block": block.model_dump(mode="json") | {"id": document.new_id()}, "after": name}
    raise Invalid("no_block", language.text("This block is not there any more. Nothing was changed."))


_ASKED: dict[str, Callable[[Mapping[str, str], Draft], dict[str, Any]]] = {
    "head": _head,
    "words": _words,
    "body": _body,
    "theme": _theme,
    "set": _set,
    "insert": _insert,
    "up": _move,
    "down": _move,
    "move": _move,
    "remove": _plain("id"),
    "copy": _copy,
    "switch": _plain("mode"),
    "restore": _plain("number"),
    "fix": _plain("code", "place"),
}
