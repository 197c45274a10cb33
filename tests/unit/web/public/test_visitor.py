"""What a visitor calls itself: the words of today's filters, stores and browsers, as they were seen."""

from __future__ import annotations

import pytest

from listkeeper.sending.link_visit import Agent
from listkeeper.web.public import visitor

BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 15; CUBOT KINGKONG) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile",
    "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.289 Version/12.02",
]
PROGRAMS = [
    "", "curl/8.5.0", "python-requests/2.32", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "facebookexternalhit/1.1", "WhatsApp/2.23", "Slackbot-LinkExpanding 1.0", "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (Windows NT 10.0) Mimecast", "ProofPoint URL Defense", "Mozilla/5.0 (compatible; SafeLinks/1.0)",
    "Mozilla/5.0 (X11) HeadlessChrome/142.0", "Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro)",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)", "Go-http-client/2.0",
]  # fmt: skip
PROXIES = [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
]


@pytest.mark.parametrize(
    ("words", "agent"),
    [
        *((words, Agent.BROWSER) for words in BROWSERS),
        *((words, Agent.PROGRAM) for words in PROGRAMS),
        *((words, Agent.PROXY) for words in PROXIES),
    ],
)
def test_each_is_taken_for_what_it_says(words: str, agent: Agent) -> None:
    assert visitor.agent({"HTTP_USER_AGENT": words}) is agent
    assert visitor.agent_of_picture({"HTTP_USER_AGENT": words}) is agent


@pytest.mark.parametrize(
    "said",
    [
        {"HTTP_SEC_PURPOSE": "prefetch;prerender"}, {"HTTP_PURPOSE": "prefetch"}, {"HTTP_X_MOZ": "prefetch"},
        {"HTTP_X_PURPOSE": "preview"},
    ],
)  # fmt: skip
def test_what_a_browser_fetches_ahead_is_no_reader(said: dict[str, str]) -> None:
    assert visitor.agent({"HTTP_USER_AGENT": BROWSERS[0], **said}) is Agent.PROGRAM
    assert visitor.agent_of_picture({"HTTP_USER_AGENT": BROWSERS[0], **said}) is Agent.PROGRAM


def test_apple_fetches_every_picture_and_follows_no_link() -> None:
    assert visitor.agent_of_picture({"HTTP_USER_AGENT": "Mozilla/5.0"}) is Agent.PROGRAM
    assert visitor.agent({"HTTP_USER_AGENT": "Mozilla/5.0"}) is Agent.BROWSER


def test_a_hostile_name_costs_nothing() -> None:
    for words in ("x" * 1_000_000, "\x00\xff", "bot" * 10_000, "(" * 5_000):
        visitor.agent({"HTTP_USER_AGENT": words})
    assert visitor.agent({}) is Agent.PROGRAM
