"""Words that readers and receivers distrust, found with their context: hints with a reason, never a score, never a bar.

Sex, money and free things are what fraud promises, so a letter that sounds
like it is sorted out, whatever it means. But every shop says "free delivery"
once. So a word by itself is no fault here: a phrase counts by how hard it
presses (``wording_list``), where it stands, whether it is repeated, denied,
quoted, or has a day to it; and only what comes to enough is said, with why it
is distrusted and what to write instead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.rendering.words import wording_list, wording_reason, wording_text, wording_tricks
from listkeeper.rendering.words.wording_list import Kind, Phrase, Strength, WordList
from listkeeper.rendering.words.wording_text import CALL, ENDS, PAUSE, QUOTE, Reading

LONGEST_EXCERPT = 80
_LONGEST_PHRASE = 60

# One strong phrase is enough for a hint, and so are two clear ones of a kind, or four mild ones.
_WEIGHTS = {Strength.STRONG: 4.0, Strength.CLEAR: 2.0, Strength.MILD: 1.0, Strength.ONCE: 1.0, Strength.HONEST: 0.0}
_ENOUGH = 4.0
# Mild words of several kinds press together, but no two of them alone.
_ENOUGH_OF_ALL = 6.0
# A long letter may hold more of them before it sounds like one.
_WORDS_FOR_ONE_MORE = 250
# How many fixed offers ("free delivery") a letter may make.
_OFFERS = 2
# How often the same phrase counts. "Free" is what is worn out by saying it again; other mild words are just the topic.
_REPEATS = {Strength.STRONG: 2, Strength.CLEAR: 2, Strength.MILD: 1, Strength.ONCE: 9, Strength.HONEST: 0}
_REPEATS_OF_FREE = 5
# Mild words of these kinds are what some letters are about, such as a bank's or a clinic's. They count only beside
# something that presses, and are never the hint themselves.
_TOPICS = frozenset({Kind.SEX, Kind.MONEY, Kind.PRIZE, Kind.DECEPTION})
# What stands in quotation marks is the word of others; letters that warn of fraud repeat it.
_SAID_BY_OTHERS = 3.0
_NEAR_BEFORE, _NEAR_AFTER = 12, 20
_DENIED_WITHIN = 5
_SHORTEST_STRESS = 4


class Place(StrEnum):
    """Which field of the letter a phrase stands in. The subject is what everybody sees, so it counts double."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    TEXT = "text"


_PLACES = {Place.SUBJECT: 2.0, Place.PREHEADER: 1.5, Place.TEXT: 1.0}


@dataclass(frozen=True, slots=True)
class Remark:
    """One hint: the ``phrase`` as written, the words around it, and at which character of its field it begins."""

    kind: Kind
    phrase: str
    where: Place
    excerpt: str
    start: int

    @property
    def sentence(self) -> str:
        """Say what is distrusted, why, and what to do instead."""
        return wording_reason.sentence(self.kind, self.phrase)


@dataclass(frozen=True, slots=True)
class _Seen:
    kind: Kind
    said: str
    where: Place
    start: int
    end: int
    weight: float
    strength: Strength


def examine(subject: str, preheader: str, text: str, spoken: str) -> list[Remark]:
    """Return the hints on a letter's wording, in order; none for a letter that only uses such words as one does.

    ``text`` is the letter as plain text, ``spoken`` its language; one that we
    do not speak is looked at with English words. Merge tags may stand in all.
    """
    known = wording_list.of(spoken)
    written = {Place.SUBJECT: subject, Place.PREHEADER: preheader, Place.TEXT: text}
    readings = {place: wording_text.read(words, known.spelling) for place, words in written.items() if words}
    seen = [one for place, reading in readings.items() for one in _tricks(place, reading, known)]
    seen += _phrases(readings, known)
    told = _told(seen, sum(len(reading.words) for reading in readings.values()))
    order = list(Place)
    told.sort(key=lambda one: (order.index(one.where), one.start, -one.end))
    first: dict[tuple[Kind, str], Remark] = {}
    for one in told:
        first.setdefault((one.kind, one.said), _remark(one, written[one.where]))
    return list(first.values())


def _tricks(place: Place, reading: Reading, known: WordList) -> Iterator[_Seen]:
    tricks = list(wording_tricks.anywhere(reading, known.disguised, known.spelling))
    if place is Place.TEXT:
        tricks += wording_tricks.in_text(reading)
    else:
        tricks += wording_tricks.in_subject(reading, known.replies)
    times: Counter[str] = Counter()
    for one in tricks:
        times[one.said] += 1
        if times[one.said] <= _REPEATS[one.strength]:
            weight = _WEIGHTS[one.strength] * _PLACES[place]
            yield _Seen(one.kind, one.said, place, one.start, one.end, weight, one.strength)


def _phrases(readings: Mapping[Place, Reading], known: WordList) -> Iterator[_Seen]:
    times: Counter[str] = Counter()
    offers = 0
    for where, reading in readings.items():
        for first, last, phrase in known.found(reading):
            if phrase.kind is None:
                continue
            offers += phrase.strength is Strength.ONCE
            if phrase.strength is Strength.ONCE and offers <= _OFFERS:
                continue
            times[phrase.said] += 1
            if times[phrase.said] <= _counted(phrase):
                weight = _weight(reading, first, last, phrase, known) * _PLACES[where]
                yield _Seen(phrase.kind, phrase.said, where, *reading.span(first, last), weight, phrase.strength)


def _counted(phrase: Phrase) -> int:
    is_free = phrase.kind is Kind.FREE and phrase.strength is Strength.MILD
    return _REPEATS_OF_FREE if is_free else _REPEATS[phrase.strength]


def _weight(reading: Reading, first: int, last: int, phrase: Phrase, known: WordList) -> float:
    """Return how much a phrase presses where it stands."""
    weight = _WEIGHTS[phrase.strength]
    if _is_denied(reading, first, known):
        return 0.0
    if _is_quoted(reading, first):
        weight = max(0.0, weight - _SAID_BY_OTHERS)
    if (
        phrase.kind is Kind.URGENCY
        and phrase.strength is not Strength.STRONG
        and _has_a_day(reading, first, last, known)
    ):
        weight -= 1
    if weight and _is_stressed(reading, first, last):
        weight += 1
    return weight


def _is_denied(reading: Reading, first: int, known: WordList) -> bool:
    for word in reversed(reading.words[max(0, first - _DENIED_WITHIN) : first]):
        if word in known.negations:
            return True
        if word[0] in ENDS or word == PAUSE:
            return False
    return False


def _is_quoted(reading: Reading, first: int) -> bool:
    """Whether a quotation is open, counted from the beginning of the sentence."""
    marks = 0
    for word in reversed(reading.words[max(0, first - _NEAR_AFTER) : first]):
        if word[0] in ENDS:
            break
        marks += word == QUOTE
    return marks % 2 == 1


def _has_a_day(reading: Reading, first: int, last: int, known: WordList) -> bool:
    """Whether a day or an hour stands near: then the end is one that a reader can check."""
    near = reading.words[max(0, first - _NEAR_BEFORE) : first] + reading.words[last + 1 : last + _NEAR_AFTER]
    return any(known.days.fullmatch(word) for word in near)


def _is_stressed(reading: Reading, first: int, last: int) -> bool:
    """Whether a phrase stands in capitals, or is called out."""
    start, end = reading.span(first, last)
    said = reading.written[start:end]
    called = reading.words[last + 1 : last + 2] == [CALL * 2]
    return called or (said.isupper() and len(said) >= _SHORTEST_STRESS)


def _told(seen: list[_Seen], words: int) -> list[_Seen]:
    """Return what is worth a hint, of all that was seen."""
    pressing = {one.kind for one in seen if one.weight > 0 and one.strength in {Strength.STRONG, Strength.CLEAR}}
    seen = [one for one in seen if one.weight > 0 and (one.kind in pressing or one.kind not in _TOPICS)]
    of_kind: dict[Kind, float] = defaultdict(float)
    for one in seen:
        of_kind[one.kind] += one.weight
    more = words // _WORDS_FOR_ONE_MORE
    is_pushy = sum(of_kind.values()) >= _ENOUGH_OF_ALL + 2 * more
    single = {one.kind for one in seen if one.weight >= _ENOUGH}
    told = {kind for kind, sum_of in of_kind.items() if is_pushy or kind in single or sum_of >= _ENOUGH + more}
    return [one for one in seen if one.kind in told and not _is_topic(one)]


def _is_topic(seen: _Seen) -> bool:
    return seen.kind in _TOPICS and seen.strength is Strength.MILD


def _remark(seen: _Seen, written: str) -> Remark:
    phrase = wording_text.shown(written[seen.start : seen.end])
    if len(phrase) > _LONGEST_PHRASE:
        phrase = f"{phrase[: _LONGEST_PHRASE - 1]}…"
    return Remark(seen.kind, phrase, seen.where, _excerpt(written, seen.start, seen.end), seen.start)


def _excerpt(written: str, start: int, end: int) -> str:
    """Return whole words around a phrase, on one line."""
    room = max(0, (LONGEST_EXCERPT - (end - start)) // 2 - 2)
    left, right = written[max(0, start - room) : start], written[end : end + room]
    if start > room:
        left = f"… {left.partition(' ')[2]}"
    if end + room < len(written):
        right = f"{right.rpartition(' ')[0]} …"
    line = wording_text.shown(f"{left}{written[start:end]}{right}")
    return line if len(line) <= LONGEST_EXCERPT else f"{line[: LONGEST_EXCERPT - 1]}…"
