"""What we say: from the first word to the letter that may go.

A ``campaign`` is one letter to one list. Each saved change (``letter_change``)
is a ``revision``, compiled once for preview, test and send alike, so that what
was seen is what goes. A letter begins with a ``starter``, a ``snippet`` or the
entries of a feed (``feed_items``), shows a ``picture``, and is written in
another way by ``letter_switch``, which loses nothing. ``preflight`` says what is
wrong with it, in plain sentences, before anything is planned: ``letter_checks``
looks at the finished letter, ``letter_history`` at those before it,
``class_check`` at what may stand in which class, and ``letter_fix`` mends what
leaves no doubt. A ``status_notice`` has a timeline and a promise. What was sent
may be shown to everybody (``archive``), and a feed can become letters by itself
(``feed_letter``).
"""
