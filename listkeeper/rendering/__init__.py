"""How a letter looks: values in, bytes out, and nothing else.

The owner writes Markdown with merge tags (``content``). ``merge_tags`` reads
the tags and says which are unknown or have no fallback. Before anything may
touch them they become opaque words (``protect``), because every layout and
inlining step damages them. ``markdown_letter`` makes HTML, ``sanitise`` lets
through what a letter may hold, ``nesting`` sees to it that tags and elements
nest with each other, ``links`` knows what a good link is. ``layout`` puts the
letter on the one page every letter is printed on, in a ``colour`` people can
read, with the ``footer`` that nobody can remove; ``inline`` writes the style
rules into the elements, ``plain_text`` makes the other half of the message,
and ``primary_tab`` knows what to tell Gmail readers.

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

There is no database, no clock and no network here, and no file is read while a
letter is rendered: moments, addresses and links are handed in.
"""
