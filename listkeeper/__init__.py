"""listkeeper: permission-based e-mail on a list its owner keeps.

Two journeys make up the whole program. A subscriber's journey is told in
``audience``; a message's journey runs through ``campaigns``, ``rendering``,
``sending`` and what follows. The layers are listed in README.md and checked by
import-linter on every run.
"""

__version__ = "0.1.0"
