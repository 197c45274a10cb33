"""The look of a form and its words beside the text, as they are typed: read, drawn small, and said in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from listkeeper.audience.forms.form_design import NONE, ButtonInk, Design, Fact, Look, Onward
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import look

_WORDS = ("intro", "frequency", "answers", "already", "onward_url", "onward_label")
_SHOWN = {f"show_{fact.value}": fact for fact in Fact}
FIELDS = ("look", "own_colour", "accent", "button_ink", "gets", "onward", *_WORDS, *_SHOWN)
LONG = frozenset({"gets", "already"})
_YES = "yes"


@dataclass(frozen=True)
class Swatch:
    """A look drawn small: its name, what it is like, and its colours."""

    name: str
    word: str
    like: str
    colours: Mapping[str, str]


def typed_of(design: Design) -> dict[str, str]:
    """Return the fields of a design."""
    return {
        "look": design.look.value,
        "own_colour": _YES if design.accent else "",
        "accent": design.accent,
        "button_ink": design.button_ink.value,
        "gets": "\n".join(design.gets),
        "onward": design.onward.value,
        **{name: str(getattr(design, name)) for name in _WORDS},
        **{name: _YES if fact in design.shows else "" for name, fact in _SHOWN.items()},
    }


def design(fields: Mapping[str, str]) -> Design:
    """Return what the fields say; ``form_design.checked`` says if that can be published. Raises Invalid for no look."""
    try:
        chosen = (
            Look(fields.get("look") or NONE.look),
            ButtonInk(fields.get("button_ink", "")),
            Onward(fields.get("onward") or NONE.onward),
        )
    except ValueError:
        raise Invalid("no_look", language.text("Please choose one of the looks.")) from None
    own = fields.get("own_colour") == _YES
    return Design(
        look=chosen[0],
        accent=fields.get("accent", "") if own else "",
        # The writing is chosen for a colour; with the colour of the business it is found.
        button_ink=chosen[1] if own else ButtonInk.AUTOMATIC,
        onward=chosen[2],
        gets=tuple(line for line in fields.get("gets", "").splitlines() if line.strip()),
        shows=frozenset(fact for name, fact in _SHOWN.items() if fields.get(name) == _YES),
        **{name: fields.get(name, "") for name in _WORDS},
    )


def swatches(accent: str) -> list[Swatch]:
    """Return every look in a colour, to choose from."""
    return [
        Swatch(
            kind.value,
            word,
            like,
            {**look.palette(kind, dark=False), **look.owners(kind, accent, ButtonInk.AUTOMATIC, dark=False)},
        )
        for kind, (word, like) in look.names().items()
    ]


def labels() -> dict[str, str]:
    """Return what each field is called."""
    return {
        "look": language.text("Look"),
        "own_colour": language.text("A colour of its own, not that of the business"),
        "accent": language.text("Colour of this form"),
        "button_ink": language.text("Writing on the button"),
        "intro": language.text("A line below the headline"),
        "gets": language.text("What people get"),
        "frequency": language.text("How often you write"),
        "answers": language.text("How soon you answer"),
        "already": language.text("For people who are on the list already"),
        "onward_url": language.text("Where people go on to"),
        "onward_label": language.text("What that button says"),
        "onward": language.text("How they get there"),
        "show_call": language.text("A button to call you"),
        "show_hours": language.text("Opening hours"),
        "show_way": language.text("The way to you"),
        "show_links": language.text("Your other pages"),
        "show_languages": language.text("Links to this form in other languages"),
    }


def spoken(name: str, value: str) -> str:
    """Return a field's value as people say it."""
    if name in _SHOWN or name == "own_colour":
        return language.text("yes") if value == _YES else language.text("no")
    if name == "look":
        return next((each[0] for kind, each in look.names().items() if kind.value == value), value)
    if name in {"button_ink", "onward"}:
        return dict(choices(name)).get(value, value)
    return value


def choices(name: str) -> list[tuple[str, str]]:
    """Return what a field may be, with its words."""
    if name == "button_ink":
        return [
            (ButtonInk.AUTOMATIC.value, language.text("Whichever can be read")),
            (ButtonInk.WHITE.value, language.text("White")),
            (ButtonInk.BLACK.value, language.text("Black")),
        ]
    return [
        (Onward.BUTTON.value, language.text("By a button under your thanks")),
        (Onward.AT_ONCE.value, language.text("At once, without your thanks")),
    ]
