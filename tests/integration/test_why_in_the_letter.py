"""The line under each letter that says why it came: true for who signed up, who came with a file, who came back."""

from __future__ import annotations

from pathlib import Path

from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import Method
from tests.fakes.headless import text_of
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.imports import Court
from tests.makers.works import HER, Works

BROUGHT = "anna@people.example"


def _why(sink: SmtpSink, address: str) -> str:
    words = " ".join(text_of(sink.to(address)[-1]).split())
    return words[words.index("You get this") :].partition(".")[0]


def test_each_reader_is_told_what_is_known_of_her_yes(works: Works, smtp_sink: SmtpSink, tmp_path: Path) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    file = tmp_path / "people.csv"
    file.write_text(f"Email,OPTIN_TIME,CONFIRM_TIME\n{BROUGHT},2026-01-02 10:11:12,2026-01-02 10:15:40\n")
    Court(works.app, tmp_path, works.list_id).load(file)
    works.start()
    works.drain()
    assert "on the sign-up form for News" in _why(smtp_sink, HER)
    claimed = _why(smtp_sink, BROUGHT)
    assert claimed == "You get this because, as Café Kardemomme states, you said yes on 2 January 2026"

    def leave_and_come_back(session: object, _house: object) -> None:
        left = unsubscribe.leave(session, 2, works.list_id, Method.ONE_CLICK)  # type: ignore[arg-type]
        assert left.undo is not None
        assert unsubscribe.undo(session, left.undo)  # type: ignore[arg-type]

    works.write(leave_and_come_back)
    works.start(subject="Again")
    works.drain()
    assert _why(smtp_sink, BROUGHT).startswith("You get this because you came back on ")
