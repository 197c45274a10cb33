"""A certificate set out for print: titles, rows and frames in one language, before anybody decides how it looks.

Both the PDF and the HTML page print this, so they cannot tell two stories.
Nothing is left out here and nothing added: every value comes from the
``Certificate``, every sentence around it from the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listkeeper.audience.proof.certificate import (
    Certificate,
    Happening,
    ImportedClaim,
    Kept,
    Permission,
    SentMessage,
    ShownForm,
    ShownText,
)
from listkeeper.foundation import language
from listkeeper.rendering.paper import certificate_words as words

_TONES = {"confirmed": "good", "pending": "quiet", "imported_unverified": "warn"}


@dataclass(frozen=True)
class Row:
    """A label and what it stands for; ``exact`` is printed in a type that tells 0 from O."""

    label: str
    value: str
    exact: bool = False


@dataclass(frozen=True)
class Frame:
    """A text exactly as it was shown, with the label of its button and what names it."""

    title: str
    language: str
    sentences: tuple[str, ...]
    button: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Entry:
    """One event: when, what, and everything known of it. ``note`` says what it is not."""

    when: str
    title: str
    rows: tuple[Row, ...]
    frames: tuple[Frame, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Letters:
    """The messages that rested on one event."""

    title: str
    heads: tuple[str, str, str]
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Section:
    """One list, or what belongs to none."""

    title: str
    mark: str
    tone: str
    rows: tuple[Row, ...]
    entries: tuple[Entry, ...]
    letters: tuple[Letters, ...]


@dataclass(frozen=True)
class Paper:
    """The whole, in the order of its pages."""

    language: str
    direction: str
    title: str
    subject: str
    made: str
    disclaimer: str
    rows: tuple[Row, ...]
    sections: tuple[Section, ...]
    standing_title: str
    standing: tuple[Row, ...]
    standing_none: str
    checking_title: str
    checking: tuple[str, ...]
    position: tuple[Row, ...]
    hash_heads: tuple[str, str, str]
    hashes: tuple[tuple[str, str, str], ...]
    footer: str
    page: str


def lay_out(certificate: Certificate) -> Paper:
    """Set a certificate out in its own language."""
    with language.using(certificate.language) as code:
        numbers = {text.sha256: number for number, text in enumerate(certificate.texts, 1)}
        shown: set[str] = set()
        sections = tuple(_section(permission, numbers, shown) for permission in certificate.permissions)
        rest = _rest(certificate, numbers, shown)
        controller = certificate.controller
        return Paper(
            language=code,
            direction=language.direction(code),
            title=language.text("Record of consent"),
            subject=certificate.address_normalised or language.text("Personal data erased"),
            made=language.text("Made on %(moment)s", moment=words.moment(certificate.made_at)),
            disclaimer=language.text(
                "This is what the server of %(name)s recorded when it happened. It is a server-side record, not proof "
                "of identity.",
                name=controller.name,
            ),
            rows=_top(certificate),
            sections=(*sections, *rest),
            standing_title=language.text("Never mailed"),
            standing=tuple(_standing(certificate)),
            standing_none=language.text("No entry: nothing keeps letters away but the states above."),
            checking_title=language.text("How to check this"),
            checking=_how_to_check(),
            position=_position(certificate),
            hash_heads=(language.text("Row"), language.text("Event"), language.text("SHA-256 of the row")),
            hashes=tuple((str(each.seq), each.id, each.hash) for each in certificate.happenings),
            footer=f"{controller.name} · {language.text('Server-side record, not proof of identity')}",
            # The page numbers are known when the pages are.
            page=language.text("Page %(number)s of %(total)s", number="{number}", total="{total}"),
        )


def _top(certificate: Certificate) -> tuple[Row, ...]:
    controller = certificate.controller
    typed, plain = certificate.address_typed, certificate.address_normalised
    found = [
        Row(language.text("Controller"), f"{controller.name}\n{controller.postal_address}"),
        Row(language.text("Contact"), ", ".join(part for part in (controller.contact, controller.website) if part)),
        Row(language.text("Address as typed"), typed, exact=True),
        Row(language.text("Address as used"), plain if plain != typed else "", exact=True),
        Row(language.text("Reference of the person"), certificate.subject, exact=True),
        Row(language.text("Restricted since"), _moment_or_nothing(certificate.restricted_at)),
        Row(language.text("Erased on"), _moment_or_nothing(certificate.erased_at)),
        Row(language.text("Evidence is kept"), _retention(certificate)),
    ]
    if certificate.demo:
        found.append(Row(language.text("Note"), language.text("This person was made up for the demo.")))
    return _filled(found)


def _retention(certificate: Certificate) -> str:
    kept = certificate.retention
    if not kept.delete_after:
        until = language.text("as long as the consent lives")
    else:
        until = language.text("until %(day)s", day=words.day(kept.delete_after))
    about = ", ".join(part for part in (kept.preset, kept.reason) if part)
    return f"{until} ({about})" if about else until


def _moment_or_nothing(milliseconds: int) -> str:
    return words.moment(milliseconds) if milliseconds else ""


def _filled(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.value)


def _section(permission: Permission, numbers: dict[str, int], shown: set[str]) -> Section:
    rows = [
        Row(language.text("Purpose"), permission.purpose),
        Row(language.text("Basis"), words.basis(permission.basis)),
        Row(language.text("Since"), words.moment(permission.since)),
        Row(language.text("Valid until"), _moment_or_nothing(permission.valid_until)),
    ]
    claim = [_claim(permission.claim)] if permission.claim else []
    return Section(
        title=permission.list_name,
        mark=words.state(permission.state),
        tone=_TONES.get(permission.state, "bad"),
        rows=_filled(rows),
        entries=(*claim, *(_entry(each, numbers, shown) for each in permission.happenings)),
        letters=tuple(_letters(permission.messages, permission.happenings)),
    )


def _claim(claim: ImportedClaim) -> Entry:
    rows = [Row(words.claim(name), str(value), exact=True) for name, value in claim.claims]
    hashed = f"SHA-256 {claim.file_sha256}" if claim.file_sha256 else ""
    rows += [
        Row(language.text("File"), claim.file_name, exact=True),
        Row(language.text("Hash of the file"), hashed, exact=True),
        Row(language.text("Line of the file"), str(claim.line or claim.row)),
        Row(language.text("Imported by"), words.actor(claim.operator or claim.actor)),
        Row(language.text("Import"), claim.actor.removeprefix("import:") if claim.operator else "", exact=True),
    ]
    return Entry(
        when=words.moment(claim.at),
        title=language.text("Imported claim"),
        rows=_filled(rows),
        note=language.text("Somebody else recorded this and gave it to us. It is a claim, not a record of ours."),
    )


def _entry(happening: Happening, numbers: dict[str, int], shown: set[str]) -> Entry:
    by = words.actor(happening.actor)
    # The mail that asks is what the event is about, not the way somebody told us.
    how = "" if happening.type.startswith("doi.") else words.method(happening.method)
    rows = [
        Row(language.text("By"), f"{by}, {how}" if how else by),
        Row(language.text("Happened"), _other_moment(happening)),
        Row(language.text("Valid until"), _moment_or_nothing(happening.expires_at)),
        *(Row(words.fact(name), _fact(name, value), exact=True) for name, value in happening.facts),
        *(Row(words.fact(name), _detail(name, value)) for name, value in happening.details if name != "happened_at"),
        Row(language.text("Mail"), f"mails/{happening.id}.eml" if happening.mail else "", exact=True),
        Row(language.text("Form"), _form(happening.form) if happening.form else ""),
        Row(language.text("Text"), _cited(happening, numbers)),
        Row(language.text("Privacy notice"), _notice(happening.form), exact=True),
        Row(language.text("Evidence"), _kept(happening.evidence)),
        Row(language.text("Row of the ledger"), str(happening.seq)),
    ]
    frames = [_frame(text, numbers) for text in _texts_of(happening) if text.sha256 not in shown]
    shown.update(text.sha256 for text in _texts_of(happening))
    return Entry(words.moment(happening.at), words.event(happening.type), _filled(rows), tuple(frames))


def _other_moment(happening: Happening) -> str:
    return words.moment(happening.happened_at) if happening.happened_at not in {0, happening.at} else ""


def _fact(name: str, value: str | int) -> str:
    return words.moment(value) if isinstance(value, int) and name.endswith("_at") else str(value)


def _detail(name: str, value: str | int) -> str:
    if name == "reason":
        return words.reason(str(value))
    if name == "scope":
        return words.scope(str(value), "")
    return _fact(name, value)


def _form(form: ShownForm) -> str:
    number = language.text("version %(number)s", number=form.version)
    return f"“{form.slug}”, {number}, {words.day(form.published_at)} (form/{form.sha256[:12]}….html)"


def _notice(form: ShownForm | None) -> str:
    return f"texts/{form.notice_sha256}.json" if form and form.notice_sha256 else ""


def _texts_of(happening: Happening) -> list[ShownText]:
    form = happening.form
    found = [happening.text, form.text if form else None, form.second_text if form else None]
    return list({text.sha256: text for text in found if text is not None}.values())


def _cited(happening: Happening, numbers: dict[str, int]) -> str:
    named = [_text_name(text, numbers) for text in _texts_of(happening)]
    return ", ".join(named)


def _text_name(text: ShownText, numbers: dict[str, int]) -> str:
    return language.text("Text %(number)s", number=numbers[text.sha256])


def _kept(kept: Kept) -> str:
    return language.text("no longer held or not shown here; its commitment stands") if kept is Kept.WITHHELD else ""


def _frame(text: ShownText, numbers: dict[str, int]) -> Frame:
    rows = (
        Row(language.text("Given to"), ", ".join(text.controller.splitlines())),
        Row(language.text("Language"), text.language),
        Row(language.text("Version"), f"{text.version}, {words.moment(text.published_at)}"),
        Row("SHA-256", text.sha256, exact=True),
    )
    title = language.text("%(text)s, word for word", text=_text_name(text, numbers))
    return Frame(title, text.language, text.sentences, text.button_label, rows)


def _letters(messages: Sequence[SentMessage], happenings: Sequence[Happening]) -> Iterable[Letters]:
    moments = {each.seq: words.moment(each.at) for each in happenings}
    for seq in sorted({message.grant_seq for message in messages}):
        title = (
            language.text("Sent under the event of %(moment)s (row %(row)s)", moment=moments.get(seq, ""), row=seq)
            if seq
            else language.text("Sent without needing a consent")
        )
        lines = tuple(
            (
                words.moment(message.at),
                message.subject,
                "\n".join(part for part in (words.sent(message.state), message.reply, message.message_id) if part),
            )
            for message in messages
            if message.grant_seq == seq
        )
        yield Letters(
            title, (language.text("Time"), language.text("Subject"), language.text("What became of it")), lines
        )


def _rest(certificate: Certificate, numbers: dict[str, int], shown: set[str]) -> tuple[Section, ...]:
    if not certificate.elsewhere and not certificate.other_messages:
        return ()
    return (
        Section(
            title=language.text("Beyond one list"),
            mark="",
            tone="quiet",
            rows=(),
            entries=tuple(_entry(each, numbers, shown) for each in certificate.elsewhere),
            letters=tuple(_letters(certificate.other_messages, certificate.happenings)),
        ),
    )


def _standing(certificate: Certificate) -> Iterable[Row]:
    for each in certificate.suppressions:
        since = language.text("since %(moment)s", moment=words.moment(each.since))
        until = f", {language.text('until %(day)s', day=words.day(each.until))}" if each.until else ""
        yield Row(words.scope(each.scope, each.list_name), f"{words.reason(each.reason)}, {since}{until}")


def _how_to_check() -> tuple[str, ...]:
    return (
        language.text(
            "Each event is one row of a ledger that only grows. A row holds no address: the evidence above is bound to "
            "it by a salted hash, and each row names the hash of the row before it."
        ),
        language.text(
            "The file this page came in holds the rows, the evidence, the texts and the program listkeeper_verify.py. "
            "Run “python listkeeper_verify.py proof.zip”: it needs no trust in us, and says what does not fit."
        ),
    )


def _position(certificate: Certificate) -> tuple[Row, ...]:
    at = certificate.position
    return _filled(
        (
            Row(language.text("Rows in the ledger"), str(at.size)),
            Row(language.text("Root of the ledger"), at.root, exact=True),
            Row(language.text("Signed by"), at.key_name, exact=True),
            Row(language.text("Public key"), at.public_key, exact=True),
        )
    )
