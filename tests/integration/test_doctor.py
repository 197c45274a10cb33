"""`listkeeper doctor` names what is missing and how to mend it, and leaves everything as it was."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listkeeper.cli.main import main
from listkeeper.foundation import keys
from tests.fakes import dns_server, provider, running_up
from tests.fakes.databases import Database
from tests.fakes.dns_server import DnsServer
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import SmtpSink

_ZONE = {"example.com": {"NS": ["ns.example.com."]}}
Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def names() -> Iterator[DnsServer]:
    """A name server on loopback: the doctor asks no other in these tests."""
    with dns_server.serving(_ZONE) as server:
        yield server


@pytest.fixture
def data(_no_settings_from_outside: None) -> Iterator[Path]:
    with running_up.short_folder() as folder:
        yield folder


def _typed(*words: str, **settings: str) -> tuple[int, str]:
    """Type a command line in this process; its exit code and standard output."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name, value in running_up.environment(**settings).items():
            patch.setenv(name, value)
        code = main.main(words, standalone_mode=False)
    assert err.getvalue() == ""
    assert isinstance(code, int)
    return code, out.getvalue()


def _doctor(data: Path, names: DnsServer, **settings: str) -> tuple[int, Findings]:
    settings = {"dns_server": names.address} | settings
    code, out = _typed("doctor", "--data", str(data), "--json", **settings)
    answer = json.loads(out)
    assert answer["healthy"] == (code == 0)
    for found in answer["findings"]:
        assert found["verdict"] == "right" or found["mend"] or found["verdict"] == "unknown", found
    return code, {found["code"]: found for found in answer["findings"]}


@pytest.mark.whole_program
def test_a_running_instance_is_well_and_a_missing_queue_is_named(data: Path, names: DnsServer) -> None:
    with running_up.up(data, workers="1") as running:
        until(lambda: bool(running.of("work")) and bool(running.of("timetable")))
        until(lambda: _doctor(data, names)[0] == 0)
        [server] = running.of("valkey")
        os.kill(server, signal.SIGSTOP)
        try:
            code, found = _doctor(data, names)
        finally:
            os.kill(server, signal.SIGCONT)
        assert code == 5
        assert (found["queue"]["severity"], found["workers"]["severity"]) == ("ERROR", "UNKNOWN")
        assert str(data / "run" / "queue.sock") in found["queue"]["subject"]

    # Stopped in order: what is kept is well, what should run does not.
    code, found = _doctor(data, names)
    assert code == 5
    verdicts = {name: finding["verdict"] for name, finding in found.items()}
    assert verdicts["queue"] == verdicts["mail"] == verdicts["running"] == "wrong"
    assert verdicts["workers"] == "unknown"
    assert {verdicts[name] for name in ("python", "settings", "data_folder", "keys", "database", "clock")} == {"right"}
    assert "listkeeper up" in found["queue"]["mend"]


def test_where_there_is_nothing_it_says_so_and_makes_nothing(data: Path, names: DnsServer) -> None:
    code, found = _doctor(data, names)
    assert code == 5
    assert found["data_folder"]["verdict"] == "wrong"
    assert found["database"]["verdict"] == "unknown"
    assert not data.exists()


def test_wrong_settings_are_findings_all_at_once(data: Path, names: DnsServer) -> None:
    code, out = _typed("doctor", "--data", str(data), "--json", port="x", smtp_url="ftp://x")
    assert code == 6
    wrong = [found["message"] for found in json.loads(out)["findings"] if found["severity"] == "BLOCK"]
    assert sorted(line.split(":")[0] for line in wrong) == ["LISTKEEPER_PORT", "LISTKEEPER_SMTP_URL"]


def test_a_lost_key_folder_blocks_and_no_new_key_is_made(data: Path, names: DnsServer) -> None:
    assert _typed("link", "--data", str(data))[0] == 0
    for key in (data / "keys").iterdir():
        key.unlink()
    code, found = _doctor(data, names)
    assert (code, found["keys_lost"]["severity"]) == (6, "BLOCK")
    assert list((data / "keys").iterdir()) == []


def test_keys_that_others_may_read_are_named(data: Path, names: DnsServer) -> None:
    keys.open_folder(data / "keys")
    (data / "keys" / "master-1.key").chmod(0o644)
    _, found = _doctor(data, names)
    assert "master-1.key" in found["keys_readable"]["subject"]
    assert "chmod" in found["keys_readable"]["mend"]


def test_a_database_behind_the_program_is_named_and_not_migrated(data: Path, names: DnsServer) -> None:
    assert _typed("link", "--data", str(data))[0] == 0
    engine = Database("sqlite", f"sqlite:///{data / 'listkeeper.db'}").engine()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    for _ in range(2):
        _, found = _doctor(data, names)
        assert found["database_behind"]["severity"] == "ERROR"
    engine.dispose()


def test_a_database_that_is_away_blocks(data: Path, names: DnsServer) -> None:
    keys.open_folder(data / "keys")
    address = f"postgresql://u:hidden@127.0.0.1:{running_up.free_port()}/x"
    code, found = _doctor(data, names, database_url=address)
    assert code == 6
    assert found["database"]["severity"] == "BLOCK"
    assert "hidden" not in json.dumps(found)


def test_the_mail_server_is_greeted_and_handed_nothing(data: Path, names: DnsServer, smtp_sink: SmtpSink) -> None:
    settings = {"smtp_url": smtp_sink.url, "public_url": "https://mail.cafe.example"}
    _, found = _doctor(data, names, **settings)
    assert found["mail"]["verdict"] == "right"
    assert found["public_url"]["verdict"] == "right"
    assert [step for step, _ in smtp_sink.commands if step in {"MAIL", "RCPT", "DATA"}] == []
    assert smtp_sink.connections == 1


def test_a_mail_server_that_does_not_answer_and_a_local_address_are_wrong(data: Path, names: DnsServer) -> None:
    _, found = _doctor(data, names, smtp_url=f"smtp://user:hidden@127.0.0.1:{running_up.free_port()}")
    assert found["mail"]["severity"] == "ERROR"
    assert found["public_url"]["severity"] == "ERROR"
    assert "LISTKEEPER_PUBLIC_URL" in found["public_url"]["mend"]
    assert "hidden" not in json.dumps(found)


def test_each_way_has_a_line_of_its_own_and_no_secret(data: Path, names: DnsServer, smtp_sink: SmtpSink) -> None:
    away = running_up.free_port()
    with provider.running(provider.says(200)) as there:
        ways = f"{smtp_sink.url}?weight=2 postmark://hidden?endpoint={there.origin} smtp://u:hidden@127.0.0.1:{away}"
        _, out = _typed(
            "doctor", "--data", str(data), "--json", dns_server=names.address, ways=ways, private_hosts="127.0.0.1"
        )
        assert there.asked == []
    found = [found for found in json.loads(out)["findings"] if found["code"] == "mail"]
    assert [(line["subject"], line["severity"]) for line in found] == [
        (f"smtp://127.0.0.1:{smtp_sink.port}", "INFO"),
        ("postmark", "INFO"),
        (f"smtp://127.0.0.1:{away}", "ERROR"),
    ]
    assert "whether it accepts the key shows with the first message" in found[1]["message"]
    assert "LISTKEEPER_WAYS" in found[2]["mend"]
    assert "hidden" not in out


def test_a_name_server_that_is_silent_is_a_warning_not_a_green_light(data: Path, names: DnsServer) -> None:
    _, found = _doctor(data, names, dns_server=f"127.0.0.1:{running_up.free_port()}")
    assert found["dns"]["severity"] == "WARN"
    _, found = _doctor(data, names)
    assert found["dns"]["verdict"] == "right"


def test_for_people_it_prints_a_line_each_and_what_to_do(data: Path, names: DnsServer) -> None:
    _, out = _typed("doctor", "--data", str(data), dns_server=names.address)
    assert "wrong" in out
    assert "listkeeper up" in out
    assert out.splitlines()[-1] == "Not all is well; see above."
