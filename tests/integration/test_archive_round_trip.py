"""What goes out comes back byte by byte: from either database into either, a backup and an export alike."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from listkeeper.accounts import api_key, sign_in_link, user
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.sign_in_link import SignInLink
from listkeeper.accounts.user import User
from listkeeper.audience import (
    erasure,
    followers,
    mailing_list,
    profile,
    profile_version,
    source,
    source_cost,
    subscriber,
    unsubscribe,
    visit,
)
from listkeeper.audience.consent import Method
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.profile import How
from listkeeper.audience.proof import checkpoint, evidence, ledger
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import Channel
from listkeeper.audience.source_cost import CostPer
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.campaigns import welcome
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.foundation.table import Table
from listkeeper.jobs import journal
from listkeeper.sending import exporting
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe

KINDS = databases.chosen()
WAYS = [(here, there) for here in KINDS for there in KINDS if here != there or len(KINDS) == 1]
_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_ODD = 'Łucja "=1+1"\n, ünïcode \u2028 and a tab\t'


def _fill(here: Machine) -> None:
    """Let a café live: people who came, left and were forgotten, letters, a draft, a user, a picture, a demo."""
    with here.working() as session:
        made = cafe.found(session)
        anna = cafe.subscribe(session, made, "anna@guest.example")
        anna.profile = {"first_name": _ODD, "born": 1.5, "tags": ["a", None, True, {"b": 1, "a": 2}]}
        bo = cafe.subscribe(session, made, "=bo@guest.example")
        cleo = cafe.subscribe(session, made, "cleo@guest.example")
        cafe.sign_up(session, made, "dora@guest.example")
        unsubscribe.leave(session, bo.id, made.mailing_list.id, Method.PAGE)
        erasure.erase(session, cleo.id, actor="subscriber", forget_copies=lambda _session, _person: None)
        cafe.draft(session, made, subject="Łucja =1+1")
        asked = questions.asked(session, made)
        words = profile_version.newest(session, asked)
        profile.give(session, anna.id, (asked, words), ["cakes"], How.LETTER)
        letter = welcome.begin(session, made.organisation, made.mailing_list, made.form.language)
        welcome.switch_on(session, made.organisation, letter, site="https://mail.cafe.example")
        user.create(session, written="second@cafe.example", organisation_id=made.organisation.id).password = "secret"
        sign_in_link.make(session, made.owner)
        api_key.make(session, made.organisation, name="Shop", scopes=[Scope.READ])
        _import(session, made, anna)
        _sources(session, made)
        checkpoint.make(session, made.organisation)
        made.organisation.logo = "a" * 32 + ".png"
    assert here.type("demo", "--people", "30").code == 0
    with context.opened(here.settings):
        journal.write_down()
    (here.data / "media").mkdir(mode=0o700)
    (here.data / "media" / ("a" * 32 + ".png")).write_bytes(_PICTURE)
    (here.data / "media" / ".draft").write_bytes(b"an upload under way")


def _sources(session: Session, made: Cafe) -> None:
    """Leave behind a link that was followed, paid for, and has followers beside it."""
    bio = source.create(
        session, made.form, name="=Bio", channel=Channel.INSTAGRAM, slug="ig-bio", utm={"utm_term": "ø"}
    )
    visit.count(session, bio.id)
    today = clock.now().date()
    source_cost.add(
        session, made.organisation, bio, written="99,50", currency="DKK", per=CostPer.MONTH, starts_on=today
    )
    followers.note(session, made.organisation, Channel.INSTAGRAM, "2450", today)
    joined = session.scalars(select(Subscription).order_by(Subscription.id)).first()
    assert joined is not None
    joined.source_id = bio.id


def _import(session: Session, made: Cafe, person: Subscriber) -> None:
    """Leave behind what an import of one file does: the batch, and what became of two rows."""
    batch = ImportBatch(
        organisation_id=made.organisation.id,
        list_id=made.mailing_list.id,
        operator="cli",
        file_sha256="ab" * 32,
        file_name="=people.csv",
        claimed_basis="consent",
        claimed_origin="At the counter",
        counts={"new": 1, "rejected": 1},
    )
    session.add(batch)
    session.flush()
    common = {
        "batch_id": batch.id,
        "part": 1,
        "event_seq": 3,
        "leaf": b"\x00\xff" * 16,
        "made": 0,
        "evidence_commit": "",
    }
    known = {"key": person.suppression_key, "outcome": "new", "subject_ref": person.subject_ref, "event_id": "cd" * 16}
    times = {"requested_at": 1_700_000_000_000, "confirmed_at": 1_700_000_060_000}
    unknown = {
        "key": "",
        "outcome": "rejected",
        "subject_ref": "",
        "event_id": "",
        "requested_at": 0,
        "confirmed_at": 0,
    }
    session.execute(
        insert(ImportRow),
        [
            common | known | times | {"row": 1, "line": 2, "position": 0, "reason": "", "evidenced": True},
            common | unknown | {"row": 2, "line": 3, "position": 1, "reason": "no_address", "evidenced": False},
        ],
    )


def _archived(here: Machine, kind: str, path: Path) -> dict[str, bytes]:
    said = here.type(kind, "--out", str(path), "--json")
    assert (said.code, said.err) == (0, ""), said
    answer = said.json
    assert (answer["file"], answer["bytes"]) == (str(path), path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as parcel:
        assert parcel.testzip() is None
        files = {name: parcel.read(name) for name in parcel.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert answer["rows"] == sum(file.get("rows", 0) for file in manifest["files"].values())
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in files if name != "manifest.json"} == {
        name: file["sha256"] for name, file in manifest["files"].items()
    }
    manifest.pop("made_at")
    return files | {"manifest.json": json.dumps(manifest).encode()}


@pytest.fixture(scope="module", params=KINDS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which a café lives; the tests only look at it."""
    with machine(request.param, tmp_path_factory.mktemp("filled") / "data") as here:
        _fill(here)
        yield here


@pytest.fixture
def beside(filled: Machine, tmp_path: Path) -> Iterator[list[Machine]]:
    """Machines on every other kind of database (the same one when only one is tested), with the café's keys."""
    kinds = [kind for kind in KINDS if kind != filled.database.kind] or list(KINDS)
    with ExitStack() as stack:
        made = [stack.enter_context(machine(kind, tmp_path / f"to-{kind}")) for kind in kinds]
        for there in made:
            there.takes_keys_of(filled)
        yield made


def test_everything_comes_back_byte_by_byte(filled: Machine, beside: list[Machine], tmp_path: Path) -> None:
    for kind in ("backup", "export"):
        before = _archived(filled, kind, tmp_path / f"{kind}-before.zip")
        assert f"media/{'a' * 32}.png" in before
        for number, there in enumerate(beside):
            said = there.type("restore", str(tmp_path / f"{kind}-before.zip"), "--json")
            assert (said.code, said.err) == (0, ""), said
            assert (said.json["forked"], said.json["in_doubt"]) == ([], 0)
            after = _archived(there, kind, tmp_path / f"{kind}-{number}.zip")
            assert sorted(name for name in before | after if before.get(name) != after.get(name)) == []
            there.begin_anew()


def test_the_restored_machine_works_on(filled: Machine, beside: list[Machine], tmp_path: Path) -> None:
    _archived(filled, "export", tmp_path / "before.zip")
    for there in beside:
        assert there.type("restore", str(tmp_path / "before.zip")).code == 0
        assert there.type("link", "--json").code == 0
        assert there.type("list", "create", "--name", "Second list", "--json").code == 0
        with there.working() as session:
            owner = session.scalars(select(Organisation)).one()
            news = mailing_list.named(session, owner, "news")
            form = session.scalars(select(SignupForm).where(SignupForm.list_id == news.id)).one()
            made = Cafe(owner, session.scalars(select(User).limit(1)).one(), news, form)
            new = cafe.subscribe(session, made, "new@guest.example")
            assert len(ledger.of_subject(session, owner.id, new.subject_ref)) > 1
            anna = subscriber.named(session, owner, "anna@guest.example")
            assert evidence.opened(session, owner.id, anna.subject_ref)
            assert checkpoint.make(session, owner).size == ledger.size(session, owner.id)


def test_every_table_is_in_the_export_or_named_as_left_out(filled: Machine, tmp_path: Path) -> None:
    known = set(Table.metadata.tables)
    assert known >= exporting.LEFT_OUT
    assert {(table, column) for table, columns in exporting.HIDDEN.items() for column in columns} <= {
        (table.name, column.name) for table in Table.metadata.tables.values() for column in table.columns
    }
    files = _archived(filled, "export", tmp_path / "export.zip")
    assert {name.removeprefix("tables/").removesuffix(".jsonl") for name in files if name.startswith("tables/")} == (
        known - exporting.LEFT_OUT
    )
    backup = _archived(filled, "backup", tmp_path / "backup.zip")
    assert {name for name in backup if name.startswith("tables/")} == {
        f"tables/{name}.jsonl" for name in known - {"key_mark"}
    }


def test_an_export_holds_nothing_that_opens_a_door(filled: Machine, tmp_path: Path) -> None:
    with filled.looking() as session:
        doors = [value for row in session.scalars(select(User)) for value in (row.password, row.fs_uniquifier) if value]
        doors += session.scalars(select(SignInLink.digest)).all()
        doors += session.scalars(select(ApiKey.digest)).all()
    assert len(doors) >= 5
    files = _archived(filled, "export", tmp_path / "export.zip")
    whole = _archived(filled, "backup", tmp_path / "backup.zip")
    for door in doors:
        assert [name for name, content in files.items() if door.encode() in content] == []
        assert [name for name, content in whole.items() if door.encode() in content] != []


def _sheet(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))


def _letters(files: dict[str, bytes]) -> list[tuple[str, ...]]:
    rows = [row for row in _sheet(files, "campaigns.csv") if row["invented"] == "no"]
    return [(row["subject"], row["state"], row["list"], row["kind"]) for row in rows]


def test_the_sheets_say_in_words_what_the_tables_hold(filled: Machine, tmp_path: Path) -> None:
    files = _archived(filled, "export", tmp_path / "export.zip")
    people = {row["address"]: row for row in _sheet(files, "subscribers.csv")}
    assert {"anna@guest.example", "'=bo@guest.example", "dora@guest.example"} <= set(people)
    assert "cleo@guest.example" not in people
    assert json.loads(people["anna@guest.example"]["profile"])["first_name"] == _ODD
    states = {row["address"]: row["state"] for row in _sheet(files, "subscriptions.csv") if row["list"] == "news"}
    assert states["anna@guest.example"] == "confirmed"
    assert states["'=bo@guest.example"] == "unsubscribed"
    with filled.looking() as session:
        text = session.scalars(select(ConsentText).where(ConsentText.list_id == 1)).first()
        assert text is not None
        hers = [row for row in _sheet(files, "consent_events.csv") if row["address"] == "anna@guest.example"]
        assert {row["event"] for row in hers} == {"consent.requested", "consent.given"}
        assert {(row["text"], row["text_sha256"], row["button"]) for row in hers} == {
            (text.whole, text.sha256, text.button_label)
        }
        suppressed = session.scalars(select(Suppression.key)).all()
    claims = [
        (row["address"], row["outcome"], row["confirmed_at"], row["file"])
        for row in _sheet(files, "imported_claims.csv")
    ]
    assert claims == [
        ("anna@guest.example", "new", "2023-11-14T22:14:20.000Z", "'=people.csv"),
        ("", "rejected", "", "'=people.csv"),
    ]
    assert {row["keyed_hash"] for row in _sheet(files, "suppressions.csv")} == set(suppressed)
    assert {row["address"] for row in _sheet(files, "suppressions.csv")} >= {"", "'=bo@guest.example"}


def test_the_sheets_name_letters_answers_and_settings(filled: Machine, tmp_path: Path) -> None:
    files = _archived(filled, "export", tmp_path / "export.zip")
    assert _letters(files) == [
        ("Łucja =1+1", "draft", "news", "letter"),
        ("About favourite", "draft", "news", "letter"),
        ("Welcome to News", "draft", "news", "welcome"),
    ]
    assert [(row["address"], row["name"], row["answer"]) for row in _sheet(files, "answers.csv")] == [
        ("anna@guest.example", "favourite", "cakes")
    ]
    settings = {(row["what"], row["name"]): row["value"] for row in _sheet(files, "settings.csv")}
    assert settings["list news", "purpose"] == "newsletter"
    assert settings["business", "from_address"] == "hello@cafe.example"
    assert b"listkeeper restore" in files["README.txt"]
    sheets = [name for name in files if name.endswith(".csv")]
    for name in sheets:
        for row in _sheet(files, name):
            assert [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))] == []


def test_the_sheets_say_where_people_came_from(filled: Machine, tmp_path: Path) -> None:
    files = _archived(filled, "export", tmp_path / "export.zip")
    [bio] = [row for row in _sheet(files, "sources.csv") if row["slug"] == "ig-bio"]
    assert (bio["name"], bio["list"], bio["people"]) == ("'=Bio", "news", "1")
    assert [row["people"] for row in _sheet(files, "source_visits.csv") if row["source"] == "ig-bio"] == ["1"]
    assert [row["amount_in_minor_units"] for row in _sheet(files, "source_costs.csv")] == ["9950"]
    assert [row["followers"] for row in _sheet(files, "followers.csv")] == ["2450"]
    assert [row["list"] for row in _sheet(files, "subscriptions.csv") if row["first_came_by"] == "ig-bio"] == ["news"]


def test_the_exporter_is_written_down(filled: Machine, tmp_path: Path) -> None:
    with filled.looking() as session:
        before = _exports(session)
    _archived(filled, "export", tmp_path / "export.zip")
    with filled.looking() as session:
        assert _exports(session) == before + 1
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.actor, entry.action) == ("command", "archive.exported")


def _exports(session: Session) -> int:
    return len(session.scalars(select(ledger.LedgerRow).where(ledger.LedgerRow.type == "evidence.exported")).all())
