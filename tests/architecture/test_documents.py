"""README names every setting and every command, and nothing that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from pydantic_core import PydanticUndefined

from listkeeper.settings import Settings
from tests.architecture import source

ROW = re.compile(r"^\| *`(LISTKEEPER_[A-Z_]+)` *\|(.*)\|\s*$", re.MULTILINE)
OF_THE_TESTS = re.compile(r"^LISTKEEPER_(TEST_[A-Z]+|LONG|CORPORA|CHROMIUM)$")


@pytest.fixture(scope="module")
def readme() -> str:
    return (source.CHECKOUT / "README.md").read_text(encoding="utf-8")


def rows() -> dict[str, str]:
    """Return what the table of settings says, name by name."""
    found = {}
    for name, field in Settings.model_fields.items():
        default = "" if field.default in {None, (), PydanticUndefined} else f"`{field.default}`"
        description = (field.description or "").replace("|", "\\|")
        found[f"LISTKEEPER_{name.upper()}"] = f" {default} | {description} ".replace("  ", " ")
    return found


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_table_of_settings_is_that_of_the_program(readme: str) -> None:
    expected = "\n".join(f"| `{name}` |{rest}|" for name, rest in rows().items())
    written = {name: _plain(rest) for name, rest in ROW.findall(readme)}
    assert written == {name: _plain(rest) for name, rest in rows().items()}, f"README's table should be:\n{expected}"


def _plain(cells: str) -> list[str]:
    return [" ".join(cell.split()) for cell in re.split(r"(?<!\\)\|", cells)]


def test_no_setting_is_named_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(r"\bLISTKEEPER_[A-Z_]*[A-Z]\b", readme))
    assert {name for name in named - set(rows()) if not OF_THE_TESTS.match(name)} == set()


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with all its words."""
    from listkeeper.cli.main import main  # noqa: PLC0415 - the commands import most of the program

    yield from _below("listkeeper", main)


def _below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, f"{words} {name}"
        yield from _below(f"{words} {name}", found)


def test_every_command_is_in_the_readme(readme: str) -> None:
    assert [words for words, _ in commands() if words not in readme] == []


def test_no_command_is_named_that_does_not_exist(readme: str) -> None:
    known = {words for words, _ in commands()}
    groups = {words.rpartition(" ")[0] for words in known}
    word = r"[a-z]+(?:-[a-z]+)*"
    named = set(re.findall(rf"(?:^|[`\s(])(listkeeper {word}(?: {word})?)\b", "\n".join(_code_of(readme))))
    unknown = [words for words in named if words not in known | groups and words.rsplit(" ", 1)[0] not in known]
    assert unknown == []


def _code_of(text: str) -> list[str]:
    return [*re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]


def test_every_command_and_option_says_what_it_does() -> None:
    silent = [words for words, command in commands() if not (command.help or command.short_help)]
    silent += [
        f"{words} {option.opts[0]}"
        for words, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]
    assert silent == []


def test_the_tree_of_the_readme_names_every_folder(readme: str) -> None:
    folders = [path.name for path in source.PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    assert [name for name in folders if f"{name}/" not in readme] == []


@pytest.mark.parametrize("name", ["bin/up", "bin/test", "bin/bench"])
def test_the_commands_a_person_types_are_there(readme: str, name: str) -> None:
    assert name in readme
    assert (source.CHECKOUT / name).stat().st_mode & 0o111
