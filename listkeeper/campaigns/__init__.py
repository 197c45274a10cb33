"""What we say: from the first word to the letter that may go.

A ``campaign`` is one letter to one list. Each saved change is a ``revision``,
compiled once for preview, test and send alike, so that what was seen is what
goes. ``preflight`` says what is wrong with it, in plain sentences, before
anything is planned.
"""
