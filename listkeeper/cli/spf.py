"""``listkeeper spf``: what a receiver concludes of one sender, or of a whole file of them (RFC 7208).

Needs no instance: the record is read from the DNS, and everything else is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import click

from listkeeper.cli import spf_batch
from listkeeper.cli.context import emit, with_json
from listkeeper.cli.nameserver import with_resolver
from listkeeper.cli.spf_batch import Question
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import foreign_text, spf, spf_record, spf_tree
from listkeeper.standards.dns import Answer, LiveResolver, Remembering, Resolver
from listkeeper.standards.spf import MOST_LOOKUPS, Result, SpfResult, Step
from listkeeper.standards.spf_record import Record
from listkeeper.standards.spf_tree import Branch, Survey

_WIDEST = 500
# How bad it is for mail of one's own; a receiver may do less than it might.
_SEVERITIES = {
    Result.PASS: Severity.INFO,
    Result.TEMPERROR: Severity.UNKNOWN,
    Result.NONE: Severity.WARN,
    Result.NEUTRAL: Severity.WARN,
    Result.SOFTFAIL: Severity.WARN,
    Result.PERMERROR: Severity.ERROR,
    Result.FAIL: Severity.BLOCK,
}
_SENTENCES = {
    Result.PASS: "{ip} may send for {domain}.",
    Result.FAIL: "{ip} may not send for {domain}.",
    Result.SOFTFAIL: "{ip} probably may not send for {domain}.",
    Result.NEUTRAL: "{domain} does not say whether {ip} may send for it.",
    Result.NONE: "{domain} says nothing about who may send for it.",
    Result.TEMPERROR: "What {domain} says about {ip} could not be learned now.",
    Result.PERMERROR: "The SPF record of {domain} cannot be used by receivers.",
}


@click.group()
def command() -> None:
    """Say whether an address may send for a domain."""


@command.command()
@with_resolver
@with_json
@click.option("--ip", help="Address that connects.")
@click.option("--sender", default="", metavar="ADDR", help="Sender of the envelope (MAIL FROM); empty for a bounce.")
@click.option("--helo", default="", metavar="NAME", help="Name the sending server gives itself.")
@click.option(
    "--batch",
    type=click.File("rb"),
    metavar="FILE.jsonl",
    help="Evaluate each line {id, ip, mail_from, helo} of a file, - for standard input.",
)
def check(  # noqa: PLR0913 - one option each
    resolver: LiveResolver, *, ip: str | None, sender: str, helo: str, batch: IO[bytes] | None, as_json: bool
) -> int:
    """Evaluate SPF as a receiver does, and show how it came to its result and what each term costs.

    Exits 0 for pass, 3 for temperror, 4 for none, neutral and softfail, 5 for permerror, 6 for fail.
    With --batch the answer is a line {id, result, explanation} for each line, in their order; exits 0 once all
    are answered.
    """
    if batch is not None:
        if ip or sender or helo:
            raise click.UsageError("With --batch, the file says what is asked: leave --ip, --sender and --helo out.")
        spf_batch.run(batch, resolver)
        return 0
    if ip is None:
        raise click.UsageError("Say which address connects with --ip, or name a file with --batch.")
    asked = Question.of(ip, sender, helo)
    if isinstance(asked, str):
        raise Invalid("spf_question", asked)
    memory = Remembering(resolver)
    said = spf.check_host(asked.ip, asked.domain, asked.sender, asked.helo, memory, now=clock.now())
    tree = _survey(asked.domain, memory)
    emit(_as_json(asked, said, tree), as_json=as_json, lines=_lines(asked, said, tree))
    return _SEVERITIES[said.result].exit_code


def _survey(domain: str, resolver: Resolver) -> Survey | None:
    """Return all that the record leads to, None where there is not one record that can be read."""
    outcome = resolver.query(domain, "TXT")
    texts = [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []
    read = spf_record.parse(texts[0]) if len(texts) == 1 else None
    return spf_tree.survey(domain, read, resolver) if isinstance(read, Record) else None


def _as_json(asked: Question, said: SpfResult, tree: Survey | None) -> dict[str, Any]:
    return {
        "result": said.result.value,
        "explanation": said.explanation,
        "reason": said.reason,
        "ip": asked.ip,
        "domain": asked.domain,
        "sender": asked.sender,
        "helo": asked.helo,
        "path": said.path(),
        "lookups": _cost(said.trace),
        "trace": [_step(step) for step in said.trace],
        "most": {"lookups": tree.cost, "allowed": MOST_LOOKUPS, "voids": len(tree.voids)} if tree else None,
        "tree": [_branch(branch) for branch in tree.branches] if tree else [],
    }


def _cost(steps: Iterable[Step]) -> int:
    return sum(step.lookups + _cost(step.steps) for step in steps)


def _step(step: Step) -> dict[str, Any]:
    return {
        "domain": step.domain,
        "term": step.term,
        "target": step.target,
        "outcome": str(step.outcome),
        "lookups": step.lookups,
        "lookups_with_below": step.lookups + _cost(step.steps),
        "void": step.void,
        "ttl": step.ttl,
        "steps": [_step(below) for below in step.steps],
    }


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "domain": branch.domain,
        "term": branch.term,
        "target": branch.target,
        "lookups_with_below": branch.cost,
        "void": branch.void,
        "ttl": branch.ttl,
        "flaw": branch.flaw.value if branch.flaw else None,
        "words": branch.failed.reason if branch.failed else branch.words,
        "branches": [_branch(below) for below in branch.branches],
    }


def _lines(asked: Question, said: SpfResult, tree: Survey | None) -> list[str]:
    sentence = _SENTENCES[said.result].format(ip=asked.ip, domain=_shown(asked.domain))
    lines = [f"{said.result.value}: {sentence}"]
    lines += [f"Why: {_shown(said.reason)}."] if said.reason else []
    lines += [f"The domain explains: {_shown(said.explanation)}"] if said.explanation else []
    if said.trace:
        lines += ["", "How a receiver comes to this:", *_step_lines(said.trace, 1)]
    if tree:
        lines += ["", f"All the record leads to: {tree.cost} DNS look-ups at worst, and {MOST_LOOKUPS} are allowed."]
        lines += _branch_lines(tree.branches, 1)
    return lines


def _shown(text: str) -> str:
    # What a stranger's record holds must not steer the terminal.
    return foreign_text.clean(text, _WIDEST)


def _step_lines(steps: Iterable[Step], depth: int) -> list[str]:
    lines = []
    for step in steps:
        cost = _cost_words(step.lookups + _cost(step.steps))
        void = ", found nothing" if step.void else ""
        lines.append(f"{'  ' * depth}{_shown(step.term)}: {step.outcome}{cost}{void}{_ttl(step.ttl)}")
        lines += _step_lines(step.steps, depth + 1)
    return lines


def _branch_lines(branches: Iterable[Branch], depth: int) -> list[str]:
    lines = []
    for branch in branches:
        words = branch.failed.reason if branch.failed else branch.words or ("finds nothing" if branch.void else "")
        said = f": {_shown(words)}" if words else ""
        lines.append(f"{'  ' * depth}{_shown(branch.term)}{_cost_words(branch.cost)}{_ttl(branch.ttl)}{said}")
        lines += _branch_lines(branch.branches, depth + 1)
    return lines


def _cost_words(count: int) -> str:
    return "" if count == 0 else f" ({count} look-up{'' if count == 1 else 's'})"


def _ttl(seconds: int | None) -> str:
    return "" if seconds is None else f", TTL {seconds} s"
