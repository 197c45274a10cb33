"""What somebody wrote, told apart from the history that her mail program put below it.

Most programs quote the whole mail they answer. It is folded away, never thrown
away; where somebody writes between the quoted lines, everything stays as it is.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[ \t]{0,3}[>|]")
# "On 1 December 2026, Café wrote:" in the languages of our readers and their neighbours; some programs break it in two.
_WROTE = re.compile(
    r"(?:(?:wrote|skrev|skreiv|schrieb|napisał(?:\(a\)|a)?|pisze|(?:на)?писал[\w()]{0,3}|пишет|напісаў|"
    r"a écrit|escribió|ha scritto|schreef|kirjoitti)\b.{0,200}|<[^<>\s]{1,250}@[^<>\s]{1,250}>):$",
    re.IGNORECASE,
)
# "On", "Den", a date, a weekday and a date, or a name with an address.
_BEGINS = re.compile(
    r"\s*(?:(?:on|den|am|w dniu|dnia|le|el|il|op)\s|\d{1,4}[./-]\d{1,2}|\w{2,14}[.,]{0,2} \d{1,2}|\d{1,2}\.? \w{3,12}|"
    r"[^<>]{1,60} <)",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"\s*[-_]{2,}\s*(?:original message|oprindelig meddelelse|opprinnelig melding|ursprungligt meddelande|"
    r"ursprüngliche nachricht|oryginalna wiadomość|wiadomość oryginalna|исходное сообщение|"
    r"пересылаемое сообщение|forwarded message)\s*[-_]*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(?:from|fra|från|von|od|от|de|da)\*?:\s?\S", re.IGNORECASE)
_BESIDE = re.compile(
    r"\s*\*?(?:sent|date|to|subject|sendt|dato|til|emne|skickat|datum|till|ämne|gesendet|an|betreff|wysłano|data|do|"
    r"temat|отправлено|дата|кому|тема)\*?:",
    re.IGNORECASE,
)
_UNDERLINE = re.compile(r"\s*_{10,}\s*$")
_HEADER_LINES = 5
# More than a name, an address and a date take.
_LONGEST = 1_000


def parted(text: str) -> tuple[str, str]:
    """Return what she wrote, and the history below it (empty without one); lines are parted by line feeds."""
    lines = text.split("\n")
    starts = next((at for at in range(len(lines)) if _starts(lines, at)), None)
    if starts is None:
        starts = _quoted_end(lines)
    own, history = "\n".join(lines[:starts]).strip(), "\n".join(lines[starts:]).strip()
    if not own or _is_written_between(lines[starts:]):
        return text.strip(), ""
    return own, history


def _starts(lines: list[str], at: int) -> bool:
    # Blanks at the end, as many as a stranger likes, would be tried again and again.
    line = lines[at].rstrip()
    if _RULE.match(line):
        return True
    if _UNDERLINE.match(line):
        return any(_FROM.match(below) for below in lines[at + 1 : at + 3])
    if _FROM.match(line):
        return sum(bool(_BESIDE.match(below)) for below in lines[at + 1 : at + 1 + _HEADER_LINES]) > 1
    return _attributes(line, lines[at + 1 : at + 2])


def _attributes(line: str, below: list[str]) -> bool:
    if not _BEGINS.match(line):
        return False
    return any(len(one) <= _LONGEST and _WROTE.search(one) for one in (line, " ".join([line, *below]).rstrip()))


def _quoted_end(lines: list[str]) -> int:
    """Return where the quoted lines begin that reach to the end; the number of lines when none do."""
    place = len(lines)
    for at in range(len(lines) - 1, -1, -1):
        if _QUOTED.match(lines[at]):
            place = at
        elif lines[at].strip():
            break
    return place


def _is_written_between(history: list[str]) -> bool:
    """Whether words stand below quoted lines that are quoted no more: she answered line by line."""
    quoted = [at for at, line in enumerate(history) if _QUOTED.match(line)]
    return bool(quoted) and any(line.strip() for line in history[quoted[-1] + 1 :])
