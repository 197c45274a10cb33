"""Settings: what is wrong with them is said at once and whole; what follows from them follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from listkeeper import settings
from listkeeper.foundation.errors import Invalid


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as said:
        settings.read(data=tmp_path, port=70_000, smtp_url="ftp://x", public_url="cafe.example", workers=0)
    assert said.value.code == "settings"
    named = [line.split(":")[0] for line in said.value.message.splitlines()]
    assert sorted(named) == ["LISTKEEPER_PORT", "LISTKEEPER_PUBLIC_URL", "LISTKEEPER_SMTP_URL", "LISTKEEPER_WORKERS"]


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(Invalid, match="is a file, not a folder"):
        settings.read(data=tmp_path / "data")


@pytest.mark.parametrize(
    ("smtp_url", "practice", "rehearsing"),
    [
        (None, True, True),
        ("smtp://127.0.0.1:2525", False, True),
        ("smtp://localhost:2525", False, True),
        ("smtp://user:secret@[::1]:587", False, True),
        ("smtp+starttls://mail.cafe.example", False, False),
        ("smtps://localhost.cafe.example", False, False),
    ],
)
def test_mail_stays_here_in_practice_mode_and_with_a_server_on_loopback(
    tmp_path: Path, smtp_url: str | None, *, practice: bool, rehearsing: bool
) -> None:
    read = settings.read(data=tmp_path, smtp_url=smtp_url)
    assert (read.practice, read.rehearsing) == (practice, rehearsing)


def test_a_pace_is_set_for_providers_that_exist(tmp_path: Path) -> None:
    assert settings.read(data=tmp_path).provider_pace == ()
    read = settings.read(data=tmp_path, provider_pace=" gmail=20, microsoft=2.5,other=1 ,")
    assert read.provider_pace == (("gmail", 20.0), ("microsoft", 2.5), ("other", 1.0))
    for wrong in ("gmial=20", "gmail", "gmail=fast", "gmail=0", "gmail=-1", "gmail=nan", "gmail=inf"):
        with pytest.raises(Invalid, match="LISTKEEPER_PROVIDER_PACE"):
            settings.read(data=tmp_path, provider_pace=wrong)


def test_the_site_is_where_people_reach_it(tmp_path: Path) -> None:
    assert settings.read(data=tmp_path, port=8111).site == "http://localhost:8111"
    assert settings.read(data=tmp_path, public_url="https://mail.cafe.example/").site == "https://mail.cafe.example"


def test_a_database_address_gets_the_driver_we_ship(tmp_path: Path) -> None:
    read = settings.read(data=tmp_path, database_url="postgres://a:b@db.example/lists")
    assert read.database == "postgresql+psycopg://a:b@db.example/lists"


def test_several_ways_are_read_and_stay_here_only_if_all_of_them_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTKEEPER_WAYS", "smtp://127.0.0.1:2525?weight=3  smtp://localhost:2526\n")
    read = settings.read(data=tmp_path)
    assert [(way.name, way.weight) for way in read.sending_ways] == [
        ("smtp:127.0.0.1:2525", 3),
        ("smtp:localhost:2526", 1),
    ]
    assert (read.practice, read.rehearsing) == (False, True)
    monkeypatch.setenv("LISTKEEPER_WAYS", "smtp://127.0.0.1:2525 postmark://sesame")
    read = settings.read(data=tmp_path)
    assert (read.practice, read.rehearsing) == (False, False)
    assert settings.read(data=tmp_path, ways=" ").practice


def test_no_secret_is_shown_with_the_settings_or_their_mistakes(tmp_path: Path) -> None:
    secrets = {
        "database_url": "postgresql://a:SESAME@db.example/lists", "redis_url": "redis://:SESAME@queue.example",
        "ways": "ses://AKID:SESAME@eu-west-1 postmark://SESAME smtp://a:SESAME@mail.example",
    }  # fmt: skip
    read = settings.read(data=tmp_path, **secrets)
    shown = f"{read!r} {read.sending_ways}"
    assert "SESAME" not in shown
    assert "ses:eu-west-1" in shown
    with pytest.raises(Invalid) as said:
        settings.read(data=tmp_path, smtp_url="smtp://a:SESAME@mail.example", ways=secrets["ways"], port=0)
    assert said.value.message.splitlines()[0].startswith("LISTKEEPER_WAYS: is set beside LISTKEEPER_SMTP_URL")
    assert [line.split(":")[0] for line in said.value.message.splitlines()] == ["LISTKEEPER_WAYS", "LISTKEEPER_PORT"]
    for wrong in ("ses://AKID:SESAME@Ireland", "postmark://SESAME?weight=x", "smtp://a:SESAME@mail.example:x"):
        with pytest.raises(ValidationError) as refused:
            settings.Settings(data=tmp_path, ways=wrong)
        assert "SESAME" not in str(refused.value)
