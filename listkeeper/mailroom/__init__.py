"""Mail that comes to us: the only place that listens for it.

``catcher`` is practice mode's mail server. It takes every mail the program
sends while no sending way is chosen, and keeps it where the built-in inbox
shows it, so that nothing leaves the machine and everything can be seen as it
went over the wire.

``receiving`` is the process that real mail comes in by. ``listener`` takes it on
the open internet (SMTP) and from a mail server of one's own (LMTP): what is said
is in ``dialogue``, whose mail is taken in ``door``. ``mailbox`` looks into
mailboxes elsewhere, by ``imap`` or ``pop3``, with a password or a
``mailbox_token``. ``pipe`` takes one mail from standard input. However a mail was
``brought``, it is kept by ``intake``, unread, whole and once, before anybody is
told that it was taken; what it says is read later (``feedback``).
"""
