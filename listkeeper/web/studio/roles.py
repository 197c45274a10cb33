"""What an editor may open; everything else in the studio is for owners.

The list is of what is allowed, so that a new page is shut for editors until
somebody writes it here. An editor writes and sends letters, sees people and
lists, answers who writes, and has keys of their own. No evidence, no file of people, no setting.
"""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.foundation.errors import Forbidden

FOR_EDITORS = frozenset(
    {
        "home.show",
        # What the numbers are is chosen by owners; anybody may act on them.
        "board.show",
        "board.count_again",
        "board.act_on",
        "board.note",
        "board.mail",
        "letters.show",
        "letters.begin",
        "letters.choose",
        "composer.show",
        "letter_document.show",
        "letter_feed.read_again",
        "letter_document.change_one",
        "letter_document.save",
        "letter_document.change",
        "letter_document.all_revisions",
        "letter_document.revision",
        "composer.check",
        "composer.see",
        "test_send.send",
        "pictures.show",
        "pictures.bring",
        "pictures.describe",
        "pictures.remove",
        "snippets.show",
        "snippets.keep",
        "snippets.rename",
        "snippets.remove",
        # Who mends it tells people about it.
        "notices.show",
        "notices.write",
        "notices.look",
        "notices.begin",
        "notices.show_one",
        "notices.look_again",
        "notices.tell",
        "notices.see",
        "departure.look",
        "departure.send",
        "departure.work_out",
        "departure.progress",
        "letter_archive.choose",
        "doubts.show",
        "doubts.settle",
        "steering.undo",
        "steering.send_now",
        "steering.reschedule",
        "steering.pause",
        "steering.resume",
        "steering.release",
        "steering.choose",
        "steering.cancel",
        "steering.retry",
        "departure.cancel",
        "report.show",
        "report.see",
        "report.download",
        "queue.show",
        # What came back; what was a mistake, an owner mends.
        "bounces.show",
        "bounces.of_letter",
        "follow_ups.show",
        "follow_ups.begin",
        "follow_ups.show_one",
        "follow_ups.rules",
        "follow_ups.add",
        "follow_ups.step",
        "follow_ups.switch",
        "skipped.send_later",
        "welcome.show",
        "welcome.see",
        "welcome.see_text",
        "welcome.begin",
        "welcome.switch_on",
        "welcome.switch_off",
        "lists.show",
        "lists.show_one",
        "segments.show",
        "segments.begin",
        "segments.build",
        "segments.show_one",
        "segments.act",
        "trust.show",
        "people.show",
        "conversations.show",
        "conversations.show_one",
        "conversations.answer",
        "conversations.mark",
        "conversations.done",
        "conversations.set_aside",
        "conversations.open_again",
        # The second pair of eyes sees no evidence itself.
        "evidence.release",
        # Their own keys, and the way out.
        "security.show",
        "security.sign_out_everywhere",
    }
)
# The login library's pages about a user's own keys.
_OWN_KEYS = "key."


def demand(endpoint: str, *, owns: bool) -> None:
    """Raise Forbidden when this page is not for an editor, and an editor asks for it."""
    if not owns and endpoint not in FOR_EDITORS and not endpoint.startswith(_OWN_KEYS):
        raise Forbidden("owners_only", language.text("Only an owner of this studio may do this. Nothing was changed."))
