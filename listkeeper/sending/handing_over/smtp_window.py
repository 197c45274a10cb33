"""Many messages over one line, each pulled only when the line is ready for it.

While the server works on one message's content the next one is announced and
the one after that is written and signed, so that neither waits for the other.
At most one content is under way: a line that is lost leaves one doubt at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_conversation import Conversation, Patience
from listkeeper.sending.handing_over.smtp_turn import Turn
from listkeeper.sending.handing_over.transport import Outcome, TransportUnavailable


class Window:
    """The messages of one call: who is next, who was pulled already, and when a lost line is opened again."""

    def __init__(self, sealed: Iterator[Envelope], connected: Callable[[], Conversation], patience: Patience) -> None:
        self._sealed = sealed
        self._connected = connected
        self._patience = patience
        # Pulled, in this order; only the first of them may have been announced.
        self._held: deque[Turn] = deque()
        self._talk: Conversation
        self._unavailable: TransportUnavailable | None = None
        self._fault: Exception | None = None

    def steps(self) -> Iterator[tuple[int, Outcome | None] | None]:
        """Hand over one message after another; yield what came of each, and None where the server is waited for.

        See ``Transport.hand_over_each``. Whoever has another line may go on there before the next step.
        """
        self._talk = self._connected()
        while (turn := self._next()) is not None:
            yield from self._bring(turn)
            yield turn.envelope.delivery_id, turn.outcome
            if self._unavailable is not None:
                yield from ((held.envelope.delivery_id, None) for held in self._held)
                raise self._unavailable
        if self._fault is not None:
            raise self._fault

    def _next(self) -> Turn | None:
        """Return the message whose turn it is: one that was pulled ahead, or a new one once the line is open."""
        if not self._held or not self._held[0].announced:
            self._reopen()
        return self._held.popleft() if self._held else self._pull()

    def _reopen(self) -> None:
        try:
            self._talk = self._connected()
        except TransportUnavailable as problem:
            # Whether this matters is known once another message is there.
            self._unavailable = problem

    def _pull(self) -> Turn | None:
        try:
            envelope = next(self._sealed, None)
        except Exception as fault:  # noqa: BLE001 - told at the end: the answers that are still to come must be heard
            self._fault = fault
            return None
        if envelope is None:
            return None
        turn = Turn(envelope)
        self._talk.word(turn)
        return turn

    def _bring(self, turn: Turn) -> Iterator[None]:
        """Bring one message to its outcome, and others on their way behind it while the server is quick."""
        if not turn.announced and not turn.settled:
            self._begin(turn)
            yield
        if not turn.settled:
            self._talk.hear_answer(turn)
        if not turn.settled and not turn.announced:
            # The line had come to its end before this message: it gets another.
            self._reopen()
            self._begin(turn)
            if not turn.settled:
                self._talk.hear_answer(turn)
        if not turn.settled:
            yield from self._finish(turn)
        if not self._talk.open and self._held and self._held[0].announced:
            self._held[0].settle(None)

    def _begin(self, turn: Turn) -> None:
        if self._unavailable is not None or turn.age > self._patience.of_a_grant:
            turn.settle(None)
            return
        self._talk.word(turn)
        if not turn.settled:
            self._talk.announce(turn)
            self._pull_ahead()

    def _finish(self, turn: Turn) -> Iterator[None]:
        following = self._held[0] if self._held and self._may_follow(self._held[0]) else None
        self._talk.say(turn, following)
        if not turn.settled:
            self._pull_ahead()
            yield
            self._talk.hear_result(turn, following)

    def _may_follow(self, turn: Turn) -> bool:
        if not self._talk.may_announce_ahead or turn.age > self._patience.of_a_grant:
            return False
        self._talk.word(turn)
        return not turn.settled

    def _pull_ahead(self) -> None:
        """Pull one more while the server works, if it is quick: the message is written and signed meanwhile."""
        if self._talk.may_announce_ahead and (not self._held or self._held[-1].announced):
            pulled = self._pull()
            if pulled is not None:
                self._held.append(pulled)
