"""Proof by a real mail: its headers are brought here as a mailbox shows them, and stand beside what we expect."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.deliverability import round_trip, sending_domain
from listkeeper.deliverability.finding import Verdict
from listkeeper.deliverability.proof_row import Agreement
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import member, page, words

blueprint = Blueprint("domain_proof", __name__, url_prefix=page.ROOT)


@blueprint.get("/domains/<public_id>/proof")
def show(public_id: str) -> Response:
    """Show where to bring a mail, and what the last one that was brought says."""
    return _page(public_id)


def _page(public_id: str, problem: Invalid | None = None, typed: str = "") -> Response:
    with store.reading() as session:
        domain = sending_domain.find(session, organisation.only_one(session).id, public_id)
        return page.answer(
            session,
            "domain_proof",
            domain=domain,
            proof=round_trip.last(domain),
            typed=typed,
            problem=problem,
            say=_said,
            what=_what(),
            say_verdict=words.verdict,
            Verdict=Verdict,
            status=422 if problem else 200,
        )


@blueprint.post("/domains/<public_id>/proof")
def bring(public_id: str) -> Response | AnyResponse:
    """Read the headers that were pasted, or the file; the mail itself is not kept."""
    typed = request.form.get("headers", "")
    try:
        raw = _brought(typed)
    except Invalid as problem:
        return _page(public_id, problem, typed)
    with store.reading() as session:
        domain = sending_domain.find(session, organisation.only_one(session).id, public_id)
        known = page.settings()
        ours = round_trip.expected(session, domain, known.egress, parts.envelope_sender(known))
    proof = round_trip.compare(raw, ours, parts.resolver(), clock.now())
    with store.transaction() as session:
        domain = sending_domain.find(session, organisation.only_one(session).id, public_id)
        round_trip.keep(domain, proof)
        audit_log.record(session, domain.organisation_id, member.present().actor, "domain.proof_kept", public_id)
    return page.back_to("domain_proof.show", public_id=public_id)


def _brought(typed: str) -> bytes:
    """Return the file, or what was pasted. Raises Invalid when there is neither, or too much."""
    file = request.files.get("file")
    raw = file.stream.read(round_trip.MOST_BYTES + 1) if file else b""
    raw = raw or typed.encode("utf-8", errors="replace")
    if not raw.strip():
        raise Invalid("no_mail", language.text("Paste the headers of a mail, or choose its file."))
    if len(raw) > round_trip.MOST_BYTES:
        raise Invalid("mail_too_large", language.text("The mail is larger than 1 MB. Paste its headers alone."))
    return raw


def _said(agreement: Agreement) -> words.Said:
    return {
        Agreement.AGREES: words.Said(language.text("As expected"), "good"),
        Agreement.DIFFERS: words.Said(language.text("Differs"), "warn"),
        Agreement.NOT_SAID: words.Said(language.text("Not said")),
    }[agreement]


def _what() -> dict[str, str]:
    return {
        "from": language.text("Sender"),
        "dkim": language.text("Signature (DKIM)"),
        "spf": language.text("Envelope (SPF)"),
        "dmarc": language.text("Policy (DMARC)"),
        "egress": language.text("Address it came from"),
        "tls": language.text("Encryption on the way"),
        "verifier": language.text("Our own verifier"),
    }
