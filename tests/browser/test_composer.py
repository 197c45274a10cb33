"""The composer in the machine's Chromium: letters written by keyboard, by touch, by pasting, and without script."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from listkeeper.rendering.document import Mode
from tests.browser import composing
from tests.browser.composing import Studio
from tests.browser.watched import DESK, PHONE, Watched

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(120)]

_WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p{margin:0}</style></head><body>
<p class=MsoNormal><b><span style='font-size:12.0pt;color:#C00000'>Rye</span></b> and <i>wheat</i><o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·<span
style='font:7.0pt "Times New Roman"'>&nbsp; </span></span>Buns</p><p class=MsoListParagraphCxSpLast
style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·</span>Bread</p>
<p onclick="x()">Dear *|FNAME|*, %XYZZY% <a href="javascript:alert(1)">bad</a> <a href="https://cafe.example/?a=1&amp;b=2"
style="color:red">good</a></p><script>alert(1)</script></body></html>"""
_DOCS = """<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-1"><p dir="ltr"><span
style="font-weight:700">Fresh</span><span style="font-style:italic"> daily</span></p><ul><li dir="ltr"><p dir="ltr">
<span>At {$name}</span></p></li></ul></b>"""


def test_a_letter_is_written_with_the_keyboard_alone(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(size=DESK) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        composing.tab_to(page, "Subject")
        page.keyboard.type("Buns from seven")
        _adds_by_keys(page, "Heading")
        page.keyboard.type("Buns, {{ subscriber.first_name }}")
        _adds_by_keys(page, "Text")
        _writes_rich_text(page)
        _adds_by_keys(page, "Button")
        page.keyboard.type("See the oven")
        page.keyboard.press("Tab")
        page.keyboard.type("cafe.example/oven")
        _rearranges_by_keys(page)
        composing.demand_state(page, "saved")
        people.inspect(page, "composer")
    found = studio.stored(path)
    assert found["subject"] == "Buns from seven"
    assert [block["type"] for block in found["blocks"]] == ["button", "heading", "text"]
    assert found["blocks"][0]["href"] == "https://cafe.example/oven"
    assert found["blocks"][2]["html"] == (
        '<p>Dear {{ subscriber.first_name | default: "friend" }}, '
        "the oven is <strong>warm</strong> &amp; &lt;lit&gt;</p>"
        '<ul><li>rye</li><li><a href="https://cafe.example/">wheat</a></li></ul>'
    )


def _adds_by_keys(page: Page, kind: str) -> None:
    composing.tab_to(page, "Add a block")
    while composing.focused(page).startswith(("Add a block below", "Add a block at")):
        page.keyboard.press("Tab")
        composing.tab_to(page, "Add a block")
    page.keyboard.press("Enter")
    composing.tab_to(page, kind)
    page.keyboard.press("Enter")
    expect(page.locator("#ask-kind")).not_to_be_visible()
    composing.demand_heard(page, f"{kind} added.")


def _writes_rich_text(page: Page) -> None:
    page.keyboard.type('Dear {{ subscriber.first_name | default: "friend" }}, the oven is ')
    expect(page.locator(".rich .tag")).to_have_text("First name (or “friend”)")
    for key, words in (("Control+b", "warm"), ("Control+b", " & <lit>")):
        page.keyboard.press(key)
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.keyboard.type("- rye")
    page.keyboard.press("Enter")
    page.keyboard.type("wheat")
    page.keyboard.press("Control+Shift+ArrowLeft")
    page.keyboard.press("Control+k")
    page.keyboard.type("https://cafe.example/")
    page.keyboard.press("Enter")
    expect(page.locator(".rich a")).to_have_text("wheat")


def _rearranges_by_keys(page: Page) -> None:
    composing.tab_to(page, "↑ Up (Button)")
    for place in (2, 1):
        page.keyboard.press("Enter")
        composing.demand_heard(page, f"Button is now block {place} of 3.")
    page.keyboard.press("Enter")
    composing.demand_heard(page, "It is the first block already.")
    assert composing.focused(page).startswith("↑ Up (Button)")
    composing.tab_to(page, "Copy (Button)")
    page.keyboard.press("Enter")
    expect(page.locator("[data-blocks] > [data-type=button]")).to_have_count(2)
    composing.tab_to(page, "Remove (Button)")
    page.keyboard.press("Enter")
    expect(page.locator("[data-blocks] > [data-type=button]")).to_have_count(1)
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_letter_is_written_by_touch(people: Watched, studio: Studio, site: str, tmp_path: Path) -> None:
    path = studio.letter()
    shot = BytesIO()
    Image.new("RGB", (640, 360), "#c33").save(shot, "PNG")
    with people.context(size=PHONE) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        for kind in ("header", "image", "offer"):
            page.locator("[data-add=last]").tap()
            page.locator(f"#ask-kind [value='kind:{kind}']").tap()
        header, image, offer = (
            page.locator(f"[data-blocks] > [data-type={kind}]") for kind in ("header", "image", "offer")
        )
        header.get_by_label("Title").fill("Warm buns")
        image.locator("input[type=file]").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": shot.getvalue()}
        )
        expect(image.locator("[data-told]")).to_have_text("It is here. Say in a few words what it shows.")
        page.keyboard.type("A red tray")
        offer.get_by_label("What it is").fill("Six buns")
        offer.locator("[name=price]").fill("60 kr.")
        for block in (header, image, offer):
            block.locator("summary").first.tap()
        _drags(page, page.locator("[data-type=offer] .grip"), page.locator("[data-type=header] .grip"))
        page.locator("[data-blocks] > li").first.locator("[data-add]").tap()
        page.locator("#ask-kind [value='kind:divider']").tap()
        composing.demand_state(page, "saved")
        people.inspect(page, "composer on a phone")
        page.get_by_role("link", name="See").tap()
        frame = page.frame_locator("iframe").first
        expect(frame.get_by_text("Warm buns")).to_be_visible()
        expect(frame.get_by_alt_text("A red tray")).to_be_visible()
        page.get_by_role("button", name="Send test").tap()
        expect(page.get_by_label("Send a test to")).to_be_focused()
    blocks = studio.stored(path)["blocks"]
    assert [block["type"] for block in blocks] == ["offer", "divider", "header", "image"]
    assert blocks[0]["price"] == "60 kr."
    assert (blocks[3]["picture"]["alt"], blocks[3]["picture"]["width"]) == ("A red tray", 640)


def _drags(page: Page, grip: object, goal: object) -> None:
    start, end = grip.bounding_box(), goal.bounding_box()  # type: ignore[attr-defined]
    wire = page.context.new_cdp_session(page)

    def touch(kind: str, points: list[dict[str, float]]) -> None:
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(30)

    x, y, to = start["x"] + 20, start["y"] + 20, end["y"] + 2
    touch("touchStart", [{"x": x, "y": y}])
    for step in range(1, 11):
        touch("touchMove", [{"x": x, "y": y + (to - y) * step / 10}])
    touch("touchEnd", [])


def test_what_is_pasted_is_cleaned_and_foreign_tags_are_named(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(size=DESK) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        composing.add(page, "text")
        composing.paste(page, html=_WORD)
        told = "*|FNAME|* → First name · %XYZZY%: not known here, left as it is"
        expect(page.get_by_role("main").get_by_text(told)).to_be_visible()
        composing.add(page, "text")
        composing.paste(page, html=_DOCS)
        composing.add(page, "quote")
        composing.paste(page, text="One\ntwo\n\n{{ contact.FIRSTNAME }} and {{ .Subscriber.FirstName }}")
        page.locator("#subject").focus()
        composing.paste(page, text="Hello *|FNAME|*")
        composing.demand_state(page, "saved")
        version = studio.version(path)
        # Opening a block, and going through it, changes nothing.
        page.reload()
        for summary in page.locator(".block > details > summary").all():
            summary.click()
        page.locator(".rich").first.click()
        page.keyboard.press("End")
        page.wait_for_timeout(1200)
        assert studio.version(path) == version
    first = '{{ subscriber.first_name | default: "" }}'
    assert studio.stored(path)["subject"] == f"Hello {first}"
    word, *others = [block["html"] for block in studio.stored(path)["blocks"]]
    assert word == (
        "<p><strong>Rye</strong> and <em>wheat</em></p><ul><li>Buns</li><li>Bread</li></ul>"
        f'<p>Dear {first}, %XYZZY% bad <a href="https://cafe.example/?a=1&amp;b=2">good</a></p>'
    )
    assert others == [
        '<p><strong>Fresh</strong><em> daily</em></p><ul><li>At {{ subscriber.name | default: "" }}</li></ul>',
        f"<p>One<br>two</p><p>{first} and {first}</p>",
    ]


def test_each_way_of_writing_saves_itself_and_none_loses_anything(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter(Mode.MARKDOWN, markdown="# Rye\n\nDark and *sour*.")
    with people.context(size=DESK) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        page.locator("#markdown").fill("# Rye\n\nDark and *very* sour.")
        composing.demand_state(page, "saved")
        expect(page.frame_locator("iframe").first.get_by_role("heading", name="Rye")).to_be_visible()
        _switches(page, "In blocks", "Written in blocks")
        composing.add(page, "button").get_by_label("Words on the button").fill("Taste it")
        composing.demand_state(page, "saved")
        page.get_by_text("Written in blocks").click()
        page.get_by_role("button", name="In Markdown").click()
        expect(page.get_by_role("main").get_by_text("cannot be switched without loss: a button")).to_be_visible()
        composing.demand_state(page, "saved")
        page.get_by_role("button", name="Earlier versions").click()
        people.inspect(page, "earlier versions")
        page.get_by_role("button", name="Compare").last.click()
        people.inspect(page, "two versions")
        page.get_by_role("button", name="Go back to this version").click()
        expect(page.locator("#markdown")).to_have_value("# Rye\n\nDark and *sour*.")
        _switches(page, "As HTML of your own", "Written as HTML")
        page.locator("#html").fill("<h1>Rye</h1><p>By hand</p>")
        composing.demand_state(page, "saved")
    assert studio.stored(path)["html"] == "<h1>Rye</h1><p>By hand</p>"


def _switches(page: Page, way: str, then: str) -> None:
    page.locator(".menu > summary").click()
    page.get_by_role("button", name=way).click()
    expect(page.get_by_text(then)).to_be_visible()
    composing.demand_alive(page)


def test_a_letter_is_written_without_script(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(size=DESK, javascript=False) as hers:
        composing.enter(hers, site, studio.entrance())
        page, other = hers.new_page(), hers.new_page()
        page.goto(site + path)
        for kind in ("heading", "text"):
            page.locator("summary", has_text="Add a block").click()
            page.locator("#add-type").select_option(kind)
            page.get_by_role("button", name="Add it").click()
        page.locator("[data-type=heading] summary").click()
        page.get_by_label("Heading").fill("By hand")
        page.locator("[data-type=heading]").get_by_role("button", name="Save").click()
        page.locator("[data-type=text] summary").click()
        page.locator("[data-type=text]").get_by_role("button", name="Up").click()
        other.goto(site + path)
        page.locator("#subject").fill("First")
        page.get_by_role("button", name="Save").first.click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        other.locator("#subject").fill("Second")
        other.get_by_role("button", name="Save").first.click()
        expect(other.get_by_text("changed elsewhere in the meantime").first).to_be_visible()
        expect(other.locator("#subject")).to_have_value("Second")
    people.faults = [fault for fault in people.faults if "status of 412" not in fault]
    found = studio.stored(path)
    assert found["subject"] == "First"
    assert [block["type"] for block in found["blocks"]] == ["text", "heading"]
    assert found["blocks"][1]["text"] == "By hand"
