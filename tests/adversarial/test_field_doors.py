"""F14, F41 and F44: what no door tells, what no letter reaches, and secrets that are none."""

from __future__ import annotations

import base64
import re
import stat
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from listkeeper import settings as program_settings
from listkeeper import store
from listkeeper.accounts import api_key, organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.foundation import keys
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import planning
from listkeeper.settings import Settings
from listkeeper.web import doors
from tests.architecture import routes
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe
from tests.makers.studio import StudioBrowser
from tests.makers.works import HER, SITE, Works

# As long as each other, so that what differs is no matter of length.
KNOWN, UNKNOWN = "anna@example.example", "otto@example.example"

# F14


def test_field_f14_no_door_tells_of_an_address_and_every_inner_route_asks_who_is_there(
    app: Flask, database: Database, client: FlaskClient
) -> None:
    filled, shop, told = routes.fill(app), _program_that_subscribes(app), 0
    token = routes.csrf_token(client, f"{routes.STUDIO}/sign-in")
    for rule, method in routes.rules(app, "GET", "POST", "PUT", "PATCH", "DELETE"):
        inside = rule.endpoint not in doors.OPEN
        if inside:
            # With a token, so that it is the lock that answers and not the lack of one.
            data = {"csrf_token": token} if method != "GET" else None
            answer = client.open(filled.address(rule), method=method, data=data, buffered=True)
            assert answer.status_code in {302, 303, 401, 403}, f"{method} {rule.rule}"
        if inside and routes.is_api(rule) and rule.endpoint not in {"api_signups.receive", "api_me.show"}:
            answer = client.open(filled.address(rule), method=method, json={"address": KNOWN}, headers=shop)
            assert answer.status_code == 403, f"{method} {rule.rule}"
        if not inside and not {"token", "visit"} & rule.arguments and not rule.rule.startswith(routes.STUDIO):
            # Who holds no secret of hers learns nothing: the answer is the one for an address that nobody knows.
            faces = {_face(client, filled.address(rule), method, address) for address in (KNOWN, UNKNOWN)}
            assert len(faces) == 1, f"{method} {rule.rule}"
            told += 1
    assert told > 12


def _face(client: FlaskClient, path: str, method: str, address: str) -> tuple[int, int]:
    data = {"email": address, "address": address} if method != "GET" else None
    answer = client.open(path, method=method, data=data, query_string={"email": address}, buffered=True)
    return answer.status_code, len(answer.data)


def _program_that_subscribes(app: Flask) -> dict[str, str]:
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        _made, secret = api_key.make(session, owner, name="Window", scopes=[Scope.SUBSCRIBE])
        return {"Authorization": f"Bearer {secret}"}


# F41

_REACHING = (
    "{{ env.LISTKEEPER_CANARY }}", "{{ ENV['LISTKEEPER_CANARY'] }}", "{{ config }}", "{{ settings.smtp_url }}",
    "{{ request.environ }}", "{{ ''.__class__.__mro__ }}", "{{ subscriber.__class__ }}", "{{ sender.signer.key }}",
    "{% include '/etc/passwd' %}", "{% render 'studio/sign_in' %}", "{{ 'SELECT password' | sql }}",
    "{{ session.execute }}", "{% for user in users %}{{ user.password }}{% endfor %}",
    "{% assign os = env %}{{ os.LISTKEEPER_CANARY }}",
)  # fmt: skip
_SCRIPT = "<script>fetch('/studio/keys')</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) <svg onload=a()>"


def test_field_f41_a_letter_reaches_nothing_but_its_reader_and_a_new_password_ends_other_sign_ins(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTKEEPER_CANARY", "kanariefugl")
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    mails = len(smtp_sink.messages)
    for words in _REACHING:
        with pytest.raises(Invalid):
            _send(works, f"Dear you, {words} the oven is warm.")
    works.drain()
    assert len(smtp_sink.messages) == mails
    _send(works, f"Dear you, the oven is warm.\n\n{_SCRIPT}")
    works.drain()
    body = smtp_sink.messages[-1].message.get_body(("html",))
    assert body is not None
    assert "the oven is warm" in body.get_content()
    assert re.search(r"<script|<svg|<[^>]*\son\w+=|href=.javascript:", body.get_content(), re.IGNORECASE) is None
    here, elsewhere = studio.signed_in(works.app), studio.signed_in(works.app)
    new = dict.fromkeys(("new_password", "new_password_confirm"), "three warm buns and tea")
    assert here.post("/studio/security/password", new).status_code in {302, 303}
    assert [_inside(browser) for browser in (here, elsewhere)] == [True, False]


def _send(works: Works, markdown: str) -> None:
    def act(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, markdown=markdown)
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    works.write(act)


def _inside(browser: StudioBrowser) -> bool:
    return browser.get("/studio/letters").status_code == 200


# F44


_SAMPLES = (
    b"\x00" * 32, b"0123456789abcdef" * 2, b"change-me-change-me-change-me-00", b"secretsecretsecretsecretsecret12",
)  # fmt: skip


def test_field_f44_no_sample_for_a_secret_starts_the_program(tmp_path: Path, settings: Settings, app: Flask) -> None:
    # Secrets are drawn, one set for each instance, and never come from a setting that could have a default.
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        keys.open_folder(folder)
    made = [next(folder.iterdir()) for folder in (first, second)]
    assert made[0].read_bytes() != made[1].read_bytes()
    assert [stat.S_IMODE(file.stat().st_mode) for file in made] == [0o600, 0o600]
    # But for one, which another program must know as well; it has no default, and no sample is taken for it.
    known = [name for name in Settings.model_fields if {"secret", "pepper", "password", "kek"} & set(name.split("_"))]
    assert known == ["alert_secret"]
    assert Settings.model_fields["alert_secret"].default is None
    for sample in _SAMPLES:
        with pytest.raises(Invalid, match="is a sample and no secret"):
            program_settings.read(data=tmp_path, alert_secret=base64.b64encode(sample).decode())
        made[0].write_bytes(sample)
        with pytest.raises(Invalid) as refused:
            keys.open_folder(first)
        assert refused.value.code == "key_placeholder"
    for named in ("smtp_url", "database_url", "redis_url"):
        scheme = {"smtp_url": "smtp", "database_url": "postgresql", "redis_url": "redis"}[named]
        with pytest.raises(Invalid, match="sample for the password"):
            program_settings.read(data=tmp_path, **{named: f"{scheme}://user:password@host.example"})
    # Nor is there an account, or a password, that comes with the program.
    with app.app_context(), store.transaction() as session:
        assert cafe.found(session).owner.password is None
    for guess in ("test", "password", "listkeeper"):
        browser = StudioBrowser(app)
        browser.post("/studio/sign-in", {"email": "owner@cafe.example", "password": guess})
        assert not _inside(browser)
    keys.open_folder(settings.key_folder)
