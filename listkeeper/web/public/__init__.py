"""The public door: what a subscriber sees, on a phone, without JavaScript and without a cookie.

She opens ``signup_page`` (found through ``landing``), types one address and is
asked to look into her mail. On other people's sites the same form stands in a
frame (``form_frame``) or as a component (``embed``, loaded by ``embed_script``),
and ``signup_post`` is the one way in of them all.

``confirm_page`` takes the button of that mail, or tells us it was somebody
else. Months later ``web_view`` shows a letter in the browser, ``why_page``
names the event that let it go, ``preferences_page`` says what she agreed to
and how much of it comes (``choices``), and ``leave_page`` lets her go at once,
from a mail program's button or from the page.

A letter can be passed on, so its links can do no more than that. For the rest
``entry_page`` sends a fresh link to her own mailbox, and for half an hour she
is a ``guest`` on ``own_page``: her history (``own_history``), all of it to take
home, another address (``address_page``), or to be forgotten (``erase_page``).
A GET on any of these changes nothing.

``page`` puts every answer together, ``brand`` and ``colour`` give it the look
of the business without a single inline style. ``health`` is for machines that watch.
"""
