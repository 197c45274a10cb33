"""Alerts: a web server of the owner's is posted what stands still, signed, until it takes it; and that it is over."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.jobs import alerting
from listkeeper.sending import incident, watch
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.watch import Facts, Seen
from listkeeper.settings import Settings, read
from tests.fakes import provider
from tests.fakes.provider import Asked, Provider, resets, says
from tests.makers.works import Works

K = IncidentKind
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def pager() -> Iterator[Provider]:
    """The owner's own web server."""
    with provider.running(says(204)) as there:
        yield there


@pytest.fixture
def settings(settings: Settings, pager: Provider) -> Settings:
    """Settings that name it."""
    named = {"alert_url": f"{pager.origin}/hooks/cafe?room=kitchen", "alert_secret": SECRET}
    return settings.model_copy(update=named | {"private_hosts": ("127.0.0.1",)})


def _stands(works: Works, *kinds: IncidentKind) -> None:
    facts: dict[IncidentKind, Facts] = {
        K.CAMPAIGN_STUCK: {"letters": ["For anna@reader.example"], "minutes": 11},
        K.DISK_LOW: {"megabytes": 900, "least": 200},
    }

    def act(session: Session, _house: object) -> None:
        watch.write_down(session, Seen({kind: facts[kind] for kind in kinds}, frozenset()))

    works.write(act)


def _tell(works: Works) -> None:
    with works.app.app_context():
        alerting.tell()


def _checked(asked: Asked) -> tuple[str, str]:
    """Check a post as its receiver would; return what it says, and by what name."""
    assert asked.path == "/hooks/cafe?room=kitchen"
    name, second = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    made = hmac.digest(KEY, f"{name}.{second}.".encode() + asked.body, "sha256")
    assert asked.headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"
    assert abs(int(second) - clock.now().timestamp()) < 60
    return asked.fields["type"], name


def test_what_stands_is_posted_once_and_so_is_that_it_is_over(works: Works, pager: Provider) -> None:
    _tell(works)
    assert pager.asked == []
    _stands(works, K.CAMPAIGN_STUCK)
    for _ in range(2):
        _tell(works)
    [asked] = pager.asked
    assert _checked(asked)[0] == "incident.stands"
    said = asked.fields["data"]
    assert (said["kind"], said["stops"], said["closed_at"]) == ("campaign_stuck", True, None)
    assert said["words"].startswith("A letter stands still")
    assert said["queue_url"] == "http://localhost:8025/studio/queue"
    # What a letter is called may hold an address, and no address leaves with an alert.
    assert b"anna" not in asked.body
    assert b"cafe.example" not in asked.body
    _stands(works)
    for _ in range(2):
        _tell(works)
    assert [_checked(each)[0] for each in pager.asked] == ["incident.stands", "incident.over"]
    assert pager.asked[1].fields["data"]["closed_at"] is not None


def test_what_is_not_taken_is_tried_again_under_its_name_until_it_is(works: Works, pager: Provider) -> None:
    pager.then(says(500, {}), resets, says(302, {}), says(410, {}))
    _stands(works, K.CAMPAIGN_STUCK, K.DISK_LOW)
    for number in range(1, 5):
        _tell(works)
        # The second waits for the first: they come in their order.
        assert len(pager.asked) == number
    _tell(works)
    _tell(works)
    names = [_checked(asked)[1] for asked in pager.asked]
    assert len(names) == 6
    assert len(set(names[:5])) == 1
    assert names[5] != names[4]


def test_a_server_that_is_gone_or_private_costs_nothing_but_a_line_in_the_log(
    works: Works, pager: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stands(works, K.DISK_LOW)
    for changed in ({"private_hosts": ()}, {"alert_url": "http://127.0.0.1:1/"}):
        with monkeypatch.context() as patched:
            there = parts.settings().model_copy(update=changed)
            patched.setattr(parts, "settings", lambda there=there: there)
            _tell(works)
    assert pager.asked == []
    _tell(works)
    assert len(pager.asked) == 1


def test_it_is_told_anew_as_often_as_the_owners_are_and_old_news_is_none(
    frozen_clock: time_machine.Traveller, works: Works, pager: Provider
) -> None:
    _stands(works, K.DISK_LOW)
    _tell(works)
    frozen_clock.shift(watch.TOLD_AGAIN - timedelta(minutes=1))
    _stands(works, K.DISK_LOW)
    _tell(works)
    assert len(pager.asked) == 1
    frozen_clock.shift(timedelta(minutes=2))
    _stands(works, K.DISK_LOW)
    _tell(works)
    assert [asked.fields["type"] for asked in pager.asked] == ["incident.stands"] * 2
    assert len({asked.headers["webhook-id"] for asked in pager.asked}) == 2
    works.write(lambda session, _house: incident.over(session, K.DISK_LOW))
    frozen_clock.shift(watch.TOLD_AGAIN + timedelta(minutes=1))
    _tell(works)
    assert len(pager.asked) == 2


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("https://pager.example/x", None, "alert_secret"),
        ("http://pager.example/x", SECRET, "no web address"),
        ("https://me:word@pager.example/x", SECRET, "no web address"),
        ("https://pager.example/x", "changeme", "base64"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_in_words_without_the_secret(
    url: str, secret: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTKEEPER_ALERT_URL", url)
    if secret is not None:
        monkeypatch.setenv("LISTKEEPER_ALERT_SECRET", secret)
    with pytest.raises(Invalid) as refused:
        read()
    assert words in refused.value.message
    assert secret is None or secret not in refused.value.message
