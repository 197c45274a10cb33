"""The lock files hold exactly what pyproject.toml asks for, with hashes; no network is needed to know."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import source

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?: *; *([^\\\n]+?))? *\\$", re.MULTILINE)
# Installers lock themselves only when something asks for them.
_INSTALLERS = {"pip", "setuptools", "wheel"}


def _project() -> dict[str, list[Requirement]]:
    project = tomllib.loads((source.CHECKOUT / "pyproject.toml").read_text())["project"]
    run = [Requirement(line) for line in project["dependencies"]]
    return {"run": run, "dev": run + [Requirement(line) for line in project["optional-dependencies"]["dev"]]}


def _pins(name: str) -> dict[str, str]:
    text = (source.CHECKOUT / "requirements" / f"{name}.lock").read_text()
    # Lines for other systems and other Pythons are locked too; they say so with a marker.
    here = [(name, version) for name, version, marker in _PIN.findall(text) if not marker or Marker(marker).evaluate()]
    return {canonicalize_name(package): version for package, version in here}


def _closure(wanted: list[Requirement]) -> dict[str, list[Requirement]]:
    """Return every package that is needed, by what the installed ones say of themselves."""
    found: dict[str, list[Requirement]] = {}
    seen: set[tuple[str, str]] = set()
    todo = list(wanted)
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        found.setdefault(name, []).append(requirement)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                todo += _needs(name, extra)
    return found


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    environment = {str(key): str(value) for key, value in default_environment().items()} | {"extra": extra}
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        plain = requirement.marker is None or requirement.marker.evaluate(environment | {"extra": ""})
        if requirement.marker is None or requirement.marker.evaluate(environment):
            if extra and plain:
                continue
            yield requirement


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_wish_is_locked_and_nothing_else(name: str) -> None:
    pins, needed = _pins(name), _closure(_project()[name])
    assert set(needed) - set(pins) - _INSTALLERS == set(), "needed, but not locked"
    assert set(pins) - set(needed) - _INSTALLERS == set(), "locked, but not needed"
    broken = [
        f"{package}=={pins[package]} does not fit {requirement}"
        for package, requirements in needed.items()
        for requirement in requirements
        if package in pins and not requirement.specifier.contains(pins[package], prereleases=True)
    ]
    assert broken == []


def test_both_files_lock_the_same_versions() -> None:
    run, dev = _pins("run"), _pins("dev")
    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_line_has_a_hash(name: str) -> None:
    text = (source.CHECKOUT / "requirements" / f"{name}.lock").read_text().replace("\\\n", " ")
    bare = [line.split()[0] for line in text.splitlines() if "==" in line and "--hash=sha256:" not in line]
    assert bare == []
    assert len(_pins(name)) > 20


def test_what_is_installed_is_what_is_locked() -> None:
    installed = {name: metadata.version(name) for name in _pins("dev")}
    assert {name: version for name, version in _pins("dev").items() if installed[name] != version} == {}
