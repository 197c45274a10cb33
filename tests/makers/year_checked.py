"""The rules of follow-ups, checked against a year that was lived (``tests.makers.year``), by what the world knows.

Nothing here asks the program whether something was right: each mail is read from the deliveries, and judged by what
people did and by the clock. Every fault is a line of text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import select

from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, Reason, RunState
from listkeeper.sending.frequency_cap import SkippedMail
from tests.makers.year import CAP_DAYS, CAP_MAILS, DAY, QUIET, ZONE, Year

_APART = timedelta(hours=12)


@dataclass(frozen=True)
class Mail:
    """One mail that a server took."""

    at: datetime
    person: int
    campaign: int
    occasion: str
    is_step: bool


class Checker:
    """One year, read once."""

    def __init__(self, year: Year) -> None:
        self.year, self.world = year, year.world
        rows = year.session.execute(
            select(Delivery.handed_at, Delivery.subscriber_id, Delivery.campaign_id, Delivery.occasion, Campaign.kind)
            .join(Campaign, Campaign.id == Delivery.campaign_id)
            .where(Delivery.state == DeliveryState.ACCEPTED)
            .order_by(Delivery.handed_at, Delivery.id)
        )
        self.mails = [
            Mail(at, person or 0, campaign or 0, occasion, kind is CampaignKind.FOLLOW_UP)
            for at, person, campaign, occasion, kind in rows
            if at is not None
        ]
        self.steps = {step.id: step for step in year.session.scalars(select(FollowUpStep))}
        self.runs = {run.id: run for run in year.session.scalars(select(FollowUpRun))}
        self.acts: dict[int, list[FollowUpAct]] = defaultdict(list)
        for act in year.session.scalars(select(FollowUpAct).order_by(FollowUpAct.id)):
            self.acts[act.run_id].append(act)
        self.of_person: dict[int, list[Mail]] = defaultdict(list)
        for mail in self.mails:
            self.of_person[mail.person].append(mail)

    def faults(self) -> list[str]:
        """Return everything that broke a rule."""
        return [
            *self.consent(), *self.cap(), *self.quiet(), *self.apart(), *self.waits(), *self.stopped(),
            *self.shown(), *self.left_out(), *self.late(), *self.paused(),
        ]  # fmt: skip

    def consent(self) -> Iterator[str]:
        """No mail without a live permission."""
        for mail in self.mails:
            joined, left = self.world.joined.get(mail.person), self.world.left.get(mail.person)
            if joined is None or mail.at < joined:
                yield f"{mail}: never said yes"
            elif left is not None and mail.at >= left:
                yield f"{mail}: has left"
            elif (ends := self._ends(mail.person, mail.at)) is not None and ends <= mail.at:
                yield f"{mail}: her permission had ended"

    def _ends(self, person: int, at: datetime) -> datetime | None:
        return [ends for since, ends in self.world.ends[person] if since <= at][-1]

    def cap(self) -> Iterator[str]:
        """Nobody ever had more than her number in any window."""
        for mails in self.of_person.values():
            for first, last in zip(mails, mails[CAP_MAILS:], strict=False):
                if last.at - first.at < CAP_DAYS * DAY:
                    yield f"{last}: more than {CAP_MAILS} in {CAP_DAYS} days"

    def quiet(self) -> Iterator[str]:
        """Nothing left while the business rested."""
        for mail in self.mails:
            hour = mail.at.astimezone(ZoneInfo(ZONE)).hour
            if hour >= QUIET[0] or hour < QUIET[1]:
                yield f"{mail}: in quiet hours"

    def apart(self) -> Iterator[str]:
        """Two steps never reached somebody at once."""
        for mails in self.of_person.values():
            for first, second in pairwise([mail for mail in mails if mail.is_step]):
                if second.at - first.at < _APART:
                    yield f"{second}: too soon after {first.at}"

    def _of_run(self) -> dict[int, list[tuple[Mail, FollowUpStep]]]:
        found: dict[int, list[tuple[Mail, FollowUpStep]]] = defaultdict(list)
        for mail in self.mails:
            if mail.is_step:
                _word, run, step = mail.occasion.split(":")
                found[int(run)].append((mail, self.steps[int(step)]))
        return found

    def waits(self) -> Iterator[str]:
        """Each step came in its order, once, and after its wait from the hand-over before, or from its beginning."""
        for number, mails in self._of_run().items():
            run, before = self.runs[number], self.runs[number].begun_at
            if len({step.id for _mail, step in mails}) < len(mails):
                yield f"run {number}: a step came twice"
            passed = {act.step_id: act.at for act in self.acts[number] if act.kind is ActKind.SKIPPED}
            sent = {step.id: mail.at for mail, step in mails}
            for step in self._line(run):
                came = sent.get(step.id)
                if came is not None and came < before + step.wait_days * DAY:
                    yield f"run {number}: step {step.position} after {came - before}"
                before = came or passed.get(step.id) or before

    def _line(self, run: FollowUpRun) -> list[FollowUpStep]:
        line = next(line for line in self.year.lines if line.id == run.follow_up_id)
        return follow_up_step.steps(self.year.session, line)

    def stopped(self) -> Iterator[str]:
        """Nobody got a step after she wrote back, where that ends it."""
        for number, mails in self._of_run().items():
            run = self.runs[number]
            line = next(line for line in self.year.lines if line.id == run.follow_up_id)
            wrote = [at for at in self.world.wrote[run.subscriber_id] if at > run.begun_at]
            if line.stop_on_reply and wrote and any(mail.at >= min(wrote) for mail, _step in mails):
                yield f"run {number}: a step after she wrote back"

    def shown(self) -> Iterator[str]:
        """Every step of a run that reached its end was mailed or left out with a reason, and all others wait."""
        for number, run in self.runs.items():
            done = [act for act in self.acts[number] if act.kind is not ActKind.POSTPONED]
            told = Counter(act.step_id for act in done)
            if run.state is RunState.FINISHED and set(told) != {step.id for step in self._line(run)}:
                yield f"run {number}: finished, and not every step is told of"
            if (
                run.state is RunState.RUNNING
                and (run.next_step_id is None or run.next_step_id in told)
                and not run.delivery_id
            ):
                yield f"run {number}: stands nowhere"
            if run.state is RunState.STOPPED and run.why is None:
                yield f"run {number}: stopped without a reason"
            for act in self.acts[number]:
                if (act.why is None) is (act.kind is not ActKind.MAILED):
                    yield f"act {act.id}: {act.kind} with the reason {act.why}"

    def left_out(self) -> Iterator[str]:
        """Of a letter to everybody each either has a delivery, or was left out and written down."""
        session = self.year.session
        for letter, wanted in self.world.letters.items():
            planned = set(session.scalars(select(Delivery.subscriber_id).where(Delivery.campaign_id == letter)))
            skipped = set(session.scalars(select(SkippedMail.subscriber_id).where(SkippedMail.campaign_id == letter)))
            if planned | skipped != wanted or planned & skipped:
                yield f"letter {letter}: {len(wanted)} people, {len(planned)} planned, {len(skipped)} left out"

    def late(self) -> Iterator[str]:
        """After the sleep nothing left that was more than a week late, and no hour was fuller than an ordinary one."""
        for began, ended in self.world.slept:
            # What was let go, as the program counts it: a few of these the gate refused.
            ordinary = Counter(
                _hour(act.at)
                for acts in self.acts.values()
                for act in acts
                if act.kind is ActKind.MAILED and ended - 28 * DAY < act.at < began
            )
            most = max(*ordinary.values(), self.least)
            # By the moments that were given to them: the clock is looked at by the hour, and what is due within one is
            # found at its end, with what is due then.
            hours = Counter(
                _hour(act.until)
                for acts in self.acts.values()
                for act in acts
                if act.why is Reason.CAME_LATE and act.until is not None
            )
            for hour, count in hours.items():
                if count > most:
                    yield f"{hour}: {count} late steps in an hour, and {most} on an ordinary day"

    # Set by the test, as it is set in the program: where there is no ordinary day to go by.
    least = 20

    def paused(self) -> Iterator[str]:
        """Nothing of a line left while it was paused."""
        for line, begins, ends in self.world.paused:
            letters = {step.campaign_id for step in self.steps.values() if step.follow_up_id == line}
            for mail in self.mails:
                if mail.campaign in letters and begins <= mail.at < ends:
                    yield f"{mail}: while its line was paused"


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H}"
