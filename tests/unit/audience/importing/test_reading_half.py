"""The reading half: verdicts of single rows, and the same chunks whether it runs here or in a process of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from listkeeper.audience.importing import pipeline, plan, reader, report, verdict
from listkeeper.audience.importing.claim import Statement
from listkeeper.audience.importing.plan import Plan
from listkeeper.audience.importing.reader import Task
from listkeeper.audience.importing.sealing import Told, reopened
from listkeeper.audience.proof import evidence
from listkeeper.foundation import keys
from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.standards import canonical_json
from tests.fakes.corpora import Corpora
from tests.makers import exports

STATED = Statement(
    consent=True, origin="https://cafe.example/news", method="form", text="Wir schreiben „Neues“ \\ monatlich.",
    doi_required=True, order=None, now=datetime(2026, 11, 23, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path) -> None:
    keys.open_folder(tmp_path / "keys")


def _task(made: Plan, **changes: object) -> Task:
    told = Told("imp_0123456789abcdefghjk", "lst_0123456789abcdefghjk", "a" * 64, "Mailchimp", STATED)
    return replace(Task(made, 1, told, seals=True), **changes)  # type: ignore[arg-type]


def _people(folder: Path, count: int) -> Path:
    return exports.write(
        folder / "subscribed.csv",
        exports.mailchimp("subscribed", [f"p{number}@kunde.example" for number in range(count)]),
    )


def test_a_process_of_its_own_reads_the_same_rows(tmp_path: Path) -> None:
    task = _task(plan.make(_people(tmp_path, 950)), rows=100)
    here = list(reader.chunks(task))
    with pipeline.stream(task, apart=True) as chunks:
        there = list(chunks)
    assert [chunk.at for chunk in there] == [chunk.at for chunk in here]
    kept = ("row", "line", "kind", "reason", "key", "send", "email_key", "profile", "evidenced", "confirmed_at")
    for ours, theirs in zip(here, there, strict=True):
        assert [[getattr(row, name) for name in kept] for row in ours.rows] == [
            [getattr(row, name) for name in kept] for row in theirs.rows
        ]
    # The other process seals under the same keys, and both seal what the vault can open.
    row = there[0].rows[0]
    assert keys.unseal("vault:1", row.wrapped) == row.subject_key
    assert reopened(row)["address"] == "p0@kunde.example"


def test_reading_goes_on_where_it_was_left(tmp_path: Path) -> None:
    task = _task(plan.make(_people(tmp_path, 350)), rows=100)
    whole = list(reader.chunks(task))
    rest = list(reader.chunks(replace(task, at=whole[1].at)))
    assert [chunk.at for chunk in rest] == [chunk.at for chunk in whole[2:]]
    assert [row.row for chunk in rest for row in chunk.rows] == list(range(201, 351))


def test_the_evidence_is_canonical_and_its_commitment_opens(tmp_path: Path) -> None:
    (first, *_), *_ = [chunk.rows for chunk in reader.chunks(_task(plan.make(_people(tmp_path, 1)))) if chunk.rows]
    content = reopened(first)
    assert content["text"] == STATED.text
    plain = AESGCM(first.subject_key).decrypt(first.sealed[:12], first.sealed[12:], first.event_id.encode())
    assert plain[16:] == canonical_json.dumps(content)
    assert evidence.commitment(plain[:16], content) == first.commit


def test_a_file_that_breaks_while_it_is_read_is_told(tmp_path: Path) -> None:
    file = exports.mailchimp_zip(tmp_path, subscribed=[f"p{number}@kunde.example" for number in range(5_000)])
    made = plan.make(file)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))
    with pytest.raises((Invalid, TryAgain)), pipeline.stream(_task(made), apart=True) as chunks:
        list(chunks)


def test_formulas_are_undone_and_written_safely_again() -> None:
    for cell in ("=1+1", "+45 12 34", "-x", "@home"):
        assert verdict.undone(report.safe(cell)) == cell
    for plain in ("'quoted'", "O'Neil", "'", ""):
        assert verdict.undone(plain) == plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
def test_letters_survive(tmp_path: Path, encoding: str) -> None:
    table = exports.table(["E-post", "Fornavn"], [{"E-post": "bjorn@kunde.example", "Fornavn": "Bjørn Ågård"}] * 3)
    made = plan.make(exports.write(tmp_path / "people.csv", table, encoding), columns=["Fornavn"])
    found = [row for chunk in reader.chunks(_task(made)) for row in chunk.rows]
    assert found[0].profile == '{"first_name": "Bjørn Ågård"}'


def test_a_workbook_gives_the_same_verdicts_as_its_table(tmp_path: Path) -> None:
    rows = [["Email", "Status", "OPTIN_TIME", "CONFIRM_TIME"]]
    rows += [[f"p{number}@kunde.example", "active", exports.ASKED, exports.CONFIRMED] for number in range(5)]
    rows += [["p1@kunde.example", "unsubscribed", "", ""], ["nobody", "active", "", ""]]
    book = plan.make(exports.workbook(tmp_path / "people.xlsx", rows))
    text = plan.make(exports.write(tmp_path / "people.csv", "\n".join(",".join(row) for row in rows)))
    both = [
        [
            (row.kind, row.reason, row.email_key, row.evidenced)
            for chunk in reader.chunks(_task(one))
            for row in chunk.rows
        ]
        for one in (book, text)
    ]
    assert both[0] == both[1]
    assert len(both[0]) == 7


def test_only_ticked_columns_are_kept_by_heading_or_by_name(tmp_path: Path) -> None:
    table = exports.table(
        ["Email", "Vorname", "Größe"], [{"Email": "a@kunde.example", "Vorname": "Änne", "Größe": "XL"}]
    )
    file = exports.write(tmp_path / "people.csv", table)
    for columns, kept in (
        ([], "{}"),
        (["Vorname"], '{"first_name": "Änne"}'),
        (["first_name"], '{"first_name": "Änne"}'),
    ):
        found = [row for chunk in reader.chunks(_task(plan.make(file, columns=columns))) for row in chunk.rows]
        assert found[0].profile == kept
    with pytest.raises(Invalid) as refused:
        plan.make(file, columns=["Religion"])
    assert refused.value.code == "import_no_column"


def test_the_throw_away_domains_are_known_to_others_too(corpora: Corpora) -> None:
    others = set((corpora / "disposable" / "disposable_email_blocklist.conf").read_text().split())
    ours = verdict._lists()[1]  # noqa: SLF001 - the data file itself is what is tested
    assert ours - others == set()
