"""What the failure types of TLS reports mean, and what to do about each (RFC 8460 section 4.3)."""

from __future__ import annotations

from listkeeper.foundation import language


def said(kind: str) -> str:
    """Say what failed and what to do, by the word of the report; a word that the RFC does not know says so."""
    sentences = _of_the_server() | _of_the_records()
    return sentences.get(kind) or language.text("A failure that the standard does not name.")


def _of_the_server() -> dict[str, str]:
    return {
        "starttls-not-supported": language.text(
            "The mail server offers no encryption. Switch STARTTLS on, or ask its host to."
        ),
        "certificate-host-mismatch": language.text(
            "The certificate of the mail server is for another name. It must name the host of the MX record."
        ),
        "certificate-expired": language.text("The certificate of the mail server has expired. Renew it."),
        "certificate-not-trusted": language.text(
            "The certificate of the mail server is signed by nobody whom senders trust. Get one from a known authority."
        ),
        "validation-failure": language.text(
            "The encrypted connection failed for a reason that the sender does not name. Look into the mail server's "
            "log of that day."
        ),
    }


def _of_the_records() -> dict[str, str]:
    return {
        "tlsa-invalid": language.text("The TLSA record does not fit the certificate. Publish the right one."),
        "dnssec-invalid": language.text("The signatures of the DNS zone (DNSSEC) are not valid. Ask your DNS host."),
        "dane-required": language.text("The sender wants a TLSA record, and found none that is signed."),
        "sts-policy-fetch-error": language.text(
            "The MTA-STS policy could not be fetched from the web server. It must answer at mta-sts. under your domain."
        ),
        "sts-policy-invalid": language.text("The MTA-STS policy cannot be read. Check its text."),
        "sts-webpki-invalid": language.text(
            "The web server of the MTA-STS policy has a certificate that senders do not accept. Renew it."
        ),
    }
