"""The timetable: which job is put on which lane every how many seconds, and what the timetable does itself.

A literal table; ``rounds`` keeps it with RQ's own cron. Everything is due once
when the timetable starts, so a restart heals what a crash left behind.
"""

from __future__ import annotations

from listkeeper.foundation.outbox import Lane

# Dotted name of the job, seconds between two rounds, lane.
TABLE: tuple[tuple[str, int, Lane], ...] = (
    ("listkeeper.jobs.housekeeping.look_for_lost_bells", 10, Lane.URGENT),
    ("listkeeper.jobs.journal.write_down", 10, Lane.URGENT),
    ("listkeeper.jobs.journal.compare", 60, Lane.URGENT),
    ("listkeeper.jobs.housekeeping.settle_left_behind", 20, Lane.SENDING),
    ("listkeeper.jobs.steering.look_around", 10, Lane.SENDING),
    ("listkeeper.jobs.pacing.look_after", 60, Lane.SENDING),
    ("listkeeper.jobs.housekeeping.watch_forms", 60, Lane.URGENT),
    ("listkeeper.jobs.escalating.look", 60, Lane.URGENT),
    ("listkeeper.jobs.escalating.look_at_notices", 60, Lane.URGENT),
    ("listkeeper.jobs.housekeeping.look_at_relay", 3600, Lane.SENDING),
    ("listkeeper.jobs.housekeeping.sign_ledger", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.housekeeping.mail_checkpoint", 3600, Lane.BACKGROUND),
    ("listkeeper.jobs.housekeeping.look_at_clocks", 900, Lane.BACKGROUND),
    ("listkeeper.jobs.domains.look_ahead_again", 600, Lane.BACKGROUND),
    ("listkeeper.jobs.domain_watch.look", 600, Lane.BACKGROUND),
    ("listkeeper.jobs.coming_in.look", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.importing.go_on", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.feeding.look", 300, Lane.BACKGROUND),
    ("listkeeper.jobs.figures.look", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.boarding.look", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.following.look", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.counting.judge", 60, Lane.BACKGROUND),
    ("listkeeper.jobs.counting.look_after", 300, Lane.BACKGROUND),
    ("listkeeper.jobs.housekeeping.forget_past", 3600, Lane.BACKGROUND),
    ("listkeeper.jobs.housekeeping.forget_answers", 86_400, Lane.BACKGROUND),
    ("listkeeper.jobs.growing.count", 3600, Lane.BACKGROUND),
)
# Done in the timetable's own process, and quickly: whether workers live is no question for a worker.
OWN: tuple[tuple[str, int], ...] = (
    ("listkeeper.jobs.watching.count", 15),
    ("listkeeper.jobs.watching.look", 60),
    ("listkeeper.jobs.alerting.tell", 60),
)
