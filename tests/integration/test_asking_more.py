"""A question on its way: after confirming, among the choices, in the third letter; and the answer back into letters."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience import (
    confirmation,
    erasure,
    profile,
    profile_link,
    profile_question,
    profile_version,
    subscriber,
)
from listkeeper.audience.profile import REST, How, ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.foundation import clock
from listkeeper.sending import planning, traces
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, actions, words
from tests.makers.questions import BENEFIT, WHY
from tests.makers.works import SITE, Works

_TAP = re.compile(r"http://localhost:8025(/q/[A-Za-z0-9_-]+\?a=[a-z-]+)")


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink) -> Guest:
    """A reader of a list that asks one question."""
    found = Guest(works, smtp_sink, works.app.test_client())
    found.subscribe()
    works.write(questions.asked)
    return found


def _newest(her: Guest) -> tuple[str, str]:
    """Return both parts of the newest letter to her."""
    message = [kept for kept in her.sink.messages if her.address in kept.rcpt_tos][-1].message
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def _taps(her: Guest) -> dict[str, str]:
    """Return where each answer of the newest letter leads, and see that both parts say the same."""
    text, html = _newest(her)
    found = _TAP.findall(text)
    assert found == _TAP.findall(html.replace("&amp;", "&"))
    return {path.partition("?a=")[2]: path for path in found}


def _answers(works: Works) -> list[tuple[str, bool, How]]:
    query = select(ProfileAnswer).order_by(ProfileAnswer.id)
    return works.read(lambda session: [(row.value, row.declined, row.how) for row in session.scalars(query)])


def _question(works: Works) -> ProfileQuestion:
    def look(session: Session) -> ProfileQuestion:
        found = session.scalars(select(ProfileQuestion).order_by(ProfileQuestion.id)).first()
        assert found is not None
        session.expunge(found)
        return found

    return works.read(look)


def _link(works: Works, her: Guest, how: How = How.LETTER) -> str:
    person = works.read(lambda session: her.person(session).id)
    with works.app.app_context():
        return f"/q/{profile_link.token(person, _question(works).id, how)}"


def test_the_third_letter_asks_and_no_other(works: Works, her: Guest) -> None:
    seen = []
    for _ in range(4):
        her.get_letter()
        seen.append(sorted(_taps(her)))
    assert seen == [[], [], ["-", "cakes", "rye-bread"], []]


def test_the_third_letter_says_why_and_what_for(works: Works, her: Guest) -> None:
    for _ in range(3):
        her.get_letter()
    text, html = (" ".join(part.split()) for part in _newest(her))
    for part in (text, html):
        assert "One question:" in part
        assert "Bread or cakes?" in part
        assert f"Why we ask: {WHY}" in part
        assert f"What you get: {BENEFIT}" in part
        assert "Rather not" in part
    # What a browser shows of a letter goes from hand to hand, and asks nothing.
    shown = her.client.get(her.links()["w"])
    assert (shown.status_code, "/q/" in shown.text) == (200, False)


def test_who_has_answered_is_not_asked_again(works: Works, her: Guest) -> None:
    her.get_letter()
    assert her.client.post(_link(works, her), data={"answer": "cakes", "version": "1"}).status_code == 200
    with time_machine.travel(clock.now() + 2 * REST, tick=True):
        for _ in range(3):
            her.get_letter()
            assert _taps(her) == {}


def test_letters_count_anew_when_somebody_comes_back(works: Works, her: Guest) -> None:
    links = her.get_letter()
    her.client.post(links["u"])
    with time_machine.travel(clock.now() + timedelta(days=40), tick=True):
        her.subscribe()
        assert her.subscription().state.value == "confirmed"
        seen = []
        for _ in range(3):
            her.get_letter()
            seen.append(bool(_taps(her)))
    assert seen == [False, False, True]


def test_two_letters_at_once_ask_once(works: Works, her: Guest) -> None:
    for _ in range(2):
        her.get_letter()
    before = her.mails()
    for subject in ("Rye", "Rolls"):
        works.start(subject)
    works.drain()
    letters = [kept.message.get_body(("plain",)) for kept in her.sink.messages if her.address in kept.rcpt_tos][before:]
    asking = [bool(_TAP.search(body.get_content())) for body in letters if body is not None]
    assert sorted(asking) == [False, True]


def test_a_tap_opens_a_page_and_only_its_button_answers(works: Works, her: Guest) -> None:
    for _ in range(3):
        her.get_letter()
    tapped = _taps(her)["cakes"]
    for method in ("get", "head", "options"):
        for _ in range(2):
            assert getattr(her.client, method)(tapped).status_code == 200
    assert _answers(works) == []
    page = her.client.get(tapped)
    assert re.findall(r'<button(?: class="(\w+)")? name="answer" value="([^"]+)"', page.text) == [
        ("", "cakes"), ("quiet", "rye-bread"), ("quiet", "-"),
    ]  # fmt: skip
    said = words(page)
    assert WHY in said
    assert BENEFIT in said
    assert (page.headers["Cache-Control"], "Set-Cookie" in page.headers) == ("no-store", False)
    [action] = actions(page)
    done = her.client.post(action, data={"answer": "cakes", "version": "1"})
    assert (done.status_code, "Your answer is noted" in words(done)) == (200, True)
    assert _answers(works) == [("cakes", False, How.LETTER)]
    # Another tap changes her mind, and the page tells nobody what she had said.
    other = her.client.get(_taps(her)["rye-bread"])
    assert '<button name="answer" value="rye-bread">' in other.text
    her.client.post(action, data={"answer": "-", "version": "1"})
    assert _answers(works) == [("", True, How.LETTER)]


def test_rather_not_can_be_tapped_too(works: Works, her: Guest) -> None:
    for _ in range(3):
        her.get_letter()
    page = her.client.get(_taps(her)["-"])
    assert '<button name="answer" value="-">' in page.text
    assert page.text.count('value="-"') == 1
    done = her.client.post(actions(page)[0], data={"answer": "-"})
    assert "We do not ask this again for a while" in words(done)
    assert _answers(works) == [("", True, How.LETTER)]


@pytest.mark.parametrize("tail", ["", "x", "AAAA", "../p/x"])
def test_a_link_that_is_not_whole_asks_nothing(works: Works, her: Guest, tail: str) -> None:
    link = _link(works, her)
    for path in (f"/q/{tail}x", f"{link[:-1]}", f"{link}x", link.replace("/q/", "/q/A")):
        for answer in (her.client.get(path), her.client.post(path, data={"answer": "cakes"})):
            assert answer.status_code == 404
    assert _answers(works) == []


def test_a_link_ends_by_itself_and_serves_one_purpose(works: Works, her: Guest) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        page, letter = (_link(works, her, how) for how in (How.CONFIRMED, How.LETTER))
        preferences = her.get_letter()["p"].rpartition("/")[2]
    for later, link, status in (
        (timedelta(hours=2) - timedelta(seconds=1), page, 200), (timedelta(hours=2, seconds=1), page, 404),
        (timedelta(days=29), letter, 200), (timedelta(days=30, seconds=1), letter, 404),
    ):  # fmt: skip
        with time_machine.travel(start + later, tick=False):
            assert her.client.get(link).status_code == status
            if status == 404:
                assert her.client.post(link, data={"answer": "cakes"}).status_code == 404
    assert her.client.get(f"/q/{preferences}").status_code == 404
    assert her.client.get(letter.replace("/q/", "/p/")).status_code == 404
    assert _answers(works) == []


@pytest.mark.parametrize("state", ["stopped", "left", "restricted", "erased"])
def test_what_is_over_takes_no_answer(works: Works, her: Guest, state: str) -> None:
    link, links = _link(works, her), her.get_letter()

    def end(session: Session, _house: Cafe) -> None:
        person, question = her.person(session), session.scalars(select(ProfileQuestion)).one()
        if state == "stopped":
            profile_question.stop(session, question)
        elif state == "restricted":
            subscriber.restrict(session, person, actor="subscriber")
        elif state == "erased":
            forget = traces.forgetter(parts.practice_folder())
            erasure.erase(session, person.id, actor="subscriber", forget_copies=forget)

    works.write(end)
    if state == "left":
        her.client.post(links["u"])
    for answer in (her.client.get(link), her.client.post(link, data={"answer": "cakes"})):
        assert (answer.status_code, "This is not asked any more" in words(answer)) == (404, True)
    assert _answers(works) == []


def test_the_page_after_confirming_asks_whoever_pressed_the_button(works: Works, her: Guest) -> None:
    def sign_up(session: Session, house: Cafe) -> None:
        tokens.append(confirmation.token_of(cafe.sign_up(session, house, "bo@people.example")))

    tokens: list[str] = []
    works.write(sign_up)
    assert "Bread or cakes?" not in her.client.get(f"/c/{tokens[0]}").text
    thanks = her.client.post(f"/c/{tokens[0]}")
    assert "Bread or cakes?" in words(thanks)
    assert words(thanks).count("Why we ask:") == 1
    [action] = [each for each in actions(thanks) if each.startswith("/q/")]
    # The link of the mail may be in other hands later: it asks nothing.
    assert "Bread or cakes?" not in her.client.get(f"/c/{tokens[0]}").text
    empty = her.client.post(action, data={})
    assert (empty.status_code, "Please choose an answer" in words(empty)) == (422, True)
    assert her.client.post(action, data={"answer": "rye-bread", "version": "1"}).status_code == 200
    assert _answers(works) == [("rye-bread", False, How.CONFIRMED)]
    assert "Bread or cakes?" not in her.client.post(f"/c/{tokens[0]}").text


def test_the_page_of_choices_asks_one_question_a_day(works: Works, her: Guest) -> None:
    works.write(lambda session, house: questions.asked(session, house, "dog", kind=QuestionKind.TEXT))
    page = her.get_letter()["p"]
    shown = her.client.get(page)
    assert ("Bread or cakes?" in shown.text, "your dog" in shown.text) == (True, False)
    action = next(each for each in actions(shown) if each.startswith("/q/"))
    assert _answers(works) == []
    assert "Bread or cakes?" in her.client.post(page, data={"frequency": "weekly"}).text
    her.client.post(action, data={"answer": "cakes"})
    assert _answers(works) == [("cakes", False, How.PREFERENCES)]
    assert "/q/" not in her.client.get(page).text
    with time_machine.travel(clock.now() + REST, tick=True):
        later = her.client.get(page)
        assert ("Bread or cakes?" in later.text, "your dog" in later.text) == (False, True)
        action = next(each for each in actions(later) if each.startswith("/q/"))
        wrong = her.client.post(action, data={"answer": "http://x.example/ <b>", "sent": "yes"})
        assert (wrong.status_code, "http://x.example/ &lt;b&gt;" in wrong.text) == (422, True)
        her.client.post(action, data={"answer": "Fi<b>do</b>", "sent": "yes"})
        visit = her.enter()
        own = her.client.get(f"{visit}/answers")
        assert "Fi&lt;b&gt;do&lt;/b&gt;" in own.text


def test_on_her_own_page_she_sees_changes_and_takes_back(works: Works, her: Guest) -> None:
    her.client.post(_link(works, her), data={"answer": "cakes"})
    visit = her.enter()
    assert f"{visit}/answers" in her.client.get(visit).text
    shown = her.client.get(f"{visit}/answers")
    assert "Bread or cakes? Cakes News" in words(shown)
    change = re.search(r'href="(/q/[^"]+)"', shown.text)
    assert change
    her.client.post(change.group(1), data={"answer": "rye-bread"})
    assert _answers(works) == [("rye-bread", False, How.OWN_PAGE)]
    packed = zipfile.ZipFile(BytesIO(her.client.post(f"{visit}/download").data))
    data = json.loads(packed.read("my-data.json"))
    assert [(each["asked"], each["said"]) for each in data["what_you_told_us"]] == [("Bread or cakes?", "Rye bread")]
    assert [each["value"] for each in data["answers"]] == ["rye-bread"]
    gone = her.client.post(next(each for each in actions(shown) if "/answers/" in each))
    assert "Done: your answer is deleted." in words(gone)
    assert _answers(works) == [("", True, How.OWN_PAGE)]
    assert her.client.post(f"{visit}/answers/qst_unknown").status_code == 404


def _send(works: Works, markdown: str) -> None:
    def act(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, subject="Today", markdown=markdown)
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    works.write(act)
    works.drain()


def test_letters_say_what_she_answered_or_fall_back(works: Works, her: Guest) -> None:
    letter = (
        'Fresh: {{ subscriber.favourite | default: "buns" }}.{% if subscriber.favourite == "Cakes" %} Cake!{% endif %}'
    )
    _send(works, letter)
    assert "Fresh: buns." in _newest(her)[0]
    her.client.post(_link(works, her), data={"answer": "cakes"})
    _send(works, letter)
    assert "Fresh: Cakes. Cake!" in " ".join(_newest(her)[0].split())
    her.client.post(_link(works, her), data={"answer": "-"})
    _send(works, letter)
    assert "Fresh: buns." in _newest(her)[0]


def test_what_she_says_herself_goes_before_what_a_file_says(works: Works, her: Guest) -> None:
    works.write(lambda session, house: questions.asked(session, house, "first_name", kind=QuestionKind.TEXT))

    def brought(session: Session, _house: Cafe) -> None:
        her.person(session).profile = {"first_name": "From the file"}

    def told(session: Session, house: Cafe) -> None:
        asked = profile_question.every(session, house.mailing_list)[1]
        version = profile_version.newest(session, asked)
        profile.give(session, her.person(session).id, (asked, version), ["Freja & co"], How.OWN_PAGE)

    works.write(brought)
    _send(works, 'Dear {{ subscriber.first_name | default: "friend" }}!')
    assert "Dear From the file!" in _newest(her)[0]
    works.write(told)
    _send(works, 'Dear {{ subscriber.first_name | default: "friend" }}!')
    assert "Dear Freja & co!" in _newest(her)[0]
    assert "Dear Freja &amp; co!" in _newest(her)[1]


def test_answers_are_read_once_for_a_window(works: Works, her: Guest) -> None:
    from sqlalchemy import event  # noqa: PLC0415 - only here

    works.gather(40)
    her.client.post(_link(works, her), data={"answer": "cakes"})
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "profile_answer" in statement:
            seen.append(statement)

    with works.app.app_context():
        engine = store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        _send(works, 'Fresh: {{ subscriber.favourite | default: "buns" }}.')
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert 1 <= len(seen) <= 4
