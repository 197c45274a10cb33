"""How a message leaves: exactly once, or known to be in doubt.

``planning`` freezes an audience into ``delivery`` rows; the table is the queue.
A worker takes a ``batch``: it leases rows, asks the permission gate in the
transaction that marks them handed, lets ``composing`` write each message,
has ``envelope`` seal it with the grant and with an address of its own to come
back to (``return_path``), gives it to a ``transport`` (today
``smtp_relay``), and records the reply. Before that, ``pace`` says whose turn it
is: ``receivers`` tells whom each row goes to, ``warmup`` what a new domain may
send, ``refusal`` holds the mail to a receiver that refuses us, and
``receiver_state`` puts it into words. ``retry`` says when to try again,
``recovery`` settles what a dead worker left behind, ``incident`` says in words
why mail stands still, and ``progress`` counts. ``waiting`` says what waits and
why, ``watch`` sees what stands still without anybody being told, and ``tally``
counts for machines that look from outside. Long afterwards ``authorisation``
names the event that let a message go, and ``own_data`` packs all of it for the
person it went to.

Four parts have folders of their own: the ways out (``handing_over``), how fast
(``pacing``), lines of follow-ups (``following``) and letters in two versions
(``trying``).
"""
