"""The certificate on paper: nothing of it is lost, in PDF and HTML alike, and the same values make the same bytes."""

from __future__ import annotations

import dataclasses
import io
import re
import time

import pytest
from pypdf import PdfReader

from listkeeper.audience.consent import Method
from listkeeper.audience.proof.certificate import Certificate
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscription import Basis, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import language
from listkeeper.rendering.paper import certificate_html, certificate_paper, certificate_pdf
from listkeeper.rendering.paper import certificate_words as words
from tests.makers import certificates


def _pdf_text(certificate: Certificate) -> str:
    pages = PdfReader(io.BytesIO(certificate_pdf.render(certificate))).pages
    return "\n".join(page.extract_text() for page in pages)


def _joined(text: str) -> str:
    """Return a text without its white space: lines are broken where the page ends."""
    return re.sub(r"\s+", "", text)


def _values(certificate: Certificate) -> list[str]:
    """Return what must stand on the paper, whoever prints it."""
    found = [certificate.address_typed, certificate.subject, certificate.controller.name, certificate.position.root]
    for text in certificate.texts:
        found += [*text.sentences, text.button_label, text.sha256]
    for each in certificate.happenings:
        found += [
            words.moment(each.at),
            each.hash,
            each.id,
            *(str(value) for name, value in each.facts if name[-3:] != "_at"),
        ]
    for permission in certificate.permissions:
        found += [permission.list_name, *(message.message_id for message in permission.messages)]
        found += [str(value) for _, value in (permission.claim.claims if permission.claim else ())]
    return found


def test_nothing_is_lost_on_paper() -> None:
    certificate = certificates.made()
    pdf, page = _joined(_pdf_text(certificate)), _joined(certificate_html.render(certificate).decode())
    for value in _values(certificate):
        assert _joined(value) in pdf, value
        escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert _joined(escaped) in page, value


@pytest.mark.parametrize("body", [certificates.POLISH, certificates.RUSSIAN, "Ελλάδα, Türkiye, Ő ő, Ț ț — “so” …"])
def test_the_alphabets_of_europe_are_in_the_fonts(body: str) -> None:
    text = _joined(_pdf_text(certificates.made(body=body)))
    assert _joined(body) in text
    assert "�" not in text


def test_a_letter_no_font_has_is_shown_as_missing_and_kept_in_the_page() -> None:
    certificate = certificates.made(body="はい、Café Kardemomme")
    assert "��" in _joined(_pdf_text(certificate))
    assert "はい" in certificate_html.render(certificate).decode()


def test_every_font_is_inside_the_file() -> None:
    document = PdfReader(io.BytesIO(certificate_pdf.render(certificates.made())))
    used = {
        name: font.get_object()
        for page in document.pages
        for name, font in page["/Resources"]["/Font"].items()  # type: ignore[index]
        if f"{name} ".encode() in page.get_contents().get_data()  # type: ignore[union-attr]
    }
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used.values())


def test_the_same_values_make_the_same_bytes_on_any_day() -> None:
    certificate = certificates.made()
    pdf, page = certificate_pdf.render(certificate), certificate_html.render(certificate)
    time.sleep(1.1)
    assert certificate_pdf.render(certificate) == pdf
    assert certificate_html.render(certificate) == page


def test_every_page_has_its_number_and_the_disclaimer() -> None:
    certificate = certificates.made(letters=120)
    pages = PdfReader(io.BytesIO(certificate_pdf.render(certificate))).pages
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert f"Page {number} of {len(pages)}" in text
        assert "not proof of identity" in text


def test_a_text_longer_than_a_page_is_printed_whole() -> None:
    long = " ".join(f"Sentence {number} of a very long consent text." for number in range(400))
    assert "Sentence399ofaverylong" in _joined(_pdf_text(certificates.made(body=long)))


def test_an_imported_claim_is_never_called_our_record() -> None:
    page = certificate_html.render(certificates.made()).decode()
    assert "Imported claim" in page
    assert "It is a claim, not a record of ours." in page


def test_what_a_stranger_typed_is_text_and_no_markup() -> None:
    certificate = certificates.made(body="<script>alert(1)</script><para>&nbsp;")
    assert "<script>alert" not in certificate_html.render(certificate).decode()
    assert "<script>alert(1)</script><para>&nbsp;" in _joined(_pdf_text(certificate))


def test_the_page_stands_alone() -> None:
    page = certificate_html.render(certificates.made()).decode()
    assert "<script" not in page
    assert not re.search(r"""(?:src|href|url)\s*[=(]""", page.partition("<body>")[0])
    assert "default-src 'none'" in page


def test_somebody_erased_has_a_certificate_without_an_address() -> None:
    erased = dataclasses.replace(
        certificates.made(), address_typed="", address_normalised="", erased_at=certificates.START, permissions=()
    )
    text = _pdf_text(erased)
    assert "Personal data erased" in text
    assert words.moment(certificates.START) in text


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_it_is_printed_in_every_language(spoken: str) -> None:
    paper = certificate_paper.lay_out(certificates.made(spoken=spoken))
    assert paper.language == spoken
    assert "{number}" in paper.page
    assert "{total}" in paper.page
    assert certificate_pdf.render(certificates.made(spoken=spoken)).startswith(b"%PDF-1.")


def test_every_word_of_the_ledger_has_a_sentence() -> None:
    assert [kind.value for kind in EventType if words.event(kind.value) == kind.value] == []
    assert [act.value for act in Method if words.method(act.value) == act.value] == []
    assert [state.value for state in SubscriptionState if words.state(state.value) == state.value] == []
    assert [reason.value for reason in Reason if words.reason(reason.value) == reason.value] == []
    # "none" and "consent" are their own names in English.
    named = {"none", "consent"}
    assert [
        basis.value for basis in Basis if words.basis(basis.value) == basis.value and basis.value not in named
    ] == []


def test_moments_are_exact_to_the_millisecond() -> None:
    assert words.moment(1_795_420_800_007) == "2026-11-23 08:00:00.007 UTC"
    assert words.moment(1_795_420_799_999) == "2026-11-23 07:59:59.999 UTC"
