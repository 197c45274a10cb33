"""What the standards say, as pure functions: no database, no web, no clock of its own.

One family of RFCs is one file, or a few files of one name. ``address`` is how
a mail address is written. ``dns`` asks the questions that ``spf`` and ``dkim``
need answered, the only file here that speaks to anyone; ``dns_overlay`` asks
"what if I published this?", ``dns_authority`` and ``dns_direct`` go to the
servers in charge. ``dmarc`` walks up the tree of names for the policy that
counts (RFC 9989), ``public_suffix`` knows where registries end, and ``mta_sts``,
``tls_rpt`` and ``bimi`` read the records beside it (RFC 8461, 8460).

What receivers tell is read with the same care, because anybody may write it:
``auth_results`` (RFC 8601), ``dmarc_report``, ``dmarc_failure_report`` and
``tls_report`` (RFC 7489, 9990, 9991, 8460), which ``packed_report`` takes out of
archives and mails in bounded time and room. Of the mail that comes back, ``dsn``
reads reports on a delivery (RFC 3464), ``arf`` those of a reader who pressed
"spam" (RFC 5965), and ``auto_reply`` knows what no person wrote (RFC 3834), all
by ``mail_parts`` and ``mail_text``; ``webhook`` signs what is posted.

``encoded_word`` and ``list_headers`` write what stands at the head of a
message: words beyond ASCII, and the headers by which a mail program knows a
mailing list and leaves it with one click (RFC 2047, 2369, 2919, 8058).
``verp`` knows what others wrap around the address a message comes back to, and
``atom`` writes a feed for those who read without a mailbox (RFC 4287).

What must be provable years from now stands on four more: ``canonical_json``
gives a record exactly one spelling (RFC 8785), ``merkle`` sums up any number
of records in 32 bytes (RFC 6962, 9162), ``signed_note`` signs that sum so that
a mailbox can keep it (C2SP), and ``proof`` checks all of it again with code of
its own, for whoever does not trust the rest of this program.

Whoever reads a standard's text should find it again here, with its section
number, and nothing of this product beside it: the chapter could be published
as a library of its own.
"""
