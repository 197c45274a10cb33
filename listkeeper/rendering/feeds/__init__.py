"""Feeds as a letter reads them: their XML, their entries, and the text of these."""
