"""The import court: other tools' lists come in, and only what can prove itself may be mailed.

A ``table_file`` is opened whatever its letters (``text_encoding``), its
separator (``text_table``) or its wrapping (``spreadsheet``, ZIP). ``sources``
recognises who wrote it by its ``headings``, and says which column is what. Row
by row, ``verdict`` reads the address, the standing the person had there and the
``claim`` of consent with its ``moments``; opt-outs come first. A ``batch`` keeps
who claimed what about the whole file. ``judging`` compares the rows with what
the database knows, ``loading`` writes them; ``reader`` and ``pipeline`` do both
at once in two processes. ``undo`` takes a batch back, all but its opt-outs.
"""
