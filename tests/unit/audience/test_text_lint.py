"""A consent text is published only when it says who, what, how often and how to stop, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.audience import consent_words, jurisdiction, text_lint
from listkeeper.audience.jurisdiction import Profile
from listkeeper.audience.starter_text import STARTERS
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language

TODAY = date(2026, 11, 23)
NAME = "Fuglsang ApS"


@dataclass(frozen=True)
class Text:
    """A text before it is published."""

    body: str
    button_label: str = "Sign me up"
    withdrawal: str = "I can stop at any time by the link in every mail."
    age_statement: str = ""
    kind: str = "newsletter"


ENGLISH = Text(f"Yes please: {NAME} may send me news by e-mail, at most once a week.")


def _starter(code: str, *, controller: str = NAME, list_name: str = "Kedelbrevet") -> Text:
    words = STARTERS[code]
    places = {"controller": controller, "list": list_name}
    return Text(words.body.format(**places), words.button_label.format(**places), words.withdrawal)


def _profile(code: str = "strictest") -> Profile:
    return jurisdiction.profile(code, TODAY)


def _codes(text: Text, spoken: str = "en", **changes: object) -> set[str]:
    asked: dict[str, object] = {"controller": NAME, "profile": _profile(), **changes}
    return {finding.code for finding in text_lint.check(text, spoken=spoken, **asked)}  # type: ignore[arg-type]


# Our own


def test_every_language_we_speak_can_be_read() -> None:
    assert set(consent_words.languages()) == set(language.LANGUAGES)


@pytest.mark.parametrize("profile", jurisdiction.codes())
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_our_starter_texts_may_be_published_everywhere(code: str, profile: str) -> None:
    for list_name in ("Kedelbrevet", "Письма", "X"):
        assert _codes(_starter(code, list_name=list_name), code, profile=_profile(profile)) == set()


# What must be said


@pytest.mark.parametrize("missing", ["body", "button_label", "withdrawal"])
def test_a_text_with_a_part_missing_is_refused(missing: str) -> None:
    for nothing in ("", "  ", "\n\t", "\u00a0"):
        assert _codes(replace(ENGLISH, **{missing: nothing})) == {"text_incomplete"}


@pytest.mark.parametrize("code", ["fi", "", "EN", "en-GB", "../en"])
def test_a_language_that_cannot_be_read_is_refused(code: str) -> None:
    assert _codes(ENGLISH, code) == {"language_not_known"}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_controller_must_be_named(code: str) -> None:
    assert _codes(_starter(code, controller="the shop"), code) >= {"text_without_controller"}
    assert "text_without_controller" in _codes(_starter(code), code, controller="")


def test_the_name_is_found_however_it_is_spaced_and_written() -> None:
    text = replace(ENGLISH, body=ENGLISH.body.replace(NAME, "FUGLSANG\u00a0\nApS"))
    assert _codes(text) == set()


NO_CONTENT = {
    "en": f"Yes please: {NAME} may send me Kettle Notes by e-mail, at most once a week.",
    "da": f"Ja tak: {NAME} må sende mig Kedelbrevet på e-mail, højst en gang om ugen.",
    "nb": f"Ja takk: {NAME} kan sende meg Kjelebrevet på e-post, høyst én gang i uken.",
    "sv": f"Ja tack: {NAME} får skicka Kittelbrevet till mig via e-post, högst en gång i veckan.",
    "pl": f"Tak, chcę otrzymywać od {NAME} Listy znad czajnika e-mailem, najwyżej raz w tygodniu.",
    "ru": f"Да, я согласен(на) получать от {NAME} рассылку «Чайник» по электронной почте, не чаще раза в неделю.",
    "de": f"Ja bitte: {NAME} darf mir die Kesselpost per E-Mail senden, höchstens einmal pro Woche.",
}
NO_FREQUENCY = {
    "en": f"Yes please: {NAME} may send me news and the offers of the week by e-mail.",
    "da": f"Ja tak: {NAME} må sende mig nyheder og ugens tilbud på e-mail.",
    "nb": f"Ja takk: {NAME} kan sende meg nyheter og ukens tilbud på e-post.",
    "sv": f"Ja tack: {NAME} får skicka nyheter och veckans erbjudanden till mig via e-post.",
    "pl": f"Tak, chcę otrzymywać od {NAME} nowości i oferty tygodnia e-mailem.",
    "ru": f"Да, я согласен(на) получать от {NAME} новости и предложения недели по электронной почте.",
    "de": f"Ja bitte: {NAME} darf mir Neuigkeiten und die Angebote der Woche per E-Mail senden.",
}
NO_WAY_OUT = {
    "en": "I like the link in every mail at any time.",
    "da": "Jeg kan lide linket i hver mail.",
    "nb": "Jeg kan like lenken i hver e-post.",
    "sv": "Jag kan gilla länken i varje mejl.",
    "pl": "Mogę kliknąć link w każdej wiadomości.",
    "ru": "Я могу нажать на ссылку в каждом письме.",
    "de": "Ich kann jederzeit auf den Link in jeder E-Mail klicken.",
}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_text_must_say_what_is_sent(code: str) -> None:
    assert _codes(replace(_starter(code), body=NO_CONTENT[code]), code) == {"text_without_content"}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_text_must_say_how_often(code: str) -> None:
    assert _codes(replace(_starter(code), body=NO_FREQUENCY[code]), code) == {"text_without_frequency"}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_text_must_say_how_to_stop(code: str) -> None:
    assert _codes(replace(_starter(code), withdrawal=NO_WAY_OUT[code]), code) == {"text_without_withdrawal"}


def test_the_name_of_the_company_says_neither_what_nor_how_often() -> None:
    name = "Weekly Offers Ltd"
    text = replace(ENGLISH, body=f"Yes please: {name} may send me mail by e-mail.")
    assert _codes(text, controller=name) == {"text_without_content", "text_without_frequency"}


OFTEN = {
    "en": ["weekly", "every second week", "twice a month", "no more than 4 times a year", "now and then"],
    "da": ["ugentligt", "hver anden uge", "to gange om måneden", "ikke oftere end hver uge", "af og til"],
    "nb": ["ukentlig", "hver andre uke", "to ganger i måneden", "ikke oftere enn hver uke", "av og til"],
    "sv": ["varje vecka", "varannan vecka", "två gånger i månaden", "inte oftare än varje vecka", "då och då"],
    "pl": ["co tydzień", "co dwa tygodnie", "dwa razy w miesiącu", "nie częściej niż raz na kwartał", "okazjonalnie"],
    "ru": ["еженедельно", "каждую неделю", "два раза в месяц", "не более 4 писем в месяц", "иногда"],
    "de": ["wöchentlich", "alle zwei Wochen", "zweimal im Monat", "nicht öfter als jeden Monat", "ab und zu"],
}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_frequency_may_be_said_in_many_ways(code: str) -> None:
    for often in OFTEN[code]:
        body = f"{NO_FREQUENCY[code].removesuffix('.')}, {often}."
        assert _codes(replace(_starter(code), body=body), code) == set(), often


# The way out is as easy as the way in


LOGIN = {
    "en": "I can unsubscribe at any time when I log in to my account.",
    "da": "Jeg kan altid framelde mig, når jeg logger ind på min profil.",
    "nb": "Jeg kan når som helst melde meg av når jeg logger inn på min side.",
    "sv": "Jag kan när som helst avsluta när jag loggar in på mitt konto.",
    "pl": "Mogę zrezygnować w każdej chwili po zalogowaniu na moje konto.",
    "ru": "Я могу отписаться в любой момент в личном кабинете, введя пароль.",
    "de": "Ich kann mich jederzeit in meinem Kundenkonto mit meinem Passwort abmelden.",
}
HARD = {
    "en": "I can stop at any time by phone.",
    "da": "Jeg kan altid framelde mig pr. brev.",
    "nb": "Jeg kan når som helst melde meg av på telefon.",
    "sv": "Jag kan när som helst avsluta via brev.",
    "pl": "Mogę zrezygnować w każdej chwili telefonicznie.",
    "ru": "Я могу отписаться в любой момент по телефону.",
    "de": "Ich kann mich jederzeit schriftlich abmelden.",
}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_login_is_no_way_out(code: str) -> None:
    text = replace(_starter(code), withdrawal=LOGIN[code])
    (found,) = text_lint.check(text, controller=NAME, spoken=code, profile=_profile())
    assert (found.code, found.severity) == ("withdrawal_not_easy", Severity.BLOCK)


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_a_call_or_a_letter_is_a_hard_way_out_and_a_link_beside_it_is_enough(code: str) -> None:
    text = replace(_starter(code), withdrawal=HARD[code])
    (found,) = text_lint.check(text, controller=NAME, spoken=code, profile=_profile())
    assert (found.code, found.severity) == ("withdrawal_not_easy", Severity.WARN)
    both = replace(text, withdrawal=f"{STARTERS[code].withdrawal} {HARD[code]}")
    assert _codes(both, code) == set()


# One yes for one thing

BUNDLED = {
    "en": ["I accept the terms of sale.", "I agree to the T&Cs."],
    "da": ["Jeg accepterer handelsbetingelserne.", "Jeg er enig i vilkårene."],
    "nb": ["Jeg godtar kjøpsvilkårene.", "Jeg godtar betingelsene."],
    "sv": ["Jag godkänner köpvillkoren.", "Jag godkänner köpeavtalet."],
    "pl": ["Akceptuję regulamin.", "Zgadzam się na warunki korzystania."],
    "ru": ["Я принимаю условия.", "Я согласен с правилами сайта."],
    "de": ["Ich akzeptiere die AGB.", "Ich stimme den Nutzungsbedingungen zu."],
}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_terms_stand_neither_in_the_text_nor_on_the_button(code: str) -> None:
    text = _starter(code)
    for terms in BUNDLED[code]:
        assert _codes(replace(text, body=f"{text.body} {terms}"), code) == {"text_bundled"}, terms
        assert _codes(replace(text, button_label=terms), code) == {"text_bundled"}, terms
        assert _codes(replace(text, age_statement=terms), code) == {"text_bundled"}, terms


def test_what_only_sounds_like_terms_is_none() -> None:
    assert _codes(replace(ENGLISH, body=f"{ENGLISH.body} The most, in terms of mail.")) == set()
    russian = _starter("ru")
    assert _codes(replace(russian, body=f"{russian.body} Там есть скидки и специальные условия."), "ru") == set()


def test_two_purposes_need_two_texts() -> None:
    assert _codes(ENGLISH, purposes=("newsletter", "surveys")) == {"two_purposes"}
    assert _codes(ENGLISH, purposes=("newsletter", "newsletter")) == set()


def test_russia_wants_the_consent_to_use_personal_data_as_a_text_of_its_own() -> None:
    text = _starter("ru")
    both = replace(text, body=f"{text.body} Я согласен на обработку персональных данных.")
    assert _codes(both, "ru", profile=_profile("ru")) == {"needs_own_text"}
    assert _codes(both, "ru", profile=_profile("dk")) == set()
    alone = replace(text, body=f"Я согласен, чтобы {NAME} обрабатывал мои персональные данные.", kind="personal_data")
    assert _codes(alone, "ru", profile=_profile("ru")) == set()
    other = replace(alone, body=f"Да, я согласен, {NAME}.")
    assert _codes(other, "ru", profile=_profile("ru")) == {"text_without_personal_data"}


PARTNERS = {
    "en": "our partners", "da": "udvalgte samarbejdspartnere", "nb": "utvalgte samarbeidspartnere",
    "sv": "våra samarbetspartner", "pl": "naszych partnerów", "ru": "наших партнёров", "de": "unserer Partner",
}  # fmt: skip


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_partners_are_named_in_the_text(code: str) -> None:
    text = _starter(code)
    hinted = replace(text, body=f"{text.body} ({PARTNERS[code]})")
    assert _codes(hinted, code) == {"partners_not_named"}
    named = replace(text, body=f"{text.body} ({PARTNERS[code]}: Rosenvang A/S, Kaffe & Co)")
    assert _codes(named, code, partners=("Rosenvang A/S", "Kaffe & Co")) == set()
    assert _codes(named, code, partners=("Rosenvang A/S", "Somebody Else")) == {"partners_not_named"}


def test_partners_do_not_stand_behind_a_link() -> None:
    linked = replace(ENGLISH, body=f"{ENGLISH.body} With our partners: https://fuglsang.example/partners")
    assert _codes(linked) == {"partners_not_named", "partners_behind_link"}
    assert _codes(linked, partners=("Kaffe & Co",)) == {"partners_not_named", "partners_behind_link"}


def test_a_company_that_is_called_partner_is_no_partner() -> None:
    assert _codes(_starter("en", controller="Partner Press Ltd"), controller="Partner Press Ltd") == set()


# Age


def test_a_list_with_an_age_says_so_in_its_text() -> None:
    assert _codes(ENGLISH, least_age=16) == {"text_without_age"}
    assert _codes(replace(ENGLISH, age_statement="I am 160 years old."), least_age=16) == {"text_without_age"}
    assert _codes(replace(ENGLISH, age_statement="I am 16 or older."), least_age=16) == set()


def test_an_age_below_that_of_the_law_is_told() -> None:
    young = replace(ENGLISH, age_statement="I am 13 or older.")
    assert _codes(young, least_age=13, profile=_profile("uk")) == set()
    assert _codes(young, least_age=13, profile=_profile("dk")) == {"age_below_law"}


# Plain language


def test_a_text_has_at_most_600_characters() -> None:
    length = len(ENGLISH.body) + 1 + len(ENGLISH.withdrawal)
    filled = replace(ENGLISH, body=f"{ENGLISH.body} {'so it is. ' * 80}"[: len(ENGLISH.body) + 600 - length - 1] + ".")
    assert len(f"{filled.body} {filled.withdrawal}") == 600
    assert _codes(filled) == set()
    assert _codes(replace(filled, body=f"{filled.body}.")) == {"text_too_long"}


def test_a_text_that_is_hard_to_read_is_told_and_may_be_published() -> None:
    hard = replace(
        ENGLISH,
        body=(
            f"Acknowledging the aforementioned considerations, {NAME} occasionally distributes promotional "
            "announcements concerning forthcoming merchandise, complementary undertakings and corresponding "
            "offers notwithstanding previously communicated preferences regarding electronic correspondence"
        ),
    )
    (found,) = text_lint.check(hard, controller=NAME, spoken="en", profile=_profile())
    assert (found.code, found.severity) == ("text_hard_to_read", Severity.WARN)


def test_readability_is_counted_as_by_its_author() -> None:
    assert text_lint.lix("") == 0
    assert text_lint.lix("One two three. Four five six.") == 3
    assert text_lint.lix("Understanding words needs something.") == 4 + 50
    assert text_lint.lix("seven7 sevenths") == pytest.approx(2 + 50)


@pytest.mark.parametrize("meant", language.LANGUAGES)
@pytest.mark.parametrize("used", language.LANGUAGES)
def test_a_text_in_another_language_is_suspected(meant: str, used: str) -> None:
    found = text_lint.check(_starter(used), controller=NAME, spoken=meant, profile=_profile())
    suspected = [(finding.severity, finding.evidence) for finding in found if finding.code == "language_suspected"]
    assert suspected == ([] if meant == used else [(Severity.WARN, used)])


# Anything at all


@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=200), st.text(max_size=40))
def test_no_text_breaks_it(body: str, button: str, withdrawal: str, controller: str) -> None:
    for spoken in ("en", "ru"):
        text = Text(body, button, withdrawal)
        found = text_lint.check(text, controller=controller, spoken=spoken, profile=_profile("ru"), least_age=18)
        assert found
        assert all(finding.message and finding.code for finding in found)


def test_a_long_text_is_judged_quickly() -> None:
    evil = replace(ENGLISH, body=f"{NAME} " + "træk " * 5000 + "a" * 50_000 + " meld" * 5000)
    for spoken in language.LANGUAGES:
        assert "text_too_long" in _codes(evil, spoken)
