"""What the standards say, as pure functions: no database, no web, no clock of its own.

One family of RFCs is one file, or a few files of one name. ``address`` is how
a mail address is written. ``dns`` asks the questions that ``spf`` and ``dkim``
need answered, the only file here that speaks to anyone. ``encoded_word`` and
``list_headers`` write what stands at the head of a message: words beyond
ASCII, and the headers by which a mail program knows a mailing list and leaves
it with one click (RFC 2047, 2369, 2919, 8058).

What must be provable years from now stands on four more: ``canonical_json``
gives a record exactly one spelling (RFC 8785), ``merkle`` sums up any number
of records in 32 bytes (RFC 6962, 9162), ``signed_note`` signs that sum so that
a mailbox can keep it (C2SP), and ``proof`` checks all of it again with code of
its own, for whoever does not trust the rest of this program.

Whoever reads a standard's text should find it again here, with its section
number, and nothing of this product beside it: the chapter could be published
as a library of its own.
"""
