"""What is said of follow-ups, in the language in use: what begins one, what a step is, and what became of it."""

from __future__ import annotations

from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.foundation import language
from listkeeper.sending.delivery import LEFT, DeliveryState
from listkeeper.sending.following.follow_up_run import ActKind, Reason, StopWhy
from listkeeper.sending.following.follow_up_view import Entry

RESTORED = "restored"


def state(found: FollowUpState) -> str:
    """Say how a follow-up stands."""
    return {
        FollowUpState.DRAFT: language.text("Off"),
        FollowUpState.ON: language.text("On"),
        FollowUpState.PAUSED: language.text("Paused"),
        FollowUpState.ARCHIVED: language.text("Archived"),
    }[found]


def begins(found: FollowUp, segment: str = "") -> str:
    """Say what a follow-up begins with; ``segment`` is the name of the segment it may begin with."""
    match found.trigger:
        case Trigger.SAID_YES:
            return language.text("When somebody says yes")
        case Trigger.EVENT:
            return language.text("When your shop tells of “%(event)s”", event=found.event_name)
        case Trigger.CONSENT_ENDS:
            return language.counted(
                "%(number)s day before a permission ends",
                "%(number)s days before a permission ends",
                found.days_before or 0,
            )
        case Trigger.SEGMENT:
            return language.text("When somebody comes into “%(segment)s”", segment=segment or "…")


def wait(step: FollowUpStep) -> str:
    """Say how long a step waits, and for which hour."""
    if not step.wait_days:
        days = language.text("On the same day")
    else:
        days = language.counted("%(number)s day later", "%(number)s days later", step.wait_days)
    if step.at_hour is None:
        return days
    return language.text("%(days)s, at %(hour)s:00", days=days, hour=step.at_hour)


def kind(found: StepKind) -> str:
    """Say what a step is for."""
    return {
        StepKind.LETTER: language.text("Letter"),
        StepKind.ASK_ONE_MORE: language.text("Ask one more thing"),
        StepKind.HOW_IS_IT_GOING: language.text("How is it going?"),
        StepKind.RENEWAL: language.text("Renew a permission"),
    }[found]


def stopped(why: StopWhy) -> str:
    """Say why it ended for somebody."""
    return {
        StopWhy.REPLIED: language.text("wrote back"),
        StopWhy.CLICKED: language.text("followed a link"),
        StopWhy.EVENT: language.text("did what ends it"),
        StopWhy.SEGMENT: language.text("came into the segment that ends it"),
        StopWhy.LEFT: language.text("left, or may not be mailed"),
        StopWhy.COMPLAINED: language.text("called a letter spam"),
        StopWhy.BOUNCED: language.text("the address takes no mail"),
        StopWhy.CONSENT_OVER: language.text("the permission ended"),
        StopWhy.LIST_CLOSED: language.text("the list was closed"),
        StopWhy.SWITCHED_OFF: language.text("it was switched off"),
        StopWhy.RESTORED: language.text("a backup was put back, and what was due may have left"),
        StopWhy.WAS_THERE: language.text("was in the segment before"),
    }[why]


def reason(why: Reason) -> str:
    """Say why somebody did not get a step, or not yet."""
    return {
        Reason.CONDITION: language.text("not in the segment of the step"),
        Reason.CAP: language.text("had as many letters as one person gets"),
        Reason.TOO_LATE: language.text("more than a week late"),
        Reason.NOTHING_TO_ASK: language.text("no question left to ask"),
        Reason.NOTHING_TO_RENEW: language.text("no permission that ends soon"),
        Reason.NO_WORDS: language.text("the words were not let go"),
        Reason.ANOTHER: language.text("another letter came just then"),
        Reason.CAME_LATE: language.text("nothing was at work here, so it is spread over the hours"),
    }[why]


def became(entry: Entry) -> str:
    """Say what became of a step for somebody; why the gate refused it is said by the refusal's own words."""
    match entry.kind:
        case ActKind.SKIPPED:
            return language.text("Left out")
        case ActKind.POSTPONED:
            return language.text("Put off")
        case ActKind.MAILED if entry.state in LEFT:
            return language.text("Sent")
        case ActKind.MAILED if entry.state is DeliveryState.REFUSED:
            return language.text("Not allowed")
        case ActKind.MAILED if entry.state in {DeliveryState.FAILED, DeliveryState.CANCELLED}:
            return language.text("Not sent")
        case _:
            return language.text("On its way")


def halted(found: FollowUp) -> str:
    """Say why it stands still though nobody paused it; empty when somebody did."""
    if (found.halted or {}).get("code") != RESTORED:
        return ""
    return language.text(
        "A backup was put back. It ended for everybody who was on the line, because what was due since may have left. "
        "Switch it on, and it begins with whoever comes from now on."
    )
