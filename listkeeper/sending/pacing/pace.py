"""Pace: how fast mail may leave, over one way, from one domain, to each receiver; shared by all workers.

A worker asks for a slot for each row of a block it holds. Rows whose slot is
not now come back to the queue, due at it, so that nobody sleeps, nobody holds a
lock, and one receiver's queue never stands in the way of another's. What
receivers answer slows their bucket down, shuts it for a while or lets it grow.

The buckets live in the queue server (``pace.lua``) and go by its clock, so a
machine whose own is wrong changes nothing. A server that lost its memory is
taught what the workers remember. While it is away, a worker goes on slowly by
itself (``pace_alone``): never a stop, and never without a limit.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import NoScriptError

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import SENDER_FAULT, ReplyClass
from listkeeper.foundation import clock, log
from listkeeper.sending.pacing.pace_alone import Alone
from listkeeper.sending.pacing.pace_news import NOTHING, Heard, Kind, Refusing

_SCRIPT = Path(__file__).with_name("pace.lua").read_text(encoding="utf-8")
_DIGEST = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_PULSE = "listkeeper:pace:pulse"
# Good news waits this long to be told with more of it; bad news does not.
_TOLD_EVERY = 1.0
# A server that did not answer is left alone for so many seconds: waiting for it would be a stop as well.
_LEFT_ALONE = 5.0
_log = log.get(__name__)
Row = tuple[int, str]
Memory = dict[str, float]


@dataclass(frozen=True)
class Day:
    """What a sending domain that is new may send today: ``rest`` is how many seconds are left of it."""

    name: str
    limit: int
    used: int
    rest: float


@dataclass(frozen=True)
class Limits:
    """How fast mail from ``domain`` may leave, in mails a second; 0 is without a limit.

    ``providers`` holds the rates by ``mail_provider``; "other" is for each receiver that is not named. Mail that
    somebody waits for (``urgent``) takes its share but does not queue for it.
    """

    domain: str
    transport: float = 0
    of_domain: float = 0
    providers: Mapping[str, float] = field(default_factory=dict)
    day: Day | None = None
    urgent: bool = False

    def of(self, provider: str) -> float:
        """Return the rate to one receiver."""
        return self.providers.get(provider, self.providers.get(mail_provider.OTHER, 0))

    @property
    def none(self) -> bool:
        """Whether nothing is limited beforehand."""
        return not (self.transport or self.of_domain or self.providers or self.day)


class Pace:
    """One process's way to the shared buckets, and what it remembers of them."""

    def __init__(self, *, later: float = 0.0) -> None:
        # Seconds by which the server's clock is taken to be ahead: tests let hours pass with it.
        self.later = later
        self._born = ""
        self._quiet: bytes | None = None
        self._states: dict[str, dict[str, Memory]] = {}
        self._heard: dict[str, dict[str, Counter[Kind]]] = {}
        self._classes: dict[tuple[str, str], Counter[ReplyClass]] = {}
        # The server's time at its last answer.
        self.now = clock.now()
        self._told_at = 0.0
        self._away_until = 0.0
        self._alone = Alone()

    def reserve(self, connection: redis.Redis | None, rows: Sequence[Row], limits: Limits) -> dict[int, datetime]:
        """Take a slot for each row (id and receiver); return when those come back that must wait. The others go now."""
        if not rows:
            return {}
        if connection is None or time.monotonic() < self._away_until:
            return self._alone.reserve(rows, limits, self._remembered(limits.domain))
        try:
            # One look a block is all it costs while nothing is limited and nobody complained.
            if limits.none and self._quiet is not None and connection.get(_PULSE) == self._quiet:
                return {}
            return self._reserve(connection, rows, limits)
        except redis.RedisError as problem:
            self._is_away(problem)
            return self._alone.reserve(rows, limits, self._remembered(limits.domain))

    def _reserve(self, connection: redis.Redis, rows: Sequence[Row], limits: Limits) -> dict[int, datetime]:
        names, asked = self._asked(rows, limits)
        answer = self._run(connection, "reserve", asked)
        if answer.get("forgot"):
            self._teach(connection)
            answer = self._run(connection, "reserve", asked | {"born": self._born})
        self._remember(limits.domain, names, answer)
        if not answer["waits"]:
            return {}
        now = answer["now"]
        return {
            row: datetime.fromtimestamp(now + wait, UTC)
            for (row, _), wait in zip(rows, answer["waits"], strict=True)
            if wait > 0
        }

    def _asked(self, rows: Sequence[Row], limits: Limits) -> tuple[dict[str, int], dict[str, Any]]:
        names: dict[str, int] = {}
        places = [names.setdefault(provider, len(names) + 1) for _, provider in rows]
        asked: dict[str, Any] = {
            "born": self._born,
            "domain": limits.domain,
            "transport": limits.transport,
            "of_domain": limits.of_domain,
            "urgent": limits.urgent,
            "providers": [(name, limits.of(name)) for name in names],
            "rows": places,
        }
        if limits.day is not None:
            day = limits.day
            asked["day"] = {"name": day.name, "limit": day.limit, "used": day.used, "rest": day.rest}
        return names, asked

    def give_back(self, connection: redis.Redis | None, rows: Sequence[Row], limits: Limits) -> None:
        """Give back the slots of rows that did not go after all; a server that is away has forgotten them anyway."""
        if not rows or connection is None or limits.none or time.monotonic() < self._away_until:
            return
        try:
            self._run(connection, "give_back", self._asked(rows, limits)[1])
        except redis.RedisError as problem:
            self._is_away(problem)

    def heard(self, limits: Limits, provider: str, kind: Kind, n: int = 1, said: ReplyClass | None = None) -> None:
        """Take in what came of ``n`` mails to a receiver; ``tell`` passes it on."""
        self._heard.setdefault(limits.domain, {}).setdefault(provider, Counter())[kind] += n
        if kind is not Kind.SENT:
            # Bad news is told at once.
            self._told_at = 0.0
        if said in SENDER_FAULT and said is not None:
            self._classes.setdefault((limits.domain, provider), Counter())[said] += n

    def tell(self, connection: redis.Redis | None, limits: Limits, *, now: bool = False) -> Heard:
        """Pass on what was heard of ``limits.domain``, if it is time to; return which queues are held or freed now."""
        if not self._heard or connection is None or not (now or time.monotonic() - self._told_at >= _TOLD_EVERY):
            return NOTHING
        heard = self._heard.pop(limits.domain, {})
        news = [
            {
                "provider": provider,
                "base": limits.of(provider),
                "judged": provider in mail_provider.TABLE,
                "n": {kind.value: counts[kind] for kind in Kind},
            }
            for provider, counts in heard.items()
        ]
        try:
            answer = self._run(connection, "hear", {"domain": limits.domain, "news": news}) if news else {}
        except redis.RedisError as problem:
            # The counts are lost with the server; what receivers say next is heard again.
            self._is_away(problem)
            return NOTHING
        self._told_at = time.monotonic()
        if not answer:
            return NOTHING
        self._remember(limits.domain, heard, answer)
        refusing = tuple(self._refusing(limits.domain, told) for told in answer["refusing"] or ())
        return Heard(refusing, tuple(answer["freed"] or ()))

    def _is_away(self, problem: redis.RedisError) -> None:
        _log.warning("pace.server_away", problem=type(problem).__name__)
        self._away_until = time.monotonic() + _LEFT_ALONE

    def _refusing(self, domain: str, told: Mapping[str, Any]) -> Refusing:
        said = self._classes.pop((domain, told["provider"]), Counter())
        return Refusing(
            told["provider"], int(told["faults"]), int(told["all"]), tuple(found for found, _ in said.most_common())
        )

    def hold(self, connection: redis.Redis, domain: str, provider: str) -> None:
        """Hold a receiver's queue, until a person or a trial frees it; holding twice is holding once."""
        self._run(connection, "hold", {"domain": domain, "provider": provider})

    def free(self, connection: redis.Redis, domain: str, provider: str) -> None:
        """Free a receiver's queue."""
        self._run(connection, "free", {"domain": domain, "provider": provider})

    def look(self, connection: redis.Redis) -> tuple[datetime, dict[tuple[str, str], Memory]]:
        """Return the server's time and each slowed bucket by (domain, receiver); those quiet for long are let go."""
        answer = self._run(connection, "look", {})
        found = {
            (domain, provider): bucket["state"]
            for bucket in answer["found"] or ()
            for _, domain, provider in (bucket["name"].split(":", 2),)
            if bucket["state"]
        }
        return datetime.fromtimestamp(answer["now"], UTC), found

    def _run(self, connection: redis.Redis, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        words = (verb, json.dumps(asked | {"later": self.later}))
        run: Any = connection
        try:
            said = run.evalsha(_DIGEST, 0, *words)
        except NoScriptError:
            said = run.eval(_SCRIPT, 0, *words)
        answer: dict[str, Any] = json.loads(said)
        if not answer.get("forgot"):
            self.now = datetime.fromtimestamp(answer.get("now", self.now.timestamp()), UTC)
            self._born = answer["born"]
            self._quiet = answer["pulse"].encode() if answer["pulse"].endswith(" 0") else None
        return answer

    def _remember(self, domain: str, names: Iterable[str], answer: Mapping[str, Any]) -> None:
        states = self._states.setdefault(domain, {})
        for name, state in zip(names, answer["known"] or (), strict=False):
            if state:
                states[name] = state
            else:
                states.pop(name, None)

    def closed(self, domain: str) -> set[str]:
        """Return the receivers that take nothing from a domain now, as far as this process heard: costs nothing."""
        now = self.now.timestamp()
        states = self._states.get(domain, {})
        return {name for name, state in states.items() if "held" in state or state.get("shut", 0.0) > now}

    def _remembered(self, domain: str) -> Mapping[str, Memory]:
        return self._states.get(domain, {})

    def _teach(self, connection: redis.Redis) -> None:
        """Tell a server that lost its memory what this process remembers of it."""
        _log.warning("pace.server_forgot", remembered=sum(map(len, self._states.values())))
        for domain, states in self._states.items():
            if states:
                self._run(connection, "teach", {"domain": domain, "states": states})
        if not any(self._states.values()):
            self._born = ""
