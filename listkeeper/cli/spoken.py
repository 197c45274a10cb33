"""The option ``--lang``: one of the languages we speak, or a sentence that names them."""

from __future__ import annotations

import click

from listkeeper.foundation import language


class Spoken(click.ParamType[str]):
    """A language code; Norwegian may be written ``no``."""

    name = "CC"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the code as the program writes it."""
        known = language.known(value)
        if known == language.DEFAULT and value.lower() != language.DEFAULT:
            self.fail(f"“{value}” is not spoken here. Choose one of {', '.join(language.LANGUAGES)}.", param, ctx)
        return known
