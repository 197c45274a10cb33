"""Settings: what is wrong with them is said at once and whole; what follows from them follows."""

from __future__ import annotations

from pathlib import Path

import pytest

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
