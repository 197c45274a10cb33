"""The owner asks more later: writes a question, uses it, starts it, reads how people answered, and stops it."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import user
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import Role
from listkeeper.audience import profile, profile_question, profile_version, signup_form
from listkeeper.audience.profile import How
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState
from listkeeper.campaigns import campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.rendering import form_snapshot
from listkeeper.settings import Settings
from tests.architecture import routes
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.makers import cafe, programs, questions, studio
from tests.makers.questions import BENEFIT, WHY
from tests.makers.studio import StudioBrowser, words

WORDS = {
    "kind": "choice",
    "name": "Favourite",
    "question-en": "Bread or cakes?",
    "why-en": WHY,
    "benefit-en": BENEFIT,
    "choices-en": "Rye bread\r\n\r\n Cakes ",
}


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    """The browser of a café's owner, with Anna on the list."""
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, cafe.found(session), "anna@guest.example")
    return studio.signed_in(app)


def _list(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/lists/{studio.the_cafe(session).mailing_list.public_id}"


def _one(app: Flask) -> tuple[str, QuestionState, int]:
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(ProfileQuestion)).one()
        return row.public_id, row.state, row.version


def _use(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        questions.use(session, studio.the_cafe(session))


def test_a_question_from_first_word_to_answer(app: Flask, owner: StudioBrowser) -> None:
    home = _list(app)
    assert "Ask more later" in words(owner.get(home))
    assert "Nothing is asked on this list yet." in words(owner.get(f"{home}/questions"))
    made = owner.post(f"{home}/question", WORDS)
    name, state, _version = _one(app)
    assert (made.status_code, state) == (303, QuestionState.DRAFT)
    page = owner.get(f"/studio/questions/{name}")
    assert "<iframe" in page.text
    seen = owner.get(f"/studio/questions/{name}/preview")
    assert ("Bread or cakes?" in seen.text, WHY in words(seen), "Rye bread" in seen.text) == (True, True, True)
    policy = seen.headers["Content-Security-Policy"]
    assert ("form-action 'none'" in policy, "script" in policy, "frame-ancestors 'self'" in policy) == (
        True, False, True,
    )  # fmt: skip
    # Nothing uses the answer yet, so nobody can be asked.
    early = owner.post(f"{home}/questions/{name}", {"act": "start"})
    assert (early.status_code, "what is not used is not asked" in words(early)) == (422, True)
    assert _one(app)[1] is QuestionState.DRAFT
    _use(app)
    assert "About favourite" in owner.get(f"{home}/questions").text
    started = owner.post(f"{home}/questions/{name}", {"act": "start"}, follow_redirects=True)
    assert "From now on people are asked" in words(started)
    with app.app_context(), store.transaction() as session:
        anna = cafe.subscribe(session, studio.the_cafe(session), "bo@guest.example")
        asked = profile.next_for(session, anna, studio.the_cafe(session).mailing_list.id)
        assert asked is not None
        profile.give(session, anna.id, asked, ["cakes"], How.CONFIRMED)
        person = anna.public_id
    said = words(owner.get(f"{home}/questions"))
    assert "Rye bread 0 Cakes 1 Answered 1" in said
    assert "Bread or cakes? Cakes" in words(owner.get(f"/studio/people/{person}"))
    stopped = owner.post(f"{home}/questions/{name}", {"act": "stop"}, follow_redirects=True)
    assert "Nobody is asked this any more." in words(stopped)
    with app.app_context(), store.reading() as session:
        acts = list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("question."))))
    assert acts == ["question.created", "question.started", "question.stopped"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "short name"),
        ({"question-en": ""}, "write the question"),
        ({"kind": "essay"}, "how the question is answered"),
        ({"kind": "text"}, "no answers to choose"),
        ({"question-en": "Which religion do you have?"}, "GDPR Art. 9"),
        ({"choices-en": "Cakes\nTrade union news"}, "trade union"),
    ],
)
def test_what_cannot_be_asked_comes_back_with_all_that_was_typed(
    app: Flask, owner: StudioBrowser, change: dict[str, str], sentence: str
) -> None:
    answer = owner.post(f"{_list(app)}/question", WORDS | change)
    assert (answer.status_code, sentence in words(answer)) == (422, True)
    assert BENEFIT in answer.text
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(ProfileQuestion)).all() == []


def test_missing_reasons_can_be_stored_and_not_asked(app: Flask, owner: StudioBrowser) -> None:
    owner.post(f"{_list(app)}/question", WORDS | {"why-en": ""})
    _use(app)
    name = _one(app)[0]
    refused = owner.post(f"{_list(app)}/questions/{name}", {"act": "start"})
    assert (refused.status_code, "say why you ask" in words(refused)) == (422, True)
    owner.post(f"/studio/questions/{name}", WORDS)
    assert owner.post(f"{_list(app)}/questions/{name}", {"act": "start"}).status_code == 303


def test_other_words_while_people_are_asked_are_the_next_version(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        name = questions.asked(session, house).public_id
        signup_form.create(session, house.organisation, house.mailing_list, spoken="da", show=form_snapshot.page_of)
    place = f"/studio/questions/{name}"
    assert "question-da" in owner.get(place).text
    refused = owner.post(place, WORDS | {"question-en": "Bread or pies?"})
    assert (refused.status_code, "Danish" in words(refused), "Bread or pies?" in refused.text) == (422, True, True)
    danish = {"question-da": "Brød eller kager?", "why-da": "Så vi bager det rigtige.", "benefit-da": "Nyt om det."}
    saved = owner.post(
        place, WORDS | danish | {"choices-da": "Rugbrød\nKager", "question-en": "Bread or pies?"}, follow_redirects=True
    )
    assert "Saved as version 2." in words(saved)
    assert "Brød eller kager?" in owner.get(f"{place}/preview?spoken=da").text
    assert _one(app)[2] == 2


def test_a_question_that_became_unused_is_flagged(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        questions.asked(session, studio.the_cafe(session))
    home = f"{_list(app)}/questions"
    assert "no letter uses it any more" not in words(owner.get(home))
    with app.app_context(), store.transaction() as session:
        letter = campaign.all_of(session, studio.the_cafe(session).organisation)[0]
        campaign.write(session, letter, Draft("About nothing", "x", "# Buns"), base=1)
    assert "no letter uses it any more" in words(owner.get(home))


def test_order_and_removal(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        questions.drafted(session, house, "one")
        second = questions.drafted(session, house, "two").public_id
    home = f"{_list(app)}/questions"
    owner.post(f"{home}/{second}", {"act": "up"})
    shown = owner.get(home).text
    assert shown.index("subscriber.two") < shown.index("subscriber.one")
    owner.post(f"{home}/{second}", {"act": "remove"})
    assert "subscriber.two" not in owner.get(home).text
    nothing = owner.post(f"{home}/{_one(app)[0]}", {"act": "dance"})
    assert nothing.status_code == 422


def test_only_owners_ask(app: Flask, owner: StudioBrowser) -> None:
    home = _list(app)
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        name = questions.asked(session, house).public_id
        user.create(session, written="editor@cafe.example", organisation_id=house.organisation.id, role=Role.EDITOR)
    editor = routes.sign_in(app, "editor@cafe.example")
    for path in (f"{home}/questions", f"{home}/question", f"/studio/questions/{name}"):
        assert editor.get(path).status_code == 403
    assert "Ask more later" not in editor.get(home).text


def test_letters_may_name_what_people_told(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        questions.asked(session, house)
        tag = '{{ subscriber.favourite | default: "buns" }}'
        known = cafe.draft(session, house, markdown=f"# Now\n\nToday: {tag}.\n").public_id
        unknown = cafe.draft(session, house, markdown="{{ subscriber.shoe | default: 'x' }}").public_id
    composer = f"/studio/letters/{known}"
    assert "subscriber.favourite" in owner.get(composer).text
    assert "Today: buns." in words(owner.get(f"{composer}/preview"))
    assert "Today: Rye bread." in words(owner.get(f"{composer}/preview?answered=1"))
    assert "which nobody knows" not in words(owner.get(f"{composer}/check"))
    refused = words(owner.get(f"/studio/letters/{unknown}/check"))
    assert "asks for subscriber.shoe, which nobody knows" in refused


def test_commands_and_api(
    app: Flask, owner: StudioBrowser, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    type_ = typed.typing(monkeypatch, settings)
    given = ("--question", "Bread or cakes?", "--why", WHY, "--benefit", BENEFIT, "--choice", "Rye bread")
    made = type_(
        "question", "create", "--list", "news", "--name", "Favourite", *given, "--choice", "Cakes", "--json"
    ).json
    assert (made["key"], made["state"], made["version"]) == ("favourite", "draft", 1)
    assert type_("question", "create", "--list", "news", "--name", "x", "--question", "Q?", "--why", "w").code == 2
    assert type_("question", "start", made["id"], "--json").error == "question_not_used"
    _use(app)
    started = type_("question", "start", made["id"], "--json").json
    assert (started["state"], [use["name"] for use in started["used_by"]]) == ("asked", ["About favourite"])
    changed = type_("question", "reword", made["id"], "--question", "Cakes or bread?", "--json").json
    assert changed["version"] == 2
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        bo = cafe.subscribe(session, house, "bo@guest.example")
        asked = profile_question.identified(session, house.organisation, made["id"])
        profile.give(session, bo.id, (asked, profile_version.newest(session, asked)), ["cakes"], How.LETTER)
        place = house.mailing_list.public_id
    [row] = type_("question", "list", "--list", "news", "--json").json["questions"]
    assert (row["answers"], row["answered"], row["words"]["en"]["question"]) == ({"cakes": 1}, 1, "Cakes or bread?")
    shown = programs.program(app, Scope.READ).get(f"/lists/{place}/questions")
    assert shown.json is not None
    [told] = shown.json["questions"]
    assert (told["id"], told["answers"], told["state"]) == (made["id"], {"cakes": 1}, "asked")
    assert (told["sha256"], told["choices"]) == (row["sha256"], ["rye-bread", "cakes"])
    assert type_("question", "stop", made["id"], "--json").json["state"] == "stopped"
    assert type_("question", "stop", made["id"], "--json").error == "question_state"
    out = tmp_path / "news.zip"
    type_("export", "--list", "news", "--out", str(out), "--json")
    with zipfile.ZipFile(out) as parcel:
        rows = list(csv.DictReader(io.StringIO(parcel.read("answers.csv").decode("utf-8-sig"))))
        assert "tables/profile_question_version.jsonl" in parcel.namelist()
    assert [(each["address"], each["name"], each["answer"], each["question_version"]) for each in rows] == [
        ("bo@guest.example", "favourite", "cakes", "2")
    ]
