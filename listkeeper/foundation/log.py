"""Structured logs for operators: event names ``noun.past_verb``, ids as keys, never an address."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Wide on purpose: a masked word too many costs nothing, an address in a log costs trust.
_ADDRESS = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
# PostgreSQL quotes the row that it could not take, with the name and all that stands in it.
_QUOTED_ROW = re.compile(r"^(\s*(?:DETAIL|CONTEXT):|COPY \w+, line \d+\b).*$", re.MULTILINE)


def mask(text: str) -> str:
    """Replace everything that looks like a mail address by ``<address>``."""
    return _ADDRESS.sub("<address>", text)


def _told(text: str) -> str:
    """Return what a log may say: no address, and no row that an error quotes."""
    return mask(_QUOTED_ROW.sub(r"\1 <row>", text))


def _mask_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    for key, value in event.items():
        event[key] = _masked(value)
    return event


def _masked(value: Any) -> Any:  # noqa: ANN401 - whatever a log line is given
    """Mask inside lists and mappings too; any other thing keeps its form unless its words hold an address."""
    if isinstance(value, str):
        return _told(value)
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    shown = repr(value)
    return value if _told(shown) == shown else _told(shown)


class _MaskingFormatter(logging.Formatter):
    """The same mask for what libraries log, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return _told(super().format(record))


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Send every log line, ours and the libraries', to standard error, masked."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_MaskingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("rq.worker", "rq.cron", "mail.log", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> Any:  # noqa: ANN401 - structlog's own type is Any
    """Return the logger of a module."""
    return structlog.get_logger(name)
