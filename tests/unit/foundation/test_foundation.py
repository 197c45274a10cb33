"""What every chapter stands on: time, ids, keys, tokens, languages, logs."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import structlog
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, insert, select
from sqlalchemy.engine import Engine

from listkeeper.foundation import clock, columns, ids, keys, language, log, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, ListkeeperError, NotFound, TryAgain
from tests.fakes.databases import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PURPOSES = ("unsubscribe", "undo-unsubscribe", "preferences", "web-view")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An opened key folder of this test's own."""
    made = tmp_path / "keys"
    keys.open_folder(made)
    return made


# Time


def test_now_is_aware_utc(frozen_clock: time_machine.Traveller) -> None:
    assert clock.now() == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert clock.now().utcoffset() == timedelta(0)


@given(
    st.timedeltas(timedelta(0), timedelta(days=100_000)).map(lambda passed: datetime(1970, 1, 1, tzinfo=UTC) + passed)
)
def test_milliseconds_and_text_are_the_same_moment(moment: datetime) -> None:
    whole = clock.in_milliseconds(moment)
    text = clock.as_text(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whole)
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_no_millisecond_is_lost_to_a_fraction() -> None:
    second = datetime(1974, 5, 5, 7, 7, 7, tzinfo=UTC)
    whole = [clock.in_milliseconds(second + timedelta(milliseconds=number)) for number in range(1_000)]
    assert whole == list(range(whole[0], whole[0] + 1_000))


def test_text_is_utc_wherever_it_was_noon() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert clock.as_text(noon) == "2026-06-01T10:00:00.000Z"


@pytest.mark.usefixtures("clock_put_right")
@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(seconds=3)])
def test_a_wrong_clock_is_corrected_and_a_right_one_again_is_not(ahead: timedelta) -> None:
    with time_machine.travel(NOON + ahead, tick=False) as traveller:
        assert clock.now() == NOON + ahead
        assert clock.go_by(NOON, clock.of_machine()) == ahead
        assert clock.now() == NOON
        # It runs on, corrected, until it is looked at again.
        traveller.shift(60)
        assert clock.now() == NOON + timedelta(seconds=60)
        traveller.move_to(NOON)
        assert clock.go_by(NOON, clock.of_machine()) == timedelta(0)
        assert clock.now() == NOON


@pytest.mark.usefixtures("clock_put_right")
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1.9), timedelta(seconds=-1.9)])
def test_a_small_difference_is_none(ahead: timedelta) -> None:
    with time_machine.travel(NOON + ahead, tick=False):
        assert clock.go_by(NOON, clock.of_machine()) == timedelta(0)
        assert clock.now() == NOON + ahead


def test_a_moment_comes_back_from_the_database_as_it_went_in(database: Database, engine: Engine) -> None:
    table = Table("moment", MetaData(), Column("at", UtcDateTime))
    written = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"at": written}, {"at": None}])
        read = connection.execute(select(table.c.at)).scalars().all()
        assert read == [written, None]
        assert read[0].tzinfo is UTC
        assert connection.execute(select(table.c.at).where(table.c.at > written - timedelta(microseconds=1))).all()


def test_a_moment_without_a_zone_is_not_stored() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001


# Ids and errors


def test_ids_are_prefixed_random_and_safe_everywhere() -> None:
    made = {ids.new("cmp") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"cmp_[0-9a-hjkmnp-tv-z]{20}", one) for one in made)
    assert re.fullmatch(r"[0-9a-f]{32}", ids.subject_reference())
    assert columns.public_id("sub").column.type.length == 40  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Invalid, NotFound, Conflict, Forbidden, TryAgain])
def test_an_error_has_a_code_and_a_sentence(kind: type[ListkeeperError]) -> None:
    error = kind("no_list", "There is no such list.")
    assert (error.code, error.message, str(error)) == ("no_list", "There is no such list.", "There is no such list.")


# Keys


def test_a_first_start_makes_a_key_for_its_owner_alone(folder: Path) -> None:
    (made,) = folder.iterdir()
    assert made.name == "master-1.key"
    assert len(made.read_bytes()) == 32
    assert (made.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_second_start_reads_the_same_key(folder: Path) -> None:
    before = keys.secret("x")
    keys.open_folder(folder)
    assert keys.secret("x") == before


@pytest.mark.parametrize("damage", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_key_stops_the_start(folder: Path, damage: bytes) -> None:
    (folder / "master-1.key").write_bytes(damage)
    with pytest.raises(Invalid) as refused:
        keys.open_folder(folder)
    assert refused.value.code == "key_damaged"


def test_a_key_without_a_number_stops_the_start(folder: Path) -> None:
    (folder / "master-copy.key").write_bytes(b"x" * 32)
    with pytest.raises(Invalid):
        keys.open_folder(folder)


def test_no_two_uses_share_a_secret(folder: Path) -> None:
    secrets = [keys.secret(purpose) for purpose in ("a", "b", "token:a", "suppression:1", "suppression:2")]
    secrets += [bytes.fromhex(keys.session_secret()), bytes.fromhex(keys.password_salt())]
    assert len(set(secrets)) == len(secrets)
    assert {len(secret) for secret in secrets} == {32}


def _drawn(number: int) -> bytes:
    """Return 32 bytes that look like chance, and are the same each time."""
    return hashlib.sha256(bytes([number])).digest()


def test_a_rotated_master_key_keeps_what_was_made_before(folder: Path) -> None:
    sealed, token = keys.seal("dkim", b"private"), signing.token("unsubscribe", 7)
    peppers, salt = keys.suppression(1), keys.password_salt()
    # Ten comes after nine, not after one.
    for number in range(2, 11):
        (folder / f"master-{number}.key").write_bytes(_drawn(number))
    keys.open_folder(folder)
    assert keys.unseal("dkim", sealed) == b"private"
    assert signing.read("unsubscribe", token) == 7
    assert signing.token("unsubscribe", 7) != token
    assert keys.suppression(1)[-1:] == peppers
    assert len(keys.suppression(1)) == 10
    assert keys.password_salt() == salt
    assert keys.secret("x") == keys._derive(_drawn(10), "x")  # noqa: SLF001 - the newest is the tenth


def test_what_is_sealed_opens_for_its_purpose_alone(folder: Path) -> None:
    sealed = keys.seal("dkim", b"private")
    assert b"private" not in sealed
    assert keys.seal("dkim", b"private") != sealed
    for purpose, broken in (("dkim", sealed[:-1]), ("dkim", b"\x00" + sealed[1:]), ("totp", sealed), ("dkim", b"")):
        with pytest.raises(Invalid):
            keys.unseal(purpose, broken)


def test_without_an_opened_folder_there_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_ring", [])
    with pytest.raises(RuntimeError):
        keys.secret("x")


# Tokens


@given(number=st.integers(0, 2**63 - 1), purpose=st.sampled_from(PURPOSES))
def test_a_token_is_read_by_its_own_purpose_alone(tmp_path: Path, number: int, purpose: str) -> None:
    keys.open_folder(tmp_path / "keys")
    token = signing.token(purpose, number)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    assert [signing.read(other, token) for other in PURPOSES] == [
        number if other == purpose else None for other in PURPOSES
    ]


def test_every_flipped_bit_makes_a_token_nobody_s(folder: Path) -> None:
    raw = base64.urlsafe_b64decode(signing.token("unsubscribe", 5))
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert signing.read("unsubscribe", base64.urlsafe_b64encode(bytes(flipped)).decode()) is None


@given(st.text(max_size=60))
def test_whatever_is_sent_as_a_token_is_read_or_is_not(tmp_path: Path, text: str) -> None:
    keys.open_folder(tmp_path / "keys")
    assert signing.read("unsubscribe", text) is None


def test_derived_secrets_can_be_made_again_and_not_guessed(folder: Path, tmp_path: Path) -> None:
    secret, code = signing.derived("confirmation", "seed"), signing.derived_code("confirmation", "seed")
    assert (secret, code) == (signing.derived("confirmation", "seed"), signing.derived_code("confirmation", "seed"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", secret)
    assert re.fullmatch(r"\d{6}", code)
    assert secret not in {signing.derived("confirmation", "seed2"), signing.derived("visit", "seed")}
    assert len({signing.derived_code("confirmation", str(number)) for number in range(200)}) > 190
    keys.open_folder(tmp_path / "other")
    assert secret != signing.derived("confirmation", "seed")


def test_digests_and_comparison(folder: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", signing.digest("x"))
    assert signing.keyed_digest("a", "123456") != signing.keyed_digest("b", "123456") != signing.digest("123456")
    assert signing.same("abc", "abc")
    assert not signing.same("abc", "abd")
    assert not signing.same("abc", "ab")


# Languages


@pytest.mark.parametrize(
    ("code", "spoken"),
    [
        ("da", "da"), ("da-DK", "da"), ("DA_dk", "da"), ("no", "nb"), ("nn-NO", "nb"), ("nb", "nb"), ("de-AT", "de"),
        ("fr", "en"), ("", "en"), (None, "en"), ("en-GB", "en"), ("x" * 500, "en"),
    ],
)  # fmt: skip
def test_a_language_we_speak_or_english(code: str | None, spoken: str) -> None:
    assert language.known(code) == spoken
    with language.using(code):
        assert language.current() == spoken


@pytest.mark.parametrize(
    ("header", "spoken"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", "da"), ("fr,sv;q=0.5", "sv"), ("en-US,en;q=0.9,da", "en"), ("fr,it", "en"),
        ("", "en"), (",,;q=1,pl", "pl"), ("*", "en"),
    ],
)  # fmt: skip
def test_what_a_browser_asks_for(header: str, spoken: str) -> None:
    assert language.best_of(header) == spoken


def test_a_language_is_spoken_within_its_block_only() -> None:
    with language.using("da"):
        with language.using("ru"):
            assert language.current() == "ru"
        assert language.current() == "da"
        with pytest.raises(KeyError), language.using("pl"):
            raise KeyError
        assert language.current() == "da"
    assert language.current() == language.DEFAULT


def test_places_in_sentences_are_filled() -> None:
    assert language.text("%(one)s and %(two)s", one=1, two="%d") == "1 and %d"
    assert language.text("100 %") == "100 %"
    assert language.counted("%(number)s person", "%(number)s people", 1) == "1 person"
    assert language.counted("%(number)s person", "%(number)s people", 3) == "3 people"
    assert language.direction("da") == "ltr"
    assert "2026" in language.moment(datetime(2026, 11, 23, 8, tzinfo=UTC))


# Logs


@pytest.fixture
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_addresses_are_masked_and_the_rest_is_not() -> None:
    text = "550 <a.b+c@x.example>: nobody, (d@y.example) 'e@z' 12:30 @home mail@"
    assert log.mask(text) == "550 <<address>>: nobody, (<address>) '<address>' 12:30 @home mail@"


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize("as_json", [True, False])
def test_no_value_of_any_shape_leaks_an_address(capfd: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    log.configure("DEBUG", as_json=as_json)
    her = "freja@guest.example"
    shapes = {
        "text": her, "many": [her, {"to": (her,)}], "mapping": {her: her}, "group": {her}, "fault": ValueError(her),
        "thing": Path(f"run/{her}"), "raw": her.encode(), "count": 3, "none": None,
    }  # fmt: skip
    log.get("test").info("test.said", **shapes)
    try:
        int(her)
    except ValueError:
        log.get("test").exception("test.failed")
        logging.getLogger("library").exception("cannot reach %s", her)
    said = capfd.readouterr().err
    assert "freja" not in said
    assert said.count("<address>") >= 8
    if as_json:
        line = json.loads(said.splitlines()[0])
        assert (line["event"], line["count"], line["none"], line["level"]) == ("test.said", 3, None, "info")
        assert line["many"] == ["<address>", {"to": ["<address>"]}]


@pytest.mark.usefixtures("_logging")
def test_less_severe_lines_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("WARNING")
    log.get("test").info("test.said")
    log.get("test").warning("test.warned")
    logging.getLogger("library").info("said")
    said = capfd.readouterr().err
    assert "test.warned" in said
    assert "said" not in said
