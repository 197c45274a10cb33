"""The mail that asks for a yes, read by the linter before the first one of its kind leaves.

What it says is fixed by the version of its words and the version of the form
it asks about, so it is read once for each of them and not for each mail.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.audience import jurisdiction
from listkeeper.audience.signup_form import ShownForm
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled, Sender
from listkeeper.rendering.words import doi_lint
from listkeeper.rendering.words.doi_lint import Published
from listkeeper.sending.house import House
from listkeeper.standards import list_headers

CLEAN = "clean"
_KEPT_LIMIT = 256
# The linter reads a whole mail, and a mail has a reader; this one can never get any.
_NOBODY = "reader@example.invalid"


@dataclass(frozen=True)
class _Kind:
    """All that decides what such a mail says, save for its secrets."""

    template: str
    form_version: str
    list_name: str
    jurisdiction: str
    sender: Sender
    site: str


_read: dict[_Kind, list[Finding]] = {}


def result(filled: Filled, ours: House, shown: ShownForm, template: str) -> str:
    """Return ``clean`` or the codes of what is only doubtful; ``template`` names the fixed words of the mail.

    Raises Invalid when the mail would be advertising: then it is not sent.
    """
    about = shown.mailing_list
    kind = _Kind(template, shown.version.sha256, _named(shown), about.jurisdiction, ours.sender, ours.site)
    if kind not in _read:
        if len(_read) >= _KEPT_LIMIT:
            _read.clear()
        _read[kind] = _findings(filled, ours, shown)
    found = _read[kind]
    blocking = [finding.message for finding in found if finding.severity is Severity.BLOCK]
    if blocking:
        why = " ".join(dict.fromkeys(blocking))
        sentence = language.text("The mail that asks for the yes was not sent: %(why)s", why=why)
        raise Invalid("question_not_clean", sentence)
    return ",".join(sorted({finding.code for finding in found})) or CLEAN


def _named(shown: ShownForm) -> str:
    with language.using(shown.form.language):
        return shown.list_names


def _findings(filled: Filled, ours: House, shown: ShownForm) -> list[Finding]:
    raw = message.build(
        filled,
        sender=ours.sender,
        recipient=_NOBODY,
        message_id=f"<question@{ours.domain}>",
        date=clock.now(),
        extra_headers=[list_headers.auto_submitted()],
    )
    published = Published(
        shown.agreed_to,
        _named(shown),
        ours.sender.legal_name,
        ours.sender.postal_address,
        ours.sender.name,
        ours.sender.address,
    )
    rules = jurisdiction.profile(shown.mailing_list.jurisdiction, clock.now().date())
    # Nothing that a visitor typed is given to the composer; the tests prove that with words nobody else has.
    return doi_lint.check(raw, typed=(), site=ours.site, published=published, strict=rules.doi_lint == "strict")
