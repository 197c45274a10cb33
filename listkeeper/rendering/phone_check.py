"""What a visitor on a cheap telephone gets of a form's page, measured on what the server really sends.

Everything here was counted or computed from the page and its stylesheets; what
only a real telephone could tell is said as not measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from babel import Locale

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import colour, page_weight
from listkeeper.rendering.css import cascade
from listkeeper.rendering.css.cascade import Cascade, Element
from listkeeper.rendering.page_weight import Seen

WIDTH = 320
TARGET, FIELD_FONT, TEXT_FONT = 48.0, 16.0, 14.0
# A letter of the system's sans-serif is this wide on average, in its own size.
_LETTER = 0.56
_MARGINS = 40
_FIELD = {
    "type": "email", "inputmode": "email", "autocomplete": "email", "autocapitalize": "off", "autocorrect": "off",
    "spellcheck": "false", "enterkeyhint": "send",
}  # fmt: skip
_UNSEEN = "ancestor-or-self::*[@aria-hidden='true' or @hidden or self::head or self::title or self::style]"


@dataclass(frozen=True)
class Pair:
    """Words and the ground they stand on."""

    words: str
    colour: str
    ground: str
    ratio: float
    least: float


def check(seen: Seen) -> list[Finding]:
    """Return what was measured, each with what to do about it; what was not measured says so."""
    root = seen.root
    sheets = [part.body.decode() for part in seen.parts if part.kind == "stylesheet"]
    light, dark = (Cascade(root, sheets, WIDTH, dark=dim) for dim in (False, True))
    return [
        *page_weight.findings(seen),
        *_loaded(seen, root),
        *_contrast(light, language.text("light")),
        *_contrast(dark, language.text("dark")),
        *_targets(light),
        *_letters(light),
        *_sideways(light),
        *_field(root),
        *_page(seen, root),
        *_unread(light),
        _unmeasured(),
    ]


def _loaded(seen: Seen, root: Element) -> Iterator[Finding]:
    foreign = [
        address
        for address in root.xpath("//link/@href | //img/@src | //script/@src | //iframe/@src")
        if urlsplit(address).netloc
    ]
    yield Finding(
        "phone_elsewhere",
        Severity.ERROR if foreign else Severity.INFO,
        language.text("Other hosts"),
        language.text("The page loads from other hosts: %(hosts)s.", hosts=", ".join(foreign))
        if foreign
        else language.text("Nothing is loaded from anywhere else: nobody but you learns who opened it."),
    )
    scripts = bool(root.xpath("//script"))
    yield Finding(
        "phone_script",
        Severity.WARN if scripts else Severity.INFO,
        language.text("Scripts"),
        language.text("There is a script on the page; whether it works without one was not measured.")
        if scripts
        else language.text("It holds no script, so it works where scripts are off."),
    )
    yield Finding(
        "phone_cookies",
        Severity.WARN if seen.cookies else Severity.INFO,
        language.text("Cookies"),
        language.text("The page sets a cookie.")
        if seen.cookies
        else language.text(
            "It was asked for without cookies and set none: it works in the browsers inside other apps."
        ),
    )


def pairs(seen: Cascade) -> list[Pair]:
    """Return every pair of colours on the page that people have to tell apart, the hardest first."""
    found: dict[tuple[str, str, float], Pair] = {}
    for element in seen.page.iter():
        if not isinstance(element.tag, str) or element.xpath(_UNSEEN):
            continue
        words = " ".join(text for part in element.xpath("text()") if (text := " ".join(part.split())))
        if words:
            _keep(found, words, seen.colour(element), seen.ground(element), colour.AA_TEXT)
        if element.tag in {"input", "select", "button"} and element.get("type") not in {"hidden", "checkbox"}:
            edge = as_edge(seen, element)
            around = element.getparent()
            _keep(found, element.get("name") or element.tag, edge, seen.ground(around), colour.AA_CONTROL)
    return sorted(found.values(), key=lambda pair: pair.ratio / pair.least)


def as_edge(seen: Cascade, element: Element) -> str:
    """Return the colour of a control's edge."""
    return cascade.as_hex(seen.value(element, "border-color"))


def _keep(found: dict[tuple[str, str, float], Pair], words: str, one: str, ground: str, least: float) -> None:
    if one and ground:
        found.setdefault((one, ground, least), Pair(words[:40], one, ground, colour.contrast(one, ground), least))


def _contrast(seen: Cascade, scheme: str) -> Iterator[Finding]:
    every = pairs(seen)
    subject = language.text("Contrast, %(scheme)s", scheme=scheme)
    if not every:
        yield Finding("phone_contrast", Severity.UNKNOWN, subject, language.text("No pair of colours could be read."))
        return
    bad = [pair for pair in every if pair.ratio < pair.least]
    for pair in bad:
        yield Finding(
            "phone_contrast",
            Severity.ERROR,
            subject,
            language.text(
                "“%(words)s”: %(one)s on %(ground)s has %(ratio)s to 1, and people need %(least)s.",
                words=pair.words,
                one=pair.colour,
                ground=pair.ground,
                ratio=language.decimal(pair.ratio),
                least=f"{pair.least:g}",
            ),
            mend=language.text("Take another colour or another look."),
        )
    if not bad:
        worst = every[0]
        yield Finding(
            "phone_contrast",
            Severity.INFO,
            subject,
            language.counted(
                "%(number)s pair of colours can be told apart; the hardest, “%(words)s”, has %(ratio)s to 1 "
                "where %(least)s are needed.",
                "All %(number)s pairs of colours can be told apart; the hardest, “%(words)s”, has %(ratio)s to 1 "
                "where %(least)s are needed.",
                len(every),
                words=worst.words,
                ratio=language.decimal(worst.ratio),
                least=f"{worst.least:g}",
            ),
        )


def targets(seen: Cascade) -> list[tuple[str, float]]:
    """Return what people tap, with how high it is at least, the lowest first."""
    query = "//button | //a[@href] | //select | //textarea | //input[not(@type='hidden') and not(@type='checkbox')]"
    found = [(element, seen.height_px(element)) for element in seen.page.xpath(query) if not element.xpath(_UNSEEN)]
    said = [(" ".join(each.text_content().split())[:40] or each.get("name", each.tag), high) for each, high in found]
    return sorted(said, key=lambda target: target[1])


def _targets(seen: Cascade) -> Iterator[Finding]:
    every = targets(seen)
    small = [f"{name} ({high:.0f} px)" for name, high in every if high < TARGET]
    yield Finding(
        "phone_targets",
        Severity.ERROR if small else Severity.INFO,
        language.text("Room for a thumb"),
        language.text("Lower than %(least)s px: %(names)s.", least=f"{TARGET:.0f}", names=", ".join(small))
        if small
        else language.counted(
            "%(number)s button, link or field is at least %(low)s px high; a thumb needs %(least)s.",
            "Each of %(number)s buttons, links and fields is at least %(low)s px high; a thumb needs %(least)s.",
            len(every),
            low=f"{every[0][1]:.0f}" if every else "0",
            least=f"{TARGET:.0f}",
        ),
    )


def _letters(seen: Cascade) -> Iterator[Finding]:
    fields = [seen.font_px(field) for field in seen.page.xpath("//input[@type='email']")]
    sizes = [
        seen.font_px(element)
        for element in seen.page.xpath("//body//*[normalize-space(text())]")
        if not element.xpath(_UNSEEN)
    ]
    good = bool(fields and sizes) and min(fields) >= FIELD_FONT and min(sizes) >= TEXT_FONT
    yield Finding(
        "phone_letters",
        Severity.INFO if good else Severity.ERROR,
        language.text("Size of letters"),
        language.text(
            "The smallest letters are %(small)s px, those in the field %(field)s px; below %(least)s an iPhone zooms.",
            small=f"{min(sizes, default=0):.0f}",
            field=f"{min(fields, default=0):.0f}",
            least=f"{FIELD_FONT:.0f}",
        ),
    )


def _sideways(seen: Cascade) -> Iterator[Finding]:
    subject = language.text("Scrolling sideways")
    long = [
        word
        for element in seen.page.xpath("//body//*")
        if isinstance(element.tag, str) and not element.xpath(_UNSEEN)
        for part in element.xpath("text()")
        for word in re.split(r"[\s\u00ad\u200b-]+", part)
        if len(word) * seen.font_px(element) * _LETTER > WIDTH - _MARGINS
    ]
    wide = [
        picture.get("src", "")
        for picture in seen.page.xpath("//body//img")
        if not 0 < seen.px(picture, "max-width") <= WIDTH - _MARGINS
    ]
    body = seen.page.find("body")
    breaks = body is not None and seen.value(body, "overflow-wrap") in {"break-word", "anywhere"}
    if wide or (long and not breaks):
        named = ", ".join([*wide, *long])
        yield Finding(
            "phone_sideways", Severity.ERROR, subject, language.text("Too wide for 320 px: %(named)s.", named=named)
        )
        return
    for word in dict.fromkeys(long):
        yield Finding(
            "phone_long_word",
            Severity.WARN,
            subject,
            language.text("“%(word)s” is too long for one line at 320 px and is broken somewhere.", word=word),
            mend=language.text("Take a shorter word, or write it with a hyphen."),
        )
    if not long:
        sentence = language.text(
            "No word and no picture is wider than a screen of 320 px, by the average width of letters."
        )
        yield Finding("phone_sideways", Severity.INFO, subject, sentence)


def _field(root: Element) -> Iterator[Finding]:
    fields = root.xpath("//form//input[@type='email']")
    subject = language.text("The field")
    if len(fields) != 1:
        yield Finding(
            "phone_field",
            Severity.ERROR,
            subject,
            language.text("There must be exactly one field for the address, and there is not."),
        )
        return
    field = fields[0]
    missing = [f"{name}={value}" for name, value in _FIELD.items() if field.get(name) != value]
    labelled = bool(root.xpath("//label[@for=$name]", name=field.get("id", "")))
    if missing or not labelled:
        named = ", ".join([*missing, *([] if labelled else ["label"])])
        yield Finding("phone_field", Severity.ERROR, subject, language.text("The field lacks %(named)s.", named=named))
        return
    sentence = language.text(
        "One field with a label above it; telephones open the keyboard with @ and offer people their own address."
    )
    yield Finding("phone_field", Severity.INFO, subject, sentence)


def _page(seen: Seen, root: Element) -> Iterator[Finding]:
    spoken, direction = root.get("lang", ""), root.get("dir", "")
    right = spoken == seen.spoken and direction == language.direction(spoken)
    yield Finding(
        "phone_language",
        Severity.INFO if right else Severity.ERROR,
        language.text("Language"),
        language.text(
            "The page says that it is written in %(name)s, so it is read aloud and broken rightly.", name=_named(spoken)
        )
        if right
        else language.text("The page does not say which language it is in."),
    )
    viewport = "".join(root.xpath("//meta[@name='viewport']/@content"))
    good = "width=device-width" in viewport and not re.search(r"user-scalable=no|maximum-scale", viewport)
    yield Finding(
        "phone_zoom",
        Severity.INFO if good else Severity.ERROR,
        language.text("Zoom"),
        language.text("It fits the screen's width, and people may zoom in.")
        if good
        else language.text("It keeps people from zooming, or does not fit the screen."),
    )


def _named(code: str) -> str:
    return Locale.parse(code).get_display_name(language.current()) or code


def _unread(seen: Cascade) -> Iterator[Finding]:
    if seen.unread:
        sentence = language.counted(
            "%(number)s rule of the stylesheets could not be read here.",
            "%(number)s rules of the stylesheets could not be read here.",
            len(seen.unread),
        )
        subject = language.text("Stylesheets")
        yield Finding("phone_unread", Severity.UNKNOWN, subject, sentence, evidence=", ".join(seen.unread))


def _unmeasured() -> Finding:
    return Finding(
        "phone_unmeasured",
        Severity.UNKNOWN,
        language.text("Not measured"),
        language.text(
            "How it feels: the sun on the screen, the fonts of that telephone, a line that breaks off, and the "
            "browsers inside Instagram, Facebook and TikTok."
        ),
        mend=language.text("Open the form on the oldest telephone you can borrow, from the place you share it in."),
    )
