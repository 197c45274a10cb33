"""How fast mail may leave, and to whom first.

``receivers`` says to which receiver a row goes, ``pace`` whose turn it is, across all workers or ``pace_alone``;
``pace_rates`` holds the rates and ``tempo`` what the owner wishes. ``warmup`` is what a new domain may send, and
``receiver_state`` and ``pace_news`` say it in words.
"""
