"""A passkey in a real browser: made on the security page, used to sign in, with nothing typed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.watched import Watched
from tests.fakes.running_up import Running


def authenticator(page: Page) -> CDPSession:
    """Give the page's browser a device that asks for a finger and gets it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


@pytest.mark.whole_program
@pytest.mark.timeout(120)
def test_a_passkey_is_made_and_signs_in(people: Watched, instance: Running) -> None:
    with people.context() as hers:
        page = hers.new_page()
        authenticator(page)
        site = f"http://localhost:{instance.port}"
        page.goto(instance.greeting["sign_in"])
        page.get_by_role("main").get_by_role("button").first.click()
        page.goto(f"{site}/studio/security/passkeys")
        page.get_by_label("Name of the passkey").fill("My phone")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("“My phone” opens the studio from now on")).to_be_visible()
        people.inspect(page, "security with a passkey")
        page.get_by_role("button", name="Sign out", exact=True).last.click()
        expect(page).to_have_url(re.compile("/studio/sign-in"))
        people.inspect(page, "sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page).to_have_url(re.compile("/studio/(setup|$)"))
        page.goto(f"{site}/studio/security")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("no longer opens the studio")).to_be_visible()
