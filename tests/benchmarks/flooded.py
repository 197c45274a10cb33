"""A running instance under a flood: posts from any network, the page each got, and what the database says of them."""

from __future__ import annotations

import html
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import redis
from rq import Queue
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import ScalarSelect, func, select, update
from sqlalchemy.engine import Engine

from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard import breaker
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation import clock
from tests.fakes import headless, running_up
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import proof_of_work

_HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"')
_CHALLENGE = re.compile(r'data-challenge="([^"]+)"')
_WATCH = "listkeeper.jobs.housekeeping.watch_forms"
_PATIENCE = 60.0
_FURTHER_TRIES = 2
# Nobody in this world was seen twice: brakes that were reached earlier in the run say nothing about them.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stranger:
    """Somebody with a network, an address and a mail domain that nobody else has."""

    network: str
    address: str


def stranger(name: str = "person") -> Stranger:
    """Return somebody new."""
    number = next(_numbers)
    return Stranger(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", f"{name}@guest-{number}.example")


@dataclass(frozen=True)
class Page:
    """What a post got back."""

    body: str
    typed: str

    @property
    def fields(self) -> dict[str, str]:
        """Everything that the page sends along."""
        return {name: html.unescape(value) for name, value in _HIDDEN.findall(self.body)}

    @property
    def challenge(self) -> dict[str, str | int] | None:
        """What one more step asks a browser to find; None on every other page."""
        found = _CHALLENGE.search(self.body)
        return json.loads(html.unescape(found[1])) if found else None

    @property
    def face(self) -> str:
        """What a person sees of it, but for her own address."""
        return " ".join(re.sub(r'value="[^"]*"', "", self.body).replace(self.typed, "").split())


@dataclass
class Flooded:
    """The instance; one form of it is flooded at a time."""

    port: int
    engine: Engine
    sink: SmtpSink
    bell: redis.Redis
    slug: str = ""

    def look(self, who: Stranger) -> Page:
        """Open the form's page."""
        return self._asked("GET", who, None)

    def post(self, who: Stranger, **fields: str) -> Page:
        """Post the form; ``fields`` are what its page sent along, where it was posted from a page."""
        return self._asked("POST", who, {"key": f"k{next(_numbers)}", "v": "1"} | fields | {"email": who.address})

    def press(self, who: Stranger, between: Page) -> Page:
        """Press the button of the page in between, as a browser without scripts does."""
        return self.post(who, **between.fields)

    def work(self, who: Stranger, between: Page) -> Page:
        """Do the sum of the page in between, as its script does."""
        challenge = between.challenge
        assert challenge is not None, "the page asks for no sum"
        return self.post(who, **between.fields | {"altcha": proof_of_work.solved(challenge)})

    def answer(self, path: str, who: Stranger) -> None:
        """Press the button behind a link of a mail."""
        self._send("POST", path, who, b"")

    def _asked(self, method: str, who: Stranger, fields: dict[str, str] | None) -> Page:
        body = urlencode(fields).encode() if fields is not None else None
        return Page(self._send(method, f"/f/{self.slug}", who, body), who.address)

    def _send(self, method: str, path: str, who: Stranger, body: bytes | None) -> str:
        """Ask, and ask again where nothing was changed: a busy machine says so, and the key makes two posts one."""
        status, text = self._sent(method, path, who, body)
        for _ in range(_FURTHER_TRIES):
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                status, text = self._sent(method, path, who, body)
        if status != HTTPStatus.OK:
            raise SystemExit(f"{method} {path} was answered with {status}")
        return text

    def _sent(self, method: str, path: str, who: Stranger, body: bytes | None) -> tuple[int, str]:
        here = f"localhost:{self.port}"
        headers = {"Host": here, "User-Agent": "Mozilla/5.0 (flood)", "X-Forwarded-For": who.network}
        if body is not None:
            headers |= {"Origin": f"http://{here}", "Content-Type": "application/x-www-form-urlencoded"}
        wire = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        with closing(wire):
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            return answer.status, answer.read().decode()

    def decisions(self) -> Counter[SignupDecision]:
        """Return how many posts of the form became what."""
        query = select(Signup.decision, func.count()).where(Signup.form_version_id.in_(self._versions()))
        with self.engine.connect() as connection:
            return Counter({row[0]: row[1] for row in connection.execute(query.group_by(Signup.decision))})

    def settled(self) -> Counter[SignupDecision]:
        """Return the same once no post waits to be decided any more."""
        running_up.until(lambda: not self.decisions()[SignupDecision.WAITING], _PATIENCE)
        return self.decisions()

    def mailed(self, who: Stranger) -> str:
        """Wait for the mail that asks somebody, and return the path of its link."""
        running_up.until(lambda: bool(self.sink.to(who.address)), _PATIENCE)
        return "/c/" + headless.link_in(self.sink.to(who.address)[0], "/c/").rpartition("/")[2]

    def refuse(self, name: str) -> None:
        """Let the mail server say for good that nobody of this name has a mailbox."""
        self.sink.script("RCPT", "550 5.1.1 There is nobody of that name", to=f"{name}@")

    def bounced(self) -> int:
        """Return how many questions of the form were refused by a mail server."""
        return self._count(Confirmation.bounced_at.is_not(None))

    def until_bounced(self, count: int) -> None:
        """Wait until so many of them came back."""
        running_up.until(lambda: self.bounced() >= count, _PATIENCE)

    def confirmed(self) -> int:
        """Return how many questions of the form were answered with yes."""
        return self._count(Confirmation.used_at.is_not(None))

    def _count(self, which: object) -> int:
        query = select(func.count()).where(Confirmation.form_version_id.in_(self._versions()), which)  # type: ignore[arg-type]
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def ripen(self) -> None:
        """Make the form's questions as old as they are when the breaker counts them."""
        older = clock.now() - breaker.RIPE - timedelta(minutes=1)
        ripe = update(Confirmation).where(Confirmation.form_version_id.in_(self._versions()))
        with self.engine.execution_options(listkeeper_writes=True).begin() as connection:
            connection.execute(ripe.values(created_at=older))

    def watched(self) -> tuple[str, str] | None:
        """Let the timetable's watch over the forms happen now; return how this form is defended since, and why."""
        job = Queue("urgent", connection=self.bell, serializer=JSONSerializer).enqueue(_WATCH, result_ttl=60)
        running_up.until(lambda: job.get_status() in {JobStatus.FINISHED, JobStatus.FAILED}, _PATIENCE)
        assert job.get_status() is JobStatus.FINISHED, "the watch over the forms failed"
        query = select(SignupDefence.stage, SignupDefence.reason).join(SignupForm)
        with self.engine.connect() as connection:
            row = connection.execute(query.where(SignupForm.slug == self.slug)).first()
        return (row[0].value, row[1].value) if row else None

    def _versions(self) -> ScalarSelect[int]:
        return select(SignupFormVersion.id).join(SignupForm).where(SignupForm.slug == self.slug).scalar_subquery()


@contextmanager
def running(data: Path, database: Database, sink: SmtpSink, port: int, settings: dict[str, str]) -> Iterator[Flooded]:
    """Start the instance with these settings; all of its mail ends in the sink, and one proxy before it is trusted."""
    told = {
        "smtp_url": sink.url, "proxies": "1", "workers": "1", "check_mail_domains": "false", "check_links": "false",
        "log_level": "WARNING",
    } | ({"database_url": database.url} if database.setting else {})  # fmt: skip
    engine = database.engine()
    with (
        running_up.up(data, port=port, **told | settings),
        redis.Redis(unix_socket_path=str(data / "run" / "queue.sock")) as bell,
    ):
        try:
            yield Flooded(port, engine, sink, bell)
        finally:
            engine.dispose()


def wait_for_a_whole_hour(seconds: float) -> None:
    """Begin no walk that the clock would cut in two: the brakes count by the hour, and from its beginning."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        time.sleep(left + 1)
