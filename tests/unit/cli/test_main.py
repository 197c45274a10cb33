"""The command line as a whole: its nouns, its exit codes, and what people and scripts are told of what went wrong."""

from __future__ import annotations

import errno
import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from sqlalchemy.exc import OperationalError

from listkeeper.cli import context, main
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, NotFound, TryAgain
from listkeeper.settings import Settings

_RAISES: dict[str, Exception] = {}


@click.command()
@context.with_settings
@context.with_json
def command(settings: Settings, *, as_json: bool) -> int | None:
    """Do what the test asks for."""
    problem = _RAISES.get("now")
    if problem is not None:
        raise problem
    context.emit({"data": str(settings.data_folder)}, as_json=as_json, lines=["done"])
    return None


@pytest.fixture(autouse=True)
def _a_noun_of_our_own(monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None) -> None:
    _RAISES.clear()
    monkeypatch.setitem(main.NOUNS, "probe", (__name__, "For this test."))
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, importlib.import_module(__name__)))


def _run(*words: str) -> int:
    code = main.main.main(words, standalone_mode=False)
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize("noun", sorted(main.NOUNS))
def test_every_noun_of_the_table_has_its_command(noun: str) -> None:
    found = importlib.import_module(main.NOUNS[noun][0]).command
    assert isinstance(found, click.Command)
    assert found.help or isinstance(found, click.Group)


def test_help_names_every_noun_and_imports_none() -> None:
    program = (
        "import sys; from listkeeper.cli.main import main; code = main.main(['--help'], standalone_mode=False);"
        "assert code == 0; loaded = [n for n in sys.modules if n in {'flask', 'sqlalchemy', 'rq', 'granian'}];"
        "assert not loaded, loaded"
    )
    root = Path(__file__).resolve().parents[3]
    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert [noun for noun in main.NOUNS if noun != "probe" and f"  {noun} " not in said.stdout] == []


@pytest.mark.parametrize(
    ("problem", "code", "exit_code"),
    [
        (Invalid("bad_address", "That is no address."), "bad_address", 10),
        (NotFound("no_such_list", "There is no such list."), "no_such_list", 11),
        (Conflict("gone_on", "It has been sent already."), "gone_on", 12),
        (Forbidden("suppressed", "This person has left."), "suppressed", 13),
        (TryAgain("database_unavailable", "Busy."), "database_unavailable", 14),
        (OperationalError("SELECT 1", {}, Exception("database is locked")), "database_unavailable", 14),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "disk_full", 14),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), "no_access", 13),
        (RuntimeError("secret anna@x.example"), "fault", 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_sentence(
    problem: Exception, code: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _RAISES["now"] = problem
    assert _run("probe") == exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    assert "anna@x.example" not in said.err

    assert _run("probe", "--json") == exit_code
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert (error["code"], bool(error["message"]), said.err) == (code, True, "")


def test_all_wrong_settings_are_listed_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISTKEEPER_PORT", "none")
    monkeypatch.setenv("LISTKEEPER_SMTP_URL", "ftp://x")
    monkeypatch.setenv("LISTKEEPER_WORKERS", "0")
    assert _run("probe") == 2
    said = capsys.readouterr().err
    assert [name for name in ("LISTKEEPER_PORT", "LISTKEEPER_SMTP_URL", "LISTKEEPER_WORKERS") if name not in said] == []


def test_wrong_arguments_are_exit_2_and_json_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("probe", "--nonsense") == 2
    assert "--nonsense" in capsys.readouterr().err
    assert _run("nonsense") == 2
    assert _run("probe", "--nonsense", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_the_data_folder_may_stand_before_and_after_the_noun_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISTKEEPER_DATA", str(tmp_path / "environment"))
    asked = {
        "environment": ["probe", "--json"],
        "before": ["--data", str(tmp_path / "before"), "probe", "--json"],
        "after": ["--data", str(tmp_path / "before"), "probe", "--data", str(tmp_path / "after"), "--json"],
    }
    for name, words in asked.items():
        assert _run(*words) == 0
        assert json.loads(capsys.readouterr().out) == {"data": str(tmp_path / name)}


def test_a_mistyped_data_folder_is_not_taken_for_a_new_instance(tmp_path: Path) -> None:
    folder = tmp_path / "mistyped"
    with pytest.raises(NotFound), context.opened(Settings(data=folder)):
        pass
    assert not folder.exists()


def test_commands_print_the_address_that_up_was_started_with(tmp_path: Path) -> None:
    assert context.read_settings(data=tmp_path).site == "http://localhost:8025"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web.json").write_text('{"host": "127.0.0.1", "port": 9123}')
    assert context.read_settings(data=tmp_path).site == "http://localhost:9123"
    assert context.read_settings(data=tmp_path, port=9200).site == "http://localhost:9200"
    assert context.read_settings(data=tmp_path, public_url="https://x.example").site == "https://x.example"
