"""The labels of paid places: the right word of each country, first, in both parts, and glued to nothing."""

from __future__ import annotations

import time

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import plain_text
from listkeeper.rendering.sponsoring import sponsored, sponsored_check
from listkeeper.rendering.sponsoring.sponsored import Advertiser
from listkeeper.rendering.sponsoring.sponsored_check import Kind, SponsoredSpan, Where

_PAID = '<a href="https://www.awin1.com/cread.php?id=1">tilbud</a>'
_SUMMA = Advertiser("ООО «Сумма АйТи»", "3810053581", "2SDnjeLAQcb")
# No-break spaces follow ИНН and Erid:, as in the original.
_SUMMA_LINE = "Реклама. ООО «Сумма АйТи», ИНН\u00a03810053581 / Erid:\u00a02SDnjeLAQcb"


def _kinds(html: str, country: str = "DK", spoken: str = "da") -> list[Kind]:
    return [remark.kind for remark in sponsored_check.paid_links(html, country=country, spoken=spoken)]


def _examined(html: str, *blocks: SponsoredSpan, text: str | None = None, country: str = "DK", spoken: str = "da") -> (
    list[tuple[Kind, Where]]
):  # fmt: skip
    said = plain_text.from_html(html) if text is None else text
    found = sponsored_check.examine(html, said, blocks, country=country, spoken=spoken)
    assert all(remark.sentence and "%(" not in remark.sentence for remark in found)
    return [(remark.kind, remark.where) for remark in found]


# The words


@pytest.mark.parametrize(
    ("country", "spoken", "word", "also"),
    [
        ("DK", "da", "Annonce", "Reklame"),
        ("NO", "nb", "Annonse", "Reklame"),
        ("SE", "sv", "Annons", "Reklam"),
        ("FI", "sv", "Reklam", "Annons"),
        ("PL", "pl", "Reklama", "Materiał sponsorowany"),
        ("RU", "ru", "Реклама", "Реклама"),
        ("DE", "de", "Anzeige", "Werbung"),
        ("AT", "de", "Anzeige", "Entgeltliche Einschaltung"),
        ("CH", "de", "Anzeige", "Werbung"),
        ("GB", "en", "Ad", "Advertisement"),
        ("US", "en", "Ad", "Advertisement"),
        ("IE", "en", "Ad", "Advert"),
        # A country without a row of its own has the word of its language.
        ("LI", "de", "Anzeige", "Werbung"),
        ("dk", "en", "Ad", "Advertisement"),
        ("KZ", "ru", "Реклама", "Реклама"),
        ("NO", "no", "Annonse", "Annonselenke"),
        ("FR", "fr", "Ad", "Advert"),
    ],
)
def test_each_country_has_its_word(country: str, spoken: str, word: str, also: str) -> None:
    assert sponsored.label(country, spoken) == word
    assert {word, also} <= sponsored.accepted(country, spoken)


def test_every_word_has_its_rule_its_source_and_a_date() -> None:
    rows = sponsored.labels()
    assert len({(row.country, row.spoken) for row in rows}) == len(rows) >= 12
    assert all(row.rule and row.source.startswith(("https://", "http://")) and row.word not in row.also for row in rows)
    assert sponsored.words()["checked"].year >= 2026


# Who advertises, in Russia


def test_the_russian_label_names_who_paid_to_the_letter() -> None:
    assert sponsored.full_label("RU", "ru", _SUMMA) == _SUMMA_LINE
    assert sponsored.missing("RU", _SUMMA) == []


@pytest.mark.parametrize(
    ("advertiser", "words"),
    [
        (None, ["legal name", "tax number", "erid"]),
        (Advertiser("  ", "3810053581", "2SDnjeLAQcb"), ["legal name"]),
        (Advertiser("ООО", "3810053580", "2SDnjeLAQcb"), ["tax number"]),
        (Advertiser("ООО", "381005358", "2SDnjeLAQcb"), ["tax number"]),
        (Advertiser("ООО", "٣٨١٠٠٥٣٥٨١", "2SDnjeLAQcb"), ["tax number"]),
        (Advertiser("ООО", "3810053581", ""), ["erid"]),
        (Advertiser("ООО", "3810053581", "2SDn jeLAQcb"), ["erid"]),
    ],
)
def test_what_is_missing_about_an_advertiser_is_a_sentence_each(
    advertiser: Advertiser | None, words: list[str]
) -> None:
    found = sponsored.missing("RU", advertiser)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))
    with pytest.raises(Invalid, match=words[0]) as refused:
        sponsored.full_label("RU", "ru", advertiser)
    assert refused.value.code == "advertiser_incomplete"


def test_elsewhere_a_name_is_enough_and_may_be_left_out() -> None:
    assert sponsored.full_label("DK", "da", Advertiser(" Nordisk  Te ")) == "Annonce: Nordisk Te"
    assert sponsored.full_label("DE", "de") == sponsored.full_label("DE", "de", Advertiser("")) == "Anzeige"


@pytest.mark.parametrize("number", ["7707083893", "3810053581", "500100732259"])
def test_tax_numbers_have_check_digits(number: str) -> None:
    assert sponsored.is_tax_id(number)
    for place, digit in enumerate(number):
        changed = f"{number[:place]}{(int(digit) + 1) % 10}{number[place + 1 :]}"
        # A check digit of 10 counts as 0, so that very few changes go unseen; none of these does.
        assert not sponsored.is_tax_id(changed), changed


# Glued labels

_GLUED = ["internetReklamelink", "OdenseReklamelink", "AnzeigeWort", "ANNONCEKøb", "tilbudANNONCE", "nyhederAnnonce",
          "интернетРеклама", "РекламаООО", "InternetReklama", "10Reklame", "INTERNETReklame"]  # fmt: skip


@pytest.mark.parametrize("word", _GLUED)
def test_a_label_glued_to_a_word_is_found_in_both_parts(word: str) -> None:
    for text in (word, f"hurtigt internet i {word}", f"{word}: køb nu", f"Køb „{word}“, tak"):
        assert [remark.excerpt for remark in sponsored_check.glued(text)] == [word]
        [remark] = sponsored_check.glued_html(f"<div data-block='b2'><p>{text}</p></div>")
        assert (remark.kind, remark.where, remark.excerpt, remark.block) == (Kind.GLUED, Where.HTML, word, "b2")
        assert word in remark.sentence


@pytest.mark.parametrize(
    ("html", "glued"),
    [
        ("<a href='https://x.example'>internet</a><span>Reklamelink</span>", "internetReklamelink"),
        ("hurtigt internet i Odense<span>Reklamelink</span>", "OdenseReklamelink"),
        ("<a>internet</a><b><i>reklamelink</i></b> og mere", "internetreklamelink"),
        ("<span>Ad</span><a>Buy tea</a>", "AdBuy"),
        ("<strong>Anzeige</strong>Wort", "AnzeigeWort"),
        ("<small>annonce</small>køb te", "annoncekøb"),
        ("<span>Materiał <i>sponsorowany</i></span>Herbata", "Materiał sponsorowanyHerbata"),
    ],
)
def test_a_label_glued_across_elements_is_found(html: str, glued: str) -> None:
    assert [remark.excerpt for remark in sponsored_check.glued_html(f"<p>{html}</p>")] == [glued]


@pytest.mark.parametrize(
    "text",
    [
        "Adventure, Add, Adam, Advertising, Adventskalender, additional, ADVERTISING, AdWords, AdBlue",
        "Annoncerne, annoncering, boligannonce, Annoncer, Annoncens, jobannoncen",
        "reklamere, Reklamere, reklamation, Reklamationen, tv-reklame, Reklamelink, ReklameLink, JULEREKLAME",
        "Anzeigetafel, Anzeigenblatt, Stellenanzeige, Zeitungsanzeige, Werbeanzeige, ANZEIGETAFEL",
        "Reklamacja, reklamować, reklamówka, Werbungskosten, annonsere, Annonsør, annonsörer, рекламация, рекламный",
        "#MinReklame #AnnonceTips @NordiskReklame shop@BilligReklame.example",
        "GratisAnnonce.dk www.BilligReklame.example https://x.example/internetReklamelink/AnzeigeWort",
        "internet <https://x.example/aReklame> Reklamelink, (Annonce), Annonce: te, Te/Annonce, Annonce\u00a0fra",
        "Annonce\nKøb te. Te\nAnnonce",
    ],
)
def test_honest_words_are_left_alone(text: str) -> None:
    assert sponsored_check.glued(text) == []
    escaped = text.replace("<", "&lt;").replace("\n", "<br>")
    assert sponsored_check.glued_html(f"<p>{escaped}</p>") == []


@pytest.mark.parametrize(
    "html",
    [
        "<p>Annonce</p><p>Te</p>", "<td>Te</td><td>Annonce</td>", "<li>Te</li><li>Annonce</li>", "<p>Te<br>Annonce</p>",
        "<p><b>Annonce</b>rne i avisen</p>", "<p><b>Annonce</b> <a>Te</a></p>", "<h2>Te</h2>Annonce",
        "<p>An<b>nonce</b>r</p>", "<p><b>Ad</b>, <i>Ad</i>. <a>Ad</a> | Ad</p>",
    ],
)  # fmt: skip
def test_what_the_eye_parts_is_not_glued(html: str) -> None:
    assert sponsored_check.glued_html(html) == []


def test_an_address_between_two_words_of_the_text_parts_nothing() -> None:
    html = "<p><a href='https://x.example/net'>internet</a><span>Reklamelink</span></p>"
    text = plain_text.from_html(html)
    assert text == "internet <https://x.example/net>Reklamelink"
    assert [remark.excerpt for remark in sponsored_check.glued(text)] == ["internetReklamelink"]


# Paid links


@pytest.mark.parametrize(
    ("url", "paid"),
    [
        ("https://shop.example/?utm_medium=affiliate", True),
        ("https://shop.example/?a=1&UTM_Medium=Sponsored#x", True),
        ("https://shop.example/?utm_medium=paid", True),
        ("https://shop.example/?utm_medium=email&utm_source=partner", False),
        ("https://shop.example/tea/ref=blog", True),
        ("https://www.amazon.de/dp/B01/ref=sr_1_1?keywords=tee", False),
        ("https://www.amazon.co.uk/dp/B01?tag=teeblog-21", True),
        ("https://www.amazon.de/dp/B01/ref=as_li_tl", True),
        ("https://amazonas.example/dp?tag=1", False),
        ("https://www.awin1.com/cread.php", True),
        ("https://clk.tradedoubler.com/click?p=1", True),
        ("https://www.partner-ads.com/dk/klikbanner.php", True),
        ("https://track.adtraction.com/t/t?a=1", True),
        ("https://notawin1.com/", False),
        ("https://shop.example/?erid=2SDnjeLAQcb", True),
        ("https://shop.example/", False),
        ("mailto:a@awin1.com", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_a_paid_address_is_known_by_its_marks(url: str, paid: bool) -> None:
    assert sponsored_check.is_paid(url) is paid
    assert sponsored_check.is_paid(url, "noopener sponsored") is True
    assert sponsored_check.is_paid(url, "nofollow notsponsored") is paid
    assert (_kinds(f"<p>Se <a href='{url}'>te</a></p>") == [Kind.UNLABELLED]) is paid


@pytest.mark.parametrize(
    "html",
    [
        f"<p>Annonce: {_PAID}</p>",
        f"<p>Annonce {_PAID}</p>",
        f"<p>[REKLAME] Se dette {_PAID}</p>",
        f"<p>#reklame – se dette {_PAID}</p>",
        f"<p><strong>Annonce</strong> se dette {_PAID}</p>",
        f"<p>Annonce for Nordisk Te. Se dette {_PAID}</p>",
        f"<p>Reklame Nordisk Te: se dette {_PAID}</p>",
        f"<p>\n      Annonce<br>\n  se dette {_PAID}</p>",
        f"<p>Vi drikker te. Reklamelink: {_PAID} er godt.</p>",
        f"<p>Vi drikker te <span>reklamelink</span> {_PAID}</p>",
        f"<p>Vi drikker te (annonce) {_PAID}</p>",
        f"<p>Annonce</p><p>Se dette {_PAID}</p>",
        f"<p><b>Annonce:</b></p><ul><li>Se dette {_PAID}</li></ul>",
        f"<p>Te</p><blockquote><p>Annonce</p><p>Se</p><p>dette {_PAID}</p></blockquote>",
        f"<p>Te</p><div data-block='b7'><div><p>Annonce</p><table><tr><td>{_PAID}</td></tr></table></div></div>",
        "<p>Te. <a rel='sponsored' href='https://x.example/'>Annonce: køb te</a></p>",
        "<p>Te. <a rel='sponsored' href='https://x.example/'><b>Annonce</b> køb te</a></p>",
    ],
)
def test_a_label_that_comes_first_is_enough(html: str) -> None:
    assert _kinds(html) == []
    assert _examined(html) == []


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (f"<p>Se dette {_PAID}</p>", Kind.UNLABELLED),
        (f"<p>Se dette {_PAID} Annonce</p>", Kind.NOT_FIRST),
        (f"<p>Hurtigt {_PAID}Reklamelink</p>", Kind.NOT_FIRST),
        (f"<p>Vi så en annonce i avisen og fandt {_PAID}</p>", Kind.NOT_FIRST),
        (f"<p>Vi så en annonce {_PAID}</p>", Kind.NOT_FIRST),
        (f"<p>Reklame er dyrt, skriver de, se {_PAID}</p>", Kind.NOT_FIRST),
        (f"<p>Annoncerne er dyre, se {_PAID}</p>", Kind.UNLABELLED),
        (f"<p>Annonce-kampagnen er dyr, se {_PAID}</p>", Kind.NOT_FIRST),
        (f"<p>Sponsoreret: se {_PAID}</p>", Kind.WRONG_LABEL),
        (f"<p>Ad: se {_PAID}</p>", Kind.WRONG_LABEL),
        (f"<p>Anzeige</p><p>se {_PAID}</p>", Kind.WRONG_LABEL),
        (f"<p>I samarbejde med Nordisk Te: se {_PAID}</p>", Kind.WRONG_LABEL),
        # The label of another block says nothing of this one.
        (f"<p>Annonce: {_PAID}</p><p>Te</p><p>Se {_PAID.replace('id=1', 'id=2')}</p>", Kind.UNLABELLED),
        (f"<div data-block='a'><p>Annonce</p></div><div data-block='b'><p>Te</p><p>{_PAID}</p></div>", Kind.UNLABELLED),
        # What holds the whole letter is no block.
        (f"<div><div><p>Annonce: te</p><p>Kaffe</p><p>Se {_PAID}</p></div></div>", Kind.UNLABELLED),
        # A picture says nothing to whoever does not see it.
        (f"<p><img alt='Annonce' src='https://x.example/a.png'> se {_PAID}</p>", Kind.UNLABELLED),
        # "They have paid us, just so you know" is honest, and comes after.
        (f"<p>Se {_PAID}, men de har betalt os - blot så du ved det</p>", Kind.UNLABELLED),
        ("<p><a rel='sponsored' href='https://x.example/'><img alt='Te' src='https://x.example/t.png'></a></p>",
         Kind.UNLABELLED),
    ],
)  # fmt: skip
def test_a_paid_link_without_its_label_first_is_an_error(html: str, kind: Kind) -> None:
    found = sponsored_check.paid_links(html, country="DK", spoken="da")
    assert [remark.kind for remark in found] == [kind]
    assert found[0].excerpt in {"tilbud", "https://x.example/"}
    assert "Annonce" in found[0].sentence


def test_a_remark_names_the_nearest_block() -> None:
    html = f"<div data-block='outer'><div data-block='inner'><p>{_PAID}</p></div></div><p>{_PAID}</p>"
    found = sponsored_check.paid_links(html, country="DK", spoken="da")
    assert [remark.block for remark in found] == ["inner", None]


def test_a_label_lost_on_the_way_to_the_text_part_is_missed_there() -> None:
    html = f"<p>Annonce: se dette gode {_PAID}</p>"
    assert _examined(html) == []
    bare = "Se dette gode tilbud <https://www.awin1.com/cread.php?id=1>"
    assert _examined(html, text=bare) == [(Kind.UNLABELLED, Where.TEXT)]
    # A label far above belongs to something else.
    assert _examined(html, text=f"Annonce: kaffe\n\n{'Ord om te. ' * 60}\n\n{bare}") == [(Kind.UNLABELLED, Where.TEXT)]
    assert _examined(html, text="Uden adresser.") == []


# Sponsored blocks


def _block(words: str, name: str = "b3") -> tuple[str, SponsoredSpan]:
    html = f"<div data-block='{name}'>{words}</div>"
    return f"<p>Hej.</p>{html}<p>Farvel.</p>", SponsoredSpan(name, plain_text.from_html(html))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (f"<p>Annonce</p><h2>Te fra Assam</h2><p>Se {_PAID}</p>", None),
        ("<p><small>Annonce: Nordisk Te</small></p><p>Te</p>", None),
        ("<p>Te fra Assam</p><p>Annonce</p>", Kind.NOT_FIRST),
        (f"<p>Te fra Assam</p><p>Se {_PAID}</p>", Kind.UNLABELLED),
        ("<p>Sponsored by Nordisk Te</p>", Kind.WRONG_LABEL),
        ("<p>men de har betalt os - blot så du ved det</p>", Kind.UNLABELLED),
        ("<p>hurtigt internet i OdenseReklamelink</p>", Kind.NOT_FIRST),
    ],
)
def test_a_sponsored_block_begins_with_its_label_in_both_parts(words: str, kind: Kind | None) -> None:
    html, span = _block(words)
    found = [one for one in _examined(html, span) if one[0] is not Kind.GLUED]
    assert found == ([(kind, Where.HTML), (kind, Where.TEXT)] if kind else [])


def test_a_sponsored_block_stands_in_both_parts() -> None:
    html, span = _block("<p>Annonce</p><p>Te fra Assam</p>")
    assert _examined(html, span, text="Hej.\n\nFarvel.") == [(Kind.LEFT_OUT, Where.TEXT)]
    assert _examined("<p>Hej.</p>", span) == [(Kind.LEFT_OUT, Where.HTML), (Kind.LEFT_OUT, Where.TEXT)]
    # Other line breaks are the same words.
    assert _examined(html, span, text="Hej.\n\nAnnonce Te\nfra Assam\n\nFarvel.") == []


def test_a_russian_block_names_who_paid_in_both_parts() -> None:
    whole, span = _block(f"<p>{_SUMMA_LINE}</p><p>Чай</p>")
    paid = SponsoredSpan(span.block, span.text, _SUMMA)
    assert _examined(whole, paid, country="RU", spoken="ru") == []
    other = SponsoredSpan(span.block, span.text, Advertiser("ООО", "7707083893", "2SDnjeLAQcb"))
    both = [(Kind.MISSING_ADVERTISER, Where.HTML), (Kind.MISSING_ADVERTISER, Where.TEXT)]
    assert _examined(whole, other, country="RU", spoken="ru") == both
    bare, bare_span = _block("<p>Реклама. ООО «Сумма АйТи»</p><p>Чай</p>")
    assert _examined(bare, bare_span, country="RU", spoken="ru") == both
    # Elsewhere the same words are enough.
    assert _examined(bare, bare_span, country="KZ", spoken="ru") == []


@pytest.mark.parametrize(
    ("before", "url", "kinds"),
    [
        (f"{_SUMMA_LINE} ", "https://shop.example/?utm_medium=paid", []),
        ("Реклама. ООО «Сумма АйТи», ИНН 3810053581 ", "https://shop.example/?erid=2SDnjeLAQcb", []),
        ("Реклама. ", "https://shop.example/?erid=2SDnjeLAQcb", [Kind.MISSING_ADVERTISER]),
        ("Реклама. ИНН 3810053580, erid: 2SDnjeLAQcb ", "https://shop.example/?erid=1", [Kind.MISSING_ADVERTISER]),
        ("Чай. ", "https://shop.example/?erid=2SDnjeLAQcb", [Kind.UNLABELLED]),
    ],
)
def test_a_russian_link_names_who_paid(before: str, url: str, kinds: list[Kind]) -> None:
    assert _kinds(f"<p>{before}<a href='{url}'>чай</a></p>", "RU", "ru") == kinds


def test_a_link_in_a_sponsored_block_is_not_said_twice() -> None:
    html, span = _block(f"<p>Te</p><p>Se {_PAID}</p>")
    found = sponsored_check.examine(html, plain_text.from_html(html), [span], country="DK", spoken="da")
    assert [(remark.kind, remark.block) for remark in found] == [(Kind.UNLABELLED, "b3")] * 2


def test_an_empty_letter_and_one_of_nothing_but_brackets_are_fine() -> None:
    for html in ("", " ", "<<<", "<p></p>", "<!-- a -->", "<a>"):
        assert _examined(html, text="") == []


def test_a_long_letter_takes_no_time() -> None:
    html = "".join(f"<div><div><p>Ord {i}Annonce <b>ord</b> {_PAID} reklame</p></div></div>" for i in range(300))
    begun = time.process_time()
    assert sponsored_check.examine(html, plain_text.from_html(html[:1000]), [], country="DK", spoken="da")
    for text in ("Annonce" * 5_000, " " * 30_000 + "Annonce", "a" * 30_000, "\ue000" * 30_000, "Ad " * 10_000):
        sponsored_check.glued(text)
        sponsored_check.paid_links(f"<p>{text}{_PAID}</p>", country="DK", spoken="da")
    assert time.process_time() - begun < 4
