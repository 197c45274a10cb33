"""Two versions of a letter: how large the sample is, who gets which, and who won, if anybody did.

``trial_size`` says beforehand what a sample can show, ``trial_order`` draws it, ``trial_time`` knows when most of it
had left, ``trial`` looks once and decides, and ``trial_words`` says it.
"""
