"""How a line of follow-ups runs: who sets out, what each step waits for, and why somebody stops.

``follow_up_entry`` finds who comes into a line and ``follow_up_run`` is one person on it. ``follow_up_planning`` takes
the steps that are due, asks ``follow_up_stop`` and ``follow_up_verdict`` about each person and writes a delivery or
the reason why not; ``follow_up_late`` spreads what was slept through. ``follow_up_settling`` hears what became of a
mail, ``follow_up_steering`` switches lines on and off, ``follow_up_pause`` makes up for a pause, and
``follow_up_view`` shows them in ``follow_up_words``.
"""
