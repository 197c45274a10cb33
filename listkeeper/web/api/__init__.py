"""The door for programs: a key in the ``Authorization`` header, JSON in and out, described at ``/openapi.json``.

``lock`` asks every request below ``/api`` for a live key that opens what is
asked. ``web.strict_json`` reads what programs send, ``shape`` and ``paging`` say how
answers look, ``change`` is the one way to change something: a transaction, the
program's name in the audit log, and the same answer again for the same
``Idempotency-Key``. ``describing`` makes the document. Behind the same lock, for
machines that watch, stands ``metrics`` with its ``figures``.

A program may read, ask a person to subscribe by the same way and under the
same brakes as the form, make links that lead to a form, take permission away,
and take everything out. No route raises permission: that is for the person alone.
"""
