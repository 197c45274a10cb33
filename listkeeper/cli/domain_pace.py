"""``listkeeper domain warmup``, ``receivers`` and ``resume``: how fast a domain may send, and who refuses it."""

from __future__ import annotations

from typing import Any

import click
import redis

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli import own_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound, TryAgain
from listkeeper.sending import refusal
from listkeeper.sending.pacing import warmup
from listkeeper.sending.pacing.pace import Memory, Pace
from listkeeper.sending.pacing.warmup import WarmUp
from listkeeper.settings import Settings
from listkeeper.standards import address


@click.command("warmup")
@with_settings
@with_json
@click.argument("domain")
@click.option("--on/--off", "on", default=None, help="Let a domain that nobody knows yet send few mails at first.")
def warm_up(settings: Settings, *, domain: str, on: bool | None, as_json: bool) -> None:
    """Say what a new domain may send today, and why; or start and stop its plan."""
    label = address.domain_name(domain)
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        known = own_domain.named(session, owner.id, domain)
        if on is not None:
            warmup.switch(session, known, on=on)
            audit_log.record(
                session, owner.id, "command", f"domain.warmup_{'started' if on else 'stopped'}", known.public_id
            )
        plan = session.get(WarmUp, known.id)
        answer = _plan(label, plan)
        words = warmup.sentence(plan) if plan is not None and plan.active else "No warm-up: it sends as fast as it may."
    emit(answer, as_json=as_json, lines=[f"{label}: {words}"])


def _plan(domain: str, plan: WarmUp | None) -> dict[str, Any]:
    if plan is None or not plan.active:
        return {"domain": domain, "active": False}
    return {
        "domain": domain,
        "active": True,
        "day": plan.day,
        "allowance": plan.allowance,
        "used": plan.tried,
        "standing": plan.standing.value,
        "sentence": warmup.sentence(plan),
    }


@click.command()
@with_settings
@with_json
def receivers(settings: Settings, *, as_json: bool) -> None:
    """Show which receivers have slowed us down, shut their door or refuse a domain."""
    with opened(settings), store.reading() as session:
        slowed = parts.slowed()
        words = {(row.domain, row.provider): row.words for row in refusal.standing(session)}
    rows = [
        _row(domain, provider, state, words.get((domain, provider)), slowed.at.timestamp())
        for (domain, provider), state in sorted(slowed.found.items())
    ]
    lines = [f"{row['name']} ({row['domain']}): {row['words']}" for row in rows]
    if not slowed.known:
        lines = ["The queue server does not answer, so nobody knows. `listkeeper doctor` says more."]
    emit({"known": slowed.known, "receivers": rows}, as_json=as_json, lines=lines or ["Nobody has slowed us down."])


def _row(domain: str, provider: str, state: Memory, words: str | None, now: float) -> dict[str, Any]:
    shut = max(0, round(state.get("shut", 0.0) - now))
    if "held" in state:
        stands = words or "refuses this domain; its queue stands still"
    else:
        stands = f"shut for {shut} more seconds" if shut else f"{state.get('rate', 0.0):.1f} mails a second"
    return {
        "domain": domain,
        "provider": provider,
        "name": mail_provider.name(provider) or "a small mail server",
        "mails_per_second": state.get("rate"),
        "shut_seconds": shut,
        "refuses": "held" in state,
        "words": stands,
    }


@click.command()
@with_settings
@with_json
@click.argument("domain")
@click.argument("provider")
def resume(settings: Settings, *, domain: str, provider: str, as_json: bool) -> None:
    """Let mail to a receiver that refused a domain leave again; PROVIDER is what `domain receivers` calls it."""
    label = address.domain_name(domain)
    with opened(settings):
        with store.transaction() as session:
            owner = organisation.only_one(session)
            if not refusal.end(session, label, provider):
                raise NotFound("no_refusal", f"{provider} does not refuse {label}, as far as we know.")
            audit_log.record(session, owner.id, "command", "domain.resumed", f"{label} {provider}")
        try:
            Pace().free(parts.queue_server(), label, provider)
        except redis.RedisError:
            raise TryAgain(
                "queue_away", "The queue server does not answer. A trial within the hour frees the queue by itself."
            ) from None
    emit(
        {"domain": label, "provider": provider, "resumed_at": clock.as_text(clock.now())},
        as_json=as_json,
        lines=["Resumed."],
    )
