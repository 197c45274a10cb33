"""What came back: bounces, complaints, answers, and what providers tell us.

Whatever comes in, by mail or from a provider, is ``inbound``: kept first, read
later. ``mail_reading`` says what a mail is, and ``bounce`` what it reports of
whom; ``esp_event`` does the same for the events of a provider, each in its own
``esp_<provider>``. What was read becomes an ``event``, tied to the delivery it
is about. ``undelivered`` counts what could not be delivered to one person and
says when it is enough; ``taking`` lets things happen: the person is held back,
has left, or has written to us (``conversation``).
"""
