"""Forty replies as real receivers give them, and what has to follow for whoever they were said of.

Written after the receivers' own published lists and RFC 5321, 3463, 7372 and 7505; addresses and hosts are examples.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback.event import Outcome

R, C = ReplyClass, Outcome


@dataclass(frozen=True)
class RealReply:
    """What a server says for good, the class it must be read as, and what comes of it for the reader."""

    text: str
    reply_class: ReplyClass
    outcome: Outcome


REPLIES = [
    # There is no such address: held back at once.
    RealReply("550 5.1.1 The email account that you tried to reach does not exist. gsmtp", R.INVALID_ADDRESS, C.HELD),
    RealReply("550 5.1.1 <x@guest.example>: Recipient address rejected: User unknown in virtual mailbox table",
              R.INVALID_ADDRESS, C.HELD),
    RealReply("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
              R.INVALID_ADDRESS, C.HELD),
    RealReply("554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]",
              R.INVALID_ADDRESS, C.HELD),
    RealReply("550 Requested action not taken: mailbox unavailable. no such user here", R.INVALID_ADDRESS, C.HELD),
    RealReply("550 5.1.6 Recipient no longer on server: x@guest.example", R.INVALID_ADDRESS, C.HELD),
    RealReply("511 5.1.1 sorry, no mailbox here by that name", R.INVALID_ADDRESS, C.HELD),
    # There is no such domain: the first time says little.
    RealReply("550 5.1.2 <x@guest.example>... Host unknown (Name server: guest.example: host not found)",
              R.INVALID_DOMAIN, C.COUNTED),
    RealReply("556 5.1.10 Recipient address has null MX", R.INVALID_DOMAIN, C.COUNTED),
    RealReply("550 5.4.4 Unrouteable address: domain guest.example does not exist", R.INVALID_DOMAIN, C.COUNTED),
    # Switched off: twice in a fortnight.
    RealReply("550 5.2.1 The email account that you tried to reach is disabled. gsmtp", R.INACTIVE, C.COUNTED),
    RealReply("554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled (554.30)",
              R.INACTIVE, C.COUNTED),
    RealReply("550 5.7.1 The account has been suspended for inactivity", R.INACTIVE, C.COUNTED),
    # Full.
    RealReply("552 5.2.2 The email account that you tried to reach is over quota. gsmtp", R.MAILBOX_FULL, C.COUNTED),
    RealReply("554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", R.MAILBOX_FULL, C.COUNTED),
    RealReply("550 5.7.1 <x@guest.example>: mailbox is full (over quota)", R.MAILBOX_FULL, C.COUNTED),
    # Temporary troubles that they gave up on, and what nobody knows.
    RealReply("554 5.4.7 [internal] exceeded max time without delivery", R.TEMPORARY, C.COUNTED),
    RealReply("550 5.4.1 Connection timed out", R.TEMPORARY, C.COUNTED),
    RealReply("554 Transaction failed", R.TEMPORARY, C.COUNTED),
    RealReply("550 Computer says no", R.TEMPORARY, C.COUNTED),
    # They do not believe that it is us.
    RealReply("550 5.7.26 Unauthenticated email from cafe.example is not accepted due to domain's DMARC policy. gsmtp",
              R.AUTH, C.SENDER),
    RealReply("550 5.7.515 Access denied, sending domain cafe.example does not meet the required authentication level",
              R.AUTH, C.SENDER),
    RealReply("550 5.7.25 The IP address sending this message does not have a PTR record setup. gsmtp",
              R.AUTH, C.SENDER),
    RealReply("550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.1",
              R.AUTH, C.SENDER),
    RealReply("550 5.1.1 Message rejected: SPF check failed for cafe.example", R.AUTH, C.SENDER),
    RealReply("554 5.7.5 Permanent error evaluating DMARC policy", R.AUTH, C.SENDER),
    # They do not trust us.
    RealReply("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service "
              "provider since part of their network is on our block list (S3150).", R.REPUTATION, C.SENDER),
    RealReply("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
              R.REPUTATION, C.SENDER),
    RealReply("553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
              R.REPUTATION, C.SENDER),
    RealReply("550 5.7.1 [192.0.2.1 12] Our system has detected that this message is likely suspicious due to the very "
              "low reputation of the sending IP address. gsmtp", R.REPUTATION, C.SENDER),
    # What is in the letter, and rules of theirs.
    RealReply("550 5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail. gsmtp",
              R.SPAM, C.SENDER),
    RealReply("554 5.7.1 Message rejected as spam by Content Filtering.", R.SPAM, C.SENDER),
    RealReply("552 5.7.0 This message was blocked because its content presents a potential security issue. gsmtp",
              R.CONTENT, C.SENDER),
    RealReply("554 5.7.1 Your message was rejected because it contains a virus", R.CONTENT, C.SENDER),
    RealReply("550 5.7.1 Message rejected due to local policy.", R.POLICY, C.SENDER),
    # They want it slower.
    RealReply("550 5.4.5 Daily user sending limit exceeded. gsmtp", R.RATE, C.NOTED),
    # The letter, or our own way to send.
    RealReply("552 5.3.4 Message size exceeds fixed maximum message size (10485760)", R.TOO_BIG, C.LETTER),
    RealReply("554 5.7.1 <x@guest.example>: Relay access denied", R.RELAY, C.LETTER),
    RealReply("503 5.5.1 Bad sequence of commands", R.SYNTAX, C.LETTER),
    RealReply("550 5.7.1 Unable to relay", R.RELAY, C.LETTER),
]  # fmt: skip
