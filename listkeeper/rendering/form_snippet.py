"""What an owner pastes to put a form somewhere: a link, a plain form, the web component, a frame. All of one version.

A pasted form has no ticket, no style and no script of ours. Its trap is a
field in a ``<datalist>``, which browsers do not show; in two of them, because
some sites' stylesheets show whatever stands in a form. And it is disabled: no
browser sends it, so no person can fall into it whatever the site does.
Programs that read a form and fill in every field do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import language, places
from listkeeper.foundation.errors import NotFound

FOLDER = "embed"
# Inputs of most sites are too small for a thumb, and below 16 px an iPhone zooms in; for the site's own stylesheet.
STYLES = """\
.listkeeper label { display: block; }
.listkeeper input[type="email"], .listkeeper button {
  box-sizing: border-box; width: 100%; min-height: 48px; padding: 0.6em 0.9em; font: inherit; font-size: max(16px, 1em);
}
"""


class Snippet(StrEnum):
    """What can be pasted."""

    LINK = "link"
    HTML = "html"
    COMPONENT = "component"
    FRAME = "frame"


@dataclass(frozen=True)
class _Box:
    name: str
    label: str
    # Whether nobody gets on without it; of the purposes, people tick whichever they like.
    must: bool = True


@dataclass(frozen=True)
class _Words:
    slug: str
    language: str
    direction: str
    version: int
    title: str
    # What the owner says before the field: what one gets, how often.
    lead: list[str]
    label: str
    texts: list[list[str]]
    # What the boxes for the purposes are about, empty for no such boxes.
    choose: str
    boxes: list[_Box]
    button: str
    notice: str
    notice_label: str


def snippet(shown: ShownForm, kind: Snippet, site: str) -> str:
    """Return what is pasted, for a form whose pages are at ``site`` (scheme and host, no slash at the end)."""
    page = f"{site}/f/{shown.form.slug}"
    if kind is Snippet.LINK:
        return page
    with language.using(shown.form.language):
        words = _words(shown, site)
    drawn = _environment().get_template(f"{kind.value}.html").render(form=words, page=page, site=site)
    return "\n".join(line for line in drawn.splitlines() if line.strip())


def pasted(shown: ShownForm, kind: Snippet, site: str) -> Markup:
    """Return a snippet as part of a page."""
    return Markup(snippet(shown, kind, site))  # noqa: S704 - a template with escaping has drawn it


def named(kind: str) -> Snippet:
    """Return a kind by its name. Raises NotFound."""
    try:
        return Snippet(kind)
    except ValueError as problem:
        raise NotFound("no_snippet", language.text("There is no page here")) from problem


def all_of(shown: ShownForm, site: str) -> dict[str, str]:
    """Return every snippet of a form by the name of its kind."""
    return {kind.value: snippet(shown, kind, site) for kind in Snippet}


def _words(shown: ShownForm, site: str) -> _Words:
    text, second, age = shown.text, shown.second, shown.version.least_age
    design = shown.version.designed
    stated = text.age_statement or language.counted(
        "I am %(num)s year old or older.", "I am %(num)s years old or older.", age or 0, num=age or 0
    )
    agreed = [] if shown.boxes else [text.body]
    stops = dict.fromkeys(offer.text.withdrawal for offer in shown.purposes)
    said = [*agreed, *stops, "" if age else text.age_statement]
    boxes = [_Box(offer.box, " ".join(offer.text.body.split()), must=False) for offer in shown.boxes]
    boxes += [_Box("second_consent", " ".join(second.whole.split()))] if second else []
    return _Words(
        slug=shown.form.slug,
        language=shown.form.language,
        direction=language.direction(shown.form.language),
        version=shown.version.version,
        title=shown.version.title,
        lead=[said for said in (design.intro, *design.gets, design.frequency, design.answers) if said],
        label=language.text("Your e-mail address"),
        texts=[part.splitlines() for part in said if part],
        choose=language.text("What would you like to get?") if shown.boxes else "",
        boxes=[*boxes, *([_Box("age_stated", stated)] if age else [])],
        button=text.button_label,
        notice=f"{site}/privacy/{shown.form.language}" if shown.version.notice_sha256 else "",
        notice_label=language.text("How we use your data"),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(places.templates() / FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
