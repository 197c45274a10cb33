"""What each step of a line gives or asks, what is read of a line by itself, and trials that wait for their mails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_CAMPAIGN = sa.table(
    "campaign", sa.column("id"), sa.column("kind"), sa.column("stance"), sa.column("version"), sa.column("trial", _JSON)
)
_STEP = sa.table("follow_up_step", sa.column("campaign_id"), sa.column("kind"), sa.column("revision_id"))
_REVISION = sa.table(
    "revision", sa.column("id"), sa.column("campaign_id"), sa.column("number"), sa.column("document", _JSON)
)
# A step is what it is for; a plain letter what its blocks are, the first that stands here, or else news.
_KINDS = {"ask_one_more": "data_request", "how_is_it_going": "help", "renewal": "data_request"}
_BLOCKS = {"offer": "offer", "sponsored": "offer", "question": "data_request", "poll": "survey"}


def upgrade() -> None:
    """Build the indexes, and say of what there is what it is."""
    op.create_index("ix_follow_up_run_state", "follow_up_run", ["follow_up_id", "why", "state"])
    op.create_index("ix_follow_up_act_newest", "follow_up_act", ["step_id", "id"])
    _counted_by(["step_id", "kind", "why", "at"])
    if not op.get_context().as_sql:
        _stances()
        _trials()


def _counted_by(columns: list[str]) -> None:
    op.drop_index("ix_follow_up_act_step", table_name="follow_up_act")
    op.create_index("ix_follow_up_act_step", "follow_up_act", columns)


def _stances() -> None:
    bind = op.get_bind()
    newest = (_REVISION.c.campaign_id == _CAMPAIGN.c.id) & (_REVISION.c.number == _CAMPAIGN.c.version)
    # The words that go out; before any were let go, those that are written.
    goes_out = sa.case((_STEP.c.revision_id.is_(None), newest), else_=_REVISION.c.id == _STEP.c.revision_id)
    query = (
        sa.select(_CAMPAIGN.c.id, _STEP.c.kind, _REVISION.c.document)
        .join(_STEP, _STEP.c.campaign_id == _CAMPAIGN.c.id)
        .join(_REVISION, goes_out)
        .where(_CAMPAIGN.c.stance.is_(None))
    )
    for number, kind, document in bind.execute(query).all():
        stance = _KINDS.get(kind) or _of_blocks(document)
        bind.execute(sa.update(_CAMPAIGN).where(_CAMPAIGN.c.id == number).values(stance=stance))


def _of_blocks(document: object) -> str:
    held = document.get("blocks", []) if isinstance(document, dict) else document
    blocks = held if isinstance(held, list) else []
    types = {block.get("type") for block in blocks if isinstance(block, dict)}
    return next((stance for name, stance in _BLOCKS.items() if name in types), "news")


def _trials() -> None:
    """Let the time of each trial that waits count from when most of its mails had left; the next look says when."""
    bind = op.get_bind()
    query = sa.select(_CAMPAIGN.c.id, _CAMPAIGN.c.trial).where(_CAMPAIGN.c.trial.is_not(None))
    for number, trial in bind.execute(query).all():
        if isinstance(trial, dict) and trial.get("state") == "waiting":
            waits = {**trial, "results_at": None}
            bind.execute(sa.update(_CAMPAIGN).where(_CAMPAIGN.c.id == number).values(trial=waits))


def downgrade() -> None:
    """Take the indexes away again; that a letter of a step says what it is harms nobody."""
    _counted_by(["step_id", "kind", "why"])
    op.drop_index("ix_follow_up_act_newest", table_name="follow_up_act")
    op.drop_index("ix_follow_up_run_state", table_name="follow_up_run")
