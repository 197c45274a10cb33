"""The words and tones for every state a screen can show. A state is never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.accounts.user import Role, User
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.deliverability.finding import Severity, Verdict
from listkeeper.foundation import language
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import restoring, watch_words
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.sending.waiting import Why


@dataclass(frozen=True)
class Said:
    """A word and its tone: good, warn, bad or none."""

    word: str
    tone: str = ""


def subscription(state: SubscriptionState) -> Said:
    """Say how somebody stands to a list."""
    return {
        SubscriptionState.PENDING: Said(language.text("Not confirmed yet"), "warn"),
        SubscriptionState.CONFIRMED: Said(language.text("Confirmed"), "good"),
        SubscriptionState.UNSUBSCRIBED: Said(language.text("Unsubscribed")),
        SubscriptionState.REFUSED: Said(language.text("Said “not me”")),
        SubscriptionState.EXPIRED: Said(language.text("Never confirmed")),
        SubscriptionState.BOUNCED: Said(language.text("Address does not work"), "bad"),
        SubscriptionState.COMPLAINED: Said(language.text("Complained"), "bad"),
        SubscriptionState.LAPSED: Said(language.text("Run out")),
        SubscriptionState.IMPORTED_UNVERIFIED: Said(language.text("Imported without evidence, never mailed")),
    }[state]


def letter(state: CampaignState, *, asks: bool = False) -> Said:
    """Say what has become of a letter; ``asks``: it is under way, and goes no further without a word of its owner."""
    if asks:
        return Said(language.text("Waits for you"), "warn")
    return {
        CampaignState.DRAFT: Said(language.text("Draft")),
        CampaignState.SCHEDULED: Said(language.text("Scheduled"), "warn"),
        CampaignState.HELD: Said(language.text("Held back"), "warn"),
        CampaignState.SENDING: Said(language.text("Going out"), "warn"),
        CampaignState.PAUSED: Said(language.text("Paused"), "warn"),
        CampaignState.FINISHED: Said(language.text("Sent"), "good"),
        CampaignState.CANCELLED: Said(language.text("Stopped"), "bad"),
    }[state]


def lane(name: Lane) -> str:
    """Say what a lane carries, as a heading."""
    return {
        Lane.URGENT: language.text("Confirmations and single mails"),
        Lane.SENDING: language.text("Letters"),
        Lane.BACKGROUND: language.text("Work in the background"),
    }[name]


def why(reason: Why) -> str:
    """Say why a letter does not move; the moment at which it goes on, where there is one, follows."""
    return {
        Why.SCHEDULED: language.text("it leaves later:"),
        Why.LATE: language.text("its time passed while nothing was at work here; it waits for your word"),
        Why.HELD: language.text("it can still be stopped, and leaves then:"),
        Why.PAUSED: language.text("it was paused, and waits for somebody to let it go on"),
        Why.WATCHED: language.text("the first few have left; the others wait for what comes of them"),
        Why.ASKS: language.text("the first few have left; the others wait for your word"),
        Why.QUIET: language.text("these are your quiet hours; it goes on at"),
        Why.LATER: language.text("put off or held back; the next leave at"),
    }[reason]


def incident(session: Session, row: Incident) -> str:
    """Say what stands in the way of mail, in the language of whoever reads where its facts are known."""
    return restoring.words_of_fork(session) if row.kind is IncidentKind.LEDGER_FORKED else watch_words.of(row)


def event(kind: EventKind) -> Said:
    """Say what happened in a consent's life."""
    return {
        EventKind.REQUESTED: Said(language.text("Asked for the letters")),
        EventKind.GIVEN: Said(language.text("Said yes"), "good"),
        EventKind.RENEWED: Said(language.text("Renewed the consent"), "good"),
        EventKind.NARROWED: Said(language.text("Narrowed the consent")),
        EventKind.WITHDRAWN: Said(language.text("Unsubscribed"), "bad"),
        EventKind.OBJECTED: Said(language.text("Objected to advertising"), "bad"),
        EventKind.COMPLAINED: Said(language.text("Reported a letter as spam"), "bad"),
        EventKind.REFUSED: Said(language.text("Said “not me”"), "bad"),
        EventKind.EXPIRED: Said(language.text("Never confirmed in time")),
        EventKind.LAPSED: Said(language.text("The consent ran out")),
        EventKind.INVALIDATED: Said(language.text("The consent was declared invalid"), "bad"),
        EventKind.TRACKING_GIVEN: Said(language.text("Let you see what they do with letters"), "good"),
        EventKind.TRACKING_WITHDRAWN: Said(language.text("Ended that it is seen what they do with letters")),
        EventKind.COUNTING_GIVEN: Said(language.text("Let the letters be counted, without a name"), "good"),
        EventKind.COUNTING_WITHDRAWN: Said(language.text("Ended that the letters are counted")),
    }[kind]


def method(act: Method) -> str:
    """Say by which act it happened."""
    return {
        Method.FORM: language.text("by the sign-up form"),
        Method.BUTTON: language.text("by the button on the confirmation page"),
        Method.CODE: language.text("by the six digits from the mail"),
        Method.ONE_CLICK: language.text("by the unsubscribe button of the mail program"),
        Method.PAGE: language.text("by the button on the unsubscribe page"),
        Method.UNDO: language.text("by “undo” on the unsubscribe page"),
        Method.OPERATOR: language.text("by you, in the studio"),
        Method.API: language.text("by a program of yours"),
        Method.MAIL: language.text("by a mail to you"),
        Method.REPORT: language.text("reported by the mail provider"),
        Method.IMPORT: language.text("taken from an imported list"),
        Method.CLOCK: language.text("because its time was over"),
        Method.JOURNAL: language.text("repeated after a copy was restored"),
        Method.DEMO: language.text("made up for the demo"),
    }[act]


def role(held: Role) -> str:
    """Say what a user may do."""
    return {
        Role.OWNER: language.text("Owner: may do everything"),
        Role.EDITOR: language.text("Editor: writes and sends letters, sees people"),
    }[held]


def operator(session: Session, actor: str) -> str:
    """Say who of the house did it: a user by the address they sign in with, or a command at the server."""
    kind, _, reference = actor.partition(":")
    if kind == "user" and reference.isdecimal():
        found = session.get(User, int(reference))
        return (found.address if found else None) or language.text("a user of this studio")
    return language.text("a command at the server")


def refusal(code: RefusalCode) -> str:
    """Say why somebody was left out at the last moment."""
    return {
        RefusalCode.NO_BASIS: language.text("never said yes"),
        RefusalCode.PENDING: language.text("had not confirmed yet"),
        RefusalCode.EXPIRED: language.text("never confirmed in time"),
        RefusalCode.LAPSED: language.text("the yes had run out"),
        RefusalCode.DORMANT: language.text("had not heard from you for too long"),
        RefusalCode.WITHDRAWN: language.text("unsubscribed in the meantime"),
        RefusalCode.SUPPRESSED: language.text("must never be mailed"),
        RefusalCode.RESTRICTED: language.text("held back while something is disputed"),
        RefusalCode.ERASED: language.text("asked to be forgotten"),
        RefusalCode.SNOOZED: language.text("asked for a pause"),
        RefusalCode.FREQUENCY: language.text("wants letters less often"),
        RefusalCode.OTHER_TOPIC: language.text("chose other topics"),
        RefusalCode.LIST_INACTIVE: language.text("the list is no longer in use"),
        RefusalCode.PURPOSE_MISMATCH: language.text("said yes to something else"),
        RefusalCode.CATEGORY_DISSIMILAR: language.text("bought something else than this letter is about"),
        RefusalCode.PROFILE_FORBIDS_BASIS: language.text("the rules of the list ask for more"),
        RefusalCode.MISSING_SECOND_CONSENT: language.text("did not give the second yes that the rules ask for"),
        RefusalCode.AGE_NOT_STATED: language.text("did not say that they are old enough"),
        RefusalCode.TEXT_UNPUBLISHED: language.text("the text of their consent was not published"),
        RefusalCode.NO_SMTPUTF8: language.text("the mail server cannot carry their address"),
        RefusalCode.INVENTED: language.text("made up for the demo"),
        RefusalCode.LEDGER_FORKED: language.text("a restored copy must be checked first"),
        RefusalCode.GRANT_EXPIRED: language.text("waited too long to go out, so nothing was sent"),
        RefusalCode.GATE_ERROR: language.text("could not be decided, so nothing was sent"),
    }[code]


def never(reason: Reason) -> str:
    """Say why an address is never mailed."""
    return {
        Reason.UNSUBSCRIBED: language.text("unsubscribed"),
        Reason.OBJECTION: language.text("objected"),
        Reason.COMPLAINT: language.text("marked a letter as spam"),
        Reason.HARD_BOUNCE: language.text("the address does not exist"),
        Reason.ERASURE: language.text("asked to be forgotten"),
        Reason.MANUAL: language.text("added by hand"),
        Reason.LEGAL: language.text("for legal reasons"),
        Reason.NOT_ME: language.text("said “not me” to the confirmation mail"),
    }[reason]


def severity(degree: Severity) -> Said:
    """Say how bad a finding is."""
    return {
        Severity.BLOCK: Said(language.text("Blocks sending"), "bad"),
        Severity.ERROR: Said(language.text("Mend this"), "bad"),
        Severity.WARN: Said(language.text("Better so"), "warn"),
        Severity.INFO: Said(language.text("Good to know")),
        Severity.UNKNOWN: Said(language.text("Not known"), "warn"),
    }[degree]


def verdict(record: Verdict) -> Said:
    """Say how a DNS record stands."""
    return {
        Verdict.RIGHT: Said(language.text("Right"), "good"),
        Verdict.WRONG: Said(language.text("Wrong"), "bad"),
        Verdict.UNKNOWN: Said(language.text("Unknown"), "warn"),
        Verdict.ADVICE: Said(language.text("Worth doing")),
    }[record]
