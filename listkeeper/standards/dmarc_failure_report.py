"""Failure reports of DMARC: one message that failed, as a receiver saw it (RFC 9991, RFC 6591, format of RFC 5965).

They may tell of a person who wrote or was written to: of the message itself
only the header is read, and that is kept short and not for long. Whatever is
in a report was written by a stranger: its texts are on one line and printable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from listkeeper.foundation import language
from listkeeper.standards import arf, dmarc_row, dsn, foreign_text, mail_parts, packed_report
from listkeeper.standards.dmarc_row import Address
from listkeeper.standards.mail_parts import Fields
from listkeeper.standards.packed_report import USUAL, Form, Limits, Refusal

AUTH_FAILURE = "auth-failure"


@dataclass(frozen=True)
class FailureReport:
    """One message that failed; what the report does not say is empty or None.

    ``auth_failure`` is a word of RFC 6591 section 3.1 or ``dmarc``,
    ``delivery_result`` one of delivered, spam, policy, reject, other,
    ``identity_alignment`` the names of what was aligned (RFC 9991).
    ``arrival_date`` is UTC. ``headers`` are those of the message itself.
    """

    source_ip: Address | None
    reported_domain: str
    auth_failure: str
    delivery_result: str
    identity_alignment: str
    dkim_domain: str
    dkim_selector: str
    original_mail_from: str
    original_rcpt_to: str
    arrival_date: datetime | None
    authentication_results: tuple[str, ...]
    user_agent: str
    headers: Fields


def read(data: bytes, limits: Limits = USUAL) -> FailureReport | Refusal:
    """Read a failure report, which is a mail.

    Never raises; codes of a refusal: ``empty``, ``too_large``,
    ``not_feedback`` (no feedback report at all), ``not_auth_failure`` (one of
    another kind, such as a complaint), ``no_domain``.
    """
    if not data.strip():
        return Refusal("empty", language.text("It is empty."))
    if len(data) > limits.received:
        return packed_report.too_large(limits.received)
    parts = mail_parts.parts(data.lstrip()) if packed_report.form_of(data) is Form.MAIL else []
    feedback = next((found for part in parts if (found := arf.report_fields(part))), None)
    if feedback is None:
        return Refusal("not_feedback", language.text("There is no feedback report in it."))
    kind = mail_parts.value(feedback, "feedback-type").lower()
    if kind != AUTH_FAILURE:
        shown = foreign_text.clean(kind, limits.text)
        words = language.text("It is a feedback report of another kind, “%(kind)s”, not of a failed check.", kind=shown)
        return Refusal("not_auth_failure", words)
    report = _report(feedback, dsn.returned(parts), limits)
    if not report.reported_domain:
        return Refusal("no_domain", language.text("It does not name the domain that it is about."))
    return report


def _report(feedback: Fields, headers: Fields, limits: Limits) -> FailureReport:
    def said(name: str) -> str:
        return foreign_text.clean(mail_parts.value(feedback, name), limits.text)

    results = [text for name, text in feedback if name == "authentication-results"]
    arrived = said("arrival-date") or said("received-date")
    return FailureReport(
        # Some receivers write the name of the host behind the address.
        source_ip=dmarc_row.address_of(said("source-ip").partition(" ")[0].strip("[]")),
        reported_domain=said("reported-domain").lower().removesuffix(".") or said("dkim-domain").lower(),
        auth_failure=said("auth-failure").lower(),
        delivery_result=said("delivery-result").lower(),
        identity_alignment=said("identity-alignment").lower(),
        dkim_domain=said("dkim-domain").lower(),
        dkim_selector=said("dkim-selector"),
        original_mail_from=said("original-mail-from"),
        original_rcpt_to=said("original-rcpt-to"),
        arrival_date=arf.moment(arrived),
        authentication_results=tuple(foreign_text.clean(text, limits.text) for text in results[: limits.extras]),
        user_agent=said("user-agent"),
        headers=tuple((name[:100], foreign_text.clean(text, limits.text)) for name, text in headers[: limits.extras]),
    )
