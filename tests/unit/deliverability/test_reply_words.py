"""What receivers say today, by class: written after their published lists and manuals, judged by the whole table."""

from __future__ import annotations

import pytest

from listkeeper.deliverability.reply_class import ReplyClass, classify

SAID = {
    ReplyClass.INVALID_ADDRESS: [
        (
            "550 5.1.1 <x@y.example>: Recipient address rejected: undeliverable address: host mx[192.0.2.1] "
            "said: 550 5.1.1 User doesn't exist (in reply to RCPT TO command)"
        ),
        "550 5.4.1 Recipient address rejected: Access denied. [AM5EUR03.prod.protection.outlook.com]",
        "550 Mailbox not found",
        "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550",
        "550 Recipient not found",
        "550 No Such User Here",
        "550 5.1.1 unknown or illegal alias: x@y.example",
        "550 Postfach existiert nicht",
        "550 Empfänger unbekannt",
        "550 Mailbox existiert nicht",
        "550 Uzytkownik nie istnieje",
        "550 Nieznany uzytkownik",
        "550 Modtageren findes ikke",
        "550 Brugeren findes ikke",
        "550 Användaren finns inte",
        "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found",
        "550 5.7.1 No such user!",
        "550 5.1.1 Not our Customer",
        "550 5.1.1 <x@icloud.com>: user does not exist",
        "550 5.1.1 Address does not exist",
        (
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the "
            "recipient's email address"
        ),
        "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found",
        "550 5.1.6 Recipient has moved, please try new@y.example",
        "550 This address no longer accepts mail.",
        "550 Unknown address error 550-'5.1.1 User unknown'",
        "550 5.0.350 Remote server returned an error -> 550 5.1.1 mailbox unavailable",
    ],
    ReplyClass.INVALID_DOMAIN: [
        "550 5.4.310 DNS domain foo.example does not exist [Message=InfoDomainNonexistent]",
        "550 5.1.2 Host or domain name not found. Name service error for name=foo.example type=MX: Host not found",
        "550 5.4.4 [internal] no MX or A for domain",
        "554 5.4.4 [internal] domain lookup failed",
        "550 Unrouteable address",
    ],
    ReplyClass.REPUTATION: [
        (
            "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. "
            "[AM0EUR02.eop-eur02.prod.protection.outlook.com]"
        ),
        "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
        "550 5.7.0 Your server IP address is in the SORBS DNSBL database",
        "550 5.7.1 Connection refused - Barracuda Reputation Block List",
    ],
    ReplyClass.INACTIVE: [
        "550 #5.1.0 Address rejected.",
        "550 5.1.0 Address rejected x@y.example",
        "550 5.2.1 Mailbox not available",
        "550 Account inactive",
        "550 User account is unavailable",
        "554 5.7.1 Mailbox for x is not active",
        "554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled (554.30).",
        "554 5.1.1 mailbox disabled",
    ],
    ReplyClass.MAILBOX_FULL: [
        "552 5.2.2 This message is larger than the current system limit or the recipient's mailbox is full.",
        "554 5.2.0 STOREDRV.Deliver.Exception:QuotaExceededException",
        "550 5.2.2 user has exceeded quota",
        "552 5.2.2 <x@icloud.com>: user is over quota",
        "452-4.2.2 The recipient's inbox is out of storage space. gsmtp",
    ],
    ReplyClass.POLICY: [
        "554 5.7.1 You are not allowed to send to this address",
        "550 5.1.8 <b@x.example>: Sender address rejected: Domain not found",
        "541 5.4.1 Mail rejected by destination domain",
        "554 Email rejected due to security policies",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
        "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
        "553 sorry, your mail was administratively denied. (#5.7.1)",
        "554 5.3.0 rejected by recipient's mailbox filter",
        "450 4.1.8 <b@x.example>: Sender address rejected: Domain not found",
    ],
    ReplyClass.TEMPORARY: [
        "421 4.7.0 Try again later, closing connection. (EHLO)",
        "554 5.4.14 Hop count exceeded - possible mail loop ATTR34",
        "550 5.4.300 Message expired -> 451 4.4.0 timeout",
        "451 4.7.1 Greylisting in action, please come back in 00:04:59",
        "452 4.3.1 Insufficient system storage",
        "571 Message Refused",
        "451 4.3.5 Server configuration problem",
    ],
    ReplyClass.AUTH: [
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]",
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated.",
        "550 5.7.1 Email rejected per SPF policy",
        (
            "550 5.7.509 Access denied, sending domain x.example does not pass DMARC verification and has a "
            "DMARC policy of reject."
        ),
        "550 SPF MAIL FROM check failed",
    ],
    ReplyClass.SPAM: [
        "554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc",
        "554 5.7.1 Spam message rejected",
        "550 Blocked by SpamAssassin",
        "550 High probability of spam",
        "550 Message content rejected",
    ],
    ReplyClass.RATE: [
        "550 5.7.1 Our system has detected an unusual rate of unsolicited mail originating from your IP address. gsmtp"
    ],
    ReplyClass.CONTENT: ["550 5.6.0 M2MCVT.StorageError.Exception: ConversionFailedException"],
    ReplyClass.TOO_BIG: ["550 5.2.3 RESOLVER.RST.SendSizeLimit.Org; message too large for this organization"],
    ReplyClass.RELAY: [
        "550 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "550 Relay not permitted",
        "550 5.7.1 Unable to relay for x@y.example",
        "550 authentication required",
    ],
    ReplyClass.SYNTAX: ["550 5.1.3 Bad destination mailbox address syntax", "553 5.1.3 Invalid address format"],
}


@pytest.mark.parametrize(("wanted", "text"), [(wanted, text) for wanted, texts in SAID.items() for text in texts])
def test_the_words_of_today(wanted: ReplyClass, text: str) -> None:
    assert classify(None, None, text).reply_class is wanted


@pytest.mark.parametrize("text", [text for texts in SAID.values() for text in texts])
def test_case_and_space_do_not_count(text: str) -> None:
    plain = classify(None, None, text)
    spaced = "  ".join(text.split(" ")).replace(",", ",\n")
    assert classify(None, None, spaced).reply_class is plain.reply_class
    assert classify(None, None, text.upper()).reply_class is plain.reply_class


def test_who_is_lost_for_good() -> None:
    lost = {wanted for wanted, texts in SAID.items() for text in texts if classify(None, None, text).permanent}
    assert lost == {ReplyClass.INVALID_ADDRESS, ReplyClass.INVALID_DOMAIN}
