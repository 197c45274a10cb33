"""Who agreed to what: the subscriber's journey, in order.

A ``mailing_list`` promises something. Its ``signup_form`` shows a
``consent_text`` (starting from a ``starter_text``) in a ``form_design`` and takes
one address; what its owner types next is a ``form_draft``, and its sisters in
other languages are its ``form_family``. Each
post becomes a ``signup``, stored at once; a job lets the ``signup_guard``
decide and asks for a ``confirmation``. When the person presses the button or
types the code, ``consent`` records the event, and the ``subscription`` of that
``subscriber`` becomes confirmed. Before any mail leaves, ``permission`` decides.
Within her consent she chooses by ``preferences``; a ``profile_question`` may
ask her more, one at a time, and her ``profile`` holds the answers. Leaving is
``unsubscribe``: one act, at once, remembered as ``suppression``, which outlives
the subscriber; a ``leaving_reason`` may be told afterwards, by nobody in
particular. An
``access_wish`` and its ``access_link`` open all that is held about her to the
person herself, who may move by ``address_change``, or go by ``erasure``.
``importing`` judges what other tools' files claim; ``proof`` keeps all of this
provable, and remembers what no backup may forget.
"""
