"""A published text at the address of its content: the old one stays as it was, and nobody's text is invented."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text, signup_form
from listkeeper.audience.consent_text import Wording
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.studio import words


@pytest.fixture
def made(session: Session) -> Cafe:
    """A café whose form got a new text."""
    made = cafe.found(session, spoken="da")
    session.commit()
    return made


def test_an_old_text_stays_readable_word_for_word(session: Session, made: Cafe, client: FlaskClient) -> None:
    old = signup_form.newest(session, made.form).consent_text
    wording = Wording(
        "Ja tak, Café Kardemomme må sende mig nyheder om brød med e-mail hver uge.", "Ja tak", old.withdrawal
    )
    new = consent_text.publish(session, made.organisation, made.mailing_list, "da", wording)
    session.commit()
    for text in (old, new):
        page = client.get(f"/t/{text.sha256}")
        assert page.status_code == 200
        assert '<html lang="da"' in page.text
        assert text.whole in words(page)
        assert text.sha256 in page.text
        assert len(page.data) < 15_000
        assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("name", ["0" * 64, "x", "0" * 63 + "g", "..%2f", "0" * 65])
def test_a_name_of_no_text_is_not_found(made: Cafe, client: FlaskClient, name: str) -> None:
    assert client.get(f"/t/{name}").status_code == 404
