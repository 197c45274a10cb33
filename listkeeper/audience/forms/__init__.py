"""What a signup form is made of, and what is kept of it.

``form_design`` and ``form_offer`` say what it shows, ``form_boxes`` what can be ticked, ``form_lint`` what is wrong
with it. It is written as a ``form_draft``, published as a ``form_record``, belongs to a ``form_family``, and what
somebody saw is proved by a ``form_stamp``.
"""
