"""The public door: what a subscriber sees, on a phone, without JavaScript and without a cookie.

She opens ``signup_page`` (found through ``landing``), types one address and is
asked to look into her mail. ``confirm_page`` takes the button of that mail, or
tells us it was somebody else. Months later ``web_view`` shows a letter in the
browser, ``preferences_page`` says what she agreed to, and ``leave_page`` lets
her go at once, from a mail program's button or from the page. A GET on any of
these changes nothing.

``page`` puts every answer together, ``brand`` and ``colour`` give it the look
of the business without a single inline style. ``health`` is for machines.
"""
