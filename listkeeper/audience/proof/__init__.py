"""What is proved, to whom, and what no backup may forget.

Everything that changes a permission is a row of the ``ledger``; what shows who
did it lies sealed in the vault of ``evidence``, under a key of the person's own.
A ``checkpoint`` signs how far the ledger has come; a ``witness`` outside the
database, and the mailboxes that ``ledger_witness`` reads from, would notice if
it were cut. ``ledger_audit`` recomputes it, ``fold`` makes the subscriptions
again from it, and ``adoption`` brought in what was agreed to before it.

For a court, or for herself, a ``dossier`` gathers one person's rows, texts and
evidence; a ``certificate`` says it in words, ``consent_exports`` in the
standards' forms, and the ``proof_bundle`` packs all of it with its verifier. An
``evidence_request`` asks a second pair of eyes first.

The ``journal`` outlives every backup: erasures, opt-outs and every ``restraint``
stand there, and ``journal_replay`` does them again after a restore.
"""
