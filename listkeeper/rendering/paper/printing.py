"""The templates of mails and of blocks: read once per process, never while a letter is rendered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from listkeeper.foundation import language, places

FOLDERS = ("mail", "blocks")


@cache
def environment() -> Environment:
    """Return the environment of ``templates/mail`` and ``templates/blocks``; words are translated when printed."""
    made = Environment(
        loader=FileSystemLoader([places.templates() / folder for folder in FOLDERS]),
        autoescape=select_autoescape(("html", "mjml"), default=False),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made


def sources(names: Iterable[str]) -> str:
    """Return the text of templates, for a name of how they are now."""
    loader = environment().loader
    if loader is None:
        raise RuntimeError("the mail templates have no loader")
    return "\n".join(loader.get_source(environment(), name)[0] for name in names)


def _gettext(message: str) -> str:
    return language.catalogue(language.current()).ugettext(message)


def _ngettext(one: str, many: str, number: int) -> str:
    return language.catalogue(language.current()).ungettext(one, many, number)
