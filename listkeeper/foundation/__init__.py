"""What every chapter stands on, and nothing of what the product does.

A row starts in ``table`` and ``columns``, gets its name from ``ids`` and its
moment from ``clock``. Secrets come from ``keys`` and leave as tokens made by
``signing``. What goes wrong is one of five ``errors``. What a chapter has to
tell those above it becomes a fact in the ``outbox``, in the same transaction
as the change. ``language`` speaks to people, ``log`` to operators, and
``throttle`` counts what strangers may do how often. ``fetch`` is the only
door to foreign web servers.
"""
