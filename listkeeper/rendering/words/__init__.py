"""What a distrustful stranger would think of the words of a letter.

``wording`` reads it: phrases by language (``wording_list`` and its files), tricks by their shape (``wording_tricks``),
each with one sentence of reason. ``doi_lint`` keeps advertisement out of the question whether somebody signed up.
"""
