"""A certificate: all that is known of one person's permission, as plain values, in the order it happened.

It is what a lawyer prints, what the person gets on asking, and what the proof
bundle carries beside the ledger rows. It says what the server recorded; it
does not say who sat at the keyboard. What somebody else claimed about her when
a list was imported is shown as that: an imported claim, never a record of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Fact = str | int


class Kept(StrEnum):
    """What became of the evidence of an event."""

    HELD = "held"
    # The ledger commits to evidence that is no longer (or not) shown: erased by right, by time, or left out.
    WITHHELD = "withheld"
    NONE = "none"


@dataclass(frozen=True)
class Controller:
    """Whose list it is."""

    public_id: str
    name: str
    postal_address: str
    contact: str
    website: str
    language: str


@dataclass(frozen=True)
class ShownText:
    """A consent text word for word; ``published_at`` in milliseconds UTC."""

    sha256: str
    language: str
    version: int
    kind: str
    body: str
    withdrawal: str
    age_statement: str
    button_label: str
    controller: str
    published_at: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences above the button, in the order of the page."""
        return tuple(part for part in (self.body, self.withdrawal, self.age_statement) if part)


@dataclass(frozen=True)
class ShownForm:
    """A version of a sign-up form, all words of it; ``published_at`` in milliseconds UTC."""

    sha256: str
    public_id: str
    slug: str
    language: str
    version: int
    title: str
    thank_you: str
    least_age: int
    published_at: int
    text: ShownText
    second_text: ShownText | None
    # The privacy notice that the page pointed at, empty for none.
    notice_sha256: str = ""
    # What was chosen of its look and its words beside the text (``form_design``), as it is stored.
    design: Mapping[str, Any] = field(default_factory=dict)
    # The texts of further purposes; where there are any, each text has a box, the form's own first.
    further: tuple[ShownText, ...] = ()

    @property
    def texts(self) -> tuple[ShownText, ...]:
        """Every text on it."""
        return tuple(text for text in (self.text, self.second_text, *self.further) if text is not None)


@dataclass(frozen=True)
class Happening:
    """One ledger event of the person with its evidence; times in milliseconds UTC, 0 for none.

    ``at`` is when it was written down, ``happened_at`` when it happened.
    """

    id: str
    seq: int
    at: int
    happened_at: int
    type: str
    list_id: str
    purpose: str
    basis: str
    method: str
    actor: str
    expires_at: int
    text: ShownText | None
    form: ShownForm | None
    evidence: Kept
    facts: tuple[tuple[str, Fact], ...]
    details: tuple[tuple[str, Fact], ...]
    mail: bytes
    hash: str
    commitment: str


@dataclass(frozen=True)
class SentMessage:
    """One message that left, and the ledger row that allowed it (0: it needed none)."""

    at: int
    list_id: str
    subject: str
    message_class: str
    state: str
    message_id: str
    reply: str
    grant_seq: int


@dataclass(frozen=True)
class ImportedClaim:
    """What an import said about the person: somebody else's claim, given to us with a file."""

    batch: str
    row: int
    at: int
    claims: tuple[tuple[str, Fact], ...]
    file_sha256: str
    actor: str
    # What the file is called, the line that a person finds the row in, and who brought it.
    file_name: str = ""
    line: int = 0
    operator: str = ""


@dataclass(frozen=True)
class Permission:
    """How the person stands to one list, and how it came about."""

    list_id: str
    list_name: str
    purpose: str
    state: str
    basis: str
    since: int
    valid_until: int
    permits: bool
    happenings: tuple[Happening, ...]
    messages: tuple[SentMessage, ...]
    claim: ImportedClaim | None = None


@dataclass(frozen=True)
class Standing:
    """One live entry of the list of those we must not write to; 0 for "for ever"."""

    scope: str
    list_name: str
    reason: str
    since: int
    until: int


@dataclass(frozen=True)
class Retention:
    """How long the evidence is kept; ``delete_after`` is 0 while the permission lives."""

    preset: str
    reason: str
    delete_after: int


@dataclass(frozen=True)
class Position:
    """Where the ledger stood when this was made: what every hash here is checked against."""

    size: int
    root: str
    public_key: str
    key_name: str


@dataclass(frozen=True)
class Certificate:
    """Everything, ready to be printed; ``made_at`` in milliseconds UTC. What only a living row knows may be missing."""

    made_at: int
    language: str
    controller: Controller
    subject: str
    address_typed: str
    erased_at: int
    permissions: tuple[Permission, ...]
    elsewhere: tuple[Happening, ...]
    other_messages: tuple[SentMessage, ...]
    suppressions: tuple[Standing, ...]
    retention: Retention
    position: Position
    # The rules each list goes by, by its public id.
    jurisdictions: tuple[tuple[str, str], ...] = ()
    public_id: str = ""
    address_normalised: str = ""
    restricted_at: int = 0
    demo: bool = False

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """Every event, whichever list it belongs to, in the order of the ledger."""
        found = [happening for permission in self.permissions for happening in permission.happenings]
        return tuple(sorted((*found, *self.elsewhere), key=lambda happening: happening.seq))

    @property
    def texts(self) -> tuple[ShownText, ...]:
        """Every text that was shown, each once."""
        forms = [text for form in self.forms for text in form.texts]
        cited = [happening.text for happening in self.happenings if happening.text]
        return tuple({text.sha256: text for text in (*cited, *forms)}.values())

    @property
    def forms(self) -> tuple[ShownForm, ...]:
        """Every form version that was shown, each once."""
        return tuple({each.form.sha256: each.form for each in self.happenings if each.form}.values())
