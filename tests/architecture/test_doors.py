"""No route is unlocked that is not on a literal list; no safe method changes anything; no form goes without a token."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from listkeeper.web import doors
from listkeeper.web.api import lock as api_lock
from listkeeper.web.studio import roles
from tests.architecture import routes
from tests.architecture.editors import FOR_EDITORS
from tests.architecture.routes import SAFE, STUDIO, Filled

# Whoever opens a door writes it here as well as in listkeeper/web/doors.py.
OPEN = {
    "guidance_picture.show",
    "inbox_done.show",
    "inbox_done.done",
    "static",
    # How to talk to the api, which is no secret; the api itself asks for a key.
    "openapi.spec",
    "landing.show",
    "health.show",
    "health.ready",
    "ledger_key.show",
    "brand.stylesheet",
    "hosted.stylesheet",
    "brand.picture",
    # Published words, and no secret: what is done with people's data, and a text by its hash.
    "notice_page.show",
    "text_page.show",
    "short_link.follow",
    "inbox_help.show",
    "inbox_help.show_one",
    "signup_page.show",
    "signup_page.receive",
    "signup_page.confirm_by_code",
    # The same form on somebody else's page: in a frame, and as a component with its script.
    "form_frame.show",
    "form_frame.receive",
    "form_frame.confirm_by_code",
    "embed.show",
    "embed.receive",
    "embed.confirm_by_code",
    "embed.preflight",
    "embed_script.component",
    "embed_script.frame",
    "confirm_page.show",
    "confirm_page.confirm",
    "confirm_page.show_not_me",
    "confirm_page.refuse",
    # A link of a letter, by a token; all it adds is one visit.
    "link_page.follow",
    # Where a link leads that only programs follow, and the picture of letters that are counted.
    "link_page.show_unseen",
    "opened_page.show",
    "leave_page.show",
    "leave_page.leave",
    "leave_page.undo",
    "leave_page.leave_everything",
    "leave_page.fewer",
    "leave_page.pause",
    "leave_page.resume",
    "leave_page.tell_reason",
    "preferences_page.show",
    "preferences_page.save",
    "preferences_page.pause",
    "preferences_page.resume",
    "preferences_page.untrack",
    "preferences_page.send_link",
    "why_page.show",
    "question_page.show",
    "question_page.answer",
    "own_answers.show",
    "own_answers.take_back",
    # A person's own page: its address holds the secret of a visit that her own mailbox opened.
    "entry_page.show",
    "entry_page.receive",
    "entry_page.show_link",
    "entry_page.use_link",
    "own_page.show",
    "own_page.show_list",
    "own_page.save",
    "own_page.pause",
    "own_page.resume",
    "own_page.track",
    "own_page.count",
    "own_page.untrack",
    "own_page.leave",
    "own_page.leave_everything",
    "own_page.object_to_marketing",
    "own_page.restrict",
    "own_page.change_address",
    "own_page.download",
    "own_given.show",
    "own_history.show",
    "own_history.messages",
    "own_history.receipt",
    "erase_page.show",
    "erase_page.ask_again",
    "erase_page.erase",
    "address_page.show",
    "address_page.confirm",
    "address_page.show_cancel",
    "address_page.cancel",
    "web_view.show",
    # What is out of order, for whoever looks.
    "status_page.show",
    "status_page.show_one",
    *(f"archive_page.{page}" for page in ("show", "show_letter", "feed")),
    "tap_page.show",
    "tap_page.press",
    "poll_page.show",
    "poll_page.answer",
    "renew_page.show",
    "renew_page.renew",
    "own_page.renew",
    # The way into the studio: pages that ask who is there, and in which language.
    "entrance.show",
    "entrance.enter",
    "joining.show",
    "joining.join",
    "speech.choose",
    "key.login",
    "key.logout",
    "key.wan_signin",
    "key.wan_signin_response",
    "key.two_factor_token_validation",
    "key.two_factor_rescue",
    "key.tf_select",
    "key.mf_recovery",
}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# A GET may add a visit count here, which no rule of permission reads.
VISIT_COUNTS: frozenset[str] = frozenset({"source_visit", "link_visit"})
SHUT = {302, 303, 401, 403}


@pytest.fixture
def filled(app: Flask) -> Filled:
    return routes.fill(app)


@pytest.fixture
def owner(filled: Filled) -> FlaskClient:
    return routes.sign_in(filled.app)


@pytest.fixture
def program(filled: Filled) -> FlaskClient:
    """A program whose key has every scope, and which sends it with every request."""
    client = filled.app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {filled.secret}"
    return client


def _is_sign_in(location: str | None) -> bool:
    return location is not None and location.partition("?")[0].endswith(f"{STUDIO}/sign-in")


def test_the_open_doors_are_those_of_the_list() -> None:
    assert doors.OPEN == OPEN


def test_every_open_door_exists(app: Flask) -> None:
    assert OPEN - {rule.endpoint for rule in app.url_map.iter_rules()} == set()


def test_every_route_is_behind_a_door(app: Flask) -> None:
    """Outside the studio, the api and the hooks everything is public, so everything there is on the list."""
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(f"{STUDIO}/")]
    outside = {rule.endpoint for rule in rules if not routes.is_api(rule) and not routes.is_hook(rule)}
    assert outside - OPEN == set()


def test_every_route_of_the_api_says_which_scope_opens_it(app: Flask) -> None:
    """The lock keeps a route shut that does not say; here it is found before anybody wonders why."""
    views = {
        rule.endpoint: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules() if routes.is_api(rule)
    }
    assert len(views) > 10
    assert [name for name, view in views.items() if api_lock.needed_by(view) is None] == []
    assert [name for name, view in views.items() if not api_lock.needed_by(view)] == ["api_me.show"]


def test_no_hook_opens_without_the_secret_of_its_address(
    filled: Filled, owner: FlaskClient, program: FlaskClient
) -> None:
    before = routes.fingerprint(filled.app)
    hooks = [(rule, method) for rule, method in routes.rules(filled.app, *SAFE, *UNSAFE) if routes.is_hook(rule)]
    assert {method for _, method in hooks} >= {"POST"}
    for rule, method in hooks:
        for client in (filled.app.test_client(), owner, program):
            answer = client.open(filled.address(rule), method=method, data=b"{}")
            # No word of why.
            assert (answer.status_code, answer.data) == (403, b"")
    assert routes.fingerprint(filled.app) == before


def test_a_session_of_the_studio_opens_nothing_of_the_api(filled: Filled, owner: FlaskClient) -> None:
    for rule, method in routes.rules(filled.app, *SAFE, *UNSAFE):
        if routes.is_api(rule):
            assert owner.open(filled.address(rule), method=method).status_code == 401


def test_a_key_opens_nothing_of_the_studio(filled: Filled, program: FlaskClient) -> None:
    for rule, _method in routes.rules(filled.app, "GET"):
        if rule.rule.startswith(f"{STUDIO}/") and rule.endpoint not in OPEN:
            assert _is_sign_in(program.get(filled.address(rule)).location)


def test_a_stranger_is_shown_the_door(filled: Filled) -> None:
    client, inside = filled.app.test_client(), []
    token = routes.csrf_token(client, f"{STUDIO}/sign-in")
    tried = 0
    for rule, method in routes.rules(filled.app, *SAFE[:2], *UNSAFE):
        if rule.endpoint in OPEN:
            continue
        tried += 1
        # With a token, so that it is the lock that answers and not the lack of one.
        data = {"csrf_token": token} if method in UNSAFE else None
        answer = client.open(filled.address(rule), method=method, data=data, buffered=True)
        shut = answer.status_code in {401, 403} or (answer.status_code in SHUT and _is_sign_in(answer.location))
        if not shut:
            inside.append(f"{method} {rule.rule} ({rule.endpoint}): {answer.status_code} {answer.location}")
    assert tried > 20
    assert inside == []


def test_what_is_behind_the_lock_is_there_for_the_owner(
    filled: Filled, owner: FlaskClient, program: FlaskClient
) -> None:
    """The lock is tested on pages that open: a page that fails for everybody would prove nothing."""
    broken = []
    for rule, _method in routes.rules(filled.app, "GET"):
        answer = (program if routes.is_api(rule) else owner).get(filled.address(rule), buffered=True)
        turned_away = rule.endpoint not in OPEN and _is_sign_in(answer.location)
        # Nobody works here, and that page says so.
        expected = 503 if rule.endpoint == "health.ready" else 399
        if answer.status_code > expected or turned_away:
            broken.append(f"GET {rule.rule}: {answer.status_code} {answer.location}")
    assert broken == []


def test_an_editor_gets_what_is_for_editors_and_nothing_else(filled: Filled) -> None:
    editor = routes.sign_in(filled.app, "editor@cafe.example")
    token = routes.csrf_token(editor, f"{STUDIO}/security")
    before, wrong, forbidden = routes.fingerprint(filled.app), [], 0
    for rule, method in routes.rules(filled.app, "GET", *UNSAFE):
        if not rule.rule.startswith(f"{STUDIO}/") or rule.endpoint in OPEN or rule.endpoint.startswith("key."):
            continue
        allowed = rule.endpoint in FOR_EDITORS
        if allowed and method != "GET":
            continue
        data = {"csrf_token": token} if method != "GET" else None
        answer = editor.open(filled.address(rule), method=method, data=data, buffered=True)
        forbidden += answer.status_code == 403
        if (answer.status_code >= 400) if allowed else (answer.status_code != 403):
            wrong.append(f"{method} {rule.rule} ({rule.endpoint}): {answer.status_code}")
    assert wrong == []
    assert forbidden > 30
    assert roles.FOR_EDITORS == FOR_EDITORS
    assert routes.fingerprint(filled.app) == before


def test_safe_methods_change_nothing(filled: Filled, owner: FlaskClient, program: FlaskClient) -> None:
    changed, stranger = [], filled.app.test_client()
    before = routes.fingerprint(filled.app)
    with routes.watching(filled.app) as written:
        for who, client in (("a stranger", stranger), ("the owner", owner), ("a program", program)):
            for rule, method in routes.rules(filled.app, *SAFE):
                client.open(filled.address(rule), method=method, buffered=True)
                assert client is not owner or _is_signed_in(owner), f"{method} {rule.rule} signed the owner out"
                if not written():
                    continue
                after = routes.fingerprint(filled.app)
                tables = {name for name in after if after[name] != before[name]} - VISIT_COUNTS
                if tables:
                    changed.append(f"{method} {rule.rule} as {who}: {sorted(tables)}")
                before = after
    assert changed == []


def _is_signed_in(browser: FlaskClient) -> bool:
    with browser.session_transaction(f"{STUDIO}/") as session:
        return "_user_id" in session


def test_the_fingerprint_sees_a_change(filled: Filled) -> None:
    """A test that cannot fail proves nothing: one POST must show."""
    before = routes.fingerprint(filled.app)
    rule = next(rule for rule, _ in routes.rules(filled.app, "POST") if rule.endpoint == "confirm_page.confirm")
    with routes.watching(filled.app) as written:
        assert not written()
        assert filled.app.test_client().post(filled.address(rule)).status_code < 400
        assert (written(), written()) == (True, False)
    assert routes.fingerprint(filled.app) != before


def test_every_unsafe_request_to_the_studio_needs_its_token(filled: Filled, owner: FlaskClient) -> None:
    before, taken = routes.fingerprint(filled.app), []
    bodies: tuple[dict[str, Any], ...] = ({"data": {}}, {"json": {}}, {"data": {"csrf_token": "forged"}})
    for rule, method in routes.rules(filled.app, *UNSAFE):
        if rule.rule.startswith(f"{STUDIO}/"):
            for body in bodies:
                answer = owner.open(filled.address(rule), method=method, **body)
                if answer.status_code not in {400, 403}:
                    taken.append(f"{method} {rule.rule}: {answer.status_code}")
    assert taken == []
    assert routes.fingerprint(filled.app) == before


def test_public_pages_set_no_cookie(filled: Filled) -> None:
    client, baked = filled.app.test_client(), []
    for rule, method in routes.rules(filled.app, *SAFE, "POST"):
        if not rule.rule.startswith(f"{STUDIO}/"):
            answer = client.open(
                filled.address(rule), method=method, data={"email": "c@example.example"}, buffered=True
            )
            if "Set-Cookie" in answer.headers:
                baked.append(f"{method} {rule.rule}")
    assert baked == []


def test_every_answer_carries_a_strict_policy(filled: Filled, owner: FlaskClient) -> None:
    loose = []
    for rule, _method in routes.rules(filled.app, "GET"):
        answer = owner.get(filled.address(rule), buffered=True)
        policy = answer.headers.get("Content-Security-Policy", "")
        if "default-src" not in policy or _is_loose(policy):
            loose.append(f"{rule.rule}: {policy!r}")
        if answer.headers.get("X-Content-Type-Options") != "nosniff":
            loose.append(f"{rule.rule}: sniffing allowed")
    assert loose == []


def _is_loose(policy: str) -> bool:
    """Whether a policy lets inline code run; letters alone, shown under a sandbox, may keep their inline styles."""
    refused = {"'unsafe-eval'", "'unsafe-hashes'"} if "sandbox" in policy else {"'unsafe-"}
    return any(word in policy for word in refused)
