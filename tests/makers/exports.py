"""Exports of other tools, in the shape each of them writes, with invented people under ``.example``."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl

MAILCHIMP_OWN = ["MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "LATITUDE", "LONGITUDE", "GMTOFF", "DSTOFF", "TIMEZONE", "CC", "REGION"]  # noqa: E501 # fmt: skip
MAILCHIMP_ENDS = {
    "subscribed": ["LAST_CHANGED"],
    "unsubscribed": ["UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER"],
    "cleaned": ["CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"],
}
ENGLISH = ["Email Address", "First Name", "Last Name"]
GERMAN = ["Emailadresse", "Vorname", "Nachname", "Erlaubnis zum Marketing"]
ASKED, CONFIRMED = "2023-05-01 10:11:12", "2023-05-01 10:15:40"

# Tool, kind, its headings, and rows as (cells by heading, standing).
Line = dict[str, str]


def table(header: Sequence[str], lines: Sequence[Line], separator: str = ",") -> str:
    """Return a text table; what a line does not name is empty."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator)
    writer.writerow(header)
    writer.writerows([line.get(heading, "") for heading in header] for line in lines)
    return written.getvalue()


def mailchimp_header(kind: str, first: Sequence[str] = ENGLISH) -> list[str]:
    """Return the headings of one of Mailchimp's three files."""
    return [*first, *MAILCHIMP_OWN, *MAILCHIMP_ENDS[kind], "LEID", "EUID", "NOTES", "TAGS"]


def mailchimp(kind: str, people: Sequence[str], first: Sequence[str] = ENGLISH, **cells: str) -> str:
    """Return one of Mailchimp's three files, with a confirmed opt-in for everybody unless ``cells`` say else."""
    proof = {"OPTIN_TIME": ASKED, "OPTIN_IP": "192.0.2.7", "CONFIRM_TIME": CONFIRMED, "CONFIRM_IP": "192.0.2.7"}
    lines = [
        {first[0]: person, first[1]: person.partition("@")[0].title(), "LEID": str(number), "EUID": f"e{number}",
         "TAGS": '"Editors","VIP"', **proof, **cells}
        for number, person in enumerate(people, 1)
    ]  # fmt: skip
    return table(mailchimp_header(kind, first), lines)


def mailchimp_zip(folder: Path, *, first: Sequence[str] = ENGLISH, **people: Sequence[str]) -> Path:
    """Write Mailchimp's archive: ``subscribed``, ``unsubscribed`` and ``cleaned`` people."""
    file = folder / "audience_export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind, those in people.items():
            archive.writestr(f"{kind}_members_export_1a2b3c.csv", mailchimp(kind, those, first))
    return file


def workbook(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    """Write an XLSX with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.save(file)
    return file


def write(file: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file in an encoding, with its line ends as they are."""
    file.write_bytes(text.encode(encoding))
    return file
