"""What receivers say: every rule by its own example, the order of the rules, and that no person pays for the sender."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import mail_provider, reply_class
from listkeeper.deliverability.reply_class import ENHANCED, SENDER_FAULT, ReplyClass, classify
from listkeeper.foundation import language

R = ReplyClass
RULES = reply_class.rules()


def test_every_rule_decides_its_own_example() -> None:
    verdicts = {rule.name: classify(None, None, rule.example, rule.of) for rule in RULES}
    wrong = [
        (rule.name, verdicts[rule.name])
        for rule in RULES
        if (verdicts[rule.name].rule, verdicts[rule.name].reply_class, verdicts[rule.name].alone)
        != (rule.name, rule.reply_class, rule.alone)
    ]
    assert wrong == []
    assert [rule.name for rule in RULES if rule.of and verdicts[rule.name].provider != rule.of] == []


def test_rules_have_names_of_their_own_and_owners_that_exist() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) > 80
    assert {rule.of for rule in RULES if rule.of} <= set(mail_provider.TABLE)
    assert {rule.reply_class for rule in RULES} == set(ReplyClass)


# The table of codes: provider, code, words, class.
CODES = [
    ("gmail", 550, "5.7.27 SPF did not pass", R.AUTH),
    ("google_workspace", 421, "4.7.30 DKIM did not pass", R.AUTH),
    ("gmail", 421, "4.7.31 see the FAQ", R.AUTH),
    ("gmail", 550, "5.7.40 see the list", R.AUTH),
    ("gmail", 421, "4.7.32 From not aligned", R.AUTH),
    ("gmail", 550, "5.7.26 unauthenticated", R.AUTH),
    ("gmail", 550, "5.7.25 no PTR", R.AUTH),
    ("gmail", 421, "4.7.29 not over TLS", R.AUTH),
    ("gmail", 421, "4.7.28 unusual rate of unsolicited mail", R.RATE),
    ("gmail", 450, "4.2.1 The user is receiving mail too quickly", R.RATE),
    ("gmail", 452, "4.2.2 over quota", R.MAILBOX_FULL),
    ("gmail", 552, "5.2.2 over quota", R.MAILBOX_FULL),
    ("microsoft", 550, "5.7.515 Access denied", R.AUTH),
    ("microsoft365", 550, "5.7.1 part of their network is on our block list (S3140)", R.REPUTATION),
    ("microsoft", 421, "RP-001 (BAY) Unfortunately", R.RATE),
    ("microsoft", 451, "4.7.650 The mail server has been temporarily rate limited", R.RATE),
    ("yahoo", 421, "4.7.0 [TSS04] Messages temporarily deferred", R.RATE),
    ("yahoo", 421, "4.7.0 [TS02] Messages temporarily deferred", R.RATE),
    ("yahoo", 421, "4.7.1 [TS03] All messages permanently deferred", R.REPUTATION),
    ("yahoo", 553, "5.7.1 [BL21] Connections will not be accepted", R.REPUTATION),
    (None, 550, "5.1.1 nobody", R.INVALID_ADDRESS),
    (None, 550, "5.1.10 nobody", R.INVALID_ADDRESS),
    (None, 551, "5.1.6 nobody", R.INVALID_ADDRESS),
    (None, 550, "No such user here", R.INVALID_ADDRESS),
    (None, 550, "5.1.2 nowhere", R.INVALID_DOMAIN),
    (None, 550, "5.4.4 no way", R.INVALID_DOMAIN),
    (None, 556, "no", R.INVALID_DOMAIN),
    (None, 550, "5.2.1 closed", R.INACTIVE),
    (None, 421, "mx.example closing", R.TEMPORARY),
    (None, 451, "4.3.2 not now", R.TEMPORARY),
    (None, 451, "4.4.5 not now", R.RATE),
    (None, 552, "5.3.4 no", R.TOO_BIG),
    (None, 552, "5.2.3 no", R.TOO_BIG),
    (None, 550, "5.7.20 no", R.AUTH),
    (None, 550, "5.7.25 no", R.AUTH),
    (None, 550, "5.6.7 no", R.SYNTAX),
    (None, 554, "5.7.1 Relay access denied", R.RELAY),
]


@pytest.mark.parametrize(("provider", "code", "text", "expected"), CODES)
def test_the_codes_of_the_providers(provider: str | None, code: int, text: str, expected: ReplyClass) -> None:
    assert classify(code, None, text, provider).reply_class is expected


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "expected", "rule"),
    [
        # Codes lie: the words are believed before them.
        (550, "5.1.1", "IP address is listed by the recipient", R.REPUTATION, "listed"),
        (550, "5.7.1", "No such user", R.INVALID_ADDRESS, "unknown-user"),
        (550, "5.2.1", "This mailbox has been disabled", R.INACTIVE, "closed"),
        (550, "5.1.1", "mailbox over quota", R.MAILBOX_FULL, "full"),
        (550, "5.1.1", "no", R.INVALID_ADDRESS, "enhanced 5.1.1"),
        (551, None, "no", R.INVALID_ADDRESS, "code 551"),
        (551, "5.9.9", "no", R.INVALID_ADDRESS, "code 551"),
        # Nobody knows: the person is not given up for it.
        (550, None, "no", R.TEMPORARY, reply_class.UNKNOWN),
        (554, "5.0.0", "Transaction failed", R.TEMPORARY, reply_class.UNKNOWN),
        # A status that says nothing gives way to the code in the words.
        (None, "5.0.0", "550 5.1.1 no", R.INVALID_ADDRESS, "enhanced 5.1.1"),
        # Neither an address nor a number that looks like a code is taken for one.
        (550, None, "<no.such.user@550.5.1.1.example> from 192.5.1.1", R.TEMPORARY, reply_class.UNKNOWN),
    ],
)
def test_words_then_the_enhanced_code_then_the_basic_one(
    code: int | None, enhanced: str | None, text: str, expected: ReplyClass, rule: str
) -> None:
    verdict = classify(code, enhanced, text)
    assert (verdict.reply_class, verdict.rule) == (expected, rule)


def test_a_code_means_what_its_receiver_means_by_it() -> None:
    assert classify(550, None, "5.1.1 Unfortunately", "gmail").rule == "gmail-unknown"
    assert classify(550, None, "5.1.1 [CS01]", "apple").rule == "apple-listed"
    assert classify(550, None, "5.1.1 [CS01]").rule == "enhanced 5.1.1"
    # Whoever speaks through a relay is known by the way of speaking.
    assert classify(550, None, "5.2.1 inactive - gsmtp").provider == "gmail"


@pytest.mark.parametrize(
    ("code", "text", "permanent"),
    [
        (550, "User unknown", True),
        (450, "User unknown", False),
        (550, "Domain not found", True),
        (None, "4.1.1 x", False),
    ],
)
def test_only_a_no_for_good_gives_an_address_up(code: int | None, text: str, permanent: bool) -> None:
    assert classify(code, None, text).permanent is permanent


def test_no_person_pays_for_the_sender() -> None:
    verdicts = [classify(code, None, rule.example, rule.of) for rule in RULES for code in (None, 450, 550)]
    assert {verdict.reply_class for verdict in verdicts if verdict.against_sender} == SENDER_FAULT
    assert {verdict.reply_class for verdict in verdicts if verdict.permanent} == {R.INVALID_ADDRESS, R.INVALID_DOMAIN}
    assert not any(
        classify(550, f"5.{code}", "no").permanent for code, found in ENHANCED.items() if found in SENDER_FAULT
    )


def test_greylisting_and_a_busy_reader_are_about_one_message() -> None:
    busy = {rule.name for rule in RULES if rule.alone and rule.reply_class is R.RATE}
    assert busy == {"gmail-reader-busy", "microsoft-reader-busy", "too-many-recipients"}
    assert classify(451, "4.7.1", "Greylisted, please come back").rule == reply_class.GREYLISTING


def test_sentences_name_the_receiver_and_clear_the_reader() -> None:
    assert classify(421, "4.7.28", "too fast", "gmail").sentence == "Gmail asks us to slow down."
    assert classify(452, None, "mailbox full").sentence == "The mailbox is full."
    assert classify(421, None, "too many connections", ".0123").sentence == "The receiver asks us to slow down."
    assert classify(550, "5.7.515", "no", "microsoft").sentence.endswith(
        "This is about the sender, not about the reader."
    )


@pytest.mark.parametrize("code", [code for code in language.LANGUAGES if code != "en"])
def test_every_sentence_is_spoken_in_every_language(code: str) -> None:
    verdicts = [classify(None, None, rule.example, rule.of) for rule in RULES]
    english = [verdict.sentence for verdict in verdicts]
    with language.using(code):
        spoken = [verdict.sentence for verdict in verdicts]
    assert [said for said, meant in zip(spoken, english, strict=True) if said == meant] == []


@given(code=st.none() | st.integers(0, 999), enhanced=st.none() | st.text(max_size=12), text=st.text(max_size=300))
def test_nothing_that_a_server_may_say_raises(code: int | None, enhanced: str | None, text: str) -> None:
    assert classify(code, enhanced, text, None).reply_class in ReplyClass
