"""Our question mail is no advertisement in any language, and each thing that would make it one is found."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.audience.starter_text import STARTERS
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled, Sender
from listkeeper.rendering.mails import confirmation_mail
from listkeeper.rendering.message import Attachment
from listkeeper.rendering.words import doi_lint
from listkeeper.rendering.words.doi_lint import Published
from tests.unit.rendering.conftest import SENDER

SITE = "https://n.fuglsang.example"
TOKEN = "Ab_dEfGhIjK-MnOpQrStUv"
CONFIRM, REFUSE = f"{SITE}/c/{TOKEN}", f"{SITE}/n/{TOKEN}"
TYPED = ("aase@post.example", "Åse Lund", "qr-kassen", "jule-kampagne")
# In Russia and Singapore every postal code has six digits.
HOUSE = replace(SENDER, postal_address="Mejlgade 12\n101000 Aarhus C")


def _published(code: str, list_name: str = "Nyt & nyheder", sender: Sender = HOUSE) -> Published:
    words = STARTERS[code]
    consent = f"{words.body.format(controller=sender.legal_name, list=list_name)} {words.withdrawal}"
    return Published(consent, list_name, sender.legal_name, sender.postal_address, sender.name, sender.address)


def _filled(code: str, published: Published, digits: str = "012345") -> Filled:
    return confirmation_mail.compose(
        language_code=code,
        legal_name=published.legal_name,
        postal_address=published.postal_address,
        list_name=published.list_name,
        consent_text=published.consent,
        confirm_url=CONFIRM,
        code=digits,
        refuse_url=REFUSE,
    )


def _built(filled: Filled, *headers: tuple[str, str], sender: Sender = HOUSE, to: str = TYPED[0]) -> bytes:
    return message.build(
        filled,
        sender=sender,
        recipient=to,
        message_id="<a@fuglsang.example>",
        date=datetime(2026, 11, 23, tzinfo=UTC),
        extra_headers=headers or confirmation_mail.HEADERS,
    )


PUBLISHED = _published("en")
OURS = _filled("en", PUBLISHED)


def _check(raw: bytes, *, typed: tuple[str, ...] = TYPED, strict: bool = True) -> list[Finding]:
    return doi_lint.check(raw, typed=typed, site=SITE, published=PUBLISHED, strict=strict)


def _codes(raw: bytes) -> set[str]:
    return {finding.code for finding in _check(raw)}


def _with(*, html: str = "", text: str = "", before: str = '<p class="small"') -> bytes:
    """Build our mail with something added above the imprint."""
    at = re.search(before, OURS.html)
    assert at is not None
    page = f"{OURS.html[: at.start()]}{html}{OURS.html[at.start() :]}"
    rule = "-" * 40
    return _built(replace(OURS, html=page, text=OURS.text.replace(rule, f"{text}\n\n{rule}" if text else rule)))


# Ours


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_our_mail_is_free_of_promotion(code: str, strict: bool) -> None:
    published = _published(code)
    for digits in ("012345", "000000", "101000"):
        raw = _built(_filled(code, published, digits))
        found = doi_lint.check(raw, typed=TYPED, site=SITE, published=published, strict=strict)
        assert found == []


@pytest.mark.parametrize("name", ["X", "Om", "Письма от чайника", "Ä & Ö <3", "No. 123456", "Yes, it was me"])
def test_the_name_of_the_list_is_part_of_it_whatever_it_is(name: str) -> None:
    for code in language.LANGUAGES:
        published = _published(code, name)
        raw = _built(_filled(code, published))
        assert doi_lint.check(raw, typed=TYPED, site=SITE, published=published) == []


def test_the_reminder_in_the_same_thread_is_free_of_promotion() -> None:
    thread = [("In-Reply-To", "<a@fuglsang.example>"), ("References", "<a@fuglsang.example>")]
    assert _check(_built(OURS, *confirmation_mail.HEADERS, *thread)) == []


def test_words_of_the_published_text_are_not_those_of_whoever_typed_them() -> None:
    typed = (TYPED[0], "news", "Fuglsang", "code", "e-mail", "yes", "Nyt & nyheder", "fuglsang.example", SITE)
    assert _check(_built(OURS), typed=typed) == []


def test_an_owner_may_sign_up_with_the_address_of_the_shop() -> None:
    raw = _built(OURS, to=HOUSE.address)
    assert _check(raw, typed=(HOUSE.address,)) == []


def test_a_site_may_end_in_a_slash_and_stand_on_this_machine() -> None:
    assert doi_lint.check(_built(OURS), typed=TYPED, site=f"{SITE}/", published=PUBLISHED) == []
    local = replace(OURS, html=OURS.html.replace(SITE, "http://localhost:8080"),
                    text=OURS.text.replace(SITE, "http://localhost:8080"))  # fmt: skip
    assert doi_lint.check(_built(local), typed=TYPED, site="http://localhost:8080", published=PUBLISHED) == []
    assert "foreign_link" in _codes(_built(local))


# Pictures and files


@pytest.mark.parametrize(
    "element",
    [
        '<img src="https://fuglsang.example/logo.png" alt="">',
        '<img src="cid:logo" alt="">',
        '<IMG SRC="data:image/gif;base64,R0lGOD" width=1 height=1>',
        "<svg viewbox='0 0 1 1'></svg>",
        '<table background="https://fuglsang.example/b.png"></table>',
        "<p style=\"background: URL( 'https://fuglsang.example/b.png')\"></p>",
        "<style>@import 'https://fuglsang.example/font.css';</style>",
        '<link rel="stylesheet" href="https://fuglsang.example/x.css">',
        "<script>1</script>",
        '<iframe src="https://fuglsang.example/"></iframe>',
        '<form action="https://n.fuglsang.example/c/x"></form>',
        '<meta http-equiv="refresh" content="0">',
    ],
)
def test_whatever_is_shown_or_loaded_is_found(element: str) -> None:
    assert "picture" in _codes(_with(html=element))


def test_a_file_is_found() -> None:
    raw = message.build(
        OURS, sender=HOUSE, recipient=TYPED[0], message_id="<a@b.example>", date=datetime(2026, 11, 23, tzinfo=UTC),
        extra_headers=confirmation_mail.HEADERS, attachment=Attachment("coupon.txt", "-"),
    )  # fmt: skip
    assert _codes(raw) == {"attachment"}


# Links


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("https://fuglsang.example/shop", "foreign_link"),
        ("https://evil.example/c/" + TOKEN, "foreign_link"),
        (f"{SITE}.evil.example/c/{TOKEN}", "foreign_link"),
        (f"{SITE}/w/{TOKEN}", "foreign_link"),
        (f"{SITE}/c/short", "foreign_link"),
        ("mailto:hej@fuglsang.example", "foreign_link"),
        ("tel:+4512345678", "foreign_link"),
        (f"{CONFIRM}?utm_source=doi", "tracking"),
        (f"{CONFIRM}?x=1", "tracking"),
        (f"{CONFIRM}#top", "tracking"),
        ("https://www.facebook.com/fuglsang", "social_link"),
        ("https://instagram.com/fuglsang", "social_link"),
        ("https://bsky.app/profile/bluesky", "social_link"),
    ],
)
def test_a_link_beside_yes_and_no_is_found(link: str, code: str) -> None:
    on_the_page, in_the_text = _check(_with(html=f'<a href="{link}"></a>')), _check(_with(text=link))
    assert {(finding.code, finding.subject) for finding in on_the_page} == {(code, "page"), ("links_differ", "mail")}
    assert (code, "text") in {(finding.code, finding.subject) for finding in in_the_text}


def test_our_own_links_with_tracking_are_found() -> None:
    tracked = replace(OURS, html=OURS.html.replace(CONFIRM, f"{CONFIRM}?utm_campaign=x"))
    assert _codes(_built(tracked)) == {"tracking", "links_not_two", "links_differ"}


def test_yes_and_no_stand_there_once_each() -> None:
    assert "links_not_two" in _codes(_with(html=f'<a href="{CONFIRM}"></a>'))
    assert "links_not_two" in _codes(_built(replace(OURS, html=OURS.html.replace(REFUSE, CONFIRM))))
    assert "links_not_two" in _codes(_built(replace(OURS, text=OURS.text.replace(REFUSE, ""))))
    other = CONFIRM.replace("Ab_", "Zz_")
    assert _codes(_built(replace(OURS, text=OURS.text.replace(CONFIRM, other)))) == {"links_differ"}


# The code


def test_there_is_one_code_and_it_is_the_same_everywhere() -> None:
    assert "code_not_one" in _codes(_built(replace(OURS, text=OURS.text.replace("012345", ""))))
    assert "code_not_one" in _codes(_built(replace(OURS, text=OURS.text.replace("012345", "543210"))))
    assert "code_not_one" in _codes(_with(html="<p>543210</p>"))
    assert "code_not_one" in _codes(_built(replace(OURS, subject=OURS.subject.replace("012345", "01234"))))


def test_six_digits_in_a_secret_are_no_code() -> None:
    secret = "Ab-123456-654321-opQrS"
    mail = replace(OURS, html=OURS.html.replace(TOKEN, secret), text=OURS.text.replace(TOKEN, secret))
    assert _check(_built(mail)) == []


# Words

PROMOTION = {
    "welcome_words": [
        "Welcome to Fuglsang", "Velkommen", "Mange tak for din tilmelding", "Tusen takk for påmeldingen", "Välkommen",
        "Willkommen bei uns", "Witamy", "Dziękujemy", "Добро пожаловать", "Спасибо", "We look forward to it",
    ],
    "offer_words": [
        "Free coffee", "A special offer", "Gratis kaffe", "Ugens tilbud", "Spar nu", "Salg", "Erbjudande", "Rea",
        "Sonderangebot", "Sommerrabatt", "Kostenlos", "Oferta tygodnia", "Za darmo", "Скидка", "Бесплатно",
    ],
    "price_words": ["10 % off", "20%", "€ 5", "49 kr", "5 zł", "100 руб"],
    "support_words": [
        "Questions? Contact us", "Har du spørgsmål", "Kontakt oss", "Frågor?", "Fragen? Kundenservice", "Masz pytania",
        "Есть вопросы", "Need help",
    ],
    "social_words": [
        "Follow us on Instagram", "Følg os", "Følg oss", "Följ oss", "Folgen Sie uns", "Obserwuj nas",
        "Подписывайтесь", "Find us on Facebook",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "said"), [(kind, said) for kind, all_said in PROMOTION.items() for said in all_said])
def test_promotion_is_found_wherever_it_stands(kind: str, said: str) -> None:
    plain = _check(_with(text=f"{said}!"))
    assert {(finding.code, finding.severity) for finding in plain} == {
        (kind, Severity.BLOCK), ("foreign_text", Severity.BLOCK),
    }  # fmt: skip
    assert _codes(_with(html=f"<p>{said}!</p>")) == {kind, "foreign_text"}
    assert _codes(_with(html=f'<p style="display:none">{said}!</p>')) == {kind, "foreign_text"}
    assert kind in _codes(_with(html=f'<p title="{said}!"></p>'))
    assert kind in _codes(_with(html=f"<!-- {said}! -->"))
    assert kind in _codes(_built(replace(OURS, subject=f"{OURS.subject} {said}!")))


def test_a_slogan_is_found_although_no_list_has_it() -> None:
    for slogan in ("Kaffe som i gamle dage", "Handmade since 1892", "Вкус детства", "☕", "1892"):
        (found,) = _check(_with(text=slogan))
        assert (found.code, found.subject, found.evidence) == ("foreign_text", "text", slogan)
        assert _codes(_with(html=f"<p>{slogan}</p>")) == {"foreign_text"}
        assert _codes(_built(replace(OURS, subject=f"{OURS.subject}: {slogan}"))) == {"foreign_text"}


def test_a_sentence_of_ours_stands_there_once() -> None:
    assert _codes(_with(text="If you do nothing, nothing is sent to you.")) == {"foreign_text"}
    assert _codes(_with(text=PUBLISHED.consent)) == {"foreign_text"}


def test_a_promotional_footer_is_found() -> None:
    for line in ("Kaffe siden 1892", "Visit our shop"):
        below = _built(
            replace(OURS, text=f"{OURS.text}\n{line}\n", html=OURS.html.replace("</body>", f"{line}</body>"))
        )
        assert _codes(below) == {"promotional_footer"}


def test_outside_germany_a_greeting_warns_and_an_offer_still_blocks() -> None:
    found = {f.code: f.severity for f in _check(_with(text="Welcome! Questions? Coffee is free."), strict=False)}
    assert found == {
        "welcome_words": Severity.WARN, "support_words": Severity.WARN, "offer_words": Severity.BLOCK,
        "foreign_text": Severity.WARN,
    }  # fmt: skip


def test_a_name_that_sounds_like_advertising_and_a_price_in_the_text_are_told() -> None:
    published = replace(_published("de", "Angebote der Woche"))
    raw = _built(_filled("de", published))
    (found,) = doi_lint.check(raw, typed=TYPED, site=SITE, published=published)
    assert (found.code, found.severity) == ("promotional_name", Severity.WARN)
    priced = replace(PUBLISHED, consent=f"{PUBLISHED.consent} Du får 10 % rabat.")
    (found,) = doi_lint.check(_built(_filled("en", priced)), typed=TYPED, site=SITE, published=priced)
    assert (found.code, found.severity) == ("price_in_consent", Severity.WARN)


# What must be there


@pytest.mark.parametrize("what", ["consent", "list_name", "legal_name"])
def test_what_must_be_repeated_is_missed(what: str) -> None:
    other = replace(PUBLISHED, **{what: "Something Else Altogether"})
    found = doi_lint.check(_built(OURS), typed=TYPED, site=SITE, published=other)
    assert [finding.subject for finding in found if finding.code == "incomplete"] == ["text", "page"]


def test_a_mail_that_does_not_say_that_a_machine_sent_it_is_found() -> None:
    assert _codes(_built(OURS, ("X-Kind", "question"))) == {"not_marked_automatic"}
    assert _codes(_built(OURS, ("Auto-Submitted", "no"))) == {"not_marked_automatic"}


# What a stranger typed


@pytest.mark.parametrize("word", [*TYPED, "ÅSE LUND", "http://spam.example"])
def test_what_was_typed_stands_nowhere_but_in_the_to_header(word: str) -> None:
    typed = (*TYPED, word)
    for raw in (
        _with(text=f"Hej {word}"),
        _with(html=f"<p>Hej {word}</p>"),
        _with(html=f"<p>{word.replace(' ', '&#32;<br>')}</p>"),
        _with(html=f'<p title="{word}"></p>'),
        _with(html=f"<!-- {word} -->"),
        _built(replace(OURS, subject=f"{word}: {OURS.subject}")),
        _built(OURS, sender=replace(HOUSE, name=f"Fuglsang {word}")),
    ):
        assert ("typed_text", Severity.BLOCK) in {(f.code, f.severity) for f in _check(raw, typed=typed)}


def test_what_was_typed_is_found_in_links_and_in_headers_of_machines() -> None:
    for raw in (
        _with(html=f'<a href="{CONFIRM}?for=aase%40post.example"></a>'),
        _with(html=f'<a href="{SITE}/c/jule-kampagne"></a>'),
        _built(OURS, *confirmation_mail.HEADERS, ("Feedback-ID", "jule-kampagne:doi")),
        _built(OURS, *confirmation_mail.HEADERS, ("X-Source", "qr-kassen")),
        _built(OURS).replace(b"Message-ID: <a@", b"Message-ID: <jule-kampagne@"),
    ):
        assert "typed_text" in _codes(raw)


def test_a_name_in_the_to_header_is_found() -> None:
    raw = _built(OURS).replace(b"To: aase@post.example", b'To: "Buy now" <aase@post.example>')
    assert _codes(raw) == {"name_in_to"}


def test_a_small_word_counts_only_when_it_stands_alone() -> None:
    assert _check(_built(OURS), typed=("a", "s", "12", "ab", "web", "doi", "", "  ")) == []
    assert "typed_text" in {f.code for f in _check(_with(text="from web"), typed=("web",))}


# Anything at all


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"Subject: x\r\n\r\nhello", b"\xff\xfe\x00", b"Content-Type: text/html\r\n\r\n"]
)
def test_what_is_no_question_mail_is_refused_and_breaks_nothing(raw: bytes) -> None:
    assert {"incomplete", "links_not_two", "code_not_one", "not_marked_automatic"} <= _codes(raw)


def test_an_unknown_character_set_is_read_as_well_as_can_be() -> None:
    raw = _built(OURS).replace(b"charset=utf-8", b"charset=x-klingon")
    assert _check(raw) == []


@given(st.binary(max_size=400))
def test_no_bytes_break_it(raw: bytes) -> None:
    assert _check(raw)
    _check(_built(OURS) + raw)
    _check(_built(OURS).replace(b"Content-Type: text/html; charset=utf-8", raw))


@given(st.text(max_size=80), st.text(max_size=20))
def test_nothing_added_goes_unseen(added: str, typed: str) -> None:
    said = " ".join(added.split())
    raw = _built(replace(OURS, text=f"{OURS.text}\n{added}\n")) if added.isprintable() else _built(OURS)
    found = _check(raw, typed=(typed,))
    assert bool(found) or not (added.isprintable() and any(sign.isalnum() for sign in said))
