"""A finished letter, read as the programs and the people who get it do.

It becomes a ``letter_tree`` under its ``letter_cascade``; ``letter_access``, ``letter_light``, ``letter_sizes`` and the
others say who could not read, use or see it.
"""
