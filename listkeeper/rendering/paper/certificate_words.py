"""What the words of the ledger are called on paper, in the language of the certificate.

Every event, act and state has a sentence here; a test walks the enumerations.
A name that is in none of these tables is printed as it stands.
"""

from __future__ import annotations

from datetime import UTC, datetime

from listkeeper.foundation import clock, language


def moment(milliseconds: int) -> str:
    """Return a time to the millisecond, in UTC and saying so: ``2026-11-23 08:15:00.120 UTC``."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    return f"{clock.as_text(at)[:-1].replace('T', ' ')} UTC"


def day(milliseconds: int) -> str:
    """Return the date of a time in UTC, as ``2026-11-23``."""
    return moment(milliseconds)[:10]


def event(type_: str) -> str:
    """Say what happened."""
    return {
        "consent.requested": language.text("Asked for the letters"),
        "doi.handed": language.text("The confirmation mail was handed over"),
        "doi.accepted": language.text("The receiving server took the confirmation mail"),
        "doi.reminded": language.text("A reminder of the confirmation mail was sent"),
        "consent.given": language.text("Gave consent"),
        "consent.renewed": language.text("Renewed the consent"),
        "consent.narrowed": language.text("Narrowed the consent"),
        "consent.withdrawn": language.text("Withdrew the consent"),
        "consent.objected": language.text("Objected to advertising"),
        "consent.complained": language.text("Reported a letter as spam"),
        "consent.refused": language.text("Said “that was not me”"),
        "consent.expired": language.text("Never confirmed in time"),
        "consent.lapsed": language.text("The consent ran out"),
        "consent.invalidated": language.text("The consent was declared invalid"),
        **_of_counting(),
        "address.changed": language.text("Changed the address"),
        "subscriber.restricted": language.text("Processing was restricted"),
        "subscriber.unrestricted": language.text("The restriction ended"),
        "subscriber.erased": language.text("The personal data was erased"),
        "suppression.added": language.text("Put on the list of those never mailed"),
        "suppression.lifted": language.text("Taken off the list of those never mailed"),
        "import.batch": language.text("A list was imported"),
        "text.published": language.text("The consent text was published"),
        "notice.published": language.text("The privacy notice was published"),
        "form.published": language.text("The form was published"),
        "template.published": language.text("The text of the confirmation mail was published"),
        "list.tombstoned": language.text("The mailing list was deleted"),
        "list.merged": language.text("The mailing list became part of another one"),
        "retention.chosen": language.text("A time limit for the evidence was chosen"),
        "retention.shredded": language.text("Evidence was destroyed at the end of its time"),
        "recipient.notified": language.text("Others who got the data were told"),
        "evidence.exported": language.text("This evidence was handed out"),
        "key.rotated": language.text("The signing key was changed"),
        "clock.skew": language.text("The clock of the server ran behind"),
        "ledger.forked": language.text("The record was taken up again after a restored copy"),
    }.get(type_, type_)


def _of_counting() -> dict[str, str]:
    return {
        "tracking.given": language.text("Let the sender see what is done with the letters"),
        "tracking.withdrawn": language.text("Ended that it is seen what is done with the letters"),
        "tracking.counting_given": language.text("Let the letters be counted, without a name"),
        "tracking.counting_withdrawn": language.text("Ended that the letters are counted"),
    }


def method(act: str) -> str:
    """Say by which act it happened."""
    return {
        "": "",
        "form": language.text("by sending the sign-up form"),
        "button": language.text("by pressing the button on the confirmation page"),
        "code": language.text("by typing the six-digit code from the mail"),
        "one_click": language.text("by the unsubscribe button of the mail program"),
        "page": language.text("by pressing a button on our page"),
        "undo": language.text("by pressing “undo” on the unsubscribe page"),
        "operator": language.text("entered by the controller"),
        "api": language.text("sent by a program of the controller"),
        "mail": language.text("by a mail to the controller"),
        "report": language.text("reported by the mail provider"),
        "import": language.text("taken from an imported list"),
        "clock": language.text("because its time was over"),
        "journal": language.text("repeated after a copy was restored"),
        "demo": language.text("made up for the demo"),
    }.get(act, act)


def actor(who: str) -> str:
    """Say who did it; the reference of a user or a key stays beside the word."""
    kind, _, reference = who.partition(":")
    said = {
        "subscriber": language.text("the person"),
        "system": language.text("the server"),
        "user": language.text("a user of the studio"),
        "api": language.text("a program of the controller"),
        "import": language.text("an import"),
        "report": language.text("a report of the mail provider"),
        "cli": language.text("the controller, at the server"),
    }.get(kind, kind)
    return f"{said} ({reference})" if reference else said


def state(name: str) -> str:
    """Say how somebody stands to a list."""
    return {
        "pending": language.text("Not confirmed"),
        "confirmed": language.text("Consent in force"),
        "unsubscribed": language.text("Withdrawn"),
        "refused": language.text("Refused"),
        "expired": language.text("Never confirmed"),
        "bounced": language.text("Address does not work"),
        "complained": language.text("Complained"),
        "lapsed": language.text("Run out"),
        "imported_unverified": language.text("Imported without evidence, never mailed"),
    }.get(name, name)


def basis(name: str) -> str:
    """Say why letters may be sent."""
    return {
        "": language.text("none"),
        "none": language.text("none"),
        "consent": language.text("consent"),
        "soft_opt_in": language.text("existing customer, told of the way out when the address was collected"),
        "soft_opt_in_charity": language.text("supporter of a charity, told of the way out"),
        "implied_casl": language.text("implied consent for a limited time (Canada)"),
        "inferred_au": language.text("inferred consent (Australia)"),
    }.get(name, name)


def reason(name: str) -> str:
    """Say why an address is never mailed."""
    return {
        "unsub": language.text("unsubscribed"),
        "objection": language.text("objected to advertising"),
        "complaint": language.text("reported a letter as spam"),
        "hard_bounce": language.text("the address does not exist"),
        "erasure": language.text("asked to be forgotten"),
        "manual": language.text("entered by the controller"),
        "legal": language.text("for legal reasons"),
        "not_me": language.text("said “that was not me” to the confirmation mail"),
    }.get(name, name)


def scope(name: str, list_name: str) -> str:
    """Say what a suppression keeps away."""
    kind, _, what = name.partition(":")
    if kind == "list":
        return language.text("letters of the list “%(name)s”", name=list_name or what)
    if kind == "purpose":
        return language.text("letters for the purpose “%(name)s”", name=what)
    return {
        "all": language.text("every mail"),
        "marketing": language.text("all advertising"),
        "doi": language.text("confirmation mails"),
    }.get(name, name)


def fact(name: str) -> str:
    """Say what a piece of evidence is."""
    return {
        "address": language.text("Address"),
        "typed": language.text("Address as typed"),
        "old_address": language.text("Old address"),
        "new_address": language.text("New address"),
        "network": language.text("IP address"),
        "browser": language.text("Browser"),
        "origin": language.text("Page or site"),
        "page": language.text("Page"),
        "referrer": language.text("Came from"),
        "source": language.text("Source"),
        "shape": language.text("Kind of form"),
        "in_app": language.text("App it was opened in"),
        "challenge": language.text("Check against machines"),
        "message_id": "Message-ID",
        "reply": language.text("Answer of the receiving server"),
        "reply_code": language.text("Code of that answer"),
        "reply_text": language.text("Answer of the receiving server"),
        "queue_id": language.text("Number at the receiving server"),
        "handed_at": language.text("Handed over"),
        "accepted_at": language.text("Accepted"),
        "happened_at": language.text("Happened"),
        "received_at": language.text("Received"),
        "from": language.text("From"),
        "to": language.text("To"),
        "scope": language.text("What is kept away"),
        "reason": language.text("Reason"),
        "preset": language.text("Time limit"),
        "language": language.text("Language"),
        "version": language.text("Version"),
        "asked_at": language.text("Asked"),
        "second_text_sha256": language.text("Second text"),
        "attempt": language.text("Attempt"),
    }.get(name, name)


def claim(name: str) -> str:
    """Say what an imported row says; whatever it is, it is a claim."""
    said = {
        "requested_at": language.text("Request"),
        "requested_ip": language.text("IP address of the request"),
        "confirmed_at": language.text("Confirmation"),
        "confirmed_ip": language.text("IP address of the confirmation"),
        "consented_at": language.text("Consent"),
        "origin": language.text("Where"),
        "method": language.text("How"),
        "text": language.text("Under which words"),
        "basis": language.text("Basis"),
    }.get(name)
    return language.text("%(what)s, as claimed", what=said or fact(name))


def sent(state_: str) -> str:
    """Say what became of a message."""
    return {
        "accepted": language.text("accepted by the receiving server"),
        "bounced": language.text("accepted, then sent back"),
        "in_doubt": language.text("handed over, the answer was lost"),
    }.get(state_, state_)
