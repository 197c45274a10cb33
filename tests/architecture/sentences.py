"""Every sentence the program says to people, found where it is said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import GETTEXT_FUNCTIONS, extract_from_ast, i18n

from listkeeper.foundation import language
from tests.architecture import source

FOREIGN = tuple(code for code in language.LANGUAGES if code != language.DEFAULT)
PLACES = re.compile(r"%\(([a-z_]+)\)[sd]")
# What a subscriber may read, in seven languages from the first day; the rest belongs to the studio and the commands.
FOR_SUBSCRIBERS = (
    "templates/public/", "templates/mail/", "templates/partials/", "listkeeper/web/public/", "listkeeper/rendering/",
    "listkeeper/audience/",
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """One message id, with its plural form when it has one, and where it stands."""

    one: str
    many: str | None
    where: str

    @property
    def for_subscribers(self) -> bool:
        """Whether a subscriber may read it."""
        return self.where.startswith(FOR_SUBSCRIBERS)


def all_of_them() -> list[Sentence]:
    """Return every sentence of the code and of the templates."""
    return [*_of_the_code(), *_of_the_templates()]


def catalogue(code: str, kind: str) -> Path:
    """Return a language's catalogue; kind is ``po`` or ``mo``."""
    return language.FOLDER / code / "LC_MESSAGES" / f"{language.DOMAIN}.{kind}"


def _of_the_code() -> Iterator[Sentence]:
    for file in source.package():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call):
                name = source.dotted(node.func)
                words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                where = f"{file.name}:{node.lineno}"
                if name.endswith("language.text") and words:
                    yield Sentence(words[0], None, where)
                elif name.endswith("language.counted") and len(words) > 1:
                    yield Sentence(words[0], words[1], where)


def _of_the_templates() -> Iterator[Sentence]:
    environment = Environment(extensions=[i18n], autoescape=True)
    for path in source.templates():
        name = path.relative_to(source.CHECKOUT).as_posix()
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for line, _function, message in extract_from_ast(tree, GETTEXT_FUNCTIONS):
            if isinstance(message, tuple):
                forms = [form for form in message if isinstance(form, str)]
                yield Sentence(forms[0], forms[1] if len(forms) > 1 else None, f"{name}:{line}")
            elif message:
                yield Sentence(message, None, f"{name}:{line}")
