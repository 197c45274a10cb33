"""Whom a segment is true of: a sentence over what we know of people, and one SELECT.

``segment`` keeps it, ``segment_language`` reads what is typed into a ``segment_tree`` and prints it again, and
``segment_phrases`` is the book of what may be said. ``segment_names`` finds what a condition names, and
``segment_calendar`` its days. ``segment_facts`` turns each phrase into SQL, ``segment_query`` a whole tree into one
SELECT, and ``segment_count`` counts it side by side with the list. ``segment_inside`` writes out segments that name
others, ``segment_meaning`` keeps what one means when names change, and ``segment_check`` says whom it can never reach.
"""
