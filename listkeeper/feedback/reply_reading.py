"""What somebody wrote to us, read for people: plain text, bounded, its history apart, its files by name alone.

Nothing of it is shown as it came: no HTML, no picture, no link. What is there
to read of HTML is read as text.
"""

from __future__ import annotations

import re

from listkeeper.audience.thread_mail import Said
from listkeeper.feedback import opened_mail, quoted_history
from listkeeper.feedback.opened_mail import OpenedMail
from listkeeper.standards import foreign_text, mail_parts, mail_text
from listkeeper.standards.mail_parts import Part

LONGEST = 20_000
_LONGEST_TEXT = 60_000
# Some programs part their text around each picture. A multipart without parts is a text that lost what parted it.
_MOST_TEXTS = 8
_READ = ("text/", "multipart/")
_LONGEST_SUBJECT = 200
_LONGEST_NAME = 100
_MOST_FILES = 20
_MOST_REFERENCES = 50
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_DISPLAY = re.compile(r"\s*\"?([^<\"]{1,200}?)\"?\s*<")
_FILE = re.compile(r"(?:file)?name\*?\s*=\s*(?:\"([^\"]{1,300})\"|([^\s;\"]{1,300}))", re.IGNORECASE)
_EXTENDED = re.compile(r"[\w-]{1,40}'[\w-]{0,20}'(.+)")
_BLANK_LINES = re.compile(r"\n{4,}")


def read(raw: bytes) -> Said:
    """Return what a mail says; never raises, whatever the bytes."""
    opened = opened_mail.opened(raw)
    text, history = quoted_history.parted(_body(opened))
    return Said(
        text=text[:LONGEST],
        subject=opened.subject[:_LONGEST_SUBJECT],
        sender=opened.sender,
        sender_name=_name(opened),
        history=history[:LONGEST],
        files=_files(opened.parts),
        message_id=next(iter(_ids(opened.value("message-id"))), ""),
        references=_references(opened),
    )


def _body(opened: OpenedMail) -> str:
    """Return what is there to read; of plain text and HTML, which say the same, the plain text."""
    # What was forwarded with it is a file.
    end = next((at for at, part in enumerate(opened.parts) if part.kind.startswith("message/")), len(opened.parts))
    inline = [part for part in opened.parts[:end] if not _is_attached(part)]
    plain = [part for part in inline if not part.kind.startswith("text/html")]
    texts = (mail_text.text_of(part, _LONGEST_TEXT) for part in plain if part.kind.startswith(_READ))
    text = "\n".join(list(texts)[:_MOST_TEXTS])[:_LONGEST_TEXT]
    if not text.strip():
        text = next((mail_text.text_of(part, _LONGEST_TEXT) for part in inline if part.kind == "text/html"), "")
    return _BLANK_LINES.sub("\n\n\n", "".join(sign for sign in text if sign in "\n\t" or sign.isprintable()))


def _is_attached(part: Part) -> bool:
    return mail_parts.value(part.fields, "content-disposition").lower().startswith("attachment")


def _name(opened: OpenedMail) -> str:
    found = _DISPLAY.match(mail_text.words(opened.value("from")))
    return foreign_text.clean(found[1], _LONGEST_NAME) if found else ""


def _references(opened: OpenedMail) -> tuple[str, ...]:
    """Return the mails it answers, the oldest first (RFC 5322 section 3.6.4)."""
    named = [*_ids(opened.value("references")), *_ids(opened.value("in-reply-to"))]
    return tuple(dict.fromkeys(named))[-_MOST_REFERENCES:]


def _ids(field: str) -> list[str]:
    return _MESSAGE_ID.findall(field)


def _files(parts: tuple[Part, ...]) -> tuple[str, ...]:
    named = (_file_name(part) for part in parts)
    return tuple(name for name in named if name)[:_MOST_FILES]


def _file_name(part: Part) -> str:
    """Return what a part calls itself, if it is a file: a name to show, never one to open."""
    disposition, kind = (mail_parts.value(part.fields, name) for name in ("content-disposition", "content-type"))
    found = _FILE.search(disposition) or _FILE.search(kind)
    if found is None:
        return part.kind if _is_attached(part) else ""
    name = found[1] or found[2]
    extended = _EXTENDED.fullmatch(name)
    return foreign_text.clean(mail_text.words(extended[1] if extended else name), _LONGEST_NAME)
