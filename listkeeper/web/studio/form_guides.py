"""How the site builders take a form: where to click, and what to paste there. ``docs/embedding.md`` says more."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.foundation import language
from listkeeper.rendering.form_snippet import Snippet


@dataclass(frozen=True)
class Guide:
    """The way in one site builder: what to copy, the steps, and what to know."""

    name: str
    kind: Snippet
    steps: tuple[str, ...]
    know: str


def every() -> list[Guide]:
    """Return the guides, in the language of the moment."""
    return [_wordpress(), _shopify(), _wix(), _squarespace()]


def _wordpress() -> Guide:
    return Guide(
        "WordPress",
        Snippet.COMPONENT,
        (
            language.text("Open the page in the editor and press “+”."),
            language.text("Choose the block “Custom HTML”, and paste."),
            language.text("Press “Preview”, then publish."),
        ),
        language.text("On the small plans of WordPress.com scripts and forms are taken out: use the link there."),
    )


def _shopify() -> Guide:
    return Guide(
        "Shopify",
        Snippet.COMPONENT,
        (
            language.text("Open “Online Store”, “Themes”, “Customize”."),
            language.text("Press “Add section”, choose “Custom Liquid”, and paste."),
            language.text("Move it to its place, then save."),
        ),
        language.text("In the footer group it stands on every page of the shop."),
    )


def _wix() -> Guide:
    return Guide(
        "Wix",
        Snippet.COMPONENT,
        (
            language.text("Press “Add elements”, then “Embed code”, then “Embed HTML”."),
            language.text("Choose “Code”, and paste."),
            language.text("Make the box high enough, also in the view for phones."),
        ),
        language.text("Wix shows it in a frame on an address of its own. Leave the list of sites empty for it."),
    )


def _squarespace() -> Guide:
    return Guide(
        "Squarespace",
        Snippet.COMPONENT,
        (
            language.text("Edit the page and press “Add block”."),
            language.text("Choose “Code”, empty the box, and paste."),
            language.text("Save, and look at the page as a visitor."),
        ),
        language.text("Where your plan takes no scripts, paste the plain form."),
    )
