"""The language of segments: text to tree and back, with every mistake named at its place.

``not`` binds strongest, then ``and``, then ``or``; parentheses group. A value
that is one plain word stands as it is, any other between "…", where a backslash
stands before a quote or a backslash. Capital letters make no difference in our
words. What is printed reads back to the same tree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn, assert_never

from listkeeper.audience.segments import segment_tree
from listkeeper.audience.segments.segment_phrases import PHRASES, WORDS, Phrase, Slot
from listkeeper.audience.segments.segment_tree import DEEPEST, LONGEST_TEXT, All, AnyOf, Condition, Not, Tree
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_TOKEN = re.compile(r'\s*(?:([()])|"((?:[^"\\\n]|\\["\\])*)"|([^\s()"]+))')
_ESCAPE = re.compile(r"\\(.)")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@/+-]*")
_SHOWN = 40


class Misread(Invalid):
    """What cannot be read, with its place: ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, source: str, at: int, code: str = "segment_text") -> None:
        before = source[:at]
        self.line, self.column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
        self.text_of_line = source.split("\n")[self.line - 1]
        placed = language.text(
            "Line %(line)s, place %(column)s: %(what)s", line=self.line, column=self.column, what=message
        )
        super().__init__(code, placed, place=f"{self.line}:{self.column}")

    @property
    def pointed(self) -> str:
        """The line, and a caret under the place, for a terminal."""
        start = max(0, self.column - _SHOWN)
        return f"{self.text_of_line[start : self.column + _SHOWN]}\n{' ' * (self.column - 1 - start)}^"


@dataclass(frozen=True)
class _Token:
    text: str
    at: int
    kind: str

    @property
    def word(self) -> str:
        """The token as one of our words; a quoted text is none."""
        return self.text.lower() if self.kind == "word" else ""


def parse(source: str) -> Tree:
    """Return the tree of a text; nothing at all is everybody. Raises Misread."""
    _demand_short(source)
    return segment_tree.demand_small(_Reader(source).whole())


def read(stored: str) -> Tree:
    """Return the tree of a stored text, however long: what was once taken is never lost to a limit."""
    return _Reader(stored).whole()


def storable(tree: Tree) -> str:
    """Return the text that is stored of a tree. Raises Invalid when it, unlike what was typed, is too long."""
    text = printed(tree)
    _demand_short(text)
    return text


def _demand_short(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        message = language.text("This is too long. Please keep a segment below 10,000 characters.")
        raise Invalid("segment_too_long", message)


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    end = len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            start = at + len(source[at:]) - len(source[at:].lstrip())
            raise Misread(language.text("A quote is opened here and not closed."), source, start)
        if found[1]:
            yield _Token(found[1], found.start(1), "sign")
        elif found[2] is not None:
            yield _Token(_ESCAPE.sub(r"\1", found[2]), found.start(2) - 1, "quoted")
        else:
            yield _Token(found[3], found.start(3), "word")
        at = found.end()


class _Reader:
    """One pass over the tokens."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [*_tokens(source), _Token("", len(source.rstrip()), "end")]
        self.next = 0

    @property
    def token(self) -> _Token:
        """The token that is read next."""
        return self.tokens[self.next]

    def whole(self) -> Tree:
        """Read everything."""
        if self.token.kind == "end":
            return segment_tree.EVERYBODY
        found = self._either(0)
        if self.token.kind != "end":
            self._refuse(("and", "or", *((")",) if self.token.text == ")" else ())))
        return found

    def _either(self, deep: int) -> Tree:
        parts = [self._both(deep)]
        while self.token.word == "or":
            self.next += 1
            parts.append(self._both(deep))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self, deep: int) -> Tree:
        parts = [self._one(deep)]
        while self.token.word == "and":
            self.next += 1
            parts.append(self._one(deep))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, deep: int) -> Tree:
        # Refused while it is read: a thousand parentheses would go deeper than the program can.
        if deep > 2 * DEEPEST:
            raise Misread(segment_tree.too_deep(), self.source, self.token.at, "segment_too_deep")
        word = self.token.word
        if word == "not":
            self.next += 1
            return Not(self._one(deep + 1))
        if word in {"everybody", "nobody"}:
            self.next += 1
            return segment_tree.EVERYBODY if word == "everybody" else segment_tree.NOBODY
        if self.token.kind == "sign" and self.token.text == "(":
            self.next += 1
            found = self._either(deep + 1)
            if self.token.text != ")" or self.token.kind != "sign":
                self._refuse(("and", "or", ")"))
            self.next += 1
            return found
        return self._condition()

    def _condition(self) -> Condition:
        left, position = PHRASES, 0
        said: dict[str, str | int] = {}
        while True:
            ended = next((phrase for phrase in left if len(phrase.parts) == position), None)
            going = tuple(phrase for phrase in left if len(phrase.parts) > position)
            fitting = self._step(going, position, said) if going else ()
            if not fitting:
                if ended is None:
                    self._refuse(_expected(going, position), first=position == 0)
                return Condition(ended.id, **said)  # type: ignore[arg-type]
            left, position = fitting, position + 1

    def _step(self, going: Sequence[Phrase], position: int, said: dict[str, str | int]) -> tuple[Phrase, ...]:
        """Read one token by the phrases that still fit, and return those that go on fitting; none: it is not read."""
        token = self.token
        here = [(phrase, phrase.parts[position]) for phrase in going]
        by_word = tuple(phrase for phrase, part in here if not isinstance(part, Slot) and part == token.word)
        if by_word:
            self.next += 1
            return by_word
        by_slot = [(phrase, part) for phrase, part in here if isinstance(part, Slot)]
        if not by_slot or not self._is_value(token):
            return ()
        slot = by_slot[0][1]
        said[slot.field] = self._value(slot)
        return tuple(phrase for phrase, part in by_slot if part is slot)

    def _is_value(self, token: _Token) -> bool:
        return token.kind == "quoted" or (token.kind == "word" and token.word not in WORDS)

    def _value(self, slot: Slot) -> str | int:
        token = self.token
        value: str | int = token.text
        if slot.is_number:
            if token.kind == "quoted" or not re.fullmatch(r"[0-9]{1,9}", token.text, re.ASCII):
                self._refuse((_named(slot),))
            value = int(token.text)
        if problem := slot.fault(value):
            raise Misread(problem, self.source, token.at, "segment_value")
        self.next += 1
        if slot is Slot.DAYS:
            self._unit(("day", "days"))
        return value

    def _unit(self, words: tuple[str, ...]) -> None:
        if self.token.word not in words:
            self._refuse(("days",))
        self.next += 1

    def _refuse(self, expected: Sequence[str], *, first: bool = False) -> NoReturn:
        token = self.token
        if token.kind == "end":
            found = language.text("The text ends too early.")
        else:
            found = language.text("“%(word)s” cannot stand here.", word=token.text[:_SHOWN])
        near = difflib.get_close_matches(token.text.lower()[:_SHOWN], expected, n=1) if token.kind == "word" else []
        if near:
            hint = language.text("Did you mean “%(word)s”?", word=near[0])
        elif first:
            hint = language.text("A condition is needed, such as: language is da, clicked within 30 days.")
        else:
            hint = language.text("Needed here: %(words)s.", words=", ".join(expected))
        raise Misread(f"{found} {hint}", self.source, token.at)


def _expected(going: Sequence[Phrase], position: int) -> list[str]:
    """Return what could stand here: our words, and what stands in a place."""
    parts = dict.fromkeys(phrase.parts[position] for phrase in going)
    return [_named(part) if isinstance(part, Slot) else part for part in parts]


def _named(slot: Slot) -> str:
    """Say what stands in a place."""
    return {
        Slot.VALUE: language.text("a value"),
        Slot.DAYS: language.text("a number of days"),
        Slot.TIMES: language.text("a number"),
        Slot.DATE: language.text("a day, as 2026-05-31"),
        Slot.LETTER: language.text("the id of a letter"),
        Slot.SEGMENT: language.text("the id of a segment"),
        Slot.EVENT: language.text("the name of an event"),
        Slot.KEY: language.text("the name of a question"),
    }[slot]


def printed(tree: Tree) -> str:
    """Return the tree as text on one line; ``parse`` makes the same tree of it."""
    match tree:
        case All(()):
            return "everybody"
        case AnyOf(()):
            return "nobody"
        case Condition():
            return _condition(tree)
        case Not(part):
            return f"not {_inside(part)}"
        case All(parts):
            return " and ".join(map(_inside, parts))
        case AnyOf(parts):
            return " or ".join(_inside(part) if isinstance(part, AnyOf) else printed(part) for part in parts)
        case _:
            assert_never(tree)


def _inside(part: Tree) -> str:
    """Print a part that would fall apart without parentheses."""
    grouped = isinstance(part, All | AnyOf) and bool(part.parts)
    return f"({printed(part)})" if grouped else printed(part)


def _condition(condition: Condition) -> str:
    said = []
    for part in condition.form.parts:
        if not isinstance(part, Slot):
            said.append(part)
        elif part is Slot.DAYS:
            said.append("1 day" if condition.days == 1 else f"{condition.days} days")
        elif part is Slot.TIMES:
            said.append(str(condition.times))
        else:
            said.append(quoted(str(getattr(condition, part.field))))
    return " ".join(said)


def quoted(value: str) -> str:
    """Return a value as it is written: bare when it is one plain word, else between quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
