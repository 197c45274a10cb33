"""Run one bench: ``python -m tests.benchmarks NAME``; the figure, or a list of them, is JSON on standard output."""

from __future__ import annotations

import argparse
import importlib
import json

from tests.benchmarks.figure import Figure

# Name, module, and what is measured.
BENCHES = {
    "import": ("tests.benchmarks.importing", "rows of a list imported a second, with verdicts, evidence and ledger"),
    "render": ("tests.benchmarks.render", "letters personalised a second, on one core"),
    "dkim": ("tests.benchmarks.signing", "DKIM signatures a second, beside the bare operation of the key; a list"),
    "domain": ("tests.benchmarks.domain", "milliseconds for the report of a sending domain, cold and warm; a list"),
    "send": ("tests.benchmarks.send", "the whole table of sending; a list"),
    "send-signed": ("tests.benchmarks.send", "mails a second to a mail server, two workers, each signed with RSA-2048"),
    "send-both": ("tests.benchmarks.send", "the same, each signed with RSA-2048 and Ed25519"),
    "send-unsigned": ("tests.benchmarks.send", "the same, unsigned: the relay signs"),
    "send-postgresql": ("tests.benchmarks.send", "the same, signed, on PostgreSQL beside SQLite"),
    "send-growth": ("tests.benchmarks.send", "processor's time a mail out of larger and larger audiences; a list"),
    "plan": ("tests.benchmarks.plan", "seconds until a letter's audience is frozen, on each database; a list"),
    "follow-up": ("tests.benchmarks.follow_up", "seconds until the steps that are due are planned; a list"),
    "ledger": ("tests.benchmarks.ledger", "ledger events written a second, in batches"),
    "ledger-single": ("tests.benchmarks.ledger", "the same, one in a commit"),
    "ledger-verify": ("tests.benchmarks.ledger", "ledger events that listkeeper-verify checks a second"),
    "proof": ("tests.benchmarks.proof", "milliseconds for one person's proof"),
    "backup": ("tests.benchmarks.archive", "rows a second that a backup writes"),
    "restore": ("tests.benchmarks.archive", "rows a second that a restore brings back, checked against its ledger"),
    "unsubscribe": ("tests.benchmarks.leaving", "milliseconds after a leave's commit until no hand-over begins, 99 %"),
    "confirming": ("tests.benchmarks.confirming", "seconds until a confirmation is handed over during a letter, 95 %"),
    "floods": ("tests.benchmarks.floods", "where each brake before the forms bites, as delivered and raised; a list"),
    "signup": ("tests.benchmarks.signup", "signups a second over HTTP, stored for good, with the jobs beside them"),
    "click": ("tests.benchmarks.click", "links of letters followed a second, each counted for good"),
    "click-postgresql": ("tests.benchmarks.click", "the same on PostgreSQL"),
    "engagement": ("tests.benchmarks.engagement", "what was done with a letter: looked up, judged, counted; a list"),
    "one-click": ("tests.benchmarks.one_click", "one-click unsubscribes a second, each committed before its answer"),
    "one-click-postgresql": ("tests.benchmarks.one_click", "the same on PostgreSQL"),
    "hooks": ("tests.benchmarks.hooks", "events of mail providers taken a second, single and by the hundred; a list"),
    "hooks-postgresql": ("tests.benchmarks.hooks", "the same on PostgreSQL"),
    "bounces": ("tests.benchmarks.bounces", "mails that come back read and classified a second, on one core"),
    "preview": (
        "tests.benchmarks.preview",
        "milliseconds from a change to a letter until it is seen, and more; a list",
    ),
    "growth": ("tests.benchmarks.growth", "milliseconds until the growth of a list of 1,000,000 is worked out; a list"),
    "report": ("tests.benchmarks.report", "milliseconds for a letter's report, and events of a shop a second; a list"),
    "board": ("tests.benchmarks.board", "milliseconds for home, the board and the clean-up of a long list; a list"),
    "segment": ("tests.benchmarks.segment", "milliseconds to count ten segments of a list, on each database; a list"),
    "web": ("tests.benchmarks.web", "signup forms shown a second"),
}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure one thing and print it as JSON.")
    parser.add_argument("name", nargs="?", choices=BENCHES)
    parser.add_argument("--repeats", type=int, default=3, help="how often ours and the limit are run in turns")
    parser.add_argument("--full", action="store_true", help="run the counts that the figure is about; long")
    parser.add_argument("--list", action="store_true", help="name the benches")
    given = parser.parse_args()
    if given.list or given.name is None:
        for name, (_module, what) in BENCHES.items():
            print(f"{name:15} {what}")
        return
    bench = importlib.import_module(BENCHES[given.name][0])
    found = bench.measure(given.name, repeats=given.repeats, full=given.full)
    print(json.dumps(_plain(found), ensure_ascii=False))


def _plain(found: object) -> object:
    if isinstance(found, list):
        return [_plain(one) for one in found]
    return found.as_dict() if isinstance(found, Figure) else found


if __name__ == "__main__":
    main()
