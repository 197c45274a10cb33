"""A supervisor with parts of a test's making, run as a process of its own: it takes over signals.

``python -m tests.fakes.supervised FOLDER PARTS`` where PARTS is JSON: name → {wave, grace, code}. Every part writes
what happens to it into ``FOLDER/diary``, a line each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from listkeeper.cli.supervisor import Part, Supervisor, Wave
from listkeeper.foundation import log

# What every part begins with: `say` writes to the diary, `on_term` runs when it is asked to stop.
PROLOGUE = """
import os, pathlib, signal, subprocess, sys, time
diary, name = pathlib.Path(sys.argv[1]) / "diary", sys.argv[2]
def say(word):
    with diary.open("a") as file:
        file.write(f"{name} {word} {os.getpid()}\\n")
def on_term(action):
    signal.signal(signal.SIGTERM, lambda *_: action())
def leave():
    say("stopped")
    os._exit(0)
on_term(leave)
say("started")
"""
STAYS = "while True: time.sleep(0.05)"


def main() -> None:
    """Run the parts until a signal."""
    folder, parts = Path(sys.argv[1]), json.loads(sys.argv[2])
    log.configure("INFO")
    with Supervisor(dict(os.environ)) as supervisor:
        for name, part in parts.items():
            words = [sys.executable, "-c", PROLOGUE + part.get("code", STAYS), str(folder), name]
            supervisor.start(Part(name, words, Wave[part.get("wave", "TAKES_WORK")], part.get("grace", 10.0)))
        supervisor.watch()


if __name__ == "__main__":
    main()
