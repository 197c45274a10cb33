"""``listkeeper campaign report``: what came of a letter, as the studio shows it."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import language
from listkeeper.insight import campaign_report, report_plain, report_words
from listkeeper.insight.campaign_report import Report
from listkeeper.settings import Settings


@click.command("report")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def command(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Say what came of a campaign: who clicked, wrote back and left, and what you believed."""
    with opened(settings), store.reading() as session:
        found = campaigns.identified(session, organisation.only_one(session), campaign_id)
        report = campaign_report.of(session, found)
        answer, lines = report_plain.of(found, report), _lines(report)
    emit(answer, as_json=as_json, lines=lines)


def _lines(report: Report) -> list[str]:
    lines = [
        f"{each.name}: {each.number}. {each.said} {each.compared}".rstrip() for each in report_words.headlines(report)
    ]
    if (judged := report.judged) is not None:
        said = (report_words.believed(judged.believed), report_words.happened(judged), report_words.worth(judged))
        lines.append(" ".join(filter(None, said)))
    if report.leaving:
        lines.append(language.text("The letter is still going out: these numbers are not final."))
    return [*lines, f"{report.next.why} {report.next.button}."]
