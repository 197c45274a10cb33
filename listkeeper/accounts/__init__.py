"""Whose list it is.

An ``organisation`` is the business that owns lists, texts and domains: its
legal name and postal address stand under every letter; its ``storefront`` says
where it is and when it is open (``opening_hours``). A ``user`` may enter
its studio, the first time through a ``sign_in_link`` that works once. What a
user did that others may ask about is written to the ``audit_log``.
"""
