#!/usr/bin/env python3
"""Make the virtual environment of a checkout; ``bin/up`` calls this with any Python that fits.

Packages come from ``requirements/run.lock`` alone, each checked against its
hash. listkeeper itself is not built: a path file points at the checkout, so
that nothing but the lock is ever downloaded.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path

_LAUNCHER = """#!/bin/sh
exec "{python}" -P -m {module} "$@"
"""
_COMMANDS = {"listkeeper": "listkeeper.cli.main", "listkeeper-verify": "listkeeper.standards.proof"}


def main() -> None:
    """Install, unless another start has just done so while we waited for it."""
    checkout, wanted = Path(sys.argv[1]), sys.argv[2]
    environment = checkout / ".venv"
    stamp = environment / ".up"
    packages = checkout / "requirements" / "run.lock"
    with packages.open() as lock:
        # The kernel lets go of it when this process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _reads(stamp) == wanted and _works(environment):
            return
        stamp.unlink(missing_ok=True)
        _say("installing; this takes about a minute, once")
        if not _works(environment):
            venv.create(environment, clear=True, with_pip=True)
        _install(environment, packages)
        _lay_path(environment, checkout)
        stamp.write_text(f"{wanted}\n")


def _python(environment: Path) -> str:
    return str(environment / "bin" / "python")


def _reads(stamp: Path) -> str:
    try:
        return stamp.read_text().strip()
    except OSError:
        return ""


def _works(environment: Path) -> bool:
    """Whether the environment is whole enough to install into: an interrupted start leaves one without pip."""
    try:
        words = [_python(environment), "-c", "import pip, sys; sys.exit(sys.prefix == sys.base_prefix)"]
        return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def _install(environment: Path, lock: Path) -> None:
    words = [_python(environment), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    # The lock is whole, so nothing is resolved: a resolver may want a release younger than the lock, without a hash.
    words += ["--no-input", "--no-deps", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(words, stdout=sys.stderr, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(1)


def _lay_path(environment: Path, checkout: Path) -> None:
    """Make the checkout importable and give it its commands; each is replaced in one step."""
    asked = [_python(environment), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    answer = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    packages = Path(answer.stdout.strip())
    _replace(packages / "listkeeper.pth", f"{checkout}\n", 0o644)
    for name, module in _COMMANDS.items():
        _replace(environment / "bin" / name, _LAUNCHER.format(python=_python(environment), module=module), 0o755)


def _replace(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)


def _say(words: str) -> None:
    sys.stderr.write(f"bin/up: {words}\n")


if __name__ == "__main__":
    main()
