"""How a letter looks: values in, bytes out, and nothing else.

The owner writes a ``document`` with merge tags (``content``): blocks, Markdown
or own HTML. ``merge_tags`` reads the tags and says which are unknown or have no
fallback. Before anything may touch them they become opaque words (``protect``),
because every layout and inlining step damages them. ``body`` asks whoever knows
the way it was written: ``blocks_letter`` (with ``rich_text``),
``markdown_letter`` or ``own_html``; ``sanitise`` lets through what a letter may
hold, ``nesting`` sees to it that tags and elements nest with each other,
``links`` knows what a good link is. ``layout`` puts the letter on the one page
every letter is printed on, in a ``colour`` people can read, with the ``footer``
that nobody can remove; ``inline`` writes the style rules into the elements,
``plain_text`` makes the other half of the message, and ``guidance`` knows what
to ask readers of Gmail, Apple Mail and Outlook.

All that happens once per revision: ``compiled.compile_letter`` answers with a
``CompiledLetter`` that can be stored and has a fingerprint. Per reader there
is only ``filling.fill``: Liquid (``personalise``) and a few slots (``frame``),
with what is ``told`` about her. ``mime_slots`` makes the same messages for
whole audiences: it cuts a letter's head (``cut_head``) and body (``cut_body``)
once and encodes for each reader the ``live_lines`` alone.
``trial_letter`` marks what one sends to oneself, ``web_view`` is the same HTML
for a browser, and ``message.build`` makes the bytes that travel.
``confirmation_mail`` and ``already_subscribed_mail`` are the two plain
notices (``notice``) of the sign-up, which are nobody's advertisement.
Forms have a ``look``, stand beside ``shop_facts``, are kept as a
``form_snapshot``, and ``phone_check`` (by the ``cascade``) measures what a
small telephone makes of them.

A finished letter is read as a ``letter_tree`` under its ``letter_cascade``;
``contrast_check``, ``letter_access`` and ``client_support`` say who could not
read, use or see it, ``sponsored_check`` whether what was paid for says so.
``wording`` reads it as a distrustful stranger would: phrases by language
(``wording_list``), tricks by their shape (``wording_tricks``), and one sentence
of reason for each (``wording_reason``). ``picture_file`` makes pictures ready,
``feed`` reads feeds, ``archive_copy`` is the letter that names no reader.

What belongs together lies together: the mails of listkeeper itself (``mails``),
``css``, ``words``, ``reading``, ``pictures``, ``feeds``, what was paid for
(``sponsoring``) and what is printed (``paper``).

There is no database, no clock and no network here, and no file is read while a
letter is rendered: moments, addresses and links are handed in.
"""
