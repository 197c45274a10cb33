"""A conversation with one mail server: who writes to whom, then the content, then the answer that decides.

Where the server takes commands in groups (RFC 2920), the content of one message
and the announcement of the next leave in one write, so that a message costs one
turn on the wire. Each command's reply is judged by itself, and whoever answers
out of step is hung up on: no reply may be taken for another message's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from listkeeper.sending.handing_over.smtp_line import HungUp, LineLost, SmtpLine
from listkeeper.sending.handing_over.smtp_turn import Turn
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply

_GOOD = range(200, 300)
_NO = range(400, 600)
_NEVER = range(500, 600)
_GO_ON = 354
_CLOSING = 421
_BAD_SEQUENCE = 503
# They say that we are not logged in (RFC 4954 section 6), which is no fault of this message.
_ABOUT_THE_LOGIN = frozenset({530, 534, 535, 538})
_RSET = b"RSET\r\n"
_DATA = b"DATA\r\n"
# A second message on a line shows that the line outlasts one; only then is the next announced ahead.
_TRUSTED_AFTER = 2


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds, and how much is asked of one line."""

    to_connect: float = 15.0
    for_a_reply: float = 120.0
    for_a_goodbye: float = 3.0
    # Servers hang up after some idle minutes: after a pause we ask before we trust the line.
    on_an_idle_line: float = 10.0
    # A server that took longer lately gets no message announced ahead: its grant would grow old.
    of_the_quick: float = 0.2
    # A message that was announced ahead begins within this time after the gate let it go, or waits again.
    of_a_grant: float = 1.0
    messages: int = 500


class Speed:
    """How long a server takes to answer: the longest wait of late, remembered over its lines."""

    def __init__(self) -> None:
        self.lately: float | None = None

    def note(self, seconds: float) -> None:
        """Take one more wait into account; an old one counts for less each time."""
        self.lately = max(seconds, 0.8 * (self.lately or 0.0))


class Conversation:
    """What is said on one line, message after message. Settles turns; raises nothing."""

    def __init__(
        self, line: SmtpLine, abilities: Mapping[str, str], patience: Patience, speed: Speed, *, chunks: bool = False
    ) -> None:
        self.line = line
        self.abilities = abilities
        self.open = True
        self.carried = 0
        self._patience = patience
        self._speed = speed
        self._in_groups = "pipelining" in abilities
        self._in_one_chunk = chunks and self._in_groups and "chunking" in abilities
        self._to_reset = False

    @property
    def may_announce_ahead(self) -> bool:
        """Whether the next message may be announced before the answer to this one is known."""
        quick = self._speed.lately is not None and self._speed.lately <= self._patience.of_the_quick
        return quick and self._in_groups and self.open and _TRUSTED_AFTER <= self.carried < self._patience.messages

    def word(self, turn: Turn) -> None:
        """Write down what this message needs on this line, or settle it; what was written for this line stays."""
        if turn.worded_for is not self.line and not turn.settled:
            turn.word_for(self.abilities, in_one_chunk=self._in_one_chunk)
            turn.worded_for = self.line

    def announce(self, turn: Turn) -> None:
        """Say who writes to whom; where commands go one by one, that happens as they are answered."""
        if self._in_groups:
            self.line.give(self._group(turn))
        elif self._to_reset:
            turn.commands.insert(0, _RSET)
        self._count(turn)

    def _group(self, turn: Turn) -> bytes:
        if self._to_reset:
            turn.commands.insert(0, _RSET)
        return b"".join(turn.commands)

    def _count(self, turn: Turn) -> None:
        turn.announced = True
        self.carried += 1
        self._to_reset = False

    def hear_answer(self, turn: Turn) -> None:
        """Hear what the server says to an announcement; settles the turn unless its content may follow.

        A turn on a line that had carried others, and ended there before this one had a chance, is left as it was: not
        announced.
        """
        heard: list[Reply] = []
        try:
            welcome = self._hear_all(turn.commands, heard)
        except LineLost as problem:
            self.hang_up()
            self._settle_lost(turn, heard, problem)
        else:
            if welcome:
                self._go_on(turn)
            else:
                self._settle_refused(turn, heard)
        self._speed.note(self.line.seconds_since_given)

    def _hear_all(self, commands: Sequence[bytes], heard: list[Reply]) -> bool:
        """Gather the replies to these commands; return whether all of them were what the message needs."""
        welcome = True
        for command in commands:
            if not self._in_groups:
                self.line.give(command)
            reply = self.line.hear()
            heard.append(reply)
            if not _welcome(command, reply):
                welcome = False
                # After 421 nothing more comes; one by one, the next command depends on this reply.
                if reply.code == _CLOSING or not self._in_groups:
                    break
        return welcome

    def _settle_lost(self, turn: Turn, heard: Sequence[Reply], problem: LineLost) -> None:
        no = _from_the_first_no(turn.commands, heard)
        if no and _in_step(no):
            turn.settle(_outcome(no[0][1]))
        elif isinstance(problem, HungUp) and not heard and self._had_others_before(turn):
            turn.announced = False
        else:
            turn.lost_before_its_content(str(problem))

    def _settle_refused(self, turn: Turn, heard: Sequence[Reply]) -> None:
        no = _from_the_first_no(turn.commands, heard)
        refusal, last = no[0][1], no[-1][1]
        if _in_step(no):
            turn.settle(_outcome(refusal))
            self._to_reset = True
            if _ends_the_line(refusal) or _ends_the_line(last):
                self.hang_up()
            elif last.code == _GO_ON:
                self._say_nothing()
            return
        self.hang_up()
        if _about_what_was_before(*no[0]) and self._had_others_before(turn):
            turn.announced = False
        else:
            turn.lost_before_its_content(f"the server answered {refusal.code}, which means nothing here")

    def _had_others_before(self, turn: Turn) -> bool:
        return self.carried > 1 and not turn.ahead

    def _go_on(self, turn: Turn) -> None:
        if self.line.spoke_ahead:
            # The answer to the content would already be there before the content is.
            self.hang_up()
            turn.lost_before_its_content("the server answered more than it was asked")
        elif turn.ahead and turn.age > self._patience.of_a_grant:
            # 354 obliges us to send; without it the transaction is forgotten.
            if self._in_one_chunk:
                self._to_reset = True
            else:
                self.hang_up()
            turn.settle(None)

    def _say_nothing(self) -> None:
        """End the content that a server asked for though it refused the recipient (RFC 2920 section 3.1).

        Whatever it answers, nobody was written to.
        """
        try:
            self.line.give(b".\r\n")
            closing = self.line.hear().code == _CLOSING
        except LineLost:
            closing = True
        if closing:
            self.hang_up()

    def say(self, turn: Turn, following: Turn | None) -> None:
        """Say the content, and in the same write announce the message that follows."""
        octets = turn.content
        if following is not None:
            # After a refused chunk only RSET makes sure of what comes next (RFC 3030 section 2).
            self._to_reset = self._in_one_chunk
            octets += self._group(following)
            following.ahead = True
            self._count(following)
        try:
            self.line.give(octets, turn.must)
        except LineLost as problem:
            # Without its end the server must not take the message (RFC 5321 section 4.1.1.4).
            self.hang_up()
            turn.settle(Deferred(Reply(0, f"connection lost during the message: {problem}")))

    def hear_result(self, turn: Turn, following: Turn | None) -> None:
        """Hear what became of the message whose content was said, and settle it."""
        try:
            reply = self.line.hear()
        except LineLost as problem:
            self.hang_up()
            turn.settle(InDoubt(f"connection lost after the message: {problem}"))
            return
        self._speed.note(self.line.seconds_since_given)
        if reply.code in _GOOD:
            turn.settle(Accepted(reply))
        elif reply.code in _NO:
            turn.settle(_outcome(reply))
            self._to_reset = following is None
        else:
            self.hang_up()
            turn.settle(InDoubt(f"the server answered {reply.code}, which means nothing here"))
        if _ends_the_line(reply):
            self.hang_up()

    def hang_up(self) -> None:
        """Close the line without a word."""
        self.open = False
        self.line.hang_up()


def _welcome(command: bytes, reply: Reply) -> bool:
    return reply.code == _GO_ON if command == _DATA else reply.code in _GOOD


def _from_the_first_no(commands: Sequence[bytes], heard: Sequence[Reply]) -> list[tuple[bytes, Reply]]:
    """Return what was answered from the first reply on that does not let the message go on."""
    return list(dropwhile(lambda said: _welcome(*said), zip(commands, heard, strict=False)))


def _in_step(no: Sequence[tuple[bytes, Reply]]) -> bool:
    """Whether these can be the replies to these commands, of which the first was refused.

    A server that refused somebody says no to what depends on it, or at most asks for a content for nobody.
    """
    if no[0][1].code == _CLOSING:
        return True
    if no[0][1].code not in _NO or _about_what_was_before(*no[0]):
        return False
    return all(reply.code in _NO or (command == _DATA and reply.code == _GO_ON) for command, reply in no)


def _about_what_was_before(command: bytes, reply: Reply) -> bool:
    """Whether a no speaks of the state the line was left in, not of this message."""
    return command == _RSET or (command.startswith(b"MAIL") and reply.code == _BAD_SEQUENCE)


def _outcome(reply: Reply) -> Outcome:
    """Return what a no means for its message; one about the login is no fault of the message."""
    for_good = reply.code in _NEVER and reply.code not in _ABOUT_THE_LOGIN
    return Rejected(reply) if for_good else Deferred(reply)


def _ends_the_line(reply: Reply) -> bool:
    return reply.code == _CLOSING or reply.code in _ABOUT_THE_LOGIN
