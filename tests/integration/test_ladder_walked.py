"""Every limit of the sign-up ladder against a running instance: each bites where its setting says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from listkeeper.audience.guard.limits import Limits
from tests.benchmarks import floods, ladder
from tests.fakes import databases, running_up

PERCENT = {"least_confirmed_percent": -1, "most_bounced_percent": 1}
JUDGED = {"signups_per_day", "signups_per_domain_hour", "confirmations_per_day", "confirmations_per_month"}


def test_every_limit_has_a_rung_that_raises_it() -> None:
    rungs = floods.in_order()
    assert [rung.limit for rung in rungs] == [limit.name for limit in fields(Limits)]
    assert len(rungs) == len(ladder.LADDER)
    assert all(rung.raised > rung.shipped for rung in rungs)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", databases.chosen())
def test_each_brake_bites_where_its_setting_says(kind: str, share: Callable[[str, int, int], int]) -> None:
    """Takes minutes, so a short run walks none of it here: the floods of tests/adversarial drive the same brakes."""
    if not share(f"limits walked over HTTP against a running instance ({kind})", len(ladder.LADDER), 0):
        pytest.skip("walked in the long run alone")
    rows = _walked(kind)
    assert [row["limit"] for row in rows] == [limit.name for limit in fields(Limits)]
    for row in rows:
        for number, bit in ((row["shipped"], row["bit_after"]), (row["raised_to"], row["bit_after_raised"])):
            assert bit is not None, row
            beyond = PERCENT.get(row["limit"], 0)
            # A share of people moves by one of fifty and some at a time: the first step beyond the number bites.
            assert 0 < (bit - number) * beyond < 2 if beyond else bit == number, row
        braked = row["limit"] in JUDGED
        assert row["answer"].startswith("same page as success, row braked" if braked else "one more step asked"), row
        assert "yet stored" not in row["answer"]


def _walked(kind: str) -> list[dict[str, Any]]:
    told = running_up.environment() | {"LISTKEEPER_TEST_DATABASES": kind}
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "floods", "--full"],
        cwd=running_up.ROOT, env=told, capture_output=True, text=True, timeout=590, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows
