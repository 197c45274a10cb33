"""What a mail that came in is: a report, a complaint, the answer of a machine or of a person, somebody who leaves.

Asked in this order, the surest first: a feedback report, a report on a
delivery, an address that means leaving, the answer of a machine, and what is
left is from a person when nothing speaks against it. Whose delivery it is about
is told by the token in the address that it came to, by our Message-ID in what
came back, and last by the recipients that it names. Mails are from strangers:
nothing here raises, and of a mail of any size 1 MiB is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from listkeeper.feedback import bounce, opened_mail
from listkeeper.feedback.bounce import Bounce, Reported
from listkeeper.feedback.opened_mail import OpenedMail
from listkeeper.sending import return_path
from listkeeper.sending.return_path import Token
from listkeeper.standards import arf, auto_reply, dsn, mail_parts, mail_text
from listkeeper.standards.arf import Feedback
from listkeeper.standards.mail_parts import Fields

__all__ = ["MailKind", "MailReading", "Reported", "as_json", "read"]

# Where the address that a mail was sent to stands, the surest first; all but the last two are written on arrival.
_ADDRESSED = (
    "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to", "apparently-to",
    "to", "cc",
)  # fmt: skip
# Fields of a message of ours with such an address in it.
_BEARING = frozenset({"return-path", "errors-to", "x-envelope-from", "list-unsubscribe"})
_MOST_ADDRESSES = 50
_LONGEST_SUBJECT = 300
_LONGEST_ADDRESS = 320
_LONGEST_ID = 500
# A challenge is short.
_LOOKED_AT = 2_000
# Of all that a reader can press, these say that our mail was not wanted (RFC 5965 section 7.3).
_COMPLAINTS = frozenset({"abuse", "fraud"})


class MailKind(StrEnum):
    """What a mail is."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    UNSUBSCRIBE = "unsubscribe"
    REPLY = "reply"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MailReading:
    """What a mail says.

    ``message_id``: of the message that it is about, without ``<>``, empty
    without one. ``token``: the delivery whose address it came to, None when
    there is none or its proof is wrong, which ``token_valid`` tells apart (None:
    there was none). ``feedback_type``: of a feedback report, else empty.
    ``sender``: the address in From. ``reason``: a stable word for why it is of
    this kind.
    """

    kind: MailKind
    recipients: tuple[Reported, ...]
    message_id: str
    token: int | None
    token_valid: bool | None
    feedback_type: str
    sender: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What a mail is, before it is known which delivery it is about."""

    kind: MailKind
    reason: str
    recipients: tuple[Reported, ...] = ()
    returned: Fields = ()
    feedback_type: str = ""
    # The sender of the envelope of our message, where the report names it.
    mail_from: str = ""
    token: Token | None = None


def read(
    raw: bytes,
    *,
    envelope_to: Sequence[str] = (),
    envelope_from: str | None = None,
    mailto: Callable[[str], int | None] | None = None,
    token_of: Callable[[str], Token | None] = return_path.delivery_of,
) -> MailReading:
    """Read a mail.

    ``envelope_to`` and ``envelope_from``: what SMTP said, where it is known
    (``""`` is the null return path). ``mailto``: asked for every address that
    the mail was sent to; a delivery id means that a mail to it leaves.
    ``token_of``: what an address of ours is for.
    """
    mail = opened_mail.opened(raw, envelope_from)
    addressed = list(dict.fromkeys(_addressed(mail, envelope_to)))
    tokens = [token for address in addressed if (token := token_of(address)) is not None]
    said = _report(mail) or _leaving(addressed, tokens, mailto) or _answer(mail, tokens)
    token = said.token or _proof(said.kind, tokens) or _proof(said.kind, _in_returned(said, token_of))
    return MailReading(
        kind=said.kind,
        recipients=said.recipients,
        message_id=_message_id(mail, said),
        token=token.delivery_id if token else None,
        token_valid=token.delivery_id is not None if token else None,
        feedback_type=said.feedback_type,
        sender=mail.sender[:_LONGEST_ADDRESS],
        subject=mail.subject[:_LONGEST_SUBJECT],
        reason=said.reason,
    )


def as_json(file: str, reading: MailReading) -> dict[str, Any]:
    """Return a reading as JSON has it; ``class`` and ``permanent`` are null and false where nothing was refused."""
    return {
        "file": file,
        "kind": reading.kind.value,
        "recipients": [
            {
                "address": one.address,
                "class": one.verdict.reply_class.value if one.verdict else None,
                "permanent": bool(one.verdict and one.verdict.permanent),
                "status": one.status,
                "reply": one.reply,
                "provider": one.verdict.provider if one.verdict else None,
            }
            for one in reading.recipients
        ],
        "message_id": reading.message_id,
        "token_valid": reading.token_valid,
        "feedback_type": reading.feedback_type,
        "reason": reading.reason,
    }


def _report(mail: OpenedMail) -> _Said | None:
    complaint = arf.of_parts(mail.parts, mail.fields)
    if complaint is not None:
        return _of_feedback(complaint)
    # An answer that says that it is one is no report, though it may come without a return path and quote anything.
    if auto_reply.is_declared(mail.fields) and not _is_of_server(mail):
        return None
    found = bounce.of_mail(mail)
    return _of_bounce(found) if found is not None else None


def _is_of_server(mail: OpenedMail) -> bool:
    """Return whether a mail that bears the mark of a machine is from a mail server all the same: they set it too."""
    return dsn.has_status_part(mail.parts) or bounce.is_from_server(mail)


def _of_feedback(found: Feedback) -> _Said:
    kind = MailKind.COMPLAINT if found.kind in _COMPLAINTS else MailKind.OTHER
    if found.kind == "opt-out":
        kind = MailKind.UNSUBSCRIBE
    recipients = tuple(Reported(address, None, "", "") for address in found.recipients)
    return _Said(kind, "arf", recipients, found.returned, found.kind, found.original_mail_from)


def _of_bounce(found: Bounce) -> _Said:
    kind = MailKind.BOUNCE if found.refused else MailKind.DELAYED if found.delayed else MailKind.OTHER
    return _Said(kind, found.reason, found.recipients, found.returned)


def _leaving(
    addressed: Sequence[str], tokens: Sequence[Token], mailto: Callable[[str], int | None] | None
) -> _Said | None:
    ours = [token for token in tokens if token.purpose == "unsubscribe"]
    if ours:
        return _Said(MailKind.UNSUBSCRIBE, "address", token=_proved(ours))
    for address in addressed if mailto is not None else ():
        delivery = mailto(address) if mailto is not None else None
        if delivery is not None:
            return _Said(MailKind.UNSUBSCRIBE, "mailto", token=Token("unsubscribe", delivery))
    return None


def _answer(mail: OpenedMail, tokens: Sequence[Token]) -> _Said:
    mark = auto_reply.mark(mail.fields)
    aside = _aside(mail) if mark is None else None
    if aside is not None:
        return _Said(MailKind.OTHER, aside)
    mark = mark or _unmarked(mail, tokens)
    return _Said(MailKind.AUTOREPLY, mark) if mark is not None else _Said(MailKind.REPLY, "person")


def _aside(mail: OpenedMail) -> str | None:
    """Return why a mail is neither a report nor an answer."""
    if auto_reply.is_bulk(mail.fields):
        return "bulk"
    if mail.has_null_sender:
        return "null return path"
    if bounce.is_from_server(mail):
        return "mail server"
    return None if mail.sender else "no sender"


def _unmarked(mail: OpenedMail, tokens: Sequence[Token]) -> str | None:
    """Return what shows the answer of a machine that bears no mark."""
    if any(token.delivery_id is not None for token in tokens):
        # No person ever sees the return path; programs answer to it (RFC 3834 section 4).
        return "return path"
    text = " ".join(report for report, _ in mail.reports)[:_LOOKED_AT]
    return "challenge" if auto_reply.asks_for_proof(" ".join(text.split())) else None


def _addressed(mail: OpenedMail, envelope_to: Sequence[str]) -> Iterator[str]:
    """Yield the addresses that a mail was sent to: what SMTP said, then its header, where forwarders leave it."""
    yield from envelope_to[:_MOST_ADDRESSES]
    for name in _ADDRESSED:
        values = [text for known, text in mail.fields if known == name][:_MOST_ADDRESSES]
        for text in values:
            yield from _written(text)


def _written(text: str) -> list[str]:
    # A wrapped address has signs that a plain one has not, so it is taken as it stands between brackets or commas.
    bare = (part.rpartition("<")[2].rstrip("> ").strip() for part in text.split(",")[:_MOST_ADDRESSES])
    return [address.removeprefix("mailto:").partition("?")[0] for address in bare]


def _in_returned(said: _Said, token_of: Callable[[str], Token | None]) -> list[Token]:
    """Return the tokens that the message itself bears, when its report came to another address."""
    paths = [text for name, text in said.returned if name in _BEARING]
    found = (token_of(address) for text in (said.mail_from, *paths[:_MOST_ADDRESSES]) for address in _written(text))
    return [token for token in found if token is not None]


def _proof(kind: MailKind, tokens: Sequence[Token]) -> Token | None:
    """Return the token that says whose mail it is; the address for leaving is in every letter, and proves no bounce."""
    is_report = kind in {MailKind.BOUNCE, MailKind.DELAYED}
    return _proved([token for token in tokens if token.purpose == "bounce" or not is_report])


def _proved(tokens: Sequence[Token]) -> Token | None:
    """Return the first token whose proof is right, else one whose proof is wrong, else nothing."""
    return next((token for token in tokens if token.delivery_id is not None), tokens[0] if tokens else None)


def _message_id(mail: OpenedMail, said: _Said) -> str:
    if said.returned:
        return _bare(mail_parts.value(said.returned, "message-id"))
    return _bare(mail.value("in-reply-to")) or _bare(mail.value("references").rpartition("<")[2])


def _bare(text: str) -> str:
    found = mail_text.words(text, _LONGEST_ID * 2).strip()
    inside = found.partition("<")[2].partition(">")[0] if "<" in found else found.partition(" ")[0].rstrip(">")
    return inside.strip()[:_LONGEST_ID]
